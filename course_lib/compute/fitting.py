"""Fit the loss law L = E + A / N^alpha + B / D^beta to measured runs."""

import math
from collections.abc import Sequence

import numpy as np

from course_lib.compute.scaling import LossLaw

_SMALL_ERROR = 1e-3
_FIRST_EXPONENT = 0.5


def fit_loss_law(
    n_parameters: Sequence[float],
    n_tokens: Sequence[float],
    losses: Sequence[float],
    *,
    floor: float | None = None,
) -> LossLaw:
    """Find the constants of a loss law from runs of several sizes and lengths.

    The sum over runs of the Huber loss of log(predicted / measured) is made small: small errors
    count squared, large ones only by their size, so that one failed run does not bend the law. The
    search begins where plain least squares end, because the Huber loss alone has many valleys.

    Args:
        n_parameters: N of each run (> 0).
        n_tokens: D of each run (> 0).
        losses: What each run reached, in nats per token (> 0).
        floor: E, where it is known; None to fit it, too.

    Raises:
        ValueError: If there are fewer runs than constants, the lengths differ, a number is not
            above 0, a known floor does not lie below every loss, or the loss does not fall with
            size and with tokens.

    Reference:
        Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", eq. 3 (and 11 in
        the appendix), https://arxiv.org/abs/2203.15556. Besiroglu et al. 2024 found that the
        optimiser had been stopped too early there; here it goes on until nothing changes.
    """
    runs = [list(n_parameters), list(n_tokens), list(losses)]
    n_constants = 4 if floor is not None else 5
    lengths = [len(numbers) for numbers in runs]
    if not n_constants <= lengths[0] == lengths[1] == lengths[2]:
        raise ValueError(
            f"n_parameters, n_tokens and losses must be of one length ≥ {n_constants}; "
            f"got {lengths[0]}, {lengths[1]} and {lengths[2]}."
        )
    if min(map(min, runs)) <= 0:
        raise ValueError("n_parameters, n_tokens and losses must be > 0.")
    if floor is not None and not 0 <= floor < min(losses):
        raise ValueError(f"floor must be ≥ 0 and below every loss; got floor={floor}.")
    a, b, alpha, beta, *e = _best_point(np.log(runs), floor)
    return LossLaw(
        floor=math.exp(e[0]) if floor is None else floor,
        size_factor=math.exp(a),
        size_exponent=alpha,
        data_factor=math.exp(b),
        data_exponent=beta,
    )


def _best_point(log_runs: np.ndarray, floor: float | None) -> list[float]:
    """Return log A, log B, alpha and beta, and log E unless the floor is known."""
    from scipy.optimize import least_squares, minimize
    from scipy.special import huber, logsumexp

    log_n, log_d, log_loss = log_runs
    known = [] if floor is None else [math.log(floor) if floor else -math.inf]

    def off(point: np.ndarray) -> np.ndarray:
        a, b, alpha, beta, e = [*point, *known]
        terms = [a - alpha * log_n, b - beta * log_d, np.full(len(log_n), e)]
        return (logsumexp(terms, axis=0) - log_loss) / _SMALL_ERROR

    power, lowest = _FIRST_EXPONENT, log_loss.min()  # each term begins as the lowest loss
    start = [lowest + power * log_n.mean(), lowest + power * log_d.mean(), power, power, lowest]
    squares = least_squares(off, start[: 5 - len(known)], x_scale="jac")
    return minimize(
        lambda point: huber(1.0, off(point)).sum(), squares.x, method="L-BFGS-B", tol=1e-13
    ).x.tolist()
