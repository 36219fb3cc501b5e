import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from course_lib.data.batches import InOrder, PackedBatches, PaddedBatches, TokenBatch
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator
from course_lib.training import processes as module
from course_lib.training.checkpoint_files import list_checkpoints, read_checkpoint
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.config import TrainingConfig
from course_lib.training.evaluating import evaluate
from course_lib.training.history import History
from course_lib.training.masked import MaskedLM
from course_lib.training.muon import MuonConfig
from course_lib.training.objectives import CausalLM, LossSum
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.processes import Processes, current_processes, start_processes
from course_lib.training.trainer import train

RunRanks = Callable[..., list[Any]]
LENGTHS = (2, 7, 5, 3, 6, 4, 2, 7, 6, 5, 3)
TEXTS = [
    torch.randint(13, (n,), generator=make_generator(i)).tolist() for i, n in enumerate(LENGTHS)
]
MASKED = MaskedLM(mask_id=0, vocab_size=13, share=0.3)
MOSTLY_MASKED = MaskedLM(mask_id=0, vocab_size=13, share=0.9)


def make_gpt(seed: int = 1, dropout: float = 0.0) -> GPT:
    sizes = {"vocab_size": 13, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(**sizes, dropout=dropout), make_generator(seed))


def make_config(**settings: Any) -> TrainingConfig:
    # A larger eps: keys have an offset without effect, whose gradient is nothing but rounding.
    adamw = AdamWConfig(learning_rate=0.01, eps=1e-4)
    return TrainingConfig(**{"n_steps": 20, "n_micro_batches": 2, "optimizer": adamw} | settings)


def run(
    processes: Processes, dtype: torch.dtype, objective: Any
) -> tuple[dict[str, Tensor], History]:
    """Train on ragged batches of 5 rows, the last of 1; only rank 0 has the weights."""
    model = make_gpt(seed=1 + processes.rank).to(dtype)
    held_out = InOrder(PaddedBatches(TEXTS[:7], n_rows=2))
    history = train(
        model,
        PaddedBatches(TEXTS, n_rows=5),
        make_config(ema_decay=0.5, evaluate_every=10),
        objective=objective,
        held_out=held_out,
    )
    return model.state_dict(), history


