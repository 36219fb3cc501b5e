"""Attention: `attend` over the better of torch's fused kernel and the product written out.

    OMP_NUM_THREADS=1 python benchmarks/attention.py [--heads 4] [--d-head 32] [--rounds 9]

First, causal self-attention of 64 to 2,048 tokens, forward and forward with backward, in three
number formats. The contenders take turns, in shuffled order, in one process and one thread; each
turn is two passes, of which the second is timed, so that nobody pays for the memory that another
one gave back. The fastest turn of each counts, in seconds of the processor; short sequences have
more turns. The aim: `attend` never takes more than 1.05 times the better. It runs the same code as
one of the others, so a ratio far above 1 beside a right choice is the noise of a busy machine.

Then, how time and memory grow with the number of tokens, up to 8,192: the formula, which holds
T · T weights, against the fused kernel, which does not. Each measurement has a fresh process.
"""

import argparse
import math
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.nn import attend, causal_mask, scaled_dot_product_attention
from course_lib.nn.attention import _attend_written_out

AIM = 1.05
LENGTHS = (64, 128, 256, 384, 512, 768, 1024, 2048)
GROWING_LENGTHS = (256, 512, 1024, 2048, 4096, 8192)
N_TOKENS = 1024
"""Of all sequences together; one longer sequence counts alone."""

Contender = Callable[[Tensor, Tensor, Tensor], Tensor]


class Setting(NamedTuple):
    """What is measured: a number format, torch's precision of float32 products, and the pass."""

    name: str
    dtype: torch.dtype
    matmul_precision: str
    learns: bool


SETTINGS = tuple(
    Setting(name, dtype, precision, learns)
    for name, dtype, precision in (
        ("float32", torch.float32, "highest"),
        ("float32, medium", torch.float32, "medium"),
        ("bfloat16", torch.bfloat16, "highest"),
    )
    for learns in (False, True)
)


def formula(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, key, value, causal_mask(query.shape[2]))[0]


def formula_unmasked(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return scaled_dot_product_attention(query, key, value)[0]


def fused_unmasked(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value)


def written_out(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return _attend_written_out(query, key, value, None, True)


def fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def ours(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return attend(query, key, value, is_causal=True)


CONTENDERS = (formula, written_out, fused, ours)


def run_pass(contender: Contender, parts: list[Tensor], slope: Tensor | None) -> None:
    if slope is None:
        with torch.no_grad():
            contender(*parts)
    else:
        torch.autograd.grad(contender(*parts), parts, slope)


def seconds_of(contender: Contender, parts: list[Tensor], slope: Tensor | None) -> float:
    """Time the second of two passes; with a slope, the backward passes too."""
    run_pass(contender, parts, slope)
    start = time.process_time()
    run_pass(contender, parts, slope)
    return time.process_time() - start


def compare(
    setting: Setting, n_tokens: int, n_heads: int, d_head: int, n_rounds: int
) -> dict[str, float]:
    """Give each contender's fastest round, in seconds."""
    torch.set_float32_matmul_precision(setting.matmul_precision)
    shape = (max(1, N_TOKENS // n_tokens), n_tokens, n_heads, d_head)
    parts = [
        torch.randn(shape, dtype=setting.dtype).transpose(1, 2).requires_grad_() for _ in range(3)
    ]
    slope = torch.randn_like(parts[0]) if setting.learns else None
    order = random.Random(0)
    best = dict.fromkeys((contender.__name__ for contender in CONTENDERS), math.inf)
    for _ in range(n_rounds * max(1, 512 // n_tokens)):
        for contender in order.sample(CONTENDERS, len(CONTENDERS)):
            seconds = seconds_of(contender, parts, slope)
            best[contender.__name__] = min(best[contender.__name__], seconds)
    return best


def report_choice(n_heads: int, d_head: int, n_rounds: int) -> None:
    """Print one line a setting and length, and the worst ratio."""
    worst = 0.0
    for setting in SETTINGS:
        for n_tokens in LENGTHS:
            best = compare(setting, n_tokens, n_heads, d_head, n_rounds)
            ratio = best["ours"] / min(best["fused"], best["written_out"], best["formula"])
            worst = max(worst, ratio)
            print(
                f"{setting.name:16}{'and backward' if setting.learns else 'forward':13}"
                f"{n_tokens:5}  "
                + "  ".join(f"{name} {1e3 * seconds:7.2f} ms" for name, seconds in best.items())
                + f"  ratio {ratio:.2f}",
                flush=True,
            )
    print(f"attend over the better of the others: at worst {worst:.2f} (aim: {AIM})")


def peak_mebibytes() -> float:
    """Give the most memory that this process has held so far (Linux only, NaN elsewhere)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    (line,) = (row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure_growth(name: str, n_tokens: int) -> tuple[float, float]:
    """Time one forward pass of one head of width 64; measure the memory that it adds, in MiB."""
    torch.set_num_threads(1)
    attention = formula_unmasked if name == "formula" else fused_unmasked
    with torch.no_grad():
        short = torch.randn(1, 1, 16, 64)
        attention(short, short, short)
        query, key, value = torch.randn(3, 1, 1, n_tokens, 64).unbind()
        before = peak_mebibytes()
        attention(query, key, value)
        added = peak_mebibytes() - before
        seconds = [seconds_of(attention, [query, key, value], None) for _ in range(3)]
    return min(seconds), added


def report_growth() -> None:
    """Print time and memory for each length, in fresh processes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for n_tokens in GROWING_LENGTHS:
            slow, large = pool.submit(measure_growth, "formula", n_tokens).result()
            quick, small = pool.submit(measure_growth, "fused", n_tokens).result()
            print(
                f"{n_tokens:5} tokens: formula {1e3 * slow:8.1f} ms, {large:7.1f} MiB; "
                f"fused {1e3 * quick:8.1f} ms, {small:7.1f} MiB; {slow / quick:.1f} times the time",
                flush=True,
            )


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--d-head", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    report_choice(options.heads, options.d_head, options.rounds)
    torch.set_float32_matmul_precision("highest")
    report_growth()


if __name__ == "__main__":
    main()
