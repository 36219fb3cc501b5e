import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from sklearn.metrics import f1_score, precision_recall_fscore_support

from course_lib.evaluation import accuracy, class_scores, confusion_matrix, macro_f1

CLASSES = [3, 0, 2, 1]  # in an order that is not the sorted one
PAIRS = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1)


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, expected = map(list, zip(*pairs, strict=True))
    columns = precision_recall_fscore_support(expected, predicted, labels=CLASSES, zero_division=0)
    scores = class_scores(predicted, expected, CLASSES)
    assert list(scores) == CLASSES
    for counts, *row in zip(scores.values(), *columns, strict=True):
        found = (counts.precision, counts.recall, counts.f1, counts.n_expected)
        assert [0.0 if math.isnan(x) else x for x in found] == pytest.approx(row)
    assert macro_f1(predicted, expected) == pytest.approx(
        f1_score(expected, predicted, average="macro", zero_division=0)
    )


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_the_matrix_counts_every_item_once(pairs: list[tuple[int, int]]) -> None:
    predicted, expected = map(list, zip(*pairs, strict=True))
    matrix = confusion_matrix(predicted, expected, CLASSES)
    counted = Counter(pairs)
    for i, true in enumerate(CLASSES):
        for j, guess in enumerate(CLASSES):
            assert matrix[i, j] == counted[guess, true]
    assert matrix.trace() / matrix.sum() == pytest.approx(accuracy(predicted, expected))


def test_a_matrix_is_that_of_scikit_learn() -> None:
    predicted, expected = [3, 0, 0, 2, 3, 3], [3, 3, 0, 0, 3, 1]
    ours = confusion_matrix(predicted, expected, CLASSES)
    theirs = sklearn_confusion_matrix(expected, predicted, labels=CLASSES)
    assert ours.tolist() == theirs.tolist()


def test_by_hand() -> None:
    expected = ["good"] * 6 + ["bad"] * 3 + ["mixed"]
    predicted = ["good"] * 5 + ["bad", "good", "bad", "bad", "good"]
    matrix = confusion_matrix(predicted, expected, ["good", "bad", "mixed"])
    assert matrix.tolist() == [[5, 1, 0], [1, 2, 0], [1, 0, 0]]
    scores = class_scores(predicted, expected, ["good", "bad", "mixed"])
    assert scores == {"good": (5, 7, 6), "bad": (2, 3, 3), "mixed": (0, 0, 1)}
    assert macro_f1(predicted, expected) == pytest.approx((10 / 13 + 2 / 3 + 0) / 3)


def test_an_absent_class_is_shown_and_not_averaged() -> None:
    scores = class_scores(["a", "a"], ["a", "b"], ["a", "b", "c"])
    assert math.isnan(scores["b"].precision)  # never predicted
    assert (scores["b"].recall, scores["b"].f1) == (0.0, 0.0)
    assert scores["c"] == (0, 0, 0)
    assert math.isnan(scores["c"].f1)
    assert macro_f1(["a", "a"], ["a", "b"]) == pytest.approx((2 / 3 + 0) / 2)
    assert macro_f1(["a"], ["a"]) == 1.0


def test_the_majority_class_alone_has_a_low_macro_f1() -> None:
    expected = [0] * 97 + [1] * 2 + [2]
    assert accuracy([0] * 100, expected) == 0.97
    assert macro_f1([0] * 100, expected) == pytest.approx(2 * 97 / 197 / 3)


def test_labels_of_several_types_are_taken() -> None:
    assert confusion_matrix([None, "a"], ["a", "a"], ["a", None]).tolist() == [[1, 1], [0, 0]]


def test_bad_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="same length, at least 1; got 1 and 2"):
        macro_f1([0], [0, 1])
    with pytest.raises(ValueError, match="at least 1; got 0 and 0"):
        confusion_matrix([], [], [0])
    with pytest.raises(ValueError, match=r"must differ from each other; got \[0, 1, 0\]"):
        class_scores([0], [0], [0, 1, 0])
    with pytest.raises(ValueError, match=r"predicted must hold .* \[0, 1\]; got also \[2\]"):
        class_scores([2], [0], [0, 1])
    with pytest.raises(ValueError, match=r"expected must hold .* \[0, 1\]; got also \[-1\]"):
        class_scores([0], [-1], [0, 1])