def test_few_messages_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.BUCKET_BYTES == 32 * 1024**2
    monkeypatch.setattr(module, "BUCKET_BYTES", 40)
    floats = [torch.zeros(n) for n in (4, 6, 1, 11, 3)]
    counts = [torch.zeros(n, dtype=torch.long) for n in (3, 2, 1)]
    buckets = [[t.numel() for t in bucket] for bucket in module._buckets([*floats, *counts])]
    assert buckets == [[4, 6], [1], [11], [3], [3, 2], [1]]
    assert list(module._buckets([])) == []


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_one_process_joins_nothing(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with start_processes(device) as processes:
        assert processes == Processes(rank=0, world_size=1, device=torch.device(device))
        assert not torch.distributed.is_initialized()
        numbers = torch.tensor([2, 3])
        processes.sum(numbers)
        processes.broadcast(numbers)
        processes.barrier()
        assert numbers.tolist() == [2, 3]
        assert (processes.any(True), processes.any(False)) == (True, False)
    assert current_processes().rank == 0
    monkeypatch.setenv("WORLD_SIZE", "1")
    with start_processes() as processes:
        assert processes.device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_that_processes_cannot_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    message = "device must be 'cpu' or 'cuda' for several processes; got device='mps'"
    with pytest.raises(ValueError, match=message), start_processes("mps"):
        pass


def test_sums_and_broadcasts_of_any_size_and_type(
    run_ranks: RunRanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUCKET_BYTES", 40)
    sizes = [(3, 2), (1,), (), (0,), (11,), (2, 2), (5,)]
    kinds = [torch.float32, torch.float32, torch.int64, torch.float64, torch.float64, torch.int64]
    kinds.append(torch.bool)

    def exchange(processes: Processes) -> tuple[Any, ...]:
        own = [torch.full(s, processes.rank + 1).to(k) for s, k in zip(sizes, kinds, strict=True)]
        sums, sent = own[:-1], [tensor.clone() for tensor in own]
        processes.sum(*sums)
        processes.broadcast(*sent)
        processes.barrier()
        flags = [processes.any(processes.rank == rank) for rank in range(4)]
        device = current_processes().device.type
        return sums, sent, flags, processes == current_processes(), processes.is_first, device

    for rank, (sums, sent, flags, is_current, is_first, device) in enumerate(
        run_ranks(exchange, 3)
    ):
        expected = [torch.full(s, 6).to(k) for s, k in zip(sizes, kinds, strict=True)]
        torch.testing.assert_close(sums, expected[:-1], rtol=0, atol=0)
        expected = [torch.full(s, 1).to(k) for s, k in zip(sizes, kinds, strict=True)]
        torch.testing.assert_close(sent, expected, rtol=0, atol=0)
        assert flags == [True, True, True, False]
        assert (is_current, is_first, device) == (True, rank == 0, "cpu")


@pytest.mark.parametrize("objective", [CausalLM(), MASKED], ids=["causal", "masked"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)], ids=["32", "64"]
)
def test_two_processes_train_as_one(
    run_ranks: RunRanks, objective: Any, dtype: torch.dtype, tolerance: float
) -> None:
    expected, alone = run(current_processes(), dtype, objective)
    both = run_ranks(lambda processes: run(processes, dtype, objective), 2)
    for weights, history in both:
        torch.testing.assert_close(weights, expected, rtol=0, atol=tolerance)
        assert history.n_tokens == alone.n_tokens
        assert history.losses == pytest.approx(alone.losses, rel=tolerance)
        assert history.grad_norms == pytest.approx(alone.grad_norms, rel=10 * tolerance)
        for ours, theirs in zip(history.evaluations, alone.evaluations, strict=True):
            assert (ours.step, ours.n_tokens) == (theirs.step, theirs.n_tokens)
            assert ours.nats == pytest.approx(theirs.nats, rel=tolerance)
    torch.testing.assert_close(both[0][0], both[1][0], rtol=0, atol=0)


def test_muon_and_sixteen_bits_are_the_same_in_every_process(run_ranks: RunRanks) -> None:
    def run_both(processes: Processes) -> list[Any]:
        results = []
        for settings in ({"optimizer": MuonConfig()}, {"precision": "float16"}):
            model = make_gpt()
            config = make_config(n_steps=3, **settings)
            history = train(model, PaddedBatches(TEXTS, n_rows=5), config)
            results.append((model.state_dict(), history.losses))
        return results

    alone = run_both(current_processes())
    first, second = run_ranks(run_both, 2)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, alone, rtol=0, atol=2e-3)  # of products in 16 bits


@pytest.mark.parametrize("world_size", [2, 3])
def test_each_example_is_evaluated_once_at_any_size(run_ranks: RunRanks, world_size: int) -> None:
    def evaluate_all(processes: Processes) -> list[Any]:
        model = make_gpt().double()
        sets = [InOrder(PaddedBatches(TEXTS[:n], n_rows=r)) for n in (1, 2, 7) for r in (1, 2, 5)]
        sets.append(InOrder(PackedBatches(torch.arange(40) % 13, n_rows=3, n_tokens=5)))
        return [
            evaluate(model, batches, o) for batches in sets for o in (CausalLM(), MOSTLY_MASKED)
        ]

    alone = evaluate_all(current_processes())
    assert [e.n_tokens for e in alone[0:18:6]] == [1, 1 + 6, 1 + 6 + 4 + 2 + 5 + 3 + 1]
    for evaluations in run_ranks(evaluate_all, world_size):
        for ours, theirs in zip(evaluations, alone, strict=True):
            assert ours.n_tokens == theirs.n_tokens
            assert ours.nats == pytest.approx(theirs.nats, rel=1e-12)


