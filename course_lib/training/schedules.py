"""How the learning rate rises and falls in a run, as a factor of its highest value.

A schedule is asked before each optimiser step. Steps are counted from 0, so the last one is
n_steps - 1, and a cool-down reaches its final value right after it.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@runtime_checkable
class Schedule(Protocol):
    """Tells the share of the highest learning rate that a step shall take."""

    def __call__(self, step: int, n_steps: int) -> float:
        """Give the factor for step number `step`, counted from 0, of `n_steps`."""
        ...


def _require_warmup(n_warmup: int) -> None:
    if n_warmup < 0:
        raise ValueError(f"n_warmup must be ≥ 0; got n_warmup={n_warmup}.")


def _require_final(final: float) -> None:
    if not 0 <= final <= 1:
        raise ValueError(f"final must be between 0 and 1; got final={final}.")


def _warmed_up(step: int, n_warmup: int) -> float:
    """Rise evenly: 1 / n_warmup at step 0, 1 from step n_warmup - 1 on."""
    return min(1.0, (step + 1) / n_warmup) if n_warmup else 1.0


def warmup_cosine(step: int, n_steps: int, n_warmup: int, final: float) -> float:
    """Give the factor of the learning rate before a step: a rise in a line, then a cosine.

    Args:
        step: Number of the step, counted from 0.
        n_steps: How many steps the run has.
        n_warmup: Length of the rise, in steps (≥ 0); its last step has the factor 1.
        final: Where the fall ends, as a share of the highest value.

    Reference:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", eq. 5,
        https://arxiv.org/abs/1608.03983. Unlike the paper, with warm-up and without restarts.

    Example:
        >>> [round(warmup_cosine(step, 6, 2, 0.0), 2) for step in range(6)]
        [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if step < n_warmup:
        return _warmed_up(step, n_warmup)
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * fallen)) / 2


@dataclass(frozen=True, kw_only=True)
class WarmupCosine:
    """Rise in a line, then fall along half a wave of the cosine.

    Attributes:
        n_warmup: Length of the rise, in optimiser steps (≥ 0).
        final: Where the fall ends, as a share of the highest value.

    Reference:
        Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", eq. 5,
        https://arxiv.org/abs/1608.03983. Unlike the paper, with warm-up and without restarts.

    Example:
        >>> schedule = WarmupCosine(n_warmup=2, final=0.0)
        >>> [round(schedule(step, 6), 2) for step in range(6)]
        [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """

    n_warmup: int
    final: float = 0.1

    def __post_init__(self) -> None:
        _require_warmup(self.n_warmup)
        _require_final(self.final)

    def __call__(self, step: int, n_steps: int) -> float:
        """Give the factor for step number `step`, counted from 0, of `n_steps`."""
        return warmup_cosine(step, n_steps, self.n_warmup, self.final)


@dataclass(frozen=True, kw_only=True)
class WarmupStableDecay:
    """Rise in a line, stay, then fall in a line: only the fall depends on the length of the run.

    Attributes:
        n_warmup: Length of the rise, in optimiser steps (≥ 0).
        decay_share: Length of the fall, as a share of all steps.
        final: Where the fall ends, as a share of the highest value.

    Reference:
        Hu et al. 2024, "MiniCPM: Unveiling the Potential of Small Language Models with Scalable
        Training Strategies", section 4.2, https://arxiv.org/abs/2404.06395. Unlike the paper, the
        fall is a line, as in Hägele et al. 2024, https://arxiv.org/abs/2405.18392.

    Example:
        >>> schedule = WarmupStableDecay(n_warmup=2, decay_share=0.5)
        >>> [round(schedule(step, 8), 2) for step in range(8)]
        [0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    n_warmup: int
    decay_share: float = 0.4
    final: float = 0.0

    def __post_init__(self) -> None:
        _require_warmup(self.n_warmup)
        _require_final(self.final)
        if not 0 < self.decay_share <= 1:
            raise ValueError(
                f"decay_share must be above 0 and at most 1; got decay_share={self.decay_share}."
            )

    def __call__(self, step: int, n_steps: int) -> float:
        """Give the factor for step number `step`, counted from 0, of `n_steps`."""
        left = min(1.0, (n_steps - step) / (self.decay_share * n_steps))
        return min(_warmed_up(step, self.n_warmup), self.final + (1 - self.final) * left)


@dataclass(frozen=True, kw_only=True)
class WarmupLinear:
    """Rise in a line, then fall in a line to 0, as BERT was trained.

    Attributes:
        n_warmup: Length of the rise, in optimiser steps (≥ 0).

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language
        Understanding", appendix A.2, https://arxiv.org/abs/1810.04805

    Example:
        >>> schedule = WarmupLinear(n_warmup=2)
        >>> [schedule(step, 6) for step in range(6)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    n_warmup: int

    def __post_init__(self) -> None:
        _require_warmup(self.n_warmup)

    def __call__(self, step: int, n_steps: int) -> float:
        """Give the factor for step number `step`, counted from 0, of `n_steps`."""
        if step < self.n_warmup:
            return _warmed_up(step, self.n_warmup)
        return (n_steps - step) / (n_steps - self.n_warmup)
