"""What training costs, and what it buys: operations, power laws, and how to share out a budget.

N = parameters that are multiplied, D = tokens read, C = operations (additions and multiplications
of numbers, each counted as one).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

OPERATIONS_PER_PARAMETER_AND_TOKEN = 6
SECONDS_PER_DAY = 86_400


class PowerLaw(NamedTuple):
    """The curve y = factor · x^(-exponent)."""

    factor: float
    exponent: float


class ModelAndData(NamedTuple):
    """How a budget is shared out: parameters of the model and tokens that it reads."""

    n_parameters: float
    n_tokens: float


@dataclass(frozen=True, kw_only=True)
class LossLaw:
    """The law L = E + A / N^alpha + B / D^beta, in nats per token.

    Attributes:
        floor: E, the loss of an endless model on endless data (≥ 0).
        size_factor: A (> 0).
        size_exponent: alpha (> 0).
        data_factor: B (> 0).
        data_exponent: beta (> 0).

    Reference:
        Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", eq. 2 (10 in the
        appendix on the parametric fit), https://arxiv.org/abs/2203.15556
    """

    floor: float
    size_factor: float
    size_exponent: float
    data_factor: float
    data_exponent: float

    def __post_init__(self) -> None:
        if self.floor < 0:
            raise ValueError(f"floor must be ≥ 0; got floor={self.floor}.")
        for name in ("size_factor", "size_exponent", "data_factor", "data_exponent"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be > 0; got {name}={getattr(self, name)}.")


def hoffmann_law() -> LossLaw:
    """Return the constants of Hoffmann et al. 2022 for large models, as rounded in the paper."""
    return LossLaw(
        floor=1.69,
        size_factor=406.4,
        size_exponent=0.34,
        data_factor=410.7,
        data_exponent=0.28,
    )


def besiroglu_law() -> LossLaw:
    """Return the constants of a later fit to the same experiments, as far as these can be read.

    Reference:
        Besiroglu et al. 2024, "Chinchilla Scaling: A replication attempt",
        https://arxiv.org/abs/2404.10102
    """
    return LossLaw(
        floor=1.8172,
        size_factor=482.01,
        size_exponent=0.3478,
        data_factor=2085.43,
        data_exponent=0.3658,
    )


def training_flops(n_parameters: float, n_tokens: float) -> float:
    """Estimate the operations of a training run: 6 per parameter and token.

    A matrix with N numbers takes N multiplications and N additions per token; backwards, twice as
    many: once for the gradient of its input, once for its own. Attention between tokens is left
    out.

    Args:
        n_parameters: Parameters that each token is multiplied with (> 0).
        n_tokens: Tokens read, those read again included (> 0).

    Raises:
        ValueError: If a number is not above 0.

    Reference:
        Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1,
        https://arxiv.org/abs/2001.08361

    Example:
        >>> f"{training_flops(175e9, 300e9):.3g}"  # GPT-3
        '3.15e+23'
    """
    _require_positive({"n_parameters": n_parameters, "n_tokens": n_tokens})
    return OPERATIONS_PER_PARAMETER_AND_TOKEN * n_parameters * n_tokens


def gpu_days(flops: float, *, peak_flops_per_second: float, utilisation: float) -> float:
    """Estimate for how many days one GPU would be busy.

    Args:
        flops: Operations of the run (> 0).
        peak_flops_per_second: What the GPU's data sheet promises (> 0).
        utilisation: The share of it that a real run reaches (above 0, at most 1).

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> round(gpu_days(8.64e18, peak_flops_per_second=1e14, utilisation=0.5), 6)
        2.0
    """
    _require_positive({"flops": flops, "peak_flops_per_second": peak_flops_per_second})
    if not 0 < utilisation <= 1:
        raise ValueError(f"utilisation must be above 0 and at most 1; got {utilisation}.")
    return flops / (peak_flops_per_second * utilisation) / SECONDS_PER_DAY


def fit_power_law(x: Sequence[float], y: Sequence[float]) -> PowerLaw:
    """Fit y = factor · x^(-exponent) by the straight line of log y on log x (least squares).

    Args:
        x: Sizes, tokens or operations (all > 0, at least two of them different).
        y: What was measured above the floor (all > 0), one number for each.

    Raises:
        ValueError: If the lengths differ, a number is not above 0, or all sizes are the same.

    Example:
        >>> law = fit_power_law([1.0, 100.0, 10_000.0], [4.0, 0.4, 0.04])
        >>> round(law.factor, 6), round(law.exponent, 6)
        (4.0, 0.5)
    """
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length; got {len(x)} and {len(y)}.")
    if any(number <= 0 for number in (*x, *y)):
        raise ValueError("x and y must be > 0: subtract a floor that lies below every loss.")
    if len(set(x)) < 2:
        raise ValueError("x must hold two different sizes or more.")
    log_x, log_y = np.log(np.asarray(x, float)), np.log(np.asarray(y, float))
    from_mean = log_x - log_x.mean()
    slope = from_mean @ log_y / (from_mean @ from_mean)
    return PowerLaw(float(np.exp(log_y.mean() - slope * log_x.mean())), float(-slope))


def predicted_loss(law: LossLaw, n_parameters: float, n_tokens: float) -> float:
    """Predict the loss of a model of N parameters that has read D tokens.

    Args:
        law: The constants.
        n_parameters: N (> 0).
        n_tokens: D (> 0).

    Returns:
        E + A / N^alpha + B / D^beta, in nats per token.

    Raises:
        ValueError: If a number is not above 0.

    Example:
        >>> law = LossLaw(
        ...     floor=1.0, size_factor=8.0, size_exponent=0.5, data_factor=9.0, data_exponent=0.5
        ... )
        >>> predicted_loss(law, 16.0, 9.0)  # 1 + 8/4 + 9/3
        6.0
    """
    _require_positive({"n_parameters": n_parameters, "n_tokens": n_tokens})
    too_small = law.size_factor / n_parameters**law.size_exponent
    too_little = law.data_factor / n_tokens**law.data_exponent
    return law.floor + too_small + too_little


def compute_optimal(law: LossLaw, flops: float) -> ModelAndData:
    """Share out a budget C = 6 · N · D so that the predicted loss is lowest.

    Args:
        law: The constants.
        flops: The budget C, in operations (> 0).

    Returns:
        N = G · (C / 6)^(beta / (alpha + beta)) and D = C / (6 · N), with
        G = (alpha · A / (beta · B))^(1 / (alpha + beta)).

    Raises:
        ValueError: If the budget is not above 0.

    Reference:
        Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", eq. 4,
        https://arxiv.org/abs/2203.15556

    Example:
        >>> n_parameters, n_tokens = compute_optimal(besiroglu_law(), 5.76e23)  # Gopher's budget
        >>> round(n_tokens / n_parameters)
        18
    """
    _require_positive({"flops": flops})
    alpha, beta = law.size_exponent, law.data_exponent
    balance = (alpha * law.size_factor / (beta * law.data_factor)) ** (1 / (alpha + beta))
    product = flops / OPERATIONS_PER_PARAMETER_AND_TOKEN
    n_parameters = balance * product ** (beta / (alpha + beta))
    return ModelAndData(n_parameters, product / n_parameters)


def seeds_needed(
    difference: float, sd: float, *, confidence: float = 0.95, power: float = 0.8
) -> int:
    """Say how many seeds each of two recipes needs, for their difference to be seen.

    Args:
        difference: What you want to see, in the unit of the score (not 0).
        sd: Standard deviation of the score across seeds, of either recipe (≥ 0).
        confidence: Of the interval around the difference of the means (between 0 and 1).
        power: How often that interval shall lie on one side of 0 (between 0 and 1).

    Returns:
        The smallest whole number ≥ 2 · (z_confidence + z_power)² · (sd / difference)², at least 2,
        because one run has no spread.

    Raises:
        ValueError: If a number is out of range.

    Reference:
        Any textbook on the comparison of two means (normal approximation: for fewer than about ten
        seeds, take one more).

    Example:
        >>> seeds_needed(0.05, 0.05), seeds_needed(0.01, 0.05)
        (16, 393)
    """
    if difference == 0:
        raise ValueError("difference must not be 0: no number of seeds tells equal things apart.")
    if sd < 0:
        raise ValueError(f"sd must be ≥ 0; got sd={sd}.")
    for name, value in (("confidence", confidence), ("power", power)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1; got {name}={value}.")
    normal = NormalDist()
    z = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return max(2, math.ceil(2 * (z * sd / difference) ** 2))


def _require_positive(numbers: Mapping[str, float]) -> None:
    for name, number in numbers.items():
        if number <= 0:
            raise ValueError(f"{name} must be > 0; got {name}={number}.")
