"""Precision, recall and F1, kept with the counts that they come from."""

import math
from typing import NamedTuple


class MatchCounts(NamedTuple):
    """How many items a system found, how many there are, and how many are in both.

    The items may be texts of one class, entities in sentences, words of an answer.

    Example:
        >>> counts = MatchCounts(n_right=3, n_predicted=4, n_expected=6)
        >>> counts.precision, counts.recall, counts.f1
        (0.75, 0.5, 0.6)
    """

    n_right: int
    n_predicted: int
    n_expected: int

    @property
    def precision(self) -> float:
        """The share of the found items that are right; NaN if nothing was found."""
        return self.n_right / self.n_predicted if self.n_predicted else math.nan

    @property
    def recall(self) -> float:
        """The share of the items that were found; NaN if there are none."""
        return self.n_right / self.n_expected if self.n_expected else math.nan

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, from 0 to 1.

        In counts, 2 · right / (found + there): so it is 0, not NaN, where one of the two is
        undefined, and NaN only where there was nothing to find and nothing was found.
        """
        total = self.n_predicted + self.n_expected
        return 2 * self.n_right / total if total else math.nan
