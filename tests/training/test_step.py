import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from course_lib.data.batches import TokenBatch
from course_lib.errors import TrainingDivergedError
from course_lib.models import GPT, GPTConfig
from course_lib.nn import next_token_loss
from course_lib.seeding import make_generator
from course_lib.training.config import TrainingConfig
from course_lib.training.muon import MuonConfig
from course_lib.training.objectives import CausalLM, LossSum
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.schedules import WarmupLinear
from course_lib.training.state import TrainingState, make_state
from course_lib.training.step import chance_of, sum_gradients, take_step

N_IDS = 13


class Listed:
    """Batches from a list, over and over."""

    def __init__(self, batches: Sequence[Any]) -> None:
        self.batches, self.asked = batches, []

    @property
    def n_batches(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        self.asked.append(index)
        return self.batches[index % len(self.batches)]


def make_batch(seed: int, n_rows: int, n_columns: int = 7) -> TokenBatch:
    generator = make_generator(seed)
    ids = torch.randint(N_IDS, (n_rows, n_columns), generator=generator)
    lengths = torch.randint(1, n_columns + 1, (n_rows, 1), generator=generator)
    return TokenBatch(ids, torch.arange(n_columns) < lengths)


def make_gpt(seed: int = 1) -> GPT:
    sizes = {"vocab_size": N_IDS, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(**sizes), make_generator(seed)).double()


def make_config(**settings: Any) -> TrainingConfig:
    return TrainingConfig(**{"n_steps": 5, "schedule": WarmupLinear(n_warmup=2)} | settings)


@pytest.mark.parametrize("optimizer", [AdamWConfig(), MuonConfig(precision="float32")])
def test_micro_batches_equal_one_batch_with_ragged_masks(
    optimizer: AdamWConfig | MuonConfig,
) -> None:
    # Row by row, the counts of the micro-batches differ, and the first has none at all.
    whole = make_batch(0, n_rows=12)
    whole.mask[:2, 1:] = False
    parts = [TokenBatch(whole.ids[i : i + 2], whole.mask[i : i + 2]) for i in range(0, 12, 2)]
    counts = [int(part.mask[:, 1:].sum()) for part in parts]
    assert counts[0] == 0
    assert len(set(counts)) > 3
    one = make_state(make_gpt(), make_config(optimizer=optimizer))
    many = make_state(make_gpt(), make_config(optimizer=optimizer, n_micro_batches=6))
    for _ in range(3):
        sums = [sum_gradients(one, Listed([whole]), CausalLM())]
        sums += [sum_gradients(many, Listed(parts), CausalLM())]
        assert sums[0].n_counted == sums[1].n_counted == sum(counts)
        for a, b in zip(one.model.parameters(), many.model.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=1e-12)
        take_step(one, Listed([whole]), CausalLM())
        take_step(many, Listed(parts), CausalLM())
    for name in ("losses", "grad_norms"):
        assert getattr(one.history, name) == pytest.approx(
            getattr(many.history, name), rel=0, abs=1e-12
        )


@pytest.mark.parametrize("max_grad_norm", [0.3, math.inf])
def test_steps_equal_torch_written_out(max_grad_norm: float) -> None:
    adamw = AdamWConfig(learning_rate=0.02, beta2=0.9, weight_decay=0.3)
    state = make_state(make_gpt(), make_config(optimizer=adamw, max_grad_norm=max_grad_norm))
    twin = make_gpt()
    matrices = [p for n, p in twin.named_parameters() if p.ndim == 2 and n.startswith("blocks")]
    others = [p for p in twin.parameters() if all(p is not m for m in matrices)]
    groups = [{"params": matrices, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.9))
    batches = [make_batch(seed, n_rows=3) for seed in range(5)]
    losses, norms = [], []
    for factor, (ids, mask) in zip([0.5, 1, 1, 2 / 3, 1 / 3], batches, strict=True):
        loss = next_token_loss(twin(ids), ids, mask)
        optimizer.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(twin.parameters(), max_grad_norm).item())
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * factor
        optimizer.step()
        losses.append(loss.item())
        take_step(state, Listed(batches), CausalLM())
    history = state.history
    # torch adds 1e-6 to the length before it divides by it.
    assert history.losses == pytest.approx(losses, rel=1e-5)
    assert history.grad_norms == pytest.approx(norms, rel=1e-5)
    assert min(norms) > 0.3
    assert history.learning_rates == pytest.approx([0.01, 0.02, 0.02, 0.04 / 3, 0.02 / 3])
    assert history.n_tokens == [int(batch.mask[:, 1:].sum()) for batch in batches]
    assert all(seconds > 0 for seconds in history.seconds)
    assert state.step == 5
    torch.testing.assert_close(state.model.state_dict(), twin.state_dict(), rtol=1e-4, atol=1e-6)


