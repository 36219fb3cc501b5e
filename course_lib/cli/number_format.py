"""In which number format a processor trains fastest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F

from course_lib.training.precision import Precision


class NumberFormat(NamedTuple):
    """How large products are computed.

    Attributes:
        precision: As in `TrainingConfig`.
        float32_products: For `torch.set_float32_matmul_precision`, of what is left in float32.
    """

    precision: Precision
    float32_products: Literal["highest", "medium"]


PLAIN = NumberFormat("float32", "highest")
ON_CPU = (PLAIN, NumberFormat("float32", "medium"), NumberFormat("bfloat16", "highest"))


def fastest_format(device: torch.device) -> NumberFormat:
    """Choose the number format for a device; on a CPU, by measuring.

    Args:
        device: What will train.

    Returns:
        On a CPU plain float32, unless another format is at least 1.2 times as fast.
    """
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return NumberFormat("bfloat16" if has_bfloat16 else "float16", "highest")
    if device.type != "cpu":
        return PLAIN
    seconds = {number_format: seconds_of_product(number_format) for number_format in ON_CPU}
    fastest = min(ON_CPU, key=lambda number_format: seconds[number_format])
    return fastest if seconds[PLAIN] > 1.2 * seconds[fastest] else PLAIN


def seconds_of_product(number_format: NumberFormat) -> float:
    """Measure a linear map forward and backward, on the CPU.

    Args:
        number_format: Float32 or bfloat16.

    Returns:
        The least of many times, so that other programs count little.
    """
    dtype = getattr(torch, number_format.precision)
    x = torch.ones(1024, 128, dtype=dtype, requires_grad=True)
    weight = torch.ones(512, 128, dtype=dtype, requires_grad=True)
    gradient = torch.ones(1024, 512, dtype=dtype)
    seconds = []
    with float32_products(number_format.float32_products):
        for _ in range(30):
            start = time.perf_counter()
            F.linear(x, weight).backward(gradient)
            seconds.append(time.perf_counter() - start)
    return min(seconds)


@contextmanager
def float32_products(precision: Literal["highest", "medium"]) -> Iterator[None]:
    """Set torch's precision of float32 products for the time of a `with`.

    Args:
        precision: "medium" allows products of rounded numbers.

    Example:
        >>> with float32_products("medium"):
        ...     torch.get_float32_matmul_precision()
        'medium'
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
