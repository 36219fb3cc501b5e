import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.evaluation.perplexity import (
    bits_per_character,
    entropy_rate,
    nats_per_token,
    perplexity,
    stationary_distribution,
)


def test_nats_per_token_by_hand() -> None:
    documents = [np.log([0.5, 0.25]), np.log([0.5])]
    assert nats_per_token(documents) == pytest.approx(4 * math.log(2) / 3)


def test_every_token_counts_the_same() -> None:
    short, long = np.log([0.5]), np.log([0.1] * 9)
    assert nats_per_token([short, long]) == pytest.approx(-np.concatenate([short, long]).mean())
    mean_of_means = -(short.mean() + long.mean()) / 2
    assert nats_per_token([short, long]) != pytest.approx(mean_of_means)


def test_one_impossible_token_makes_it_infinite() -> None:
    assert nats_per_token([np.array([-1.0, -math.inf]), np.array([-1.0])]) == math.inf
    assert perplexity(math.inf) == math.inf


def test_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token; got none"):
        nats_per_token([np.array([])])


@given(st.integers(1, 100_000))
def test_perplexity_of_equal_chances_is_their_number(n_outcomes: int) -> None:
    log_probs = [np.full(7, -math.log(n_outcomes))]
    assert perplexity(nats_per_token(log_probs)) == pytest.approx(n_outcomes)


def test_bits_per_character_by_hand() -> None:
    documents = [np.log([0.5, 0.25]), np.log([0.125])]  # 1 + 2 + 3 bits
    assert bits_per_character(documents, 12) == pytest.approx(0.5)
    assert bits_per_character([*documents, np.array([-math.inf])], 13) == math.inf
    assert bits_per_character([np.log([0.5])], 1) == pytest.approx(1.0)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=2, max_size=11), st.integers(1, 10))
def test_bits_per_character_do_not_depend_on_where_the_text_is_cut(
    chances: list[float], cut: int
) -> None:
    fine = np.log(chances)
    coarse = np.array([fine[:cut].sum(), *fine[cut:]])  # the first tokens as a single one
    assert bits_per_character([coarse], 37) == pytest.approx(bits_per_character([fine], 37))


def test_no_characters_are_refused() -> None:
    with pytest.raises(ValueError, match="n_characters must be ≥ 1; got n_characters=0"):
        bits_per_character([np.log([0.5])], 0)


def test_stationary_distribution_by_hand_and_by_walking() -> None:
    matrix = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]])
    got = stationary_distribution(matrix)
    np.testing.assert_allclose(got, np.linalg.matrix_power(matrix, 200)[0])
    np.testing.assert_allclose(got @ matrix, got)
    np.testing.assert_allclose(stationary_distribution([[0.9, 0.1], [0.3, 0.7]]), [0.75, 0.25])


def test_entropy_rate_by_hand() -> None:
    # Three quarters of the time a 9:1 coin, one quarter a 3:7 coin.
    def coin(p: float) -> float:
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    expected = 0.75 * coin(0.1) + 0.25 * coin(0.3)
    assert entropy_rate([[0.9, 0.1], [0.3, 0.7]]) == pytest.approx(expected)
    assert entropy_rate([[0.0, 1.0], [1.0, 0.0]]) == pytest.approx(0.0, abs=1e-12)


@settings(deadline=None)
@given(st.integers(2, 7), st.integers(0, 1000))
def test_entropy_rate_is_at_most_that_of_equal_chances(n_states: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).dirichlet(np.ones(n_states), size=n_states)
    assert 0 < entropy_rate(matrix) < math.log(n_states)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, 0.5]], r"square matrix; got shape \(1, 2\)"),
        ([[0.5, 0.4], [0.5, 0.5]], "sum to 1"),
        ([[1.5, -0.5], [0.5, 0.5]], "≥ 0"),
        ([[1.0, 0.0], [0.0, 1.0]], "separate parts"),
    ],
)
def test_bad_transitions_are_refused(matrix: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        entropy_rate(matrix)
