"""The training loop that everything else uses."""

from contextlib import nullcontext
from typing import Any, Literal

import torch
from torch import nn

from course_lib.data.batches import Batches
from course_lib.errors import CheckpointError
from course_lib.training.checkpoints import Checkpoints
from course_lib.training.config import TrainingConfig
from course_lib.training.evaluating import evaluate
from course_lib.training.history import History
from course_lib.training.interrupts import InterruptFlag
from course_lib.training.objectives import CausalLM, Objective, device_of
from course_lib.training.processes import Processes, current_processes
from course_lib.training.progress import Progress, memory_bytes
from course_lib.training.sharding import send_weights
from course_lib.training.state import TrainingState, make_state
from course_lib.training.step import take_step


def train(
    model: nn.Module,
    data: Batches[Any],
    config: TrainingConfig,
    *,
    objective: Objective[Any] | None = None,
    held_out: Batches[Any] | None = None,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a model in place, so that the run can be stopped, resumed, and trusted.

    An interrupt (Ctrl-C) ends the run after the step that is being taken. Inside
    `start_processes` all processes call this with the same arguments, whole batches too: each takes
    its rows, they add up, and the first one saves and shows progress.

    Args:
        model: What is trained, on the device where it is; left in training mode, with the average
            of its weights if the config asks for one.
        data: Step s takes the batches s · n_micro_batches and so on.
        config: Settings of the run.
        objective: What is minimised; `CausalLM()` if None.
        held_out: What is evaluated, best an `InOrder`.
        checkpoints: Where the run is saved, and resumed from.
        progress: Is told of every step.

    Returns:
        What happened, from the first step on even if the run was resumed.

    Raises:
        TrainingDivergedError: If loss or gradient is not finite; the weights are as before that
            step, and the last checkpoint stays.
        ProcessLostError: If another process has ended or does not answer.
        ValueError: If `config` asks for evaluations and there is nothing to evaluate.
    """
    if held_out is None and config.evaluate_every:
        raise ValueError("held_out must be given when evaluate_every is above 0; got None.")
    objective = CausalLM() if objective is None else objective
    processes = current_processes()
    send_weights(model, processes)
    state = make_state(model, config)
    if checkpoints is not None:
        _load(checkpoints, state, processes)
    model.train()
    with InterruptFlag() as interrupt:
        reason = _reason_to_stop(state, interrupt, processes)
        while not reason:
            take_step(state, data, objective)
            if held_out is not None and _is_due(state, config.evaluate_every):
                _evaluate(state, held_out, objective)
            if progress is not None and processes.is_first:
                _show(progress, state)
            reason = _reason_to_stop(state, interrupt, processes)
            if checkpoints is not None and (reason or _is_due(state, checkpoints.every_steps)):
                checkpoints.save(state)
    if state.average is not None:
        state.average.copy_to(model)
    state.history.stopped_by = reason
    return state.history


def _load(checkpoints: Checkpoints, state: TrainingState, processes: Processes) -> None:
    """Load the same checkpoint in every process; the first one alone puts bad ones away."""
    if not processes.is_first:
        processes.barrier()
    checkpoints.load_into(state)
    if processes.is_first:
        processes.barrier()
    step = torch.tensor([state.step])
    processes.broadcast(step)
    if processes.any(state.step != int(step)):
        raise CheckpointError(
            f"{checkpoints.folder} must hold the same checkpoints for all processes; got step "
            f"{state.step} in process {processes.rank} and {int(step)} in process 0. Take a folder "
            "that all machines share."
        )


def _is_due(state: TrainingState, every_steps: int) -> bool:
    """Say whether it is time again; the last step is always a time."""
    is_last = state.step == state.config.n_steps
    return is_last or (every_steps > 0 and state.step % every_steps == 0)


def _reason_to_stop(
    state: TrainingState, interrupt: InterruptFlag, processes: Processes
) -> Literal["", "n_steps", "patience", "interrupt"]:
    if state.step >= state.config.n_steps:
        return "n_steps"
    if _has_lost_patience(state):
        return "patience"
    return "interrupt" if processes.any(interrupt.is_set) else ""


def _has_lost_patience(state: TrainingState) -> bool:
    """Say whether the best of all evaluations is `patience` evaluations ago."""
    losses = [evaluation.nats_per_token for evaluation in state.history.evaluations]
    if state.config.patience == 0 or not losses:
        return False
    return len(losses) - 1 - losses.index(min(losses)) >= state.config.patience


def _evaluate(state: TrainingState, held_out: Batches[Any], objective: Objective[Any]) -> None:
    model, average = state.model, state.average
    with nullcontext() if average is None else average.swapped_into(model):
        evaluation = evaluate(
            model, held_out, objective, precision=state.config.precision, step=state.step
        )
    state.history.evaluations.append(evaluation)


def _show(progress: Progress, state: TrainingState) -> None:
    history = state.history
    progress.update(
        state.step,
        state.config.n_steps,
        history.losses[-1],
        history.n_tokens[-1] / history.seconds[-1],
        memory_bytes(device_of(state.model)),
    )
