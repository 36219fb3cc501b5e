"""Whether a classifier is as often right as it is sure, and one number that repairs it.

Probabilities and logits are tables with one row per item and one column per class; a label is the
number of the right column. A model's *confidence* is the probability of the class that it chose.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

ROW_SUM_TOLERANCE = 1e-3  # what probabilities kept in half precision may be off by


class ReliabilityBin(NamedTuple):
    """The items whose confidence lies in (low, high]; NaN where there are none."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def _as_table(values: ArrayLike, labels: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    table, right = np.asarray(values, dtype=np.float64), np.asarray(labels)
    if table.ndim != 2 or len(table) == 0 or table.shape[1] < 2:
        raise ValueError(
            f"{name} must be a table of at least one row and two columns, one column per class; "
            f"got shape {table.shape}."
        )
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite; got NaN or infinity.")
    if right.shape != (len(table),) or right.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {len(table)} whole numbers, one per row of {name}; "
            f"got shape {right.shape} of {right.dtype}."
        )
    outside = right[(right < 0) | (right >= table.shape[1])]
    if len(outside) > 0:
        raise ValueError(
            f"labels must lie between 0 and {table.shape[1] - 1}, for {name} has "
            f"{table.shape[1]} columns; got {outside[0]}."
        )
    return table, right


def _as_probabilities(values: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    table, right = _as_table(values, labels, "probabilities")
    sums = table.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if table.min() < 0 or abs(sums[worst] - 1) > ROW_SUM_TOLERANCE:
        raise ValueError(
            "probabilities must be ≥ 0 and sum to 1 in each row (for logits, use "
            f"temperature_scale first); got a smallest value of {table.min():.4g} and a row "
            f"that sums to {sums[worst]:.4g}."
        )
    return table, right


def reliability_bins(
    probabilities: ArrayLike, labels: ArrayLike, n_bins: int = 15
) -> list[ReliabilityBin]:
    """Sort items by confidence into bins of equal width, to compare confidence with accuracy.

    A confidence on the edge of two bins belongs to the lower one. If two classes are equally
    likely, the one with the lower number counts as chosen.

    Args:
        probabilities: One row per item, one column per class.
        labels: The right column of each row.
        n_bins: Into how many parts the range from 0 to 1 is cut (≥ 1).

    Returns:
        All bins from 0 to 1, the empty ones too.

    Raises:
        ValueError: If `probabilities` is not a table of probabilities, a label names no column,
            or `n_bins` is below 1.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2,
        https://arxiv.org/abs/1706.04599.

    Example:
        >>> low, high = reliability_bins([[0.9, 0.1], [0.7, 0.3]], [0, 1], n_bins=2)
        >>> low.n, high.n, high.confidence, high.accuracy
        (0, 2, 0.8, 0.5)
    """
    table, right = _as_probabilities(probabilities, labels)
    if n_bins < 1:
        raise ValueError(f"n_bins must be ≥ 1; got n_bins={n_bins}.")
    edges = np.linspace(0, 1, n_bins + 1)
    confidence = table.max(axis=1)
    is_right = table.argmax(axis=1) == right
    # side="left" puts a confidence that equals an edge below it; rounding may lift one above 1.
    number = np.minimum(np.searchsorted(edges, confidence, side="left") - 1, n_bins - 1)
    bins = []
    for i, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = number == i
        n = int(inside.sum())
        sure = float(confidence[inside].mean()) if n > 0 else math.nan
        correct = float(is_right[inside].mean()) if n > 0 else math.nan
        bins.append(ReliabilityBin(low, high, n, sure, correct))
    return bins


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, n_bins: int = 15
) -> float:
    """Compute how far confidence and accuracy are apart, on average over the items.

    0 does not mean that a model is good: one that always says "50 %" on two equally frequent
    classes is calibrated and useless. The number depends on `n_bins`, and on a small sample it is
    too high, because the accuracy in a bin of few items is far from the truth by chance.

    Args:
        probabilities: One row per item, one column per class.
        labels: The right column of each row.
        n_bins: Into how many bins of equal width the items are sorted.

    Returns:
        From 0 (as often right as sure, in every bin) to 1.

    Raises:
        ValueError: If `probabilities` is not a table of probabilities, a label names no column,
            or `n_bins` is below 1.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3,
        https://arxiv.org/abs/1706.04599.

    Example:
        >>> expected_calibration_error([[1.0, 0.0], [1.0, 0.0]], [0, 1])
        0.5
    """
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    n_items = sum(b.n for b in filled)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in filled) / n_items


