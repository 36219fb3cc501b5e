"""All that a run holds between two optimiser steps, and so all that a checkpoint must keep."""

from dataclasses import dataclass

import torch
from torch import nn

from course_lib.training.config import TrainingConfig
from course_lib.training.ema import ExponentialAverage
from course_lib.training.history import History
from course_lib.training.muon import make_optimizer
from course_lib.training.precision import LossScaler


@dataclass(kw_only=True)
class TrainingState:
    """A run between two steps; besides it, only the global random generators change.

    Attributes:
        model: What is trained.
        optimizer: With its averages.
        config: The settings of the run.
        average: Of the weights; None if `config.ema_decay` is 0.
        scaler: Of the loss; None unless `config.precision` is "float16".
        history: One entry per step done.
        step: How many steps are done; the next takes the batches from
            step · `config.n_micro_batches` on.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    config: TrainingConfig
    average: ExponentialAverage | None
    scaler: LossScaler | None
    history: History
    step: int = 0


def make_state(model: nn.Module, config: TrainingConfig) -> TrainingState:
    """Make the state of a run that is about to begin.

    Args:
        model: What is trained; it must already be on its device.
        config: The settings of the run.
    """
    return TrainingState(
        model=model,
        optimizer=make_optimizer(model, config.optimizer),
        config=config,
        average=ExponentialAverage(model, config.ema_decay) if config.ema_decay else None,
        scaler=LossScaler() if config.precision == "float16" else None,
        history=History(),
    )
