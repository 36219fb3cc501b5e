import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.data.batches import PairBatch, TokenBatch
from course_lib.models import GPT, EncoderDecoder, EncoderDecoderConfig, GPTConfig, shift_right
from course_lib.nn import next_token_loss
from course_lib.seeding import make_generator
from course_lib.training.objectives import CausalLM, Distillation, Seq2Seq, padding_of

N_IDS = 13
CHANCE = make_generator(0)


def make_batch(seed: int = 0, n_columns: int = 7) -> TokenBatch:
    generator = make_generator(seed)
    lengths = torch.tensor([[n_columns], [3], [5]])
    ids = torch.randint(1, N_IDS, (3, n_columns), generator=generator)
    mask = torch.arange(n_columns) < lengths
    return TokenBatch(ids * mask, mask)


def make_gpt(seed: int = 1) -> GPT:
    sizes = {"vocab_size": N_IDS, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1}
    return GPT(GPTConfig(**sizes), make_generator(seed)).double()


def make_translator(dropout: float = 0.0) -> EncoderDecoder:
    config = EncoderDecoderConfig(
        vocab_size=N_IDS,
        max_len=11,
        d_model=6,
        n_heads=3,
        n_encoder_layers=1,
        n_decoder_layers=1,
        d_ff=5,
        dropout=dropout,
    )
    return EncoderDecoder(config, make_generator(1)).double()


class Recorder(nn.Module):
    """Gives even scores, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(N_IDS, N_IDS))

    def forward(self, ids: Tensor, *others: Tensor | None) -> Tensor:
        self.asked = (ids, *others)
        return self.weight[ids if not others else others[0]]


def test_causal_is_the_loss_of_the_next_token_before_it_is_divided() -> None:
    model, batch = make_gpt(), make_batch()
    total, n_counted = CausalLM()(model, batch, CHANCE)
    assert n_counted == 6 + 2 + 4
    expected = next_token_loss(model(batch.ids), batch.ids, batch.mask)
    torch.testing.assert_close(total / n_counted, expected)


def test_causal_asks_for_no_more_than_it_needs() -> None:
    model, batch = Recorder(), make_batch()
    CausalLM()(model, batch, CHANCE)
    assert len(model.asked) == 1
    assert torch.equal(model.asked[0], batch.ids[:, :-1])


def test_what_is_in_the_padding_changes_nothing() -> None:
    model, (ids, mask) = make_gpt(), make_batch()
    other = TokenBatch(ids.masked_fill(~mask, 5), mask)
    expected = CausalLM()(model, TokenBatch(ids, mask), CHANCE)
    torch.testing.assert_close(CausalLM()(model, other, CHANCE), expected)


def test_seq2seq_forces_the_right_tokens_on_the_decoder() -> None:
    model, source, target = make_translator(), make_batch(0), make_batch(1, n_columns=11)
    total, n_counted = Seq2Seq(start_id=4)(model, PairBatch(source, target), CHANCE)
    logits = model(source.ids, shift_right(target.ids, 4), source.mask)
    assert n_counted == 11 + 3 + 5
    expected = F.cross_entropy(logits[target.mask], target.ids[target.mask], reduction="sum")
    torch.testing.assert_close(total, expected)


def test_seq2seq_gives_the_source_its_mask_only_if_it_is_padded() -> None:
    model, padded, target = Recorder(), make_batch(0), make_batch(1)
    full = TokenBatch(padded.ids, torch.ones_like(padded.mask))
    Seq2Seq(start_id=4)(model, PairBatch(padded, target), CHANCE)
    source, given, mask = model.asked
    assert mask is not None
    assert torch.equal(mask, padded.mask)
    assert torch.equal(source, padded.ids)
    assert given is not None
    assert given[:, 0].tolist() == [4, 4, 4]
    Seq2Seq(start_id=4)(model, PairBatch(full, target), CHANCE)
    assert model.asked[2] is None


def test_seq2seq_smooths_in_training_only() -> None:
    model, batch = make_translator(), PairBatch(make_batch(0), make_batch(1))
    (target, counted), smooth = batch.target, Seq2Seq(start_id=4, label_smoothing=0.3)
    logits = model(batch.source.ids, shift_right(target, 4), batch.source.mask)[counted]
    log_probs = logits.log_softmax(-1)
    right = log_probs.gather(-1, target[counted][:, None]).sum()
    found, n_counted = smooth(model, batch, CHANCE)
    torch.testing.assert_close(found, -0.7 * right - 0.3 * log_probs.mean(-1).sum())
    assert n_counted == 7 + 3 + 5
    torch.testing.assert_close(smooth(model.eval(), batch, CHANCE).total, -right)


def disagreement(ours: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    p, q = ((x / temperature).softmax(-1) for x in (theirs, ours))
    return (p * (p / q).log()).sum() * temperature**2


@pytest.mark.parametrize(("temperature", "weight"), [(1.0, 1.0), (3.0, 0.2)])
def test_distillation_by_its_formula(temperature: float, weight: float) -> None:
    student, teacher, batch = make_gpt(1), make_gpt(2), make_batch()
    objective = Distillation(teacher, temperature=temperature, weight=weight)
    found, n_counted = objective(student, batch, CHANCE)
    counted, ids = batch.mask[:, 1:], batch.ids[:, :-1]
    gap = disagreement(student(ids)[counted], teacher(ids)[counted], temperature)
    plain = CausalLM()(student, batch, CHANCE)
    assert n_counted == plain.n_counted
    torch.testing.assert_close(found, (1 - weight) * plain.total + weight * gap)
    evaluated = objective(student.eval(), batch, CHANCE)
    torch.testing.assert_close(evaluated, plain)


def test_a_perfect_pupil_pays_nothing_and_the_teacher_learns_nothing() -> None:
    model, teacher = make_gpt(), make_gpt()
    total, _ = Distillation(teacher.train(), weight=1.0)(model, make_batch(), CHANCE)
    total.backward()
    torch.testing.assert_close(total.detach(), torch.tensor(0.0, dtype=torch.float64))
    assert all(p.grad is None for p in teacher.parameters())
    assert not teacher.training


def test_distillation_in_sixteen_bits_is_summed_in_float32() -> None:
    student, teacher = make_gpt(1).bfloat16(), make_gpt(2).bfloat16()
    assert Distillation(teacher)(student, make_batch(), CHANCE).total.dtype == torch.float32


def test_a_mask_that_hides_nothing_is_not_given() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    assert padding_of(mask[:1], torch.device("cpu")) is None
    assert padding_of(mask, torch.device("cpu")) is mask


def test_settings_out_of_range_are_refused() -> None:
    for value in (-0.1, 1.0):
        with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\); got"):
            Seq2Seq(start_id=0, label_smoothing=value)
    with pytest.raises(ValueError, match=r"temperature must be > 0; got temperature=0.0"):
        Distillation(nn.Linear(2, 3), temperature=0.0)
    for value in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"weight must be between 0 and 1; got weight="):
            Distillation(nn.Linear(2, 3), weight=value)


def test_defaults() -> None:
    assert Seq2Seq(start_id=3).label_smoothing == 0.0
    objective = Distillation(nn.Linear(2, 3))
    assert (objective.temperature, objective.weight) == (2.0, 0.5)
    assert Distillation(nn.Linear(2, 3), weight=0.0).weight == 0.0
