import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.data.batches import TokenBatch
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.training.masked import MaskedLM, mask_tokens

N_IDS, MASK_ID = 31, 3


def make_batch(n_rows: int = 5, n_columns: int = 11) -> TokenBatch:
    ids = torch.randint(4, N_IDS, (n_rows, n_columns), generator=make_generator(0))
    ids[:, 0] = 1
    mask = torch.arange(n_columns) < torch.arange(n_columns, n_columns - n_rows, -1)[:, None]
    return TokenBatch(ids * mask, mask)


def make_objective(**settings: object) -> MaskedLM:
    return MaskedLM(mask_id=MASK_ID, vocab_size=N_IDS, special_ids=(1, 2), **settings)  # type: ignore[arg-type]  # settings of any kind


def test_the_loss_is_that_of_the_chosen_tokens_given_the_hidden_text() -> None:
    sizes = {"max_len": 11, "d_model": 6, "n_heads": 3, "n_layers": 1, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=N_IDS, **sizes), make_generator(1)).double()
    objective, batch = make_objective(share=0.4), make_batch()
    total, n_counted = objective(model, batch, make_generator(7))
    same_chance = make_generator(7)
    chosen = objective.choose(batch, same_chance)
    hidden = objective.hide(batch.ids, chosen, same_chance)
    logits = model(hidden, batch.mask)
    expected = F.cross_entropy(logits[chosen], batch.ids[chosen], reduction="sum")
    torch.testing.assert_close(total, expected)
    assert n_counted == int(chosen.sum()) > 5


class Recorder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(N_IDS, N_IDS))

    def forward(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        self.mask = mask
        return self.weight[ids]


def test_the_model_gets_a_mask_only_if_there_is_padding() -> None:
    model, batch = Recorder(), make_batch()
    make_objective()(model, batch, make_generator(0))
    assert model.mask is batch.mask
    full = TokenBatch(batch.ids, torch.ones_like(batch.mask))
    make_objective()(model, full, make_generator(0))
    assert model.mask is None


def test_shares_are_80_10_10_of_15_percent() -> None:
    ids = torch.full((400, 500), 9)
    batch = TokenBatch(ids, torch.ones_like(ids, dtype=torch.bool))
    objective, generator = make_objective(), make_generator(0)
    chosen = objective.choose(batch, generator)
    hidden = objective.hide(ids, chosen, generator)
    assert chosen.double().mean() == pytest.approx(0.15, abs=0.003)
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert (hidden[chosen] == MASK_ID).double().mean() == pytest.approx(
        0.8 + 0.1 / N_IDS, abs=0.007
    )
    assert (hidden[chosen] == 9).double().mean() == pytest.approx(0.1 + 0.1 / N_IDS, abs=0.007)
    drawn = hidden[chosen & (hidden != 9) & (hidden != MASK_ID)]
    assert set(drawn.tolist()) == set(range(N_IDS)) - {9, MASK_ID}
    assert torch.equal(ids, torch.full_like(ids, 9))


def test_padding_and_special_tokens_are_never_chosen() -> None:
    batch = make_batch()
    batch.ids[2, 4] = 2
    chosen = make_objective(share=0.99).choose(batch, make_generator(0))
    allowed = batch.mask & (batch.ids > 2)
    assert not (chosen & ~allowed).any()
    assert chosen.sum() >= 0.9 * allowed.sum()
    assert (
        MaskedLM(mask_id=0, vocab_size=N_IDS, share=0.99)
        .choose(batch, make_generator(0))[:, 0]
        .any()
    )


def test_each_time_another_choice_unless_the_chance_is_the_same() -> None:
    batch, objective, generator = make_batch(), make_objective(share=0.5), make_generator(0)
    first, second = objective.choose(batch, generator), objective.choose(batch, generator)
    assert not torch.equal(first, second)
    assert torch.equal(objective.choose(batch, make_generator(0)), first)


def test_words_are_chosen_as_a_whole() -> None:
    starts = torch.arange(N_IDS) % 3 == 0
    objective = make_objective(share=0.5, word_starts=starts)
    ids = torch.randint(4, N_IDS, (23, 29), generator=make_generator(5))
    chosen = objective.choose(
        TokenBatch(ids, torch.ones_like(ids, dtype=torch.bool)), make_generator(0)
    )
    inside = ~starts[ids[:, 1:]]  # goes on with the word of the token before
    assert torch.equal(chosen[:, 1:][inside], chosen[:, :-1][inside])
    apart = chosen[:, 1:][~inside] == chosen[:, :-1][~inside]
    assert apart.double().mean() == pytest.approx(0.5, abs=0.1)
    assert chosen.double().mean() == pytest.approx(0.5, abs=0.1)


def test_the_first_token_begins_a_word_whatever_it_is() -> None:
    starts = torch.zeros(N_IDS, dtype=torch.bool)
    starts[5] = True
    objective = make_objective(share=0.5, word_starts=starts)
    ids = torch.tensor([[7, 5, 5]]).expand(400, 3)
    chosen = objective.choose(
        TokenBatch(ids, torch.ones_like(ids, dtype=torch.bool)), make_generator(0)
    )
    for one, other in ((0, 1), (1, 2), (0, 2)):
        same = (chosen[:, one] == chosen[:, other]).double().mean()
        assert same == pytest.approx(0.5, abs=0.1)


def test_settings_out_of_range_are_refused() -> None:
    for mask_id in (-1, 31):
        with pytest.raises(ValueError, match=r"mask_id must be an id below vocab_size=31; got"):
            MaskedLM(mask_id=mask_id, vocab_size=31)
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match=r"share must be above 0 and below 1; got share="):
            make_objective(share=share)
    with pytest.raises(ValueError, match=r"word_starts must have one entry per id"):
        make_objective(word_starts=torch.ones(30, dtype=torch.bool))
    assert MaskedLM(mask_id=0, vocab_size=1).mask_id == 0


def test_mask_tokens_by_hand() -> None:
    # One draw on each side of both limits, and one token that was not chosen.
    draws = torch.tensor([[0.0, 0.7999, 0.8, 0.8999, 0.9, 0.1]])
    chosen = torch.tensor([[True, True, True, True, True, False]])
    hidden = mask_tokens(torch.arange(5, 11)[None], chosen, draws, torch.arange(20, 26)[None], 1)
    assert hidden.tolist() == [[1, 1, 22, 23, 9, 10]]