def brier_score(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Compute the mean squared distance of the probabilities from the truth, summed over classes.

    The truth is 1 for the right class and 0 for the others. Unlike the calibration error it needs
    no bins, and a model that cannot tell the classes apart does not get a good score.

    Args:
        probabilities: One row per item, one column per class.
        labels: The right column of each row.

    Returns:
        From 0 (sure and right) to 2 (sure and wrong).

    Raises:
        ValueError: If `probabilities` is not a table of probabilities, or a label names no column.

    Reference:
        Brier 1950, "Verification of Forecasts Expressed in Terms of Probability". For two
        classes many later authors count one of the two columns only: half of this number.

    Example:
        >>> brier_score([[0.5, 0.5], [1.0, 0.0]], [0, 0])
        0.25
    """
    table, right = _as_probabilities(probabilities, labels)
    truth = np.eye(table.shape[1])[right]
    return float(((table - truth) ** 2).sum(axis=1).mean())


def temperature_scale(logits: ArrayLike, temperature: float) -> np.ndarray:
    """Turn logits into probabilities, softer (above 1) or bolder (below 1) than softmax alone.

    The order of the classes stays as it is, so no prediction and no accuracy changes.

    Args:
        logits: The classes' scores before softmax, in the last dimension.
        temperature: What the logits are divided by (> 0).

    Raises:
        ValueError: If `temperature` is not positive and finite, or `logits` is a single number.

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2,
        https://arxiv.org/abs/1706.04599.

    Example:
        >>> temperature_scale([0.0, 2.0], temperature=2.0).round(3).tolist()
        [0.269, 0.731]
    """
    scores = np.asarray(logits, dtype=np.float64)
    if scores.ndim == 0:
        raise ValueError("logits must have a last dimension of classes; got a single number.")
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature must be > 0 and finite; got temperature={temperature}.")
    return _softmax(scores / temperature)


def _softmax(scores: np.ndarray) -> np.ndarray:
    # Dividing both sides by the largest value changes nothing, and nothing overflows.
    unnormalised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return unnormalised / unnormalised.sum(axis=-1, keepdims=True)


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Find the temperature under which the right labels are most likely.

    Fit it on data that the model was not trained on (the dev split), and measure on other data
    (the test split). The mean negative log-likelihood is convex in β = 1 / temperature, and its
    slope there is the mean of "the logit expected under softmax(β · logits) minus the right
    label's logit"; so the one place where the slope is zero is searched for.

    Args:
        logits: One row per item, one column per class.
        labels: The right column of each row.

    Returns:
        The temperature: above 1 for a model that was too sure, below 1 for a too modest one.

    Raises:
        ValueError: If `logits` is not a table, a label names no column, or no temperature is
            best: every item is right (the lower the better), or the logits of the right labels
            are on average not above the others (the higher the better).

    Reference:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2,
        https://arxiv.org/abs/1706.04599.

    Example:
        Always as sure (4 : 1 in odds), but right only in two of three cases (2 : 1):

        >>> logits = [[math.log(4), 0.0]] * 3
        >>> fit_temperature(logits, [0, 0, 1]) == math.log(4) / math.log(2)
        True
    """
    from scipy.optimize import root_scalar

    table, right = _as_table(logits, labels, "logits")
    table = table - table[np.arange(len(table)), right, None]  # the right label's logit is now 0

    def slope(beta: float) -> float:
        return float((_softmax(beta * table) * table).sum(axis=1).mean())

    if table.max() <= 0:
        raise ValueError(
            "logits must be wrong on some item, or the best temperature is 0; got "
            f"{len(table)} items, all right. Take more data."
        )
    if slope(0.0) >= 0:
        raise ValueError(
            "logits of the right labels must be above the others on average, or the best "
            f"temperature is infinite; got {0 - slope(0.0):.4g} above. Are the columns in order?"
        )
    low = high = 1.0
    while slope(low) > 0:
        low /= 2
    while slope(high) < 0:
        high *= 2
    found = root_scalar(slope, bracket=(low, high), method="brentq", xtol=1e-300, rtol=1e-14)
    return 1 / float(found.root)
