"""One optimiser step: sum gradients over micro-batches, look at them, and only then move."""

import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.data.batches import Batches
from course_lib.errors import TrainingDivergedError
from course_lib.seeding import make_generator
from course_lib.training import foreach
from course_lib.training.objectives import LossSum, Objective, device_of
from course_lib.training.precision import LossScaler, autocast
from course_lib.training.processes import Processes, current_processes
from course_lib.training.sharding import is_part, whole
from course_lib.training.shares import share_of
from course_lib.training.state import TrainingState

N_OFFENDERS = 3
"""So many parameters are named when a gradient is not finite."""


def take_step(state: TrainingState, data: Batches[Any], objective: Objective[Any]) -> None:
    """Take the next optimiser step and write it into the history.

    The gradient is the sum over the counted tokens of all micro-batches and processes, divided
    once by their number, so that it does not depend on how the tokens are shared out. In float16
    a step whose gradient overflows is left out, and the loss scale is halved.

    Args:
        state: The run; changed in place.
        data: Asked for the batches from step · n_micro_batches on.
        objective: What is minimised.

    Raises:
        TrainingDivergedError: If loss or gradient is not finite; the weights are as before.
        ValueError: If no token counts in the whole step.
    """
    began = time.perf_counter()
    rate = _set_learning_rates(state)
    _set_dropout(state)
    total, n_counted = sum_gradients(state, data, objective)
    gradients = [p.grad for p in state.model.parameters() if p.grad is not None]
    norm = whole(torch.nn.utils.get_total_norm(gradients))
    # The only moment of a step in which the CPU waits for the device.
    loss, grad_norm = (torch.stack((total.to(norm), norm)) / n_counted).tolist()
    if math.isfinite(loss) and math.isfinite(grad_norm):
        shorten = min(1.0, state.config.max_grad_norm / grad_norm) if grad_norm else 1.0
        foreach.multiply(gradients, shorten / n_counted)
        state.optimizer.step()
        if state.average is not None:
            state.average.update(state.model, state.step + 1)
        if state.scaler is not None:
            state.scaler.note_success()
    elif state.scaler is None or not state.scaler.shrink():
        raise TrainingDivergedError(_describe_divergence(state, loss, grad_norm, n_counted))
    state.optimizer.zero_grad()
    _record(state, loss, grad_norm, rate, round(n_counted), time.perf_counter() - began)


def sum_gradients(state: TrainingState, data: Batches[Any], objective: Objective[Any]) -> LossSum:
    """Leave in each parameter's `grad` the gradient of the summed loss of the next step.

    Args:
        state: The run; only the gradients change.
        data: Asked for the batches from step · n_micro_batches on.
        objective: What is summed.

    Returns:
        The sum of the loss, without graph, and the number of counted tokens, both over all
        processes, as the gradient is.

    Raises:
        ValueError: If no token counts.
    """
    config, model, processes = state.config, state.model, current_processes()
    state.optimizer.zero_grad()
    totals: list[Tensor] = []
    n_counted, factor = 0, 1.0
    for micro in range(config.n_micro_batches):
        batch = data[state.step * config.n_micro_batches + micro]
        place = (config.seed, state.step, micro)
        batch = share_of(batch, objective, chance_of(*place), processes)
        generator = chance_of(*place, processes.rank)
        with autocast(device_of(model), config.precision):
            loss = objective(model, batch, generator)
        if state.scaler is not None and micro == 0:
            factor = _loss_factor(state.scaler, float(loss.n_counted), processes)
        (loss.total if state.scaler is None else loss.total * factor).backward()
        totals.append(loss.total.detach())
        n_counted += loss.n_counted
    if state.scaler is not None:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        foreach.multiply(gradients, 1 / factor)
    summed = _sum_over_processes(model, LossSum(torch.stack(totals).sum(), n_counted), processes)
    if summed.n_counted == 0:
        raise ValueError(
            f"a step must have a token that counts; got none in {_batches_of(state)}. "
            "Take longer texts, or more of them in a batch."
        )
    return summed


