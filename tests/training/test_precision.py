import pytest
import torch
from torch import nn

from course_lib.training.precision import GROWTH_STEPS, LossScaler, Precision, autocast


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_products_are_rounded_and_weights_are_not(precision: Precision) -> None:
    layer = nn.Linear(3, 5)
    with autocast(torch.device("cpu"), precision):
        output = layer(torch.ones(2, 3))
    assert output.dtype == getattr(torch, precision)
    output.sum().backward()
    assert layer.weight.dtype == torch.float32
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_float32_leaves_the_model_alone(dtype: torch.dtype) -> None:
    with autocast(torch.device("cpu"), "float32"):
        assert nn.Linear(3, 5, dtype=dtype)(torch.ones(2, 3, dtype=dtype)).dtype == dtype


def test_the_scale_grows_after_enough_good_steps() -> None:
    scaler = LossScaler(scale=8.0)
    for _ in range(GROWTH_STEPS - 1):
        scaler.note_success()
    assert scaler.scale == 8.0
    scaler.note_success()
    assert (scaler.scale, scaler.n_good_steps) == (16.0, 0)


def test_an_overflow_halves_the_scale_and_starts_the_count_anew() -> None:
    scaler = LossScaler(scale=4.0, n_good_steps=5)
    assert scaler.shrink()
    assert (scaler.scale, scaler.n_good_steps) == (2.0, 0)


def test_the_scale_does_not_fall_below_one() -> None:
    scaler = LossScaler()
    n_overflows = 0
    while scaler.shrink():
        n_overflows += 1
    assert (n_overflows, scaler.scale) == (16, 1.0)
