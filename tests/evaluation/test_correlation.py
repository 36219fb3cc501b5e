import math

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.evaluation import pearson_correlation, spearman_correlation

# Few different values, so that ties are common.
PAIRS = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=13)


def is_constant(values: list[int]) -> bool:
    return len(set(values)) == 1


@settings(deadline=None)
@given(PAIRS)
def test_both_agree_with_scipy_also_with_ties(pairs: list[tuple[int, int]]) -> None:
    x, y = map(list, zip(*pairs, strict=True))
    if is_constant(x) or is_constant(y):
        assert math.isnan(spearman_correlation(x, y))
        assert math.isnan(pearson_correlation(x, y))
    else:
        assert spearman_correlation(x, y) == pytest.approx(
            scipy.stats.spearmanr(x, y).statistic, abs=1e-12
        )
        assert pearson_correlation(x, y) == pytest.approx(
            scipy.stats.pearsonr(x, y).statistic, abs=1e-12
        )


def test_by_hand() -> None:
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6·(1 + 1 + 1 + 1)/(4·15) = 0.6.
    assert spearman_correlation([1, 2, 3, 4], [20, 10, 40, 30]) == pytest.approx(0.6)


@settings(deadline=None)
@given(PAIRS)
def test_order_is_all_that_counts_for_spearman(pairs: list[tuple[int, int]]) -> None:
    x, y = map(list, zip(*pairs, strict=True))
    before = spearman_correlation(x, y)
    after = spearman_correlation([math.exp(value) for value in x], [value**3 for value in y])
    assert before == pytest.approx(after, nan_ok=True)


@pytest.mark.parametrize("correlation", [pearson_correlation, spearman_correlation])
def test_unusable_lists_are_refused(correlation) -> None:
    with pytest.raises(ValueError, match=r"same length; got shapes \(2,\) and \(3,\)"):
        correlation([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="at least 2 numbers each; got 1"):
        correlation([1], [1])
