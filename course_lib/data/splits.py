"""Train, dev and test rows that share no group: no author, film or page on both sides."""

import random
from collections.abc import Hashable, Sequence
from typing import NamedTuple


class Split(NamedTuple):
    """Row numbers of the three parts, each in rising order."""

    train: list[int]
    dev: list[int]
    test: list[int]


def split_by_group(
    groups: Sequence[Hashable],
    *,
    dev_fraction: float = 0.2,
    test_fraction: float = 0.2,
    seed: int,
) -> Split:
    """Split rows into train, dev and test so that no group stands in two of them.

    Args:
        groups: The group of each row (its author, its source document); `range(n_rows)` if every
            row stands for itself.
        dev_fraction: Share of the groups that goes to dev; at least one group does.
        test_fraction: Share of the groups that goes to test; at least one group does.
        seed: Decides which groups go where.

    Returns:
        The row numbers of each part.

    Raises:
        ValueError: If the fractions are not above 0 with room left for train, or no group is
            left for train.

    Example:
        >>> split_by_group(["ann", "ann", "bob", "cy", "cy"], seed=0)
        Split(train=[2], dev=[0, 1], test=[3, 4])
    """
    if not (dev_fraction > 0 and test_fraction > 0 and dev_fraction + test_fraction < 1):
        raise ValueError(
            "dev_fraction and test_fraction must be > 0 and sum to less than 1; "
            f"got dev_fraction={dev_fraction}, test_fraction={test_fraction}."
        )
    names = list(dict.fromkeys(groups))
    n_dev = max(1, round(dev_fraction * len(names)))
    n_test = max(1, round(test_fraction * len(names)))
    if len(names) <= n_dev + n_test:
        raise ValueError(
            "groups must leave at least one group each for train, dev and test; "
            f"got {len(names)} groups, {n_dev} of them for dev and {n_test} for test."
        )
    random.Random(seed).shuffle(names)
    dev, test = set(names[:n_dev]), set(names[n_dev : n_dev + n_test])
    parts = Split([], [], [])
    for row, group in enumerate(groups):
        (parts.dev if group in dev else parts.test if group in test else parts.train).append(row)
    return parts
