"""Which number format this processor multiplies fastest in."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import torch


class NumberFormat(NamedTuple):
    """A precision of `TrainingConfig`, and torch's precision of float32 products."""

    precision: str
    matmul_precision: str


FLOAT32 = NumberFormat("float32", "highest")
OTHER_FLOAT32 = NumberFormat("float32", "medium")
"""On a CPU this is another library, which may round the factors where the processor likes that."""

BFLOAT16 = NumberFormat("bfloat16", "highest")


def fastest_format(formats: Sequence[NumberFormat]) -> NumberFormat:
    """Give the format in which products are fastest, but the first unless one is 1.2 times so."""
    seconds = {number_format: seconds_of_a_product(number_format) for number_format in formats}
    fastest = min(formats, key=lambda number_format: seconds[number_format])
    return fastest if seconds[formats[0]] > 1.2 * seconds[fastest] else formats[0]


def seconds_of_a_product(number_format: NumberFormat, n_rounds: int = 50) -> float:
    """Time the product of 1,024 vectors of width 128 with a matrix, at its fastest."""
    dtype = getattr(torch, number_format.precision)
    x, weight = torch.randn(1024, 128, dtype=dtype), torch.randn(128, 512, dtype=dtype)
    torch.set_float32_matmul_precision(number_format.matmul_precision)
    seconds = []
    for _ in range(n_rounds):
        start = time.process_time()
        torch.mm(x, weight)
        seconds.append(time.process_time() - start)
    torch.set_float32_matmul_precision("highest")
    return min(seconds)