class UsesOnlyItsRows(nn.Module):
    """Row r of a batch asks for parameter r; the last one is used by no row."""

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.ParameterList([nn.Parameter(torch.ones(1, 2)) for _ in range(4)])

    def objective(self, model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
        total = sum((self.slopes[int(row)] * row).sum() for row in batch.ids[:, 0])
        return LossSum(0 * self.slopes[0].sum() + total, batch.ids.numel())


def test_a_parameter_that_only_other_processes_used_is_trained(run_ranks: RunRanks) -> None:
    def step(processes: Processes) -> list[Any]:
        model = UsesOnlyItsRows()
        data = PaddedBatches([[0], [1], [2]], n_rows=3)
        config = make_config(n_steps=1, n_micro_batches=1)
        train(model, data, config, objective=model.objective)
        return [slope.tolist() for slope in model.slopes]

    alone = step(current_processes())
    assert alone[1] != [[1, 1]] != alone[2]
    assert alone[3] == [[1, 1]]  # not even decayed
    assert run_ranks(step, 2) == [alone, alone]


class Recorder:
    def __init__(self) -> None:
        self.steps: list[int] = []

    def update(
        self, step: int, n_steps: int, loss: float, tokens_per_second: float, memory_bytes: int
    ) -> None:
        self.steps.append(step)


class Interrupting(PackedBatches):
    """Ctrl-C comes to one process while a batch is made."""

    def __getitem__(self, index: int) -> TokenBatch:
        if index == 5 and current_processes().rank == 1:
            signal.raise_signal(signal.SIGINT)
        return super().__getitem__(index)


def test_an_interrupt_of_one_process_ends_all_and_a_resume_goes_on_bit_for_bit(
    run_ranks: RunRanks, tmp_path: Path
) -> None:
    settings = {"n_rows": 5, "n_tokens": 7}
    ids = torch.arange(401) * 7 % 13

    def live(processes: Processes, data: Any, checkpoints: Checkpoints | None) -> tuple[Any, ...]:
        torch.manual_seed(3 + processes.rank * (checkpoints is not None))
        model, progress = make_gpt(dropout=0.2), Recorder()
        config = make_config(n_steps=9, n_micro_batches=1, evaluate_every=3, patience=9)
        held_out = InOrder(PackedBatches(ids[:50], **settings))
        history = train(
            model, data, config, held_out=held_out, checkpoints=checkpoints, progress=progress
        )
        history.seconds.clear()
        return model.state_dict(), history, progress.steps

    def live_all(processes: Processes) -> list[tuple[Any, ...]]:
        whole = PackedBatches(ids, **settings)
        torch.manual_seed(3)
        return [
            live(processes, whole, None),
            live(processes, Interrupting(ids, **settings), Checkpoints(tmp_path, every_steps=4)),
            live(processes, whole, Checkpoints(tmp_path, every_steps=4, resume=True)),
        ]

    runs = run_ranks(live_all, 2)
    for rank, (whole, broken_off, resumed) in enumerate(runs):
        assert (broken_off[1].stopped_by, len(broken_off[1].losses)) == ("interrupt", 6)
        assert resumed[1] == whole[1]
        torch.testing.assert_close(resumed[0], whole[0], rtol=0, atol=0)
        assert broken_off[2] == ([1, 2, 3, 4, 5, 6] if rank == 0 else [])
    assert [path.name for path in list_checkpoints(tmp_path)] == ["step-00000008", "step-00000009"]


def test_each_process_drops_other_numbers_but_the_first_as_one_alone(run_ranks: RunRanks) -> None:
    def draw(processes: Processes) -> list[float]:
        draws = []

        def objective(model: nn.Module, batch: TokenBatch, generator: torch.Generator) -> LossSum:
            draws.append(torch.rand(()).item())
            draws.append(torch.rand((), generator=generator).item())
            return CausalLM()(model, batch, generator)

        model = make_gpt()
        torch.manual_seed(3)
        train(model, PaddedBatches(TEXTS, n_rows=5), make_config(n_steps=2), objective=objective)
        return draws

    alone = draw(current_processes())
    torch.manual_seed(3)
    assert alone[0] == torch.rand(()).item()
    first, second, third = run_ranks(draw, 3)
    assert first == alone
    assert len({*first, *second, *third}) == 3 * 8


def test_processes_that_see_different_checkpoints_are_refused(
    run_ranks: RunRanks, tmp_path: Path
) -> None:
    def go(processes: Processes) -> None:
        mine = Checkpoints(tmp_path / str(processes.rank), every_steps=0, resume=True)
        train(make_gpt(), PaddedBatches(TEXTS, n_rows=5), make_config(n_steps=2), checkpoints=mine)

    go(current_processes())
    first, second = run_ranks(go, 2, may_fail=True)
    for text, own in ((first, 2), (second, 0)):
        assert text.startswith("CheckpointError: ")
        assert f"must hold the same checkpoints for all processes; got step {own} in" in text
        assert "and 2 in process 0" in text


def test_who_ends_or_falls_silent_ends_the_others_too(run_ranks: RunRanks) -> None:
    def die(processes: Processes) -> None:
        if processes.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        processes.barrier()

    def sleep(processes: Processes) -> None:
        if processes.rank == 1:
            time.sleep(3)
        processes.barrier()

    def raise_error(processes: Processes) -> None:
        if processes.rank == 1:
            raise KeyError("mine")
        processes.barrier()

    began = time.monotonic()
    first, dead, third = run_ranks(die, 3, may_fail=True, timeout_seconds=30.0)
    assert time.monotonic() - began < 15
    assert dead is None
    for rank, text in ((0, first), (2, third)):
        assert text.startswith(f"ProcessLostError: process {rank} of 3 must hear from all others")
        assert text.endswith("The last checkpoint is good: resume from it.")
    first, _ = run_ranks(sleep, 2, may_fail=True, timeout_seconds=1.0)
    assert first.startswith("ProcessLostError: process 0 of 2 must hear from all others; got ")
    first, second = run_ranks(raise_error, 2, may_fail=True)
    assert first.startswith("ProcessLostError: ")
    assert second == "KeyError: 'mine'"


# Trains under torchrun until the second process kills itself.
PROGRAM = """
import os, signal, sys
import torch
from course_lib.data.batches import PackedBatches
from course_lib.models import GPT, GPTConfig
from course_lib.training import Checkpoints, TrainingConfig, start_processes, train

class Killing(PackedBatches):
    def __getitem__(self, index):
        if index == 7 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(index)

with start_processes("cpu"):
    model = GPT(GPTConfig(vocab_size=13, max_len=7, d_model=6, n_heads=3, n_layers=2))
    data = Killing(torch.arange(401) * 7 % 13, n_rows=5, n_tokens=7)
    checkpoints = Checkpoints(sys.argv[1], every_steps=3)
    train(model, data, TrainingConfig(n_steps=99), checkpoints=checkpoints)
"""


@pytest.mark.slow
def test_a_kill_under_torchrun_ends_the_job_and_leaves_a_good_checkpoint(tmp_path: Path) -> None:
    program, folder = tmp_path / "program.py", tmp_path / "run"
    program.write_text(PROGRAM, encoding="utf-8")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    finished = subprocess.run(
        [*torchrun, str(program), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 1
    assert "Signal 9 (SIGKILL)" in finished.stderr
    checkpoint = read_checkpoint(list_checkpoints(folder)[-1])
    assert checkpoint.step == 6
    assert all(math.isfinite(loss) for loss in checkpoint.meta["history"]["losses"])
