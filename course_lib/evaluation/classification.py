"""What an accuracy hides: which classes a classifier confuses, and how it does on the rare ones.

The numbers are those of scikit-learn. What is added: the classes are named by the caller, so that
one that does not occur is seen, and every share comes with the counts behind it.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

from course_lib.evaluation.counts import MatchCounts

Label = TypeVar("Label", bound=Hashable)


def _check(predicted: Sequence[Label], expected: Sequence[Label], classes: Sequence[Label]) -> None:
    if len(predicted) != len(expected) or len(expected) == 0:
        raise ValueError(
            "predicted and expected must have the same length, at least 1; "
            f"got {len(predicted)} and {len(expected)}."
        )
    if len(set(classes)) != len(classes):
        raise ValueError(f"classes must differ from each other; got {list(classes)}.")
    for name, labels in (("predicted", predicted), ("expected", expected)):
        unknown = set(labels) - set(classes)
        if unknown:
            raise ValueError(
                f"{name} must hold only the classes {list(classes)}; got also "
                f"{sorted(unknown, key=repr)}."
            )


def confusion_matrix(
    predicted: Sequence[Label], expected: Sequence[Label], classes: Sequence[Label]
) -> np.ndarray:
    """Count for each right class (row) how often each class (column) was predicted.

    Args:
        predicted: One label per item.
        expected: The right labels, in the same order.
        classes: All classes, in the order of the rows and columns. One that no item has gives
            a row of zeros, and one that was never predicted a column of zeros.

    Raises:
        ValueError: If the lengths differ or are 0, a class is listed twice, or a label is not
            among the classes.

    Reference:
        `sklearn.metrics.confusion_matrix`; unlike there, the predictions come first, and a label
        that is not in `classes` is an error instead of being left out.

    Example:
        >>> confusion_matrix(["a", "b", "b"], ["a", "a", "b"], classes=["a", "b", "c"]).tolist()
        [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    """
    _check(predicted, expected, classes)
    number = {label: i for i, label in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for guess, true in zip(predicted, expected, strict=True):
        matrix[number[true], number[guess]] += 1
    return matrix


def class_scores(
    predicted: Sequence[Label], expected: Sequence[Label], classes: Sequence[Label]
) -> dict[Label, MatchCounts]:
    """Compute precision, recall and F1 of each class, with the counts behind them.

    Args:
        predicted: One label per item.
        expected: The right labels, in the same order.
        classes: All classes, in the order wanted.

    Returns:
        Counts by class. Precision is NaN for a class that was never predicted, recall for one
        that no item has; F1 is 0 in both cases, and NaN if both are so.

    Raises:
        ValueError: If the lengths differ or are 0, a class is listed twice, or a label is not
            among the classes.

    Example:
        >>> scores = class_scores([0, 0, 1, 1], [0, 1, 1, 1], classes=[0, 1, 2])
        >>> scores[0].precision, scores[1].n_expected, scores[2].f1
        (0.5, 3, nan)
    """
    matrix = confusion_matrix(predicted, expected, classes)
    columns = zip(matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1), strict=True)
    counts = (MatchCounts(*map(int, column)) for column in columns)
    return dict(zip(classes, counts, strict=True))


def macro_f1(predicted: Sequence[Label], expected: Sequence[Label]) -> float:
    """Average F1 over the classes, each with the same weight however rare it is.

    One who always gives the most frequent class has a high accuracy where classes are uneven,
    and a low macro-F1: the F1 of every other class is 0.

    Args:
        predicted: One label per item.
        expected: The right labels, in the same order.

    Returns:
        The mean over the classes that were expected or predicted at least once. A class that
        is in neither has no F1, so it is not in the mean; to see which are missing, and on how
        few items a rare one rests, look at `class_scores`.

    Raises:
        ValueError: If the lengths differ or are 0.

    Reference:
        `sklearn.metrics.f1_score(average="macro")`, which averages over the same classes. Unlike
        here, some papers average precision and recall first: Opitz and Burst 2019, "Macro F1 and
        Macro F1", https://arxiv.org/abs/1911.03347.

    Example:
        >>> macro_f1(["good"] * 4, ["good", "good", "good", "bad"])  # (6/7 + 0) / 2
        0.42857142857142855
    """
    classes = list(dict.fromkeys([*expected, *predicted]))
    scores = class_scores(predicted, expected, classes)
    return sum(counts.f1 for counts in scores.values()) / len(scores)
