"""How much a score varies from run to run."""

import math
from collections.abc import Sequence


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """Summarise the scores of repeated runs by their mean and their standard deviation.

    Args:
        values: One score per run (seed); at least two.

    Returns:
        The mean, and the sample standard deviation: squared distances from the mean are averaged
        over n - 1, because the mean was itself taken from these n values.

    Raises:
        ValueError: If there are fewer than two values: one run says nothing about spread.

    Example:
        >>> mean_and_sd([2.0, 4.0, 4.0, 6.0])  # sd = sqrt(8 / 3)
        (4.0, 1.632993161855452)
    """
    n_values = len(values)
    if n_values < 2:
        raise ValueError(f"values must hold at least 2 scores; got {n_values}.")
    mean = math.fsum(values) / n_values
    variance = math.fsum((value - mean) ** 2 for value in values) / (n_values - 1)
    return mean, math.sqrt(variance)
