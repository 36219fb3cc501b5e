import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.fsdp  # once here, not once in each process

from course_lib.data.batches import InOrder, PaddedBatches
from course_lib.errors import TrainingDivergedError
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator
from course_lib.training.checkpoint_files import list_checkpoints, read_checkpoint
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.config import TrainingConfig
from course_lib.training.muon import MuonConfig
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.processes import Processes, current_processes
from course_lib.training.recompute import checkpoint_blocks
from course_lib.training.sharding import is_part, own_part, part_like, shard_blocks, whole
from course_lib.training.trainer import train

RunRanks = Callable[..., list[Any]]
LENGTHS = (2, 7, 5, 3, 6, 4, 2, 7, 6, 5, 3)
TEXTS = [
    torch.randint(13, (n,), generator=make_generator(i)).tolist() for i, n in enumerate(LENGTHS)
]


def make_gpt(seed: int = 1) -> GPT:
    sizes = {"vocab_size": 13, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(**sizes), make_generator(seed))


def run(processes: Processes, dtype: torch.dtype) -> tuple[Any, ...]:
    """Train, shared out if there are several processes; only the first has the right weights."""
    model = make_gpt(seed=1 + processes.rank).to(dtype)
    if processes.world_size > 1:
        if dtype == torch.float64:
            checkpoint_blocks(model)  # the two go together, and change nothing
        shard_blocks(model, processes)
    adamw = AdamWConfig(learning_rate=0.01, eps=1e-4)
    config = TrainingConfig(
        n_steps=20, n_micro_batches=2, optimizer=adamw, ema_decay=0.5, evaluate_every=10
    )
    history = train(
        model,
        PaddedBatches(TEXTS, n_rows=5),
        config,
        held_out=InOrder(PaddedBatches(TEXTS[:7], n_rows=2)),
    )
    shapes = {name: tuple(own_part(p).shape) for name, p in model.named_parameters()}
    return {name: whole(tensor) for name, tensor in model.state_dict().items()}, history, shapes


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)], ids=["32", "64"]
)
def test_a_model_that_is_shared_out_is_trained_as_one(
    run_ranks: RunRanks, dtype: torch.dtype, tolerance: float
) -> None:
    expected, alone, whole_shapes = run(current_processes(), dtype)
    for weights, history, shapes in run_ranks(lambda processes: run(processes, dtype), 2):
        torch.testing.assert_close(weights, expected, rtol=0, atol=tolerance)
        assert history.n_tokens == alone.n_tokens
        assert history.losses == pytest.approx(alone.losses, rel=tolerance)
        assert history.grad_norms == pytest.approx(alone.grad_norms, rel=10 * tolerance)
        assert [e.n_tokens for e in history.evaluations] == [22, 22]
        nats = [evaluation.nats for evaluation in alone.evaluations]
        assert [e.nats for e in history.evaluations] == pytest.approx(nats, rel=tolerance)
        assert shapes["blocks.0.attention.qkv.weight"] == (9, 6)
        assert whole_shapes["blocks.0.attention.qkv.weight"] == (18, 6)
        assert shapes["tokens.weight"] in ((7, 6), (6, 6))


def test_its_checkpoints_are_those_of_one_process(run_ranks: RunRanks, tmp_path: Path) -> None:
    """Each stretch goes on from where another number of processes stopped."""

    def go(processes: Processes) -> None:
        model = make_gpt().double()
        if processes.world_size > 1:
            shard_blocks(model, processes)
        checkpoints = Checkpoints(tmp_path, every_steps=5, keep=9, resume=True)
        config = TrainingConfig(n_steps=11, ema_decay=0.5)
        train(model, PaddedBatches(TEXTS, n_rows=5), config, checkpoints=checkpoints)

    run_ranks(go, 2)
    ended = read_checkpoint(list_checkpoints(tmp_path)[-1])
    for go_on in (lambda: go(current_processes()), lambda: run_ranks(go, 3)):
        shutil.rmtree(list_checkpoints(tmp_path)[-1])
        go_on()
        again = read_checkpoint(list_checkpoints(tmp_path)[-1])
        assert (ended.step, again.step) == (11, 11)
        for group in ("model", "optimizer", "ema"):
            torch.testing.assert_close(
                again.tensors[group], ended.tensors[group], rtol=0, atol=1e-12
            )


def test_a_divergence_names_parameters_that_are_shared_out(run_ranks: RunRanks) -> None:
    def diverge(processes: Processes) -> None:
        model = make_gpt()
        with torch.no_grad():
            model.final_norm.weight.fill_(torch.inf)
        shard_blocks(model, processes)
        train(model, PaddedBatches(TEXTS, n_rows=5), TrainingConfig(n_steps=3))

    for text in run_ranks(diverge, 2, may_fail=True):
        assert text.startswith(f"{TrainingDivergedError.__name__}: loss and gradient must be")
        assert "Largest gradients: " in text


def test_muon_refuses_parts_of_matrices(run_ranks: RunRanks) -> None:
    def go(processes: Processes) -> None:
        model = make_gpt()
        shard_blocks(model, processes)
        config = TrainingConfig(n_steps=3, optimizer=MuonConfig())
        train(model, PaddedBatches(TEXTS, n_rows=5), config)

    message = "ValueError: model must have whole matrices for Muon; got parts of them"
    assert all(text.startswith(message) for text in run_ranks(go, 2, may_fail=True))


def test_float16_is_scaled_alike_where_gradients_are_summed_on_the_way(run_ranks: RunRanks) -> None:
    def go(processes: Processes) -> tuple[Any, ...]:
        model = make_gpt()
        if processes.world_size > 1:
            shard_blocks(model, processes)
        config = TrainingConfig(n_steps=2, precision="float16")
        history = train(model, PaddedBatches(TEXTS[:3], n_rows=3), config)  # 2 rows and 1
        return history.losses, history.grad_norms

    alone = go(current_processes())
    for shared in run_ranks(go, 2):
        torch.testing.assert_close(shared, alone, rtol=2e-3, atol=0)  # of products in 16 bits


def test_one_process_has_nobody_to_share_with() -> None:
    with pytest.raises(ValueError, match="processes must be several to share a model out; got one"):
        shard_blocks(make_gpt(), current_processes())


def test_a_tensor_that_is_not_shared_out_stays_as_it_is() -> None:
    tensor = torch.ones(3)
    assert not is_part(tensor)
    assert whole(tensor) is own_part(tensor) is part_like(tensor, torch.zeros(2)) is tensor
