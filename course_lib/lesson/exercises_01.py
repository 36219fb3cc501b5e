"""The exercises of lesson 01, word embeddings: cases, mistakes known by name, hints.

Letters in shapes: D length of a vector, V words. The two about training are in `sgns_exercises`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softmax

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.sgns_exercises import SGNS_GRADIENTS, SGNS_LOSS


def _vectors(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


COSINE_SIMILARITY = Exercise(
    key="01:cosine_similarity",
    target="course_lib.embeddings.similarity:cosine_similarity",
    level="easy",
    cases=(
        Case(why="(1, 0) and (3, 4)", args=lambda: (np.array([1.0, 0.0]), np.array([3.0, 4.0]))),
        Case(
            why="a vector and the same one, twice as long",
            args=lambda: (np.array([1.0, 2.0, -2.0]), np.array([2.0, 4.0, -4.0])),
        ),
        Case(
            why="two vectors that point in opposite directions",
            args=lambda: (np.array([0.5, 1.5]), np.array([-1.0, -3.0])),
        ),
        Case(
            why="two very short vectors",
            args=lambda: (np.array([0.003, 0.004]), np.array([0.001, 0.0])),
        ),
        Case(why="two random vectors of 7 numbers", args=lambda: tuple(_vectors(1, 2, 7))),
    ),
    mistakes=(
        Mistake(
            name="only-the-dot-product",
            twin=lambda a, b: float(a @ b),
            hint="This is the dot product. It doubles when a vector doubles, though the angle "
            "stays the same. What must you divide by so that length no longer counts?",
        ),
        Mistake(
            name="divided-by-squared-lengths",
            twin=lambda a, b: float(a @ b) / float((a @ a) * (b @ b)),
            hint="You divide by a·a times b·b. These are the *squared* lengths. For (3, 4), a·a "
            "is 25; how long is the arrow?",
        ),
        Mistake(
            name="divided-by-one-length",
            twin=lambda a, b: float(a @ b) / float(np.linalg.norm(a)),
            hint="You divide by the length of `a` alone. Double `b`: does your result stay?",
        ),
        Mistake(
            name="divided-by-the-other-length",
            twin=lambda a, b: float(a @ b) / float(np.linalg.norm(b)),
            hint="You divide by the length of `b` alone. Double `a`: does your result stay?",
        ),
        Mistake(
            name="divided-by-the-sum-of-lengths",
            twin=lambda a, b: float(a @ b) / float(np.linalg.norm(a) + np.linalg.norm(b)),
            hint="You divide by the *sum* of the lengths. Try a vector of length 3 with itself: "
            "the dot product is 9, and the cosine should be 1. Which of 3 + 3 and 3 · 3 gets "
            "you there?",
        ),
        Mistake(
            name="cosine-distance",
            twin=lambda a, b: 1 - float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b)),
            hint="You return 1 - cosine: the cosine *distance*, 0 for equal directions. Here "
            "equal directions should give 1.",
        ),
        Mistake(
            name="angle-itself",
            twin=lambda a, b: float(
                np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1))
            ),
            hint="You return the angle, in radians. We want its cosine, which is the number you "
            "had just before the arccos.",
        ),
        Mistake(
            name="lost-the-sign",
            twin=lambda a, b: abs(float(a @ b)) / float(np.linalg.norm(a) * np.linalg.norm(b)),
            hint="Your results are never negative. What should opposite directions give?",
        ),
        Mistake(
            name="pearson-correlation",
            twin=lambda a, b: float(np.corrcoef(a, b)[0, 1]),
            hint="You subtract each vector's mean first: that is Pearson's correlation. The "
            "cosine takes the vectors as they are.",
        ),
    ),
    nudge="The dot product grows with the lengths of both arrows. Take both lengths out of it.",
    shapes="In: two NumPy arrays of shape (D,). Out: one float between -1 and 1. "
    "np.linalg.norm(a) is the length of a.",
    pseudocode="dot ← sum of aᵢ·bᵢ\n"
    "length of a ← √(sum of aᵢ²), the same for b\n"
    "return dot / (length of a · length of b)",
)


def _pairs(
    contexts_of: Callable[[int, int, int], Sequence[int]],
) -> Callable[[list[int], int], list[tuple[int, int]]]:
    """Make a twin of `skip_gram_pairs` that looks at the given positions for each centre i."""

    def twin(ids: list[int], window: int) -> list[tuple[int, int]]:
        places = [(i, j) for i in range(len(ids)) for j in contexts_of(i, window, len(ids))]
        return [(ids[i], ids[j]) for i, j in places]

    return twin


def _around(i: int, window: int, n_words: int) -> list[int]:
    return [j for j in range(max(0, i - window), min(n_words, i + window + 1)) if j != i]


def _skips_equal_words(ids: list[int], window: int) -> list[tuple[int, int]]:
    return [pair for pair in _pairs(_around)(ids, window) if pair[0] != pair[1]]


def _slice_with_negative_start(ids: list[int], window: int) -> list[tuple[int, int]]:
    places = enumerate(ids)
    return [(c, o) for i, c in places for o in ids[i - window : i] + ids[i + 1 : i + 1 + window]]


def _same_pairs_in_another_order(seen: tuple[Observation, ...]) -> bool:
    try:
        return all(sorted(map(tuple, o.value)) == sorted(o.expected) for o in seen)
    except TypeError:
        return False


SKIP_GRAM_PAIRS = Exercise(
    key="01:skip_gram_pairs",
    target="course_lib.embeddings.sgns:skip_gram_pairs",
    level="easy",
    cases=(
        Case(why="the words 7 8 9, window 1", args=lambda: ([7, 8, 9], 1)),
        Case(why="seven words, window 2", args=lambda: ([5, 3, 8, 1, 9, 2, 6], 2)),
        Case(why="a sentence with a word twice", args=lambda: ([4, 4, 6, 4, 2], 2)),
        Case(why="a sentence shorter than the window", args=lambda: ([3, 1, 2], 5)),
        Case(why="a sentence of one word", args=lambda: ([11], 3)),
    ),
    mistakes=(
        Mistake(
            name="paired-with-itself",
            twin=_pairs(lambda i, w, n: range(max(0, i - w), min(n, i + w + 1))),
            hint="Each word is also paired with itself, at distance 0. Which position must the "
            "inner loop skip?",
        ),
        Mistake(
            name="only-to-the-right",
            twin=_pairs(lambda i, w, n: range(i + 1, min(n, i + w + 1))),
            hint="You only look to the right of the centre. The window reaches to the left as "
            "well.",
        ),
        Mistake(
            name="only-to-the-left",
            twin=_pairs(lambda i, w, n: range(max(0, i - w), i)),
            hint="You only look to the left of the centre. The window reaches to the right as "
            "well.",
        ),
        Mistake(
            name="right-end-off-by-one",
            twin=_pairs(lambda i, w, n: [j for j in _around(i, w, n) if j < i + w]),
            hint="On the right, the last word of the window is missing. range(a, b) stops "
            "*before* b: where must it end so that i + window is still in?",
        ),
        Mistake(
            name="wraps-around-at-the-start",
            twin=_slice_with_negative_start,
            hint="Near the start of the sentence contexts on the left are lost: i - window "
            "becomes negative, and ids[-1:…] counts from the end. What is the smallest start "
            "you should allow?",
        ),
        Mistake(
            name="whole-sentence",
            twin=_pairs(lambda i, w, n: [j for j in range(n) if j != i]),
            hint="You pair every word with every other word of the sentence. Where does `window` "
            "come in?",
        ),
        Mistake(
            name="only-at-distance-window",
            twin=_pairs(lambda i, w, n: [j for j in (i - w, i + w) if 0 <= j < n]),
            hint="You take only the words exactly `window` positions away. Those in between count "
            "too.",
        ),
        Mistake(
            name="positions-instead-of-ids",
            twin=lambda ids, window: [
                (i, j) for i in range(len(ids)) for j in _around(i, window, len(ids))
            ],
            hint="Your pairs hold positions in the sentence. We want the words that stand there.",
        ),
        Mistake(
            name="skips-equal-words",
            twin=_skips_equal_words,
            hint="You leave out contexts that are the same *word* as the centre. A word may well "
            "stand next to another copy of itself. Compare positions, not ids.",
        ),
        Mistake(
            name="centre-and-context-swapped",
            twin=lambda ids, window: [(o, c) for c, o in _pairs(_around)(ids, window)],
            hint="The context comes first in your pairs. The docstring says (centre, context).",
        ),
        Mistake(
            name="another-order",
            seen=_same_pairs_in_another_order,
            hint="All your pairs are right, but in another order. Go through the centres from "
            "left to right, and for each through its contexts from left to right.",
        ),
    ),
    nudge="Two loops: one over the position of the centre, one over the positions near it.",
    shapes="In: a list of n ids, and the window. Out: a list of tuples (centre id, context id).",
    pseudocode="for each position i:\n"
    "    for each position j from i - window to i + window, inside the sentence:\n"
    "        if j is not i: add (ids[i], ids[j])",
)


def _counts(*values: float) -> tuple[Tensor]:
    return (torch.tensor(values, dtype=torch.float64),)


NEGATIVE_WEIGHTS = Exercise(
    key="01:negative_weights",
    target="course_lib.embeddings.sgns:negative_weights",
    level="easy",
    cases=(
        Case(why="the counts 16, 1, 1", args=lambda: _counts(16, 1, 1)),
        Case(why="five counts", args=lambda: _counts(5000, 320, 41, 7, 2)),
        Case(why="power 0.5", args=lambda: (*_counts(9, 4, 1, 25), 0.5)),
        Case(why="power 1", args=lambda: (*_counts(6, 3, 1), 1.0)),
        Case(why="power 0", args=lambda: (*_counts(6, 3, 1), 0.0)),
        Case(why="a word that was never seen", args=lambda: _counts(8, 0, 2)),
    ),
    mistakes=(
        Mistake(
            name="not-scaled-to-one",
            twin=lambda counts, power=0.75: counts**power,
            hint="Your weights do not sum to 1, so they are no probabilities yet. What can you "
            "divide them by?",
        ),
        Mistake(
            name="power-forgotten",
            twin=lambda counts, power=0.75: counts / counts.sum(),
            hint="You draw words as often as they occur. Where does `power` come in?",
        ),
        Mistake(
            name="multiplied-by-the-power",
            twin=lambda counts, power=0.75: counts * power / (counts * power).sum(),
            hint="You multiply by `power`. A factor cancels out when you scale; a power, `**`, "
            "does not.",
        ),
        Mistake(
            name="power-after-scaling",
            twin=lambda counts, power=0.75: (counts / counts.sum()) ** power,
            hint="You scale to 1 first and take the power afterwards. Print the sum of the "
            "result: is it still 1?",
        ),
        Mistake(
            name="power-fixed-at-075",
            twin=lambda counts, power=0.75: counts**0.75 / (counts**0.75).sum(),
            hint="You wrote 0.75 into the function, so the argument `power` changes nothing.",
        ),
        Mistake(
            name="sum-before-power",
            twin=lambda counts, power=0.75: counts**power / counts.sum(),
            hint="The powers are right, but you divide by the sum of the *counts*. By what must "
            "you divide for the weights to sum to 1?",
        ),
        Mistake(
            name="softmax",
            twin=lambda counts, power=0.75: softmax(counts**power, dim=0),
            hint="You use softmax, which exponentiates: e^(count^power). Frequent words get "
            "nearly everything. Divide by the plain sum instead.",
        ),
        Mistake(
            name="upside-down",
            twin=lambda counts, power=0.75: counts**-power / (counts**-power).sum(),
            hint="Your rare words are drawn most often. The power flattens the differences "
            "between counts, it does not turn them round.",
        ),
    ),
    nudge="Two steps: bend the counts, then make them sum to 1. In which order?",
    shapes="In: counts, shape (V,), and a number. Out: probabilities, shape (V,), that sum to 1.",
    pseudocode="weights ← each count to the power\nreturn weights / sum of the weights",
)


EXERCISES: tuple[Exercise, ...] = (
    COSINE_SIMILARITY,
    SKIP_GRAM_PAIRS,
    NEGATIVE_WEIGHTS,
    SGNS_LOSS,
    SGNS_GRADIENTS,
)
