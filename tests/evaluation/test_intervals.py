import math

import numpy as np
import pytest
from scipy.stats import binomtest

from course_lib.evaluation import bootstrap_interval, proportion_interval, spearman_correlation


def test_the_bootstrap_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    n_trials = 200
    n_covered = 0
    for trial in range(n_trials):
        sample = rng.normal(loc=3.0, size=40)
        low, high = bootstrap_interval(sample, confidence=0.9, n_resamples=200, seed=trial)
        n_covered += low <= 3.0 <= high
    # 90 % of 200 is 180; five standard deviations of a binomial are 21.
    assert 159 <= n_covered <= 196


def test_rows_are_drawn_together() -> None:
    x = np.arange(30.0)
    pairs = np.column_stack([x, x**2])
    low, high = bootstrap_interval(pairs, lambda rows: spearman_correlation(rows[:, 0], rows[:, 1]))
    assert low == pytest.approx(1.0)  # were columns drawn apart, it would be about -0.4
    assert high == pytest.approx(1.0)


def test_a_wider_confidence_gives_a_wider_interval_and_a_seed_repeats() -> None:
    values = np.random.default_rng(3).normal(size=50)
    narrow = bootstrap_interval(values, confidence=0.5)
    wide = bootstrap_interval(values, confidence=0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)


def test_undefined_resamples_are_left_out() -> None:
    def only_if_varied(rows: np.ndarray) -> float:
        return math.nan if len(set(rows.tolist())) == 1 else 1.0

    assert bootstrap_interval([1.0, 2.0], only_if_varied) == (1.0, 1.0)
    with pytest.raises(ValueError, match="statistic must be defined on some resample"):
        bootstrap_interval([1.0], only_if_varied)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": []}, "at least one observation; got none"),
        ({"values": [1.0], "confidence": 1.0}, "got confidence=1.0"),
        ({"values": [1.0], "n_resamples": 0}, "got n_resamples=0"),
    ],
)
def test_bad_bootstraps_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(**options)


@pytest.mark.parametrize(("n_right", "n_total"), [(0, 7), (3, 7), (7, 7), (431, 997)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_wilson_agrees_with_scipy(n_right: int, n_total: int, confidence: float) -> None:
    expected = binomtest(n_right, n_total).proportion_ci(confidence, method="wilson")
    found = proportion_interval(n_right, n_total, confidence=confidence)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_is_symmetric() -> None:
    low, high = proportion_interval(2, 11)
    assert proportion_interval(9, 11) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize(("n_right", "n_total"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_shares_are_refused(n_right: int, n_total: int) -> None:
    with pytest.raises(ValueError, match=f"got n_right={n_right}, n_total={n_total}"):
        proportion_interval(n_right, n_total)
