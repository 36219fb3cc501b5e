import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import brier_score_loss, log_loss

from course_lib.evaluation import (
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    temperature_scale,
)

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int, n: int = 53, n_classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw probabilities, and labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return softmax(rng.normal(size=(n, n_classes)), axis=1), rng.integers(n_classes, size=n)


def draw_calibrated(n: int, planted: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels from softmax(scores), and hide the scores behind a temperature."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=(n, 5))
    labels = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)  # the Gumbel-max trick
    return scores * planted, labels


def test_bins_and_error_by_hand() -> None:
    confident = [0.9, 0.9, 0.9, 0.6, 0.6]
    probabilities = [[p, 1 - p] for p in confident]
    empty, low, high = reliability_bins(probabilities, [0, 0, 1, 1, 0], n_bins=3)
    assert (empty.low, empty.high, empty.n) == (0.0, pytest.approx(1 / 3), 0)
    assert math.isnan(empty.confidence)
    assert math.isnan(empty.accuracy)
    assert (low.n, low.confidence, low.accuracy) == (2, pytest.approx(0.6), 0.5)
    assert (high.n, high.confidence, high.accuracy) == (3, pytest.approx(0.9), pytest.approx(2 / 3))
    # 2/5 · |0.5 - 0.6| + 3/5 · |2/3 - 0.9| = 0.04 + 0.14
    found = expected_calibration_error(probabilities, [0, 0, 1, 1, 0], n_bins=3)
    assert found == pytest.approx(0.18)


def test_an_edge_belongs_to_the_bin_below_it() -> None:
    # Edges of four bins are exact in binary: 0.5 ends the second, 0.75 the third, 1 the last.
    bins = reliability_bins([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]], [0, 1, 1], n_bins=4)
    assert [b.n for b in bins] == [0, 1, 1, 1]
    assert bins[1].accuracy == 1.0  # of two equally likely classes, the first is chosen


def test_one_item_alone_and_a_confidence_that_rounding_lifted_above_one() -> None:
    assert expected_calibration_error([[0.7, 0.3]], [1]) == pytest.approx(0.7)
    assert reliability_bins([[1.0000001, 0.0]], [0], n_bins=2)[1].n == 1


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.integers(1, 20))
def test_the_error_is_that_of_the_definition(seed: int, n_bins: int) -> None:
    probabilities, labels = draw(seed)
    expected = 0.0
    for m in range(1, n_bins + 1):  # I_m = ((m-1)/M, m/M], as in section 2 of the paper
        inside = [
            (max(row), list(row).index(max(row)) == label)
            for row, label in zip(probabilities, labels, strict=True)
            if (m - 1) / n_bins < max(row) <= m / n_bins
        ]
        expected += abs(sum(right - sure for sure, right in inside)) / len(labels)
    found = expected_calibration_error(probabilities, labels, n_bins)
    assert found == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_finer_bins_never_hide_more_and_all_items_are_in_one(seed: int) -> None:
    probabilities, labels = draw(seed)
    errors = [expected_calibration_error(probabilities, labels, n) for n in (1, 2, 4, 8, 16)]
    assert all(a <= b + 1e-12 for a, b in pairwise(errors))
    assert min(errors) >= 0
    assert max(errors) <= 1
    assert sum(b.n for b in reliability_bins(probabilities, labels, 7)) == len(labels)


def test_the_brier_score_is_twice_scikit_learns_for_two_classes_and_three_by_hand() -> None:
    probabilities, labels = draw(4, n_classes=2)
    expected = 2 * brier_score_loss(labels, probabilities[:, 1])
    assert brier_score(probabilities, labels) == pytest.approx(expected)
    # 0.3² + 0.2² + 0.1² and 0.7² + 0.2² + 0.9² over two items
    row = [0.7, 0.2, 0.1]
    assert brier_score([row, row], [0, 2]) == pytest.approx((0.14 + 1.34) / 2)
    assert brier_score([[1.0, 0.0]], [1]) == 2.0


