"""How sure a score is: intervals that say what another sample could have given."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Interval(NamedTuple):
    """The lower and the upper end of an interval."""

    low: float
    high: float


class PairedDifference(NamedTuple):
    """How far the first of two systems is ahead, and how sure that is.

    `share_ahead` is the share of the drawn samples on which the first system is strictly better.
    """

    difference: float
    interval: Interval
    share_ahead: float


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got confidence={confidence}.")


def _redraw(
    statistic_of_rows: Callable[[np.ndarray], Any], n_rows: int, n_resamples: int, seed: int
) -> np.ndarray:
    """Compute a statistic on many samples of row numbers; where it is NaN, leave it out."""
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be ≥ 1; got n_resamples={n_resamples}.")
    rng = np.random.default_rng(seed)
    draws = (rng.integers(n_rows, size=n_rows) for _ in range(n_resamples))
    results = np.array([float(statistic_of_rows(rows)) for rows in draws])
    results = results[~np.isnan(results)]
    if len(results) == 0:
        raise ValueError(
            f"statistic must be defined on some resample of the {n_rows} values; got only NaN."
        )
    return results


def _middle(results: np.ndarray, confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(results, [tail, 1 - tail])
    return Interval(float(low), float(high))


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[np.ndarray], Any] = np.mean,
    *,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Find an interval for a statistic by drawing the sample again, with replacement, many times.

    Resamples on which the statistic is not defined (NaN) are left out.

    Args:
        values: One number per observation, or one row per observation (for example two columns, of
            which `statistic` computes a correlation). Whole rows are drawn.
        statistic: Computes one number from an array like `values`.
        confidence: Share of the resampled statistics that lie inside the interval.
        n_resamples: How many samples to draw (≥ 1).
        seed: Of the draws; the same seed gives the same interval.

    Raises:
        ValueError: If there is no value, or `confidence` or `n_resamples` is out of range, or the
            statistic is undefined on every resample.

    Reference:
        Efron 1979, "Bootstrap Methods: Another Look at the Jackknife"; the percentile interval.

    Example:
        >>> low, high = bootstrap_interval([4.1, 5.0, 3.9, 4.6, 5.2, 4.4])
        >>> low < 4.53 < high
        True
    """
    array = np.asarray(values)
    _check_confidence(confidence)
    if array.ndim == 0 or len(array) == 0:
        raise ValueError("values must hold at least one observation; got none.")
    results = _redraw(lambda rows: statistic(array[rows]), len(array), n_resamples, seed)
    return _middle(results, confidence)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    statistic: Callable[[np.ndarray], Any] = np.mean,
    *,
    confidence: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 0,
) -> PairedDifference:
    """Compare two systems on the same items, by drawing the items again many times.

    Both systems meet the same easy and hard items in each draw, so the difference is known more
    exactly than either score: two intervals that overlap do not mean that nothing was found.
    If the interval of the difference holds 0, these items do not tell which system is better.

    What is drawn again is the test items. How much training runs differ is another question, and
    only more seeds answer it.

    Args:
        first: The first system's result on each item: one number (such as 1 for right), or a row
            of counts from which `statistic` computes a score.
        second: The second system's results on the same items in the same order.
        statistic: Computes one score from an array like `first`; the higher, the better.
        confidence: Share of the resampled differences that lie inside the interval.
        n_resamples: How many samples to draw (≥ 1).
        seed: Of the draws; the same seed gives the same result.

    Raises:
        ValueError: If the two have different shapes or no item, `confidence` or `n_resamples` is
            out of range, or the statistic is undefined on every resample.

    Reference:
        Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation",
        https://aclanthology.org/W04-3250. Unlike there, an interval of the difference too.

    Example:
        Eight items are right with both, two only with the first:

        >>> result = paired_bootstrap([1] * 10, [1] * 8 + [0] * 2)
        >>> round(result.difference, 2), result.interval.low, result.share_ahead > 0.8
        (0.2, 0.0, True)
    """
    one, two = np.asarray(first), np.asarray(second)
    _check_confidence(confidence)
    if one.ndim == 0 or len(one) == 0 or one.shape != two.shape:
        raise ValueError(
            "first and second must hold the same number of items, at least one; "
            f"got shapes {one.shape} and {two.shape}."
        )

    def difference(rows: np.ndarray) -> float:
        return float(statistic(one[rows])) - float(statistic(two[rows]))

    results = _redraw(difference, len(one), n_resamples, seed)
    return PairedDifference(
        difference(np.arange(len(one))), _middle(results, confidence), float((results > 0).mean())
    )


def proportion_interval(n_right: int, n_total: int, *, confidence: float = 0.95) -> Interval:
    """Find an interval for a share, such as an accuracy; it makes sense at 0 % and 100 % too.

    Args:
        n_right: How many were right (0 to `n_total`).
        n_total: Out of how many (≥ 1).
        confidence: How often such intervals contain the true share.

    Raises:
        ValueError: If the numbers are out of range.

    Reference:
        Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".

    Example:
        >>> low, high = proportion_interval(0, 10)
        >>> low, round(high, 3)
        (0.0, 0.278)
    """
    _check_confidence(confidence)
    if not 0 <= n_right <= n_total or n_total < 1:
        raise ValueError(
            f"n_right must be between 0 and n_total ≥ 1; got n_right={n_right}, n_total={n_total}."
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = n_right / n_total, z * z / n_total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / n_total + spread / (4 * n_total))
    # At 0 % and 100 % one end is exact; rounding must not push it off.
    low = 0.0 if n_right == 0 else centre - half
    high = 1.0 if n_right == n_total else centre + half
    return Interval(low, high)
