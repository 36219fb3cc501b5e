"""The settings of a training run."""

import math
from dataclasses import dataclass, field, fields
from typing import get_args

from course_lib.training.layerwise import LayerwiseAdamWConfig
from course_lib.training.muon import MuonConfig
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.precision import Precision
from course_lib.training.schedules import Schedule, WarmupCosine


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The settings of `train`.

    Attributes:
        n_steps: How many optimiser steps to take (≥ 1).
        n_micro_batches: Batches whose gradients are summed for one optimiser step (≥ 1): as if
            they were one batch, for less memory.
        schedule: The course of the learning rate.
        optimizer: Which optimiser, and its highest learning rate.
        max_grad_norm: A longer gradient is shortened to this length (> 0; `math.inf`: never).
        precision: Number format of the large products.
        evaluate_every: Steps between two evaluations; 0: only at the end.
        patience: Stop after so many evaluations without a new best; 0: never. The weights stay
            those of the last step.
        ema_decay: Share of the average of the weights that is kept at each step; 0: no average.
        seed: For all chance in the objective (≥ 0).
    """

    n_steps: int
    n_micro_batches: int = 1
    schedule: Schedule = field(default_factory=lambda: WarmupCosine(n_warmup=0))
    optimizer: AdamWConfig | LayerwiseAdamWConfig | MuonConfig = field(default_factory=AdamWConfig)
    max_grad_norm: float = 1.0
    precision: Precision = "float32"
    evaluate_every: int = 0
    patience: int = 0
    ema_decay: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"n_steps": 1, "n_micro_batches": 1, "evaluate_every": 0, "patience": 0, "seed": 0}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in least and value < least[item.name]:
                raise ValueError(
                    f"{item.name} must be ≥ {least[item.name]}; got {item.name}={value}."
                )
        if self.patience and not self.evaluate_every:
            raise ValueError(
                "evaluate_every must be ≥ 1 when patience is above 0; got evaluate_every=0."
            )
        if not self.max_grad_norm > 0:
            raise ValueError(
                f"max_grad_norm must be > 0; got max_grad_norm={self.max_grad_norm}. "
                f"For no limit take {math.inf}."
            )
        if self.precision not in get_args(Precision):
            raise ValueError(
                f"precision must be one of {get_args(Precision)}; got precision={self.precision!r}."
            )
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must be in [0, 1); got ema_decay={self.ema_decay}.")