def chance_of(seed: int, step: int, micro: int, rank: int = 0) -> torch.Generator:
    """Make the generator of one micro-batch: the same when a run is repeated or resumed.

    Args:
        seed: Of the run.
        step: The optimiser step, counted from 0.
        micro: The micro-batch within it, counted from 0.
        rank: Of the process; that of the first one is also for what all must draw alike.
    """
    mixed = np.random.SeedSequence((seed, step, micro, rank)).generate_state(1, np.uint64)
    return make_generator(int(mixed[0] >> 1))


def _loss_factor(scaler: LossScaler, n_counted: float, processes: Processes) -> float:
    """Scale the loss as if it were a mean: a sum over thousands of tokens would overflow at once.

    The factor is a power of 2, so that nothing is rounded, and the same in every process.
    """
    n_all = torch.tensor([n_counted], dtype=torch.float64)
    processes.sum(n_all)
    return scaler.scale / 2 ** math.ceil(math.log2(max(1.0, n_all.item())))


def _sum_over_processes(model: nn.Module, loss: LossSum, processes: Processes) -> LossSum:
    """Add up the gradients, the loss and the count of all processes.

    A parameter that was used by other processes only gets a gradient, too. The gradients of
    parameters that are shared out (`shard_blocks`) were added up in the backward pass.
    """
    parameters = [p for p in model.parameters() if not is_part(p)]
    users = [float(p.grad is not None) for p in parameters]
    counts = torch.tensor([loss.n_counted, *users], dtype=torch.float64)  # exact below 2^53
    processes.sum(counts)
    gradients: list[Tensor] = []
    for parameter, n_users in zip(parameters, counts[1:].tolist(), strict=True):
        if n_users and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if parameter.grad is not None:
            gradients.append(parameter.grad)
    processes.sum(loss.total, *gradients)
    return LossSum(loss.total, counts[0].item())


def _set_dropout(state: TrainingState) -> None:
    """Let the other processes drop other numbers than the first, and the same after a resume.

    The first process goes on with torch's global generator, which the checkpoints hold.
    """
    rank, n_micro_batches = current_processes().rank, state.config.n_micro_batches
    if rank > 0:
        chance = chance_of(state.config.seed, state.step, n_micro_batches, rank)
        torch.manual_seed(chance.initial_seed())


def _set_learning_rates(state: TrainingState) -> float:
    factor = state.config.schedule(state.step, state.config.n_steps)
    for group in state.optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return state.optimizer.param_groups[0]["lr"]


def _record(
    state: TrainingState, loss: float, grad_norm: float, rate: float, n_tokens: int, seconds: float
) -> None:
    history = state.history
    history.losses.append(loss)
    history.grad_norms.append(grad_norm)
    history.learning_rates.append(rate)
    history.n_tokens.append(n_tokens)
    history.seconds.append(seconds)
    state.step += 1


def _batches_of(state: TrainingState) -> str:
    n_batches = state.config.n_micro_batches
    first = state.step * n_batches
    return f"batch {first}" if n_batches == 1 else f"batches {first} to {first + n_batches - 1}"


def _describe_divergence(
    state: TrainingState, loss: float, grad_norm: float, n_counted: float
) -> str:
    offenders = ", ".join(_largest_gradients(state.model, n_counted))
    return (
        f"loss and gradient must be finite; got loss={loss} and gradient norm {grad_norm} at step "
        f"{state.step}, {_batches_of(state)} (counted from 0). Largest gradients: {offenders}. "
        "The weights are as before this step. Try a smaller learning rate or a longer warm-up, "
        "and look at the data."
    )


def _largest_gradients(model: nn.Module, n_counted: float) -> list[str]:
    """Name the parameters whose gradients are not finite, or else the largest ones."""
    norms = {
        name: whole(p.grad.norm()).item() / n_counted
        for name, p in model.named_parameters()
        if p.grad is not None
    }
    size = {name: norm if math.isfinite(norm) else math.inf for name, norm in norms.items()}
    worst = sorted(norms, key=lambda name: size[name], reverse=True)[:N_OFFENDERS]
    return [f"{name} ({norms[name]:.3g})" for name in worst]
