import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib.compute import (
    LossLaw,
    PowerLaw,
    besiroglu_law,
    compute_optimal,
    fit_power_law,
    gpu_days,
    hoffmann_law,
    predicted_loss,
    seeds_needed,
    training_flops,
)

LAW = LossLaw(floor=1.25, size_factor=7.0, size_exponent=0.5, data_factor=11.0, data_exponent=0.25)
laws = st.builds(
    LossLaw,
    floor=st.floats(0, 2),
    size_factor=st.floats(1, 1000),
    size_exponent=st.floats(0.1, 1),
    data_factor=st.floats(1, 3000),
    data_exponent=st.floats(0.1, 1),
)


def test_gpt3_by_hand() -> None:
    """Brown et al. 2020, table D.1, gives 3.14e23 operations for GPT-3."""
    assert training_flops(174.6e9, 300e9) == pytest.approx(3.14e23, rel=1e-3)


def test_six_operations_are_those_that_torch_counts() -> None:
    layers = nn.Sequential(nn.Linear(7, 13, bias=False), nn.Linear(13, 5, bias=False))
    x = torch.randn(11, 7, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        layers(x).sum().backward()
    assert counter.get_total_flops() == training_flops(7.0 * 13 + 13 * 5, 11.0)


def test_gpu_days_by_hand() -> None:
    days = gpu_days(6e21, peak_flops_per_second=312e12, utilisation=0.4)
    assert days == pytest.approx(6e21 / 1.248e14 / 86400)
    half = gpu_days(6e21, peak_flops_per_second=312e12, utilisation=0.2)
    assert half == pytest.approx(2 * days)


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(-2, 2))
def test_a_power_law_is_recovered(factor: float, exponent: float) -> None:
    x = [3.0, 17.0, 170.0, 5e4]
    law = fit_power_law(x, [factor * one**-exponent for one in x])
    assert law == pytest.approx(PowerLaw(factor, exponent), rel=1e-9, abs=1e-9)


def test_two_sizes_are_enough_for_a_power_law() -> None:
    assert fit_power_law([1.0, 100.0], [4.0, 0.4]) == pytest.approx(PowerLaw(4.0, 0.5))


def test_a_noisy_power_law_is_fitted_as_scipy_does() -> None:
    rng = np.random.default_rng(3)
    x = np.geomspace(10, 1e5, 7)
    y = 5 * x**-0.4 * np.exp(rng.normal(0, 0.2, 7))
    line = stats.linregress(np.log(x), np.log(y))
    law = fit_power_law(x.tolist(), y.tolist())
    assert law == pytest.approx(PowerLaw(math.exp(line.intercept), -line.slope))


def test_loss_by_hand() -> None:
    assert predicted_loss(LAW, 49.0, 81.0) == pytest.approx(1.25 + 1 + 11 / 3)


@settings(deadline=None)
@given(laws, st.floats(1e6, 1e26))
def test_the_optimum_spends_the_budget_and_beats_its_neighbours(law: LossLaw, flops: float) -> None:
    n_parameters, n_tokens = compute_optimal(law, flops)
    assert 6 * n_parameters * n_tokens == pytest.approx(flops)
    best = predicted_loss(law, n_parameters, n_tokens)
    for factor in (0.7, 1.4):
        other = predicted_loss(law, n_parameters * factor, n_tokens / factor)
        assert best <= other * (1 + 1e-12)


