import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from course_lib.compute import LossLaw, fit_loss_law, predicted_loss

LAW = LossLaw(
    floor=0.7, size_factor=300.0, size_exponent=0.5, data_factor=2000.0, data_exponent=0.6
)
RUNS = list(itertools.product((1.1e4, 3e4, 1e5, 3e5), (2e4, 7e4, 2e5, 5e5)))
SIZES, TOKENS = ([run[i] for run in RUNS] for i in (0, 1))
LOSSES = [predicted_loss(LAW, *run) for run in RUNS]


LARGE = list(itertools.product((7e7, 4e8, 2.6e9, 1.6e10), (5e9, 2.3e10, 1.1e11, 5e11)))


def close(found: LossLaw, law: LossLaw, rel: float) -> bool:
    return vars(found) == pytest.approx(vars(law), rel=rel)


@pytest.mark.parametrize(
    "constants",
    [
        (1.8172, 482.01, 0.3478, 2085.43, 0.3658),
        (0.3, 3e11, 1.3, 7e7, 0.7),
        (0.7, 5e6, 0.7, 8e4, 0.5),
    ],
    ids=["Chinchilla", "steep", "slow data"],
)
def test_the_law_behind_exact_losses_is_found(constants: tuple[float, ...]) -> None:
    """From most starts, the Huber loss alone ends in another valley for the last two."""
    law = LossLaw(**dict(zip(vars(LAW), constants, strict=True)))
    sizes, tokens = ([run[i] for run in LARGE] for i in (0, 1))
    losses = [predicted_loss(law, *run) for run in LARGE]
    assert close(fit_loss_law(sizes, tokens, losses), law, 1e-3)
    known = fit_loss_law(sizes, tokens, losses, floor=law.floor)
    assert known.floor == law.floor
    assert close(known, law, 1e-3)


def test_a_floor_of_0_may_be_told() -> None:
    law = LossLaw(**{**vars(LAW), "floor": 0.0})
    losses = [predicted_loss(law, *run) for run in RUNS]
    assert close(fit_loss_law(SIZES, TOKENS, losses, floor=0.0), law, 1e-3)


def test_four_runs_are_enough_for_four_constants_and_five_for_five() -> None:
    few = [0, 3, 5, 12, 15]
    runs = [[numbers[i] for i in few] for numbers in (SIZES, TOKENS, LOSSES)]
    for law in (fit_loss_law(*runs), fit_loss_law(*[r[:4] for r in runs], floor=0.7)):
        predicted = [predicted_loss(law, n, d) for n, d in zip(*runs[:2], strict=True)]
        assert predicted[:4] == pytest.approx(runs[2][:4], rel=1e-3)


def test_no_other_law_has_a_smaller_error() -> None:
    """The error, written out: half the square up to 0.001, and from there a straight line."""
    noise = np.exp(np.random.default_rng(2).normal(0, 0.002, len(LOSSES)))
    losses = LOSSES * noise

    def error(logs: np.ndarray) -> float:
        law = LossLaw(**dict(zip(vars(LAW), np.exp(logs).tolist(), strict=True)))
        off = [
            abs(math.log(predicted_loss(law, *run) / y))
            for run, y in zip(RUNS, losses, strict=True)
        ]
        return sum(r**2 / 2 if r < 1e-3 else 1e-3 * (r - 5e-4) for r in off) * 1e6

    found = np.log(list(vars(fit_loss_law(SIZES, TOKENS, losses.tolist())).values()))
    searched = minimize(error, found, method="Nelder-Mead", options={"maxiter": 600})
    assert error(found) == pytest.approx(searched.fun, rel=1e-3)


def test_one_failed_run_does_not_bend_the_law() -> None:
    spoiled = [*LOSSES[:5], 3 * LOSSES[5], *LOSSES[6:]]
    assert close(fit_loss_law(SIZES, TOKENS, spoiled, floor=0.7), LAW, 0.005)


def test_noise_moves_the_constants_but_not_the_predictions() -> None:
    noise = np.exp(np.random.default_rng(1).normal(0, 0.02, len(LOSSES)))
    law = fit_loss_law(SIZES, TOKENS, (LOSSES * noise).tolist(), floor=0.7)
    predicted = [predicted_loss(law, *run) for run in RUNS]
    assert predicted == pytest.approx(LOSSES, rel=0.03)


def test_too_few_runs_or_a_floor_too_high_are_refused() -> None:
    with pytest.raises(ValueError, match="of one length ≥ 5"):
        fit_loss_law(SIZES[:4], TOKENS[:4], LOSSES[:4])
    with pytest.raises(ValueError, match="of one length ≥ 4; got 5, 4 and 4"):
        fit_loss_law(SIZES[:5], TOKENS[:4], LOSSES[:4], floor=0.1)
    with pytest.raises(ValueError, match="of one length ≥ 4; got 5, 4 and 5"):
        fit_loss_law(SIZES[:5], TOKENS[:4], LOSSES[:5], floor=0.1)
    with pytest.raises(ValueError, match="of one length ≥ 4; got 5, 5 and 4"):
        fit_loss_law(SIZES[:5], TOKENS[:5], LOSSES[:4], floor=0.1)
    with pytest.raises(ValueError, match="below every loss"):
        fit_loss_law(SIZES, TOKENS, LOSSES, floor=min(LOSSES))
    with pytest.raises(ValueError, match="below every loss"):
        fit_loss_law(SIZES, TOKENS, LOSSES, floor=-0.1)


def test_losses_without_a_law_are_refused() -> None:
    with pytest.raises(ValueError, match="losses must be > 0"):
        fit_loss_law(SIZES, TOKENS, [*LOSSES[1:], 0.0])
    with pytest.raises(ValueError, match="size_exponent must be > 0"):
        fit_loss_law(SIZES, TOKENS, [n**0.3 * d**-0.1 for n, d in RUNS], floor=0.0)
