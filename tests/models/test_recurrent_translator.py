import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.models import AttendingTranslator, RecurrentTranslator, RecurrentTranslatorConfig
from course_lib.nn import padding_mask
from course_lib.seeding import make_generator

Translator = RecurrentTranslator | AttendingTranslator
BOTH = pytest.mark.parametrize("kind", [RecurrentTranslator, AttendingTranslator])
CONFIG = RecurrentTranslatorConfig(
    source_vocab_size=11, target_vocab_size=13, d_model=3, d_hidden=5
)


def make_translator(kind: type[Translator]) -> Translator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        translator = kind(CONFIG).double()
        for embedding in (translator.encoder.embedding, translator.embedding):
            nn.init.normal_(embedding.weight)
    return translator


def some_pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = make_generator(0)
    return (
        torch.randint(11, (2, 7), generator=generator),
        torch.randint(13, (2, 4), generator=generator),
    )


def gru_step(x, state, from_x, from_state, bias_x, bias_state) -> torch.Tensor:
    reset_x, keep_x, new_x = (from_x @ x + bias_x).chunk(3)
    reset_s, keep_s, new_s = (from_state @ state + bias_state).chunk(3)
    keep = (keep_x + keep_s).sigmoid()
    candidate = (new_x + (reset_x + reset_s).sigmoid() * new_s).tanh()
    return keep * state + (1 - keep) * candidate


def read_by_hand(translator: Translator, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    vectors = translator.encoder.embedding.weight[ids]
    read, last = [], []
    for weights, order in zip(translator.encoder.gru.all_weights, (1, -1), strict=True):
        state, states = torch.zeros(5, dtype=torch.float64), []
        for x in list(vectors)[::order]:
            state = gru_step(x, state, *weights)
            states.append(state)
        read.append(torch.stack(states[::order]))
        last.append(state)
    return torch.cat(read, dim=-1), torch.cat(last)


@BOTH
def test_scores_follow_the_equations_step_by_step(kind: type[Translator]) -> None:
    translator = make_translator(kind)
    source_ids, target_ids = some_pair()
    for row in range(2):
        read, last = read_by_hand(translator, source_ids[row])
        state = (translator.start.weight @ last + translator.start.bias).tanh()
        rows = []
        for vector in translator.embedding.weight[target_ids[row]]:
            if isinstance(translator, AttendingTranslator):
                attention, weights = translator.attention, translator.decoder.parameters()
                match = (read @ attention.key.weight.mT + attention.query.weight @ state).tanh()
                context = (match @ attention.score.weight[0]).softmax(0) @ read
            else:
                context, weights = last, translator.decoder.all_weights[0]
            state = gru_step(torch.cat((vector, context)), state, *weights)
            output = translator.output
            rows.append(output.weight @ torch.cat((state, context)) + output.bias)
        logits = translator(source_ids[row : row + 1], target_ids[row : row + 1])[0]
        torch.testing.assert_close(logits, torch.stack(rows))


@BOTH
def test_sizes(kind: type[Translator]) -> None:
    assert make_translator(kind)(*some_pair()).shape == (2, 4, 13)


@BOTH
def test_padding_changes_nothing(kind: type[Translator]) -> None:
    translator = make_translator(kind)
    source_ids, target_ids = some_pair()
    mask = padding_mask(torch.tensor([3, 7]), 7)
    padded = translator(source_ids, target_ids, mask)
    torch.testing.assert_close(padded[:1], translator(source_ids[:1, :3], target_ids[:1]))
    torch.testing.assert_close(padded[1:], translator(source_ids[1:], target_ids[1:]))
    other = source_ids.clone()
    other[0, 3:] = (source_ids[0, 3:] + 1) % 11
    torch.testing.assert_close(translator(other, target_ids, mask), padded, rtol=0, atol=0)
    assert not torch.isclose(translator(other, target_ids), padded)[0].all()


@BOTH
def test_padding_of_the_whole_batch_is_only_room(kind: type[Translator]) -> None:
    translator = make_translator(kind)
    source_ids, target_ids = some_pair()
    mask = padding_mask(torch.tensor([3, 5]), 7)
    torch.testing.assert_close(
        translator(source_ids, target_ids, mask),
        translator(source_ids[:, :5], target_ids, mask[:, :5]),
    )


@BOTH
def test_the_future_cannot_move_the_past(kind: type[Translator]) -> None:
    translator = make_translator(kind)
    source_ids, target_ids = some_pair()
    changed = target_ids.clone()
    changed[:, 2] = (target_ids[:, 2] + 1) % 13
    before, after = translator(source_ids, target_ids), translator(source_ids, changed)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.isclose(before[:, 2:], after[:, 2:]).all()


@BOTH
@pytest.mark.parametrize("row", [[False, True, True], [True, False, True], [False] * 3])
def test_padding_must_come_last(kind: type[Translator], row: list[bool]) -> None:
    mask = torch.tensor([[True, True, True], row])
    n_tokens = mask[1].sum().item()
    with pytest.raises(ValueError, match=rf"source_mask must be .*\[3, {n_tokens}\] tokens"):
        make_translator(kind)(torch.ones(2, 3).long(), torch.ones(2, 2).long(), mask)


def test_a_single_token_is_enough() -> None:
    mask = torch.tensor([[True, False, False], [True, True, True]])
    translator = make_translator(RecurrentTranslator)
    assert translator(torch.ones(2, 3).long(), torch.ones(2, 2).long(), mask).isfinite().all()


def test_weights_sum_to_one_and_skip_padding() -> None:
    translator = make_translator(AttendingTranslator)
    source_ids, target_ids = some_pair()
    weights = translator.weights(source_ids, target_ids, padding_mask(torch.tensor([3, 7]), 7))
    assert weights.shape == (2, 4, 7)
    assert not weights.requires_grad
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 4, dtype=torch.float64))
    assert torch.equal(weights[0, :, 3:], torch.zeros(4, 4, dtype=torch.float64))
    assert weights[0, :, :3].min() > 0


