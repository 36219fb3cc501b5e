import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.models import (
    LSTMLanguageModel,
    LSTMLanguageModelConfig,
    lstm_step,
    zaremba_medium,
)
from course_lib.seeding import make_generator


def make_model(n_layers: int = 2, dropout: float = 0.0, seed: int = 0) -> LSTMLanguageModel:
    config = LSTMLanguageModelConfig(vocab_size=11, d_model=5, n_layers=n_layers, dropout=dropout)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LSTMLanguageModel(config).double()


def some_ids(*shape: int) -> torch.Tensor:
    return torch.randint(11, shape, generator=make_generator(0))


def test_lstm_step_by_hand() -> None:
    def number(value: float) -> torch.Tensor:
        return torch.tensor([[value]], dtype=torch.float64)

    def sigmoid(score: float) -> float:
        return 1 / (1 + math.exp(-score))

    from_x, from_hidden, bias = torch.tensor(
        [[1.0, 2.0, 3.0, 4.0], [0.5, -0.5, 0.25, -0.25], [0.1, 0.2, 0.3, 0.4]], dtype=torch.float64
    )
    hidden, cell = lstm_step(
        number(0.5), number(2.0), number(-3.0), from_x[:, None], from_hidden[:, None], bias
    )
    # scores: write 0.5 + 1 + 0.1, keep 1 - 1 + 0.2, candidate 1.5 + 0.5 + 0.3, show 2 - 0.5 + 0.4
    expected_cell = sigmoid(0.2) * -3 + sigmoid(1.6) * math.tanh(2.3)
    torch.testing.assert_close(cell, number(expected_cell))
    torch.testing.assert_close(hidden, number(sigmoid(1.9) * math.tanh(expected_cell)))


def test_lstm_step_is_torchs_cell() -> None:
    theirs = nn.LSTMCell(3, 5).double()
    x, hidden, cell = (
        torch.randn(2, width, generator=make_generator(seed), dtype=torch.float64)
        for seed, width in enumerate((3, 5, 5))
    )
    ours = lstm_step(
        x, hidden, cell, theirs.weight_ih, theirs.weight_hh, theirs.bias_ih + theirs.bias_hh
    )
    torch.testing.assert_close(ours, theirs(x, (hidden, cell)))


def test_memory_stays_when_the_gates_say_keep_and_do_not_write() -> None:
    gates = torch.tensor([-100.0, 100.0, 3.0, 100.0]).repeat_interleave(2)
    cell = torch.tensor([[0.5, -2.0]])
    zeros = torch.zeros(8, 2)
    hidden, after = lstm_step(torch.ones(1, 2), torch.ones(1, 2), cell, zeros, zeros, gates)
    torch.testing.assert_close(after, cell)
    torch.testing.assert_close(hidden, cell.tanh())


@pytest.mark.parametrize("n_layers", [1, 3])
def test_the_model_is_the_written_out_step_over_and_over(n_layers: int) -> None:
    model, ids = make_model(n_layers), some_ids(2, 7)
    inputs = model.embedding.weight[ids]
    hidden = [torch.zeros(2, 5, dtype=torch.float64) for _ in range(n_layers)]
    cell = [torch.zeros(2, 5, dtype=torch.float64) for _ in range(n_layers)]
    scores = []
    for t in range(7):
        x = inputs[:, t]
        for layer in range(n_layers):
            from_x, from_hidden, bias, more_bias = model.lstm.all_weights[layer]
            hidden[layer], cell[layer] = lstm_step(
                x, hidden[layer], cell[layer], from_x, from_hidden, bias + more_bias
            )
            x = hidden[layer]
        scores.append(x @ model.output.weight.mT + model.output.bias)
    logits, state = model(ids)
    torch.testing.assert_close(logits, torch.stack(scores, dim=1))
    torch.testing.assert_close(state, (torch.stack(hidden), torch.stack(cell)))


def test_the_state_stands_for_the_tokens_before() -> None:
    model, ids = make_model(), some_ids(2, 7)
    at_once, last = model(ids)
    state, parts = None, []
    for part in ids.split([3, 1, 3], dim=1):
        logits, state = model(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=1), at_once)
    torch.testing.assert_close(state, last)


def test_the_future_cannot_move_the_past() -> None:
    model, ids = make_model(), some_ids(2, 7)
    changed = ids.clone()
    changed[:, 4] = (ids[:, 4] + 1) % 11
    before, after = model(ids)[0], model(changed)[0]
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all()


def test_starts_unsure_with_visible_tokens_and_lasting_memory() -> None:
    torch.manual_seed(0)
    model = LSTMLanguageModel(LSTMLanguageModelConfig(vocab_size=101, d_model=13, n_layers=2))
    ids = torch.randint(101, (3, 17), generator=make_generator(0))
    loss = F.cross_entropy(model(ids)[0].flatten(0, 1), ids.flatten())
    assert loss.item() == pytest.approx(math.log(101), rel=0.05)
    assert 0.9 < model.embedding.weight.std() < 1.1
    for _, _, bias, more_bias in model.lstm.all_weights:
        together = bias + more_bias
        assert torch.equal(together[13:26], torch.ones(13))
        others = torch.cat((together[:13], together[26:]))
        assert 0 < others.abs().max() < 1  # torch's own start


def test_learns_to_recall_what_came_before_a_pause() -> None:
    torch.manual_seed(0)
    model = LSTMLanguageModel(LSTMLanguageModelConfig(vocab_size=6, d_model=32))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    ids = torch.zeros(4, 7, dtype=torch.int64)
    ids[:, 0] = ids[:, -1] = torch.arange(1, 5)  # the first token comes back,
    ids[:, -2] = 5  # right after this one
    for _ in range(150):
        logits, _ = model(ids[:, :-1])
        loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05  # without memory: ln 4 at one place of six, 0.23


def test_dropout_acts_in_training_only() -> None:
    ids = some_ids(2, 7)
    plain = make_model(1)
    model = make_model(1, dropout=0.5)
    torch.testing.assert_close(model.eval()(ids)[0], plain(ids)[0])
    assert not torch.isclose(model.train()(ids)[0], plain(ids)[0]).any(dim=-1).all()


def test_dropout_lies_below_between_and_above_the_layers() -> None:
    model = make_model(3, dropout=0.4)
    assert model.lstm.dropout == make_model(2, dropout=0.4).lstm.dropout == 0.4
    assert make_model(1, dropout=0.4).lstm.dropout == 0.0
    seen: list[tuple[int, ...]] = []
    model.dropout.register_forward_hook(lambda _module, _in, out: seen.append(tuple(out.shape)))
    model(some_ids(2, 7))
    assert seen == [(2, 7, 5), (2, 7, 5)]


def test_settings() -> None:
    assert zaremba_medium() == LSTMLanguageModelConfig(
        vocab_size=10000, d_model=650, n_layers=2, dropout=0.5
    )
    one = LSTMLanguageModelConfig(vocab_size=1, d_model=1, n_layers=1)
    assert (one.n_layers, one.dropout) == (1, 0.0)
    defaults = LSTMLanguageModelConfig(vocab_size=3)
    assert (defaults.d_model, defaults.n_layers) == (128, 1)
    for name in ("vocab_size", "d_model", "n_layers"):
        with pytest.raises(ValueError, match=f"{name} must be ≥ 1; got {name}=0"):
            LSTMLanguageModelConfig(**{"vocab_size": 2, name: 0})
    for dropout in (-0.1, 1.0):
        with pytest.raises(ValueError, match=f"dropout must be .* got dropout={dropout}"):
            LSTMLanguageModelConfig(vocab_size=2, dropout=dropout)
