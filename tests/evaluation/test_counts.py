import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation import MatchCounts


@st.composite
def counts(draw: st.DrawFn) -> MatchCounts:
    n_right = draw(st.integers(1, 50))
    return MatchCounts(
        n_right, n_right + draw(st.integers(0, 50)), n_right + draw(st.integers(0, 50))
    )


@given(counts())
def test_f1_is_the_harmonic_mean_and_lies_between(c: MatchCounts) -> None:
    assert c.f1 == pytest.approx(2 * c.precision * c.recall / (c.precision + c.recall))
    assert min(c.precision, c.recall) <= c.f1 + 1e-12
    assert c.f1 <= max(c.precision, c.recall) + 1e-12


def test_what_is_not_defined_is_not_a_number() -> None:
    nothing_found = MatchCounts(0, 0, 3)
    assert math.isnan(nothing_found.precision)
    assert (nothing_found.recall, nothing_found.f1) == (0.0, 0.0)
    nothing_there = MatchCounts(0, 3, 0)
    assert math.isnan(nothing_there.recall)
    assert (nothing_there.precision, nothing_there.f1) == (0.0, 0.0)
    assert math.isnan(MatchCounts(0, 0, 0).f1)
