import pytest

from course_lib.training.schedules import (
    Schedule,
    WarmupCosine,
    WarmupLinear,
    WarmupStableDecay,
)


def course(schedule: Schedule, n_steps: int) -> list[float]:
    return [schedule(step, n_steps) for step in range(n_steps)]


def test_cosine_by_hand() -> None:
    # The fall takes 6 steps: (1 + cos(k π / 6)) / 2 for k = 0 … 5, then 0.2 + 0.8 · that.
    waves = [1.0, 0.9330127019, 0.75, 0.5, 0.25, 0.0669872981]
    expected = [0.25, 0.5, 0.75, 1.0] + [0.2 + 0.8 * wave for wave in waves]
    assert course(WarmupCosine(n_warmup=4, final=0.2), 10) == pytest.approx(expected)


def test_stable_decay_by_hand() -> None:
    expected = [1 / 3, 2 / 3, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4]
    schedule = WarmupStableDecay(n_warmup=3, decay_share=0.4, final=0.2)
    assert course(schedule, 10) == pytest.approx(expected)


def test_stable_decay_meets_its_own_warmup() -> None:
    schedule = WarmupStableDecay(n_warmup=4, decay_share=1.0)
    assert course(schedule, 5) == pytest.approx([0.25, 0.5, 0.6, 0.4, 0.2])


def test_linear_by_hand() -> None:
    assert course(WarmupLinear(n_warmup=2), 6) == pytest.approx([0.5, 1, 1, 0.75, 0.5, 0.25])


@pytest.mark.parametrize(
    ("schedule", "last"),
    [
        (WarmupCosine(n_warmup=0, final=0.0), 0.5),
        (WarmupStableDecay(n_warmup=0, decay_share=1.0), 0.5),
        (WarmupLinear(n_warmup=0), 0.5),
    ],
)
def test_without_warmup_the_first_step_is_full(schedule: Schedule, last: float) -> None:
    assert course(schedule, 2) == pytest.approx([1.0, last])


def test_defaults() -> None:
    assert WarmupCosine(n_warmup=1)(10**6, 10**6) == pytest.approx(0.1)
    assert course(WarmupStableDecay(n_warmup=0), 5) == pytest.approx([1, 1, 1, 1, 0.5])


@pytest.mark.parametrize(
    "schedule",
    [
        WarmupCosine(n_warmup=7),
        WarmupStableDecay(n_warmup=7, decay_share=0.1),
        WarmupLinear(n_warmup=7),
    ],
)
def test_a_run_that_is_all_warmup_only_rises(schedule: Schedule) -> None:
    factors = course(schedule, 7)
    assert factors == sorted(factors)


def test_settings_out_of_range_are_refused() -> None:
    for make in (WarmupCosine, WarmupStableDecay, WarmupLinear):
        with pytest.raises(ValueError, match=r"n_warmup must be ≥ 0; got n_warmup=-1"):
            make(n_warmup=-1)
    for final in (-0.1, 1.1):
        for make in (WarmupCosine, WarmupStableDecay):
            with pytest.raises(ValueError, match=r"final must be between 0 and 1; got final="):
                make(n_warmup=1, final=final)
    for share in (0.0, 1.1):
        with pytest.raises(ValueError, match=r"decay_share must be above 0 and at most 1; got"):
            WarmupStableDecay(n_warmup=1, decay_share=share)


def test_the_ends_of_the_ranges_are_accepted() -> None:
    assert WarmupCosine(n_warmup=0, final=1.0)(3, 5) == 1.0
    assert WarmupStableDecay(n_warmup=0, final=1.0, decay_share=1.0)(3, 5) == 1.0
