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
TEXTS = [torch.randint(13, (n,), generator=make_generator(i)).tolist() for i, n in enumerate(LENGTHS)]
MASKED = MaskedLM(mask_id=0, vocab_size=13, share=0.3)


def make_gpt(seed: int = 1, dropout: float = 0.0) -> GPT:
    sizes = {"vocab_size": 13, "max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2}
    return GPT(GPTConfig(**sizes, dropout=dropout), make_generator(seed))


def make_config(**settings: Any) -> TrainingConfig:
    # A larger eps: keys have an offset without effect, whose gradient is nothing but rounding.
    adamw = AdamWConfig(learning_rate=0.01, eps=1e-4)
    return TrainingConfig(**{"n_steps": 20, "n_micro_batches": 3, "optimizer": adamw} | settings)


def run(processes: Processes, dtype: torch.dtype, objective: Any) -> tuple[dict[str, Tensor], History]:
    """Train on ragged batches of 5 rows, the third of them of 1; only rank 0 has the weights."""
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
