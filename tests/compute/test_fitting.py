import itertools

import numpy as np
import pytest

from course_lib.compute import LossLaw, fit_loss_law, predicted_loss

LAW = LossLaw(
    floor=0.7, size_factor=300.0, size_exponent=0.5, data_factor=2000.0, data_exponent=0.6
)
RUNS = list(itertools.product((1.1e4, 3e4, 1e5, 3e5), (2e4, 7e4, 2e5, 5e5)))
SIZES, TOKENS = ([run[i] for run in RUNS] for i in (0, 1))
LOSSES = [predicted_loss(LAW, *run) for run in RUNS]


def close(found: LossLaw, rel: float) -> bool:
    return vars(found) == pytest.approx(vars(LAW), rel=rel)


def test_the_law_behind_exact_losses_is_found() -> None:
    assert close(fit_loss_law(SIZES, TOKENS, LOSSES), 0.01)
    known = fit_loss_law(SIZES, TOKENS, LOSSES, floor=0.7)
    assert known.floor == 0.7
    assert close(known, 0.01)


def test_one_failed_run_does_not_bend_the_law() -> None:
    spoiled = [*LOSSES[:5], 3 * LOSSES[5], *LOSSES[6:]]
    assert close(fit_loss_law(SIZES, TOKENS, spoiled, floor=0.7), 0.02)


def test_noise_moves_the_constants_but_not_the_predictions() -> None:
    noise = np.exp(np.random.default_rng(1).normal(0, 0.02, len(LOSSES)))
    law = fit_loss_law(SIZES, TOKENS, (LOSSES * noise).tolist(), floor=0.7)
    predicted = [predicted_loss(law, *run) for run in RUNS]
    assert predicted == pytest.approx(LOSSES, rel=0.03)


def test_too_few_runs_or_a_floor_too_high_are_refused() -> None:
    with pytest.raises(ValueError, match="of one length ≥ 5"):
        fit_loss_law(SIZES[:4], TOKENS[:4], LOSSES[:4])
    with pytest.raises(ValueError, match="of one length ≥ 4"):
        fit_loss_law(SIZES[:5], TOKENS[:4], LOSSES[:4], floor=0.1)
    with pytest.raises(ValueError, match="below every loss"):
        fit_loss_law(SIZES, TOKENS, LOSSES, floor=min(LOSSES))
    with pytest.raises(ValueError, match="below every loss"):
        fit_loss_law(SIZES, TOKENS, LOSSES, floor=-0.1)
