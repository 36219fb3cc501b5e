"""How surprised a model is by texts it was not trained on."""

from typing import Any

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.seeding import make_generator
from course_lib.training.history import Evaluation
from course_lib.training.objectives import CausalLM, Objective, device_of
from course_lib.training.precision import Precision, autocast
from course_lib.training.processes import current_processes
from course_lib.training.shares import share_of


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Batches[Any],
    objective: Objective[Any] | None = None,
    *,
    precision: Precision = "float32",
    step: int = 0,
) -> Evaluation:
    """Sum the plain cross-entropy over one round of batches.

    Chance, as in the choice of masked tokens, is the same in every call, so that two evaluations
    differ only by the model. Several processes (`start_processes`) share the rows of each batch
    out, and all get the same result.

    Args:
        model: Set to evaluation mode for this, and back.
        batches: Asked for `n_batches` batches; `InOrder` holds each example exactly once.
        objective: What counts and how; `CausalLM()` if None.
        precision: Number format of the large products.
        step: How many optimiser steps the model has taken, for the record.

    Raises:
        ValueError: If no token counts.
    """
    objective = CausalLM() if objective is None else objective
    device, was_training, processes = device_of(model), model.training, current_processes()
    nats, n_tokens = 0.0, 0
    model.eval()
    try:
        for index in range(batches.n_batches):
            batch = share_of(batches[index], objective, make_generator(index), processes)
            with autocast(device, precision):
                loss = objective(model, batch, make_generator(index))
            nats += loss.total.item()
            n_tokens += loss.n_counted
    finally:
        model.train(was_training)
    sums = torch.tensor([nats, n_tokens], dtype=torch.float64)  # exact for counts below 2^53
    processes.sum(sums)
    if sums[1] == 0:
        raise ValueError("batches must hold a token that counts; got none.")
    return Evaluation(step=step, nats=sums[0].item(), n_tokens=int(sums[1]))
