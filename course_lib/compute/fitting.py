"""Fit the loss law L = E + A / N^alpha + B / D^beta to measured runs."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from course_lib.compute.scaling import LossLaw

_HUBER = 1e-3
_STARTS = tuple(itertools.product((2.0, 8.0), (2.0, 8.0), (0.3, 0.8), (0.3, 0.8)))


def fit_loss_law(
    n_parameters: Sequence[float],
    n_tokens: Sequence[float],
    losses: Sequence[float],
    *,
    floor: float | None = None,
) -> LossLaw:
    """Find the constants of a loss law from runs of several sizes and lengths.

    The sum over runs of the Huber loss of log(predicted / measured) is made small, from several
    starts: small errors count squared, large ones only by their size, so that one failed run does
    not bend the law.

    Args:
        n_parameters: N of each run (> 0).
        n_tokens: D of each run (> 0).
        losses: What each run reached, in nats per token (> 0).
        floor: E, where it is known; None to fit it, too.

    Raises:
        ValueError: If there are fewer runs than constants, the lengths differ, or a known floor
            does not lie below every loss.

    Reference:
        Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", section 3.3,
        https://arxiv.org/abs/2203.15556. As Besiroglu et al. 2024 advise, the *sum* of the errors
        is minimised: their mean is so small that the optimiser stops early.
    """
    sizes, tokens, measured = (np.asarray(v, float) for v in (n_parameters, n_tokens, losses))
    n_constants = 4 if floor is not None else 5
    if not len(sizes) == len(tokens) == len(measured) >= n_constants:
        raise ValueError(
            f"n_parameters, n_tokens and losses must be of one length ≥ {n_constants}; "
            f"got {len(sizes)}, {len(tokens)} and {len(measured)}."
        )
    lowest = float(measured.min())
    if floor is not None and not 0 <= floor < lowest:
        raise ValueError(f"floor must be ≥ 0 and below every loss; got floor={floor}.")

    from scipy.optimize import minimize

    def law_at(point: np.ndarray) -> list[float]:
        constants = np.exp(point).tolist()  # all five are positive
        return constants if floor is None else [*constants, floor]

    def error(point: np.ndarray) -> float:
        a, b, alpha, beta, e = law_at(point)
        predicted = e + a / sizes**alpha + b / tokens**beta
        off = np.abs(np.log(predicted / measured))
        return float(np.where(off < _HUBER, off**2 / 2, _HUBER * (off - _HUBER / 2)).sum()) * 1e3

    starts = (
        np.array([a, b, math.log(alpha), math.log(beta), math.log(lowest / 2)][:n_constants])
        for a, b, alpha, beta in _STARTS
    )
    limits = [(-10.0, 40.0)] * 2 + [(-4.0, 1.5)] * 2 + [(-12.0, math.log(lowest))]
    found = [
        minimize(error, start, method="L-BFGS-B", bounds=limits[:n_constants]) for start in starts
    ]
    best = min(found, key=lambda result: result.fun)
    a, b, alpha, beta, e = law_at(best.x)
    return LossLaw(floor=e, size_factor=a, size_exponent=alpha, data_factor=b, data_exponent=beta)
