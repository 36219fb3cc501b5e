"""Saving a training run every so often, and going on from there as if nothing had happened."""

import dataclasses
import json
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_lib.errors import CheckpointError
from course_lib.training.checkpoint_files import (
    Checkpoint,
    list_checkpoints,
    newest_good,
    prune,
    read_checkpoint,
    set_aside,
    write_checkpoint,
)
from course_lib.training.history import History
from course_lib.training.optimizer_state import load_optimizer, optimizer_tensors
from course_lib.training.packing import Packed
from course_lib.training.precision import LossScaler
from course_lib.training.processes import current_processes
from course_lib.training.random_state import random_state, set_random_state
from course_lib.training.sharding import part_like, whole
from course_lib.training.state import TrainingState

N_SHOWN = 5
"""So many differences are listed when a checkpoint does not fit."""


class Checkpoints:
    """Where `train` saves a run, and whence it resumes it.

    On a CPU a resumed run gives the same numbers, bit for bit, as one that was never stopped.
    The data and the objective are not saved: give `train` the same again.

    Attributes:
        folder: Where the checkpoints lie.
        every_steps: Optimiser steps between two saves; 0: only at the end.
        keep: How many stay; there is room for one more while a new one is written.
        resume: Whether to go on from the newest good checkpoint, if there is one.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every_steps: int,
        keep: int = 2,
        resume: bool = False,
    ) -> None:
        """Describe where and when to save; nothing is touched yet.

        Args:
            folder: Where the checkpoints lie; made at the first save.
            every_steps: Optimiser steps between two saves (≥ 0); 0: only at the end.
            keep: How many stay (≥ 1).
            resume: Whether to go on from the newest good checkpoint, if there is one.

        Raises:
            ValueError: If `every_steps` or `keep` is out of range.
        """
        if every_steps < 0:
            raise ValueError(f"every_steps must be ≥ 0; got every_steps={every_steps}.")
        if keep < 1:
            raise ValueError(f"keep must be ≥ 1; got keep={keep}.")
        self.folder, self.every_steps = Path(folder), every_steps
        self.keep, self.resume = keep, resume

    def save(self, state: TrainingState) -> None:
        """Save a run, and remove the oldest checkpoints.

        Several processes call this together; the first one writes, and what they share out is
        written in one piece.

        A failure, such as a full disk, is told as a warning: the run must not be lost for want of
        a copy of it.

        Args:
            state: The run, between two steps.
        """
        tensors, meta = _parts_of(state)
        if not current_processes().is_first:
            return
        try:
            write_checkpoint(self.folder, state.step, tensors, meta)
            prune(self.folder, self.keep)
        except CheckpointError as error:
            warnings.warn(f"{error} Training goes on; the next save tries again.", stacklevel=3)

    def load_into(self, state: TrainingState) -> None:
        """Put the newest good checkpoint, if the run is to be resumed, in the place of a new run.

        Newer checkpoints that are bad are renamed to `bad-step-…`, with a warning.

        Args:
            state: The run that is about to begin; unchanged if there is nothing to resume.

        Raises:
            CheckpointError: If there are checkpoints but `resume` is False; if none of them is
                good; or if the good one is of other settings or another model.
        """
        found = list_checkpoints(self.folder)
        if not found:
            return
        if not self.resume:
            raise CheckpointError(
                f"{self.folder} already holds checkpoints, up to {found[-1].name}. Pass "
                "resume=True to go on from there, or choose another folder for a new run."
            )
        path, problems = newest_good(self.folder)
        if path is None:
            listed = "\n  ".join(problems)
            raise CheckpointError(
                f"{self.folder} must hold a good checkpoint to resume from; got:\n  {listed}\n"
                "Choose another folder for a new run."
            )
        checkpoint = read_checkpoint(path)
        _check_fit(path, checkpoint, state)
        _load(path, checkpoint, state)
        for bad, problem in zip(reversed(found), problems, strict=False):
            _put_away(bad, problem, path)
        if (written_with := checkpoint.versions["torch"]) != torch.__version__:
            warnings.warn(
                f"{path} was written with torch {written_with}; this is torch "
                f"{torch.__version__}. The run goes on, but the last bits may differ.",
                stacklevel=3,
            )


def _put_away(bad: Path, problem: str, good: Path) -> None:
    """Rename a bad checkpoint where that is possible, and say so."""
    try:
        outcome = f"It is now {set_aside(bad).name}."
    except CheckpointError as error:
        outcome = str(error)
    warnings.warn(f"{problem} {outcome} Resuming from {good.name}.", stacklevel=4)


def _parts_of(state: TrainingState) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Sort all of a run into groups of tensors, and what JSON can hold."""
    optimizer, generators = optimizer_tensors(state.optimizer), random_state()
    tensors = {
        "model": state.model.state_dict(),
        "optimizer": optimizer.tensors,
        "rng": generators.tensors,
    }
    if state.average is not None:
        tensors["ema"] = state.average.weights
    tensors = {
        group: {name: whole(tensor) for name, tensor in named.items()}
        for group, named in tensors.items()
    }
    meta = {
        "config": _described_config(state),
        "history": json.loads(state.history.to_json()),
        "scaler": None if state.scaler is None else dataclasses.asdict(state.scaler),
        "optimizer": optimizer.tree,
        "rng": generators.tree,
    }
    return tensors, meta


def _described_config(state: TrainingState) -> dict[str, str]:
    """Write each setting as Python would; a function has a name, but no place in memory."""
    config = state.config
    return {
        field.name: re.sub(" at 0x[0-9A-Fa-f]+", "", repr(getattr(config, field.name)))
        for field in dataclasses.fields(config)
    }


def _described_tensors(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    return {name: f"{tensor.dtype} {tuple(tensor.shape)}" for name, tensor in tensors.items()}


def _check_fit(path: Path, checkpoint: Checkpoint, state: TrainingState) -> None:
    """Refuse a checkpoint of other settings or another model, before anything is changed."""
    for what, here, there in (
        ("settings", _described_config(state), checkpoint.meta["config"]),
        (
            "parameters",
            _described_tensors(state.model.state_dict()),
            _described_tensors(checkpoint.tensors["model"]),
        ),
    ):
        differing = [name for name in {**here, **there} if here.get(name) != there.get(name)]
        if differing:
            listed = "".join(
                f"\n  {name}: {here.get(name, 'none')} now; {there.get(name, 'none')} there"
                for name in differing[:N_SHOWN]
            )
            raise CheckpointError(
                f"{path} must have the same {what} as this run; {len(differing)} differ:{listed}\n"
                "Resume with the same, or choose another folder for a new run."
            )


@torch.no_grad()
def _load(path: Path, checkpoint: Checkpoint, state: TrainingState) -> None:
    tensors, meta = checkpoint.tensors, checkpoint.meta
    try:
        load_optimizer(state.optimizer, Packed(meta["optimizer"], tensors["optimizer"]))
    except ValueError as error:
        raise CheckpointError(
            f"{path} must have trained the same parameters as this run, frozen ones apart; got: "
            f"{error}."
        ) from error
    here = state.model.state_dict()
    state.model.load_state_dict({n: part_like(t, here[n]) for n, t in tensors["model"].items()})
    if state.average is not None:
        for name, weight in state.average.weights.items():
            weight.copy_(part_like(tensors["ema"][name], weight))
    if state.scaler is not None:
        state.scaler = LossScaler(**meta["scaler"])
    state.history = History.from_json(json.dumps(meta["history"]))
    state.step = checkpoint.step
    set_random_state(Packed(meta["rng"], tensors["rng"]))
