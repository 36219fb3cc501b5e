import math

import numpy as np
import pytest
from scipy.stats import binomtest

from course_lib.evaluation import (
    bootstrap_interval,
    paired_bootstrap,
    proportion_interval,
    spearman_correlation,
)


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


def test_both_tails_are_cut_off_alike() -> None:
    counted = iter(range(101))
    found = bootstrap_interval([0.0], lambda _: next(counted), confidence=0.9, n_resamples=101)
    assert found == pytest.approx((5.0, 95.0))


def test_one_resample_is_enough_for_an_interval_of_one_number() -> None:
    low, high = bootstrap_interval([1.0, 2.0, 4.0], n_resamples=1)
    assert low == high


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


def test_a_paired_difference_of_means_is_the_bootstrap_of_the_differences() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 37))
    result = paired_bootstrap(first, second, seed=5)
    assert result.difference == pytest.approx(first.mean() - second.mean())
    assert result.interval == pytest.approx(bootstrap_interval(first - second, seed=5))
    swapped = paired_bootstrap(second, first, seed=5)
    assert swapped.interval == pytest.approx((-result.interval.high, -result.interval.low))
    assert swapped.share_ahead == pytest.approx(1 - result.share_ahead)


def test_two_items_are_drawn_as_by_hand() -> None:
    # Ahead unless both draws are the second item: 3 of 4 samples; the draw itself adds noise.
    result = paired_bootstrap([1, 0], [0, 0], n_resamples=4000)
    assert result.difference == 0.5
    assert result.interval == (0.0, 1.0)
    assert result.share_ahead == pytest.approx(0.75, abs=0.03)


def test_pairing_sees_what_two_separate_intervals_do_not() -> None:
    difficulty = np.random.default_rng(1).normal(size=101)
    better, worse = difficulty + 0.1, difficulty
    assert bootstrap_interval(worse).high > bootstrap_interval(better).low
    result = paired_bootstrap(better, worse)
    assert result.interval == pytest.approx((0.1, 0.1))
    assert result.share_ahead == 1.0


def test_equal_systems_are_never_ahead() -> None:
    assert paired_bootstrap([1, 0, 1], [1, 0, 1]) == (0.0, (0.0, 0.0), 0.0)


def test_a_score_of_counts_is_computed_on_each_sample() -> None:
    def precision(rows: np.ndarray) -> float:
        right, found = rows.sum(axis=0)
        return math.nan if found == 0 else right / found

    first, second = [[2, 2], [0, 0], [1, 3]], [[1, 2], [0, 0], [0, 1]]
    result = paired_bootstrap(first, second, precision)
    assert result.difference == pytest.approx(3 / 5 - 1 / 3)
    assert result.interval.low >= 0
    with pytest.raises(ValueError, match="statistic must be defined on some resample of the 1 val"):
        paired_bootstrap([[0, 0]], [[0, 0]], precision)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"second": [1.0]}, r"same number of items.*got shapes \(2,\) and \(1,\)"),
        ({"first": [], "second": []}, r"at least one; got shapes \(0,\) and \(0,\)"),
        ({"confidence": 0.0}, "got confidence=0.0"),
        ({"n_resamples": 0}, "got n_resamples=0"),
    ],
)
def test_bad_comparisons_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        paired_bootstrap(**({"first": [1.0, 0.0], "second": [0.0, 0.0]} | options))


def test_one_observation_already_has_an_interval() -> None:
    assert proportion_interval(1, 1) == pytest.approx((0.2065, 1.0), abs=1e-4)
    assert proportion_interval(0, 1) == pytest.approx((0.0, 0.7935), abs=1e-4)


def test_only_none_right_reaches_down_to_0() -> None:
    assert proportion_interval(0, 50).low == 0.0
    assert proportion_interval(1, 50).low == pytest.approx(0.0035, abs=1e-4)
