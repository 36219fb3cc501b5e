import pytest
import torch

from course_lib.cli import number_format
from course_lib.cli.number_format import (
    ON_CPU,
    PLAIN,
    NumberFormat,
    fastest_format,
    float32_products,
    seconds_of_product,
)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((1.0, 1.0, 0.5), ("bfloat16", "highest")),
        ((1.0, 0.4, 0.5), ("float32", "medium")),
        ((1.0, 0.9, 0.85), ("float32", "highest")),
        ((1.0, 2.0, 3.0), ("float32", "highest")),
    ],
)
def test_on_a_cpu_the_fastest_is_measured(
    seconds: tuple[float, ...], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = dict(zip(ON_CPU, seconds, strict=True))
    monkeypatch.setattr(number_format, "seconds_of_product", measured.__getitem__)
    assert fastest_format(torch.device("cpu")) == expected


@pytest.mark.parametrize(("modern", "expected"), [(True, "bfloat16"), (False, "float16")])
def test_a_gpu_takes_16_bits(modern: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_supported(including_emulation: bool) -> bool:
        return modern or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    assert fastest_format(torch.device("cuda")) == (expected, "highest")


def test_other_devices_take_float32() -> None:
    assert fastest_format(torch.device("mps")) == PLAIN == NumberFormat("float32", "highest")


@pytest.mark.parametrize("tried", ON_CPU)
def test_a_product_takes_time_and_leaves_the_setting(tried: NumberFormat) -> None:
    assert 0 < seconds_of_product(tried) < 1
    assert torch.get_float32_matmul_precision() == "highest"


def test_the_setting_comes_back_even_after_an_error() -> None:
    with pytest.raises(KeyError), float32_products("medium"):
        raise KeyError
    assert torch.get_float32_matmul_precision() == "highest"
