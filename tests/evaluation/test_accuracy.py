import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from course_lib.evaluation import accuracy


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1))
def test_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, expected = zip(*pairs, strict=True)
    assert accuracy(predicted, expected) == pytest.approx(accuracy_score(expected, predicted))


def test_strings_are_compared_whole() -> None:
    assert accuracy(["a", "bc"], ["a", "b"]) == 0.5


@pytest.mark.parametrize(("predicted", "expected"), [([], []), ([1], [1, 2])])
def test_lengths_must_agree(predicted: list[int], expected: list[int]) -> None:
    with pytest.raises(ValueError, match="same length, at least 1; got"):
        accuracy(predicted, expected)
