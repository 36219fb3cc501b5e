"""What needs no model: the scores that any answer to a task must beat."""

from collections import Counter
from collections.abc import Hashable, Sequence


def chance_level(n_choices: Sequence[int]) -> float:
    """Compute the expected accuracy of one who picks any choice at random.

    Args:
        n_choices: For each item, how many choices it has (≥ 1).

    Raises:
        ValueError: If there is no item, or one has no choice.

    Example:
        >>> chance_level([2, 4])
        0.375
    """
    if not n_choices or min(n_choices) < 1:
        raise ValueError(
            f"n_choices must hold at least one number, all ≥ 1; got {list(n_choices)}."
        )
    return sum(1 / n for n in n_choices) / len(n_choices)


def majority_share(labels: Sequence[Hashable]) -> float:
    """Compute the accuracy of one who always gives the most frequent label.

    Args:
        labels: The right label of each item.

    Raises:
        ValueError: If there is no label.

    Example:
        >>> majority_share(["good", "bad", "good", "good"])
        0.75
    """
    if not labels:
        raise ValueError("labels must hold at least one label; got none.")
    return max(Counter(labels).values()) / len(labels)
