"""How well two lists of numbers agree: in their values (Pearson) or in their order (Spearman)."""

import math

import numpy as np
from numpy.typing import ArrayLike


def _as_two_columns(x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            "x and y must be two lists of the same length; "
            f"got shapes {first.shape} and {second.shape}."
        )
    if len(first) < 2:
        raise ValueError(f"x and y must hold at least 2 numbers each; got {len(first)}.")
    return first, second


def _average_ranks(values: np.ndarray) -> np.ndarray:
    """Rank from 1; equal values share the mean of the ranks they take up."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last_rank = np.cumsum(sizes)
    return (last_rank - (sizes - 1) / 2)[group]


def pearson_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Measure how close the points (x, y) lie to a rising line: 1 on it, -1 on a falling one.

    Args:
        x: Numbers.
        y: As many numbers.

    Returns:
        The correlation, from -1 to 1; NaN if either list is constant, for then it is undefined.

    Raises:
        ValueError: If the lists differ in length, are not flat, or hold fewer than 2 numbers.

    Example:
        >>> round(pearson_correlation([1, 2, 3], [2, 4, 9]), 4)
        0.9707
    """
    first, second = _as_two_columns(x, y)
    first, second = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / scale if scale > 0 else math.nan


def spearman_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Measure how well two lists agree in their order: the Pearson correlation of their ranks.

    It asks only which of two is larger, so it can compare cosines with human ratings from 0 to 10.

    Args:
        x: Numbers.
        y: As many numbers.

    Returns:
        The correlation, from -1 (opposite order) to 1 (same order); NaN if either list is constant.

    Raises:
        ValueError: If the lists differ in length, are not flat, or hold fewer than 2 numbers.

    Reference:
        Spearman 1904, "The Proof and Measurement of Association between Two Things". Ties share
        their mean rank.

    Example:
        >>> spearman_correlation([1, 2, 3, 4], [10, 20, 90, 40])
        0.8
    """
    first, second = _as_two_columns(x, y)
    return pearson_correlation(_average_ranks(first), _average_ranks(second))
