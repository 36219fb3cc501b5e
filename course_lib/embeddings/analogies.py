"""Does "a is to b as c is to ?" come out right, over thousands of questions?"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from course_lib.embeddings.vectors import WordVectors, analogy_scores
from course_lib.evaluation import Interval, proportion_interval

_BATCH = 256


class AnalogyScore(NamedTuple):
    """How many analogy questions were answered exactly right.

    Attributes:
        accuracy: Share of right answers among the questions used (0 if none was).
        interval: Its 95 % interval (Wilson); it treats the questions as independent, though they
            share words.
        n_used: Questions with all four words known.
        n_skipped: Questions left out, because a word is unknown.
        by_section: For each section: (right answers, questions used).
    """

    accuracy: float
    interval: Interval
    n_used: int
    n_skipped: int
    by_section: dict[str, tuple[int, int]]


def _right_answers(
    vectors: WordVectors, ids: Int[np.ndarray, "N 4"], method: Literal["add", "mul"]
) -> Bool[np.ndarray, " N"]:
    right = []
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        scores = analogy_scores(vectors.directions, batch[:, :3], method)
        np.put_along_axis(scores, batch[:, :3], -np.inf, axis=1)
        right.append(scores.argmax(axis=1) == batch[:, 3])
    return np.concatenate(right)


def evaluate_analogies(
    vectors: WordVectors,
    questions: Iterable[Mapping[str, Any]],
    *,
    method: Literal["add", "mul"] = "add",
    restrict_to: int = 30_000,
) -> AnalogyScore:
    """Answer analogy questions with vector arithmetic; only the exact word counts as right.

    The three words of the question are never given as the answer. Words that are unknown as they
    are written are looked up in lower case.

    Args:
        vectors: The vectors to judge.
        questions: Rows with `section`, `a`, `b`, `c`, `d`, such as "google-analogies".
        method: "add" ranks by cos(x, b) - cos(x, a) + cos(x, c), "mul" by products of them.
        restrict_to: Ask and answer only with this many words, the most frequent (≥ 1).

    Raises:
        ValueError: If `method` or `restrict_to` is not one of the above, or there is no question
            whose four words are known.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space" (3CosAdd
        and the questions); Levy & Goldberg 2014, "Linguistic Regularities in Sparse and Explicit
        Word Representations" (3CosMul).
    """
    if restrict_to < 1:
        raise ValueError(f"restrict_to must be ≥ 1; got restrict_to={restrict_to}.")
    frequent = vectors.first(restrict_to)
    sections, ids, n_skipped = [], [], 0
    for question in questions:
        found = [frequent.find(question[column]) for column in "abcd"]
        if None in found:
            n_skipped += 1
        else:
            ids.append([frequent.id_of(word) for word in found if word is not None])
            sections.append(question["section"])
    if not ids:
        raise ValueError(
            f"questions must contain one whose four words are known; got none of {n_skipped}."
        )
    right = _right_answers(frequent, np.array(ids), method)
    by_section: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for section, is_right in zip(sections, right, strict=True):
        n_right, n_used = by_section[section]
        by_section[section] = (n_right + int(is_right), n_used + 1)
    interval = proportion_interval(int(right.sum()), len(ids))
    return AnalogyScore(float(right.mean()), interval, len(ids), n_skipped, dict(by_section))