def copying_accuracy(kind: type[Translator], n_steps: int) -> float:
    """Train to copy eight random tokens; share of tokens copied right from unseen texts."""
    torch.manual_seed(0)
    generator = make_generator(0)
    config = RecurrentTranslatorConfig(
        source_vocab_size=11, target_vocab_size=11, d_model=32, d_hidden=32
    )
    translator = kind(config)
    optimiser = torch.optim.Adam(translator.parameters(), lr=0.005)
    for step in range(n_steps + 1):
        text = torch.randint(1, 11, (64, 8), generator=generator)
        inputs = torch.cat((torch.zeros(64, 1, dtype=torch.int64), text[:, :-1]), dim=1)
        logits = translator(text, inputs)
        if step < n_steps:
            optimiser.zero_grad()
            F.cross_entropy(logits.flatten(0, 1), text.flatten()).backward()
            optimiser.step()
    return (logits.argmax(dim=-1) == text).double().mean().item()


def test_attention_learns_to_copy_what_the_bottleneck_cannot_hold() -> None:
    attending = copying_accuracy(AttendingTranslator, 100)
    bottleneck = copying_accuracy(RecurrentTranslator, 100)
    assert attending > 0.9
    assert bottleneck < attending - 0.2


def test_settings() -> None:
    defaults = RecurrentTranslatorConfig(source_vocab_size=1, target_vocab_size=1)
    assert (defaults.d_model, defaults.d_hidden) == (64, 128)
    RecurrentTranslatorConfig(source_vocab_size=1, target_vocab_size=1, d_model=1, d_hidden=1)
    sizes = {"source_vocab_size": 2, "target_vocab_size": 2}
    for name in ("source_vocab_size", "target_vocab_size", "d_model", "d_hidden"):
        with pytest.raises(ValueError, match=f"{name} must be ≥ 1; got {name}=0"):
            RecurrentTranslatorConfig(**(sizes | {name: 0}))
