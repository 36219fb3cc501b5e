import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.evaluation.spread import mean_and_sd

SCORES = st.lists(st.floats(-100, 100), min_size=2, max_size=11)


def test_by_hand() -> None:
    mean, sd = mean_and_sd([0.7, 0.5, 0.9])  # squares .0, .04, .04; their sum over 2 is .04
    assert (mean, sd) == (pytest.approx(0.7), pytest.approx(0.2))


@settings(deadline=None)
@given(SCORES)
def test_agrees_with_the_standard_library(values: list[float]) -> None:
    mean, sd = mean_and_sd(values)
    assert mean == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert sd == pytest.approx(statistics.stdev(values), abs=1e-6)


@settings(deadline=None)
@given(SCORES)
def test_a_shift_moves_the_mean_and_not_the_spread(values: list[float]) -> None:
    mean, sd = mean_and_sd(values)
    moved_mean, moved_sd = mean_and_sd([value + 10 for value in values])
    assert moved_mean == pytest.approx(mean + 10)
    assert moved_sd == pytest.approx(sd, abs=1e-6)


@pytest.mark.parametrize("values", [[], [0.5]])
def test_refuses_a_single_run(values: list[float]) -> None:
    with pytest.raises(ValueError, match=rf"at least 2 scores; got {len(values)}"):
        mean_and_sd(values)