def test_the_optimum_is_that_of_a_search() -> None:
    flops = 1e9
    found = minimize_scalar(
        lambda log_n: predicted_loss(LAW, math.exp(log_n), flops / 6 / math.exp(log_n)),
        bounds=(0, 18),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert math.log(compute_optimal(LAW, flops).n_parameters) == pytest.approx(found.x, abs=1e-5)


def test_published_laws_at_gophers_budget() -> None:
    """The rounded constants contradict the 20 tokens per parameter of the same paper."""
    rounded, corrected = (compute_optimal(law(), 5.76e23) for law in (hoffmann_law, besiroglu_law))
    assert rounded.n_tokens / rounded.n_parameters == pytest.approx(93, abs=1)
    assert corrected.n_tokens / corrected.n_parameters == pytest.approx(18.4, abs=0.1)


def test_published_laws_of_chinchilla_by_hand() -> None:
    """1.69 + 406.4 / 4868 + 410.7 / 2517, and 1.8172 + 482.01 / 5915 + 2085.43 / 27741."""
    assert predicted_loss(hoffmann_law(), 70e9, 1.4e12) == pytest.approx(1.9367, abs=2e-4)
    assert predicted_loss(besiroglu_law(), 70e9, 1.4e12) == pytest.approx(1.9739, abs=2e-4)


def test_seeds_by_hand() -> None:
    assert seeds_needed(0.5, 1.0) == math.ceil(2 * (1.959964 + 0.841621) ** 2 * 4)
    assert seeds_needed(-0.5, 1.0) == seeds_needed(0.5, 1.0)
    assert seeds_needed(3.0, 0.1) == 2
    assert seeds_needed(1.0, 0.0) == 2
    assert seeds_needed(0.5, 1.0, confidence=0.99, power=0.9) == math.ceil(
        2 * (2.575829 + 1.281552) ** 2 * 4
    )


def test_so_many_seeds_see_the_difference_as_often_as_promised() -> None:
    rng, n_seeds, n_trials = np.random.default_rng(0), seeds_needed(0.5, 1.0), 4000
    differences = rng.normal(0.5, 1, (n_trials, n_seeds)) - rng.normal(0, 1, (n_trials, n_seeds))
    seen = np.abs(differences.mean(axis=1)) > 1.96 * math.sqrt(2 / n_seeds)
    assert seen.mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: training_flops(0.0, 3.0), "n_parameters must be > 0"),
        (lambda: training_flops(3.0, -1.0), "n_tokens must be > 0"),
        (lambda: gpu_days(0.0, peak_flops_per_second=1.0, utilisation=1.0), "flops must be > 0"),
        (
            lambda: gpu_days(1.0, peak_flops_per_second=0.0, utilisation=1.0),
            "peak_flops_per_second",
        ),
        (lambda: gpu_days(1.0, peak_flops_per_second=1.0, utilisation=0.0), "utilisation"),
        (lambda: gpu_days(1.0, peak_flops_per_second=1.0, utilisation=1.1), "utilisation"),
        (lambda: fit_power_law([1.0, 2.0], [1.0]), "same length"),
        (lambda: fit_power_law([1.0, 2.0], [1.0, 0.0]), "must be > 0"),
        (lambda: fit_power_law([0.0, 2.0], [1.0, 1.0]), "must be > 0"),
        (lambda: fit_power_law([2.0, 2.0], [1.0, 1.0]), "two different sizes"),
        (lambda: predicted_loss(LAW, 0.0, 1.0), "n_parameters must be > 0"),
        (lambda: predicted_loss(LAW, 1.0, 0.0), "n_tokens must be > 0"),
        (lambda: compute_optimal(LAW, 0.0), "flops must be > 0"),
        (lambda: seeds_needed(0.0, 1.0), "difference must not be 0"),
        (lambda: seeds_needed(1.0, -1.0), "sd must be ≥ 0"),
        (lambda: seeds_needed(1.0, 1.0, confidence=1.0), "confidence must lie"),
        (lambda: seeds_needed(1.0, 1.0, power=0.0), "power must lie"),
    ],
)
def test_numbers_out_of_range_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "name", ["floor", "size_factor", "size_exponent", "data_factor", "data_exponent"]
)
def test_laws_with_impossible_constants_are_refused(name: str) -> None:
    constants = {
        "floor": 0.0,
        "size_factor": 1.0,
        "size_exponent": 1.0,
        "data_factor": 1.0,
        "data_exponent": 1.0,
    }
    LossLaw(**constants)
    with pytest.raises(ValueError, match=name):
        LossLaw(**{**constants, name: -0.5})
    if name != "floor":
        with pytest.raises(ValueError, match=name):
            LossLaw(**{**constants, name: 0.0})