@settings(deadline=None, max_examples=25)
@given(SEEDS, st.floats(0.05, 20))
def test_a_temperature_keeps_every_prediction(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(31, 4))
    scaled = temperature_scale(logits, temperature)
    np.testing.assert_allclose(scaled, softmax(logits / temperature, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(scaled.argmax(axis=1), logits.argmax(axis=1))


def test_large_logits_do_not_overflow() -> None:
    assert temperature_scale([1e4, 0.0], 1.0).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("planted", [0.4, 1.0, 3.0])
def test_a_planted_temperature_is_found_and_repairs_the_calibration(planted: float) -> None:
    logits, labels = draw_calibrated(20_000, planted)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(planted, rel=0.03)  # its standard error here is about 1 %
    after = expected_calibration_error(temperature_scale(logits, found), labels)
    assert after < 0.02
    before = expected_calibration_error(temperature_scale(logits, 1.0), labels)
    assert (before > 0.1) is (planted != 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_fit_is_the_minimum_of_the_log_loss(seed: int) -> None:
    logits, labels = draw_calibrated(97, 2.5, seed)

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / math.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    found = math.log(fit_temperature(logits, labels))
    best = minimize_scalar(loss, bounds=(-5, 5), method="bounded", options={"xatol": 1e-9})
    # A minimum is known to about the square root of the machine's precision only.
    assert found == pytest.approx(best.x, abs=1e-6)
    assert (loss(found + 1e-4) - loss(found - 1e-4)) / 2e-4 == pytest.approx(0, abs=1e-8)
    scaled = temperature_scale(logits, math.exp(found))
    assert log_loss(labels, scaled, labels=range(5)) == pytest.approx(loss(found))


def test_a_fit_undoes_a_rescaling_exactly_and_a_shift_changes_nothing() -> None:
    logits, labels = draw_calibrated(97)
    once = fit_temperature(logits, labels)
    assert fit_temperature(logits * 1000, labels) == pytest.approx(1000 * once, rel=1e-9)
    assert fit_temperature(logits / 1000, labels) == pytest.approx(once / 1000, rel=1e-9)
    assert fit_temperature(logits / once, labels) == pytest.approx(1.0, rel=1e-9)
    assert fit_temperature(logits + 7.0, labels) == pytest.approx(once, rel=1e-9)


def test_a_temperature_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must be wrong on some item.*got 2 items, all right"):
        fit_temperature([[2.0, 1.0], [0.0, 1.0]], [0, 1])
    with pytest.raises(ValueError, match="best temperature is infinite; got -1 above"):
        fit_temperature([[2.0, 0.0], [2.0, 0.0]], [1, 1])
    with pytest.raises(ValueError, match="best temperature is infinite; got 0 above"):
        fit_temperature([[2.0, 0.0], [2.0, 0.0]], [0, 1])


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_impossible_temperatures_are_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"got temperature={temperature}"):
        temperature_scale([0.0, 1.0], temperature)


@pytest.mark.parametrize("score", [expected_calibration_error, brier_score, fit_temperature])
@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [
        ([], [], r"at least one row and two columns.*got shape \(0,\)"),
        ([0.2, 0.8], [0, 1], r"got shape \(2,\)"),
        ([[1.0], [1.0]], [0, 0], r"got shape \(2, 1\)"),
        ([[0.5, math.nan]], [0], "must be finite; got NaN or infinity"),
        ([[0.5, 0.5]], [0, 1], r"must be 1 whole numbers.*got shape \(2,\)"),
        ([[0.5, 0.5]], [1.0], "got shape .* of float64"),
        ([[0.5, 0.5]], [2], "must lie between 0 and 1, .* has 2 columns; got 2"),
        ([[0.5, 0.5]], [-1], "must lie between 0 and 1, .* has 2 columns; got -1"),
    ],
)
def test_bad_tables_and_labels_are_refused(score, values, labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        score(values, labels)


@pytest.mark.parametrize("score", [expected_calibration_error, brier_score])
def test_logits_are_not_taken_for_probabilities(score) -> None:
    with pytest.raises(ValueError, match=r"for logits, use temperature_scale.* sums to 3"):
        score([[0.5, 0.5], [2.0, 1.0]], [0, 1])
    with pytest.raises(ValueError, match="smallest value of -1"):
        score([[2.0, -1.0]], [0])


def test_bins_are_counted_from_one_and_one_number_has_no_classes() -> None:
    with pytest.raises(ValueError, match="n_bins must be ≥ 1; got n_bins=0"):
        reliability_bins([[0.5, 0.5]], [0], n_bins=0)
    with pytest.raises(ValueError, match="got a single number"):
        temperature_scale(3.0, 1.0)


def test_rows_may_miss_1_by_what_half_precision_loses_and_no_more() -> None:
    assert brier_score([[0.5, 0.5009], [0.5, 0.5]], [0, 1]) == pytest.approx(0.5, abs=1e-3)
    with pytest.raises(ValueError, match=r"a row that sums to 1\.002"):
        brier_score([[0.5, 0.5015], [0.5, 0.5]], [0, 1])


def test_the_row_that_is_farthest_from_1_is_the_one_that_counts() -> None:
    with pytest.raises(ValueError, match=r"a row that sums to 0\.5"):
        brier_score([[0.5, 0.5005], [0.25, 0.25]], [0, 1])