def test_each_step_takes_the_next_batches_with_chances_of_their_own() -> None:
    seen = []

    def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        seen.append(int(torch.randint(10**9, (), generator=generator)))
        return CausalLM()(model, batch, generator)

    data = Listed([make_batch(0, n_rows=3)])
    state = make_state(make_gpt(), make_config(n_micro_batches=2, seed=7))
    for _ in range(3):
        take_step(state, data, objective)
    assert data.asked == [0, 1, 2, 3, 4, 5]
    places = [(step, micro) for step in range(3) for micro in range(2)]
    draws = [int(torch.randint(10**9, (), generator=chance_of(7, *place))) for place in places]
    assert seen == draws
    assert len({*draws, int(torch.randint(10**9, (), generator=chance_of(8, 0, 0)))}) == 7


def test_the_average_takes_every_step_in() -> None:
    state = make_state(make_gpt(), make_config(ema_decay=0.9))
    start = make_gpt().tokens.weight.detach()
    data = Listed([make_batch(0, n_rows=3)])
    take_step(state, data, CausalLM())
    assert state.average is not None
    first = state.model.get_parameter("tokens.weight").detach().clone()
    expected = 0.1 * start + 0.9 * first
    torch.testing.assert_close(state.average.weights["tokens.weight"], expected)
    take_step(state, data, CausalLM())
    second = state.model.get_parameter("tokens.weight").detach()
    expected = (2 * expected + 9 * second) / 11
    torch.testing.assert_close(state.average.weights["tokens.weight"], expected)


def test_gradients_are_gone_after_a_step() -> None:
    state = make_state(make_gpt(), make_config())
    take_step(state, Listed([make_batch(0, n_rows=3)]), CausalLM())
    assert all(p.grad is None for p in state.model.parameters())


def test_a_gradient_of_zero_moves_nothing_by_itself() -> None:
    def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        return LossSum(0 * sum(p.sum() for p in model.parameters()), 1)

    state = make_state(make_gpt(), make_config(optimizer=AdamWConfig(weight_decay=0.0)))
    take_step(state, Listed([0]), objective)
    assert state.history.grad_norms == [0.0]
    torch.testing.assert_close(state.model.state_dict(), make_gpt().state_dict(), rtol=0, atol=0)


def test_a_step_without_a_token_that_counts_is_refused() -> None:
    batch = make_batch(0, n_rows=2)
    batch.mask[:, 1:] = False
    state = make_state(make_gpt(), make_config(n_micro_batches=3))
    state.step = 4
    with pytest.raises(ValueError, match=r"token that counts; got none in batches 12 to 14\."):
        take_step(state, Listed([batch]), CausalLM())


def freeze(state: TrainingState) -> Any:
    return deepcopy((state.model.state_dict(), state.optimizer.state_dict()["state"], state.step))


def poisoned(bad: float, only: str = "") -> Any:
    """Make an objective whose gradient is `bad` at the parameters whose names contain `only`."""

    def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        total, n_counted = CausalLM()(model, batch, generator)
        chosen = [p for n, p in model.named_parameters() if only in n]
        return LossSum(total + sum((p - p.detach()).sum() for p in chosen) * bad, n_counted)

    return objective


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_gradient_that_is_not_finite_stops_the_run_before_the_step(bad: float) -> None:
    data = Listed([make_batch(0, n_rows=3)])
    state = make_state(make_gpt(), make_config(n_micro_batches=2, ema_decay=0.5))
    take_step(state, data, CausalLM())
    before = freeze(state)
    with pytest.raises(TrainingDivergedError) as caught:
        take_step(state, data, poisoned(bad, only="1.attention.output"))
    assert str(caught.value).startswith("loss and gradient must be finite; got loss=")
    assert "at step 1, batches 2 to 3 (counted from 0)" in str(caught.value)
    named = str(caught.value).split("Largest gradients: ")[1].split(". The weights")[0].split(", ")
    assert len(named) == 3
    assert all(name.startswith("blocks.1.attention.output.") for name in named[:2])
    assert named[2].endswith(")")
    assert "output" not in named[2]
    torch.testing.assert_close(freeze(state), before, rtol=0, atol=0)
    assert len(state.history.losses) == 1


