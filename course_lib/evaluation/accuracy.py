"""The share of right answers."""

from collections.abc import Sequence
from typing import Any


def accuracy(predicted: Sequence[Any], expected: Sequence[Any]) -> float:
    """Compute the share of predictions that equal what was expected.

    Args:
        predicted: Labels, ids or strings.
        expected: As many of the same kind.

    Raises:
        ValueError: If the lengths differ or are 0.

    Example:
        >>> accuracy(["cat", "dog", "cat"], ["cat", "cat", "cat"])
        0.6666666666666666
    """
    if len(predicted) != len(expected) or len(expected) == 0:
        raise ValueError(
            "predicted and expected must have the same length, at least 1; "
            f"got {len(predicted)} and {len(expected)}."
        )
    right = sum(bool(a == b) for a, b in zip(predicted, expected, strict=True))
    return right / len(expected)
