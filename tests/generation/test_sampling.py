import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor
from torch.testing import assert_close

from course_lib.generation import apply_temperature, sample_ids
from course_lib.seeding import make_generator

COIN = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64).log()


def test_temperature_by_hand() -> None:
    # Temperature 1/2 squares the probabilities: 0.64 and 0.04, divided by their sum 0.68.
    got = apply_temperature(torch.tensor([0.8, 0.2]).log(), 0.5).exp()
    assert_close(got, torch.tensor([0.64, 0.04]) / 0.68)
    assert_close(apply_temperature(COIN, 1.0), COIN)


@settings(deadline=None)
@given(st.floats(0.05, 20.0))
def test_temperature_keeps_a_distribution_and_its_order(temperature: float) -> None:
    got = apply_temperature(COIN, temperature)
    assert_close(got.exp().sum(), torch.tensor(1.0).double())
    assert got.argsort().tolist() == COIN.argsort().tolist()


def test_temperature_keeps_the_impossible_impossible() -> None:
    got = apply_temperature(torch.tensor([0.5, 0.0, 0.5]).log(), 3.0)
    assert_close(got.exp(), torch.tensor([0.5, 0.0, 0.5]))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=r"temperature must be > 0; got temperature="):
        apply_temperature(COIN, temperature)


def test_samples_have_the_model_s_frequencies() -> None:
    drawn = sample_ids(lambda _: COIN, [], 3000, generator=make_generator(0))
    observed = [drawn.count(index) for index in range(3)]
    p_value = stats.chisquare(observed, [600, 1500, 900]).pvalue
    assert p_value > 0.001
    assert stats.chisquare(observed, [1000, 1000, 1000]).pvalue < 1e-9


def test_each_token_depends_on_those_before_it() -> None:
    seen: list[list[int]] = []

    def counting(ids: Sequence[int]) -> Tensor:
        seen.append(list(ids))
        return torch.nn.functional.one_hot(torch.tensor(len(ids) % 5), 5).double().log()

    assert sample_ids(counting, [4, 4], 4, generator=make_generator(0)) == [2, 3, 4, 0]
    assert seen == [[4, 4], [4, 4, 2], [4, 4, 2, 3], [4, 4, 2, 3, 4]]


def test_same_seed_same_text_and_low_temperature_is_greedy() -> None:
    def draw(seed: int, temperature: float = 1.0) -> list[int]:
        return sample_ids(
            lambda _: COIN, [], 50, temperature=temperature, generator=make_generator(seed)
        )

    assert draw(3) == draw(3)
    assert draw(3) != draw(4)
    assert draw(3, temperature=0.01) == [1] * 50


def test_zero_tokens_is_nothing_and_negative_is_refused() -> None:
    assert sample_ids(lambda _: COIN, [1], 0, generator=make_generator(0)) == []
    with pytest.raises(ValueError, match="n_tokens must be ≥ 0; got n_tokens=-1"):
        sample_ids(lambda _: COIN, [], -1, generator=make_generator(0))
