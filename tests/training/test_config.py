import math

import pytest
from jaxtyping import TypeCheckError

from course_lib.training.config import TrainingConfig
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.schedules import WarmupCosine


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("n_steps", 0, "≥ 1"),
        ("n_micro_batches", 0, "≥ 1"),
        ("evaluate_every", -1, "≥ 0"),
        ("patience", -1, "≥ 0"),
        ("seed", -1, "≥ 0"),
        ("max_grad_norm", 0.0, "> 0"),
        ("max_grad_norm", math.nan, "> 0"),
        ("ema_decay", -0.1, r"in \[0, 1\)"),
        ("ema_decay", 1.0, r"in \[0, 1\)"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be {rule}; got {name}={value}"):
        TrainingConfig(**{"n_steps": 1, name: value})


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises((ValueError, TypeCheckError), match=r"precision must be one of|'precision'"):
        TrainingConfig(n_steps=1, precision="int8")  # type: ignore[arg-type]  # wrong on purpose


def test_the_ends_of_the_ranges_are_accepted() -> None:
    assert TrainingConfig(n_steps=1, max_grad_norm=math.inf).max_grad_norm == math.inf


def test_by_default_nothing_is_averaged_evaluated_or_cut_short() -> None:
    config = TrainingConfig(n_steps=7)
    assert (config.n_micro_batches, config.max_grad_norm, config.seed) == (1, 1.0, 0)
    assert (config.evaluate_every, config.patience, config.ema_decay) == (0, 0, 0.0)
    assert (config.schedule, config.optimizer) == (WarmupCosine(n_warmup=0), AdamWConfig())
    assert config.precision == "float32"


def test_patience_needs_evaluations() -> None:
    with pytest.raises(ValueError, match=r"evaluate_every must be ≥ 1 when patience is above 0"):
        TrainingConfig(n_steps=1, patience=1)
    assert TrainingConfig(n_steps=1, patience=1, evaluate_every=1).patience == 1
