"""Do the vectors find those words similar that people find similar?"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from course_lib.embeddings.vectors import WordVectors
from course_lib.evaluation import Interval, bootstrap_interval, spearman_correlation


class SimilarityScore(NamedTuple):
    """How well cosines agree with human ratings.

    Attributes:
        spearman: Rank correlation of cosines and ratings, from -1 to 1.
        interval: Its 95 % interval (bootstrap over the pairs).
        n_used: Pairs with both words known.
        n_missing: Pairs left out, because a word is unknown.
    """

    spearman: float
    interval: Interval
    n_used: int
    n_missing: int


def cosine_similarity(a: ArrayLike, b: ArrayLike) -> float:
    """Compute the cosine of the angle between two vectors: 1 same direction, 0 at right angles.

    Args:
        a: A vector.
        b: A vector of the same length.

    Raises:
        ValueError: If the shapes differ or are not flat, or a vector is all zeros (it has no
            direction).

    Example:
        >>> cosine_similarity([1.0, 0.0], [3.0, 4.0])
        0.6
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"a and b must be two vectors of one length; got shapes {first.shape}, {second.shape}."
        )
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    if lengths == 0:
        raise ValueError("a and b must have a direction; got a vector of zeros.")
    return float(first @ second) / lengths


def _spearman_of_rows(rows: Float[np.ndarray, "N 2"]) -> float:
    return spearman_correlation(rows[:, 0], rows[:, 1])


def evaluate_similarity(
    vectors: WordVectors, pairs: Iterable[Mapping[str, Any]], *, seed: int = 0
) -> SimilarityScore:
    """Compare cosines with human ratings of the same pairs of words.

    A word that is unknown as it is written is looked up in lower case.

    Args:
        vectors: The vectors to judge.
        pairs: Rows with `word1`, `word2` and `score`, such as the data set "wordsim353".
        seed: Of the bootstrap.

    Raises:
        ValueError: If fewer than 2 pairs have both words known.

    Reference:
        Finkelstein et al. 2002, "Placing Search in Context: The Concept Revisited" (WordSim-353).
    """
    rows, n_missing = [], 0
    for pair in pairs:
        first, second = vectors.find(pair["word1"]), vectors.find(pair["word2"])
        if first is None or second is None:
            n_missing += 1
        else:
            rows.append((vectors.similarity(first, second), float(pair["score"])))
    if len(rows) < 2:
        raise ValueError(
            f"pairs must contain at least 2 with both words known; got {len(rows)} "
            f"({n_missing} with an unknown word)."
        )
    table = np.array(rows)
    interval = bootstrap_interval(table, _spearman_of_rows, seed=seed)
    return SimilarityScore(_spearman_of_rows(table), interval, len(rows), n_missing)
