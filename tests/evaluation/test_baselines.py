import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation import accuracy, chance_level, majority_share


def test_by_hand() -> None:
    assert chance_level([2, 2]) == 0.5
    assert chance_level([1, 1]) == 1.0
    assert chance_level([2, 3, 6]) == pytest.approx(1 / 3)
    assert majority_share(["b", "a", "b", "c"]) == 0.5
    assert majority_share([1]) == 1.0


@given(st.lists(st.integers(0, 3), min_size=1))
def test_no_constant_answer_beats_the_majority(labels: list[int]) -> None:
    best = max(accuracy([label] * len(labels), labels) for label in set(labels))
    assert majority_share(labels) == best >= 1 / len(set(labels))


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match=r"at least one number, all ≥ 1; got \[\]"):
        chance_level([])
    with pytest.raises(ValueError, match=r"all ≥ 1; got \[2, 0\]"):
        chance_level([2, 0])
    with pytest.raises(ValueError, match="at least one label; got none"):
        majority_share([])