def test_a_loss_that_is_not_finite_stops_the_run_too() -> None:
    def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        total, n_counted = CausalLM()(model, batch, generator)
        return LossSum(total + math.inf, n_counted)

    state = make_state(make_gpt(), make_config())
    message = r"got loss=inf and gradient norm 1\.64\d+ at step 0, batch 0 \(counted from 0\)"
    with pytest.raises(TrainingDivergedError, match=message) as caught:
        take_step(state, Listed([make_batch(0, n_rows=3)]), objective)
    table = state.model.get_parameter("tokens.weight").grad
    assert table is not None
    mean = table.norm() / make_batch(0, n_rows=3).mask[:, 1:].sum()
    assert f"Largest gradients: tokens.weight ({mean:.3g}), " in str(caught.value)


class Half(nn.Module):
    """Its gradient passes through float16 as 100 times the slope: at most 655 fits."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, 2.0]))


def overflowing(model: nn.Module, batch: int, generator: torch.Generator) -> LossSum:
    weight: Tensor = model.get_parameter("weight")
    return LossSum((weight.half() * 100).float().sum(), batch)


def test_an_overflow_in_float16_halves_the_scale_and_leaves_the_step_out() -> None:
    state = make_state(Half(), make_config(precision="float16", max_grad_norm=math.inf))
    assert state.scaler is not None
    for n_overflows in range(1, 8):
        take_step(state, Listed([1]), overflowing)
        assert state.scaler.scale == 65536 / 2**n_overflows
        assert state.model.get_parameter("weight").tolist() == [1.0, 2.0]
    assert not state.optimizer.state
    assert state.history.grad_norms == [math.inf] * 7
    assert state.history.losses == [300.0] * 7
    take_step(state, Listed([1]), overflowing)
    assert (state.scaler.scale, state.scaler.n_good_steps, state.step) == (512, 1, 8)
    assert state.history.grad_norms[-1] == pytest.approx(100 * math.sqrt(2))
    assert state.model.get_parameter("weight").tolist() != [1.0, 2.0]


def test_the_scale_is_that_of_a_mean_and_the_gradient_that_of_the_sum() -> None:
    state = make_state(Half(), make_config(precision="float16", n_micro_batches=2))
    total, n_counted = sum_gradients(state, Listed([200, 3]), overflowing)  # 65536 / 256 · 100
    weight = state.model.get_parameter("weight")
    assert weight.grad is not None
    assert weight.grad.tolist() == [200.0, 200.0]
    assert (total.item(), n_counted) == (600.0, 203)
    sum_gradients(state, Listed([0, 1]), overflowing)  # 65536 / 1 · 100
    assert weight.grad.tolist() == [math.inf, math.inf]


def test_overflow_that_no_scale_can_help_is_an_error() -> None:
    state = make_state(make_gpt().float(), make_config(precision="float16"))
    for _ in range(16):
        take_step(state, Listed([make_batch(0, n_rows=3)]), poisoned(math.nan))
    with pytest.raises(TrainingDivergedError, match="at step 16"):
        take_step(state, Listed([make_batch(0, n_rows=3)]), poisoned(math.nan))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_stay_near_thirty_two(precision: Any) -> None:
    losses = []
    for each in ("float32", precision):
        state = make_state(make_gpt().float(), make_config(precision=each, n_micro_batches=2))
        for _ in range(3):
            take_step(state, Listed([make_batch(0, n_rows=5)]), CausalLM())
        losses.append(state.history.losses)
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=2e-3)
