"""Training step: tokens per second of the processor, against Hugging Face's GPT-2.

    python benchmarks/training.py [--rounds 7] [--vocabularies 4096 50304]

A GPT of 4 layers, 4 heads and width 128, 16 texts of 128 tokens. Ours is `GPT` through
`course_lib.training`, in float32 and in bfloat16; the peer is in float32, with torch's AdamW as it
is by default. The contenders take turns, a step each, in one process and one thread; the median
step counts. Everything is measured twice, in processes of their own: with the settings of the
memory allocator that `course` trains with (see course_lib/cli/allocator.py) on for all, and off
for all. The aims: at least 2 times the peer's float32 step in float32, 3 times in bfloat16.

Where another library multiplies float32 faster than torch's first choice, ours takes that one
(see number_format.py).
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from gpt2_peer import PeerModel, peer_step
from number_format import FLOAT32, OTHER_FLOAT32, fastest_format

from course_lib.cli.allocator import ALLOCATOR_SETTINGS
from course_lib.data.batches import PackedBatches
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig, CausalLM, TrainingConfig, make_state
from course_lib.training.precision import Precision
from course_lib.training.step import take_step

AIMS = {"float32": 2.0, "bfloat16": 3.0}
N_ROWS, N_TOKENS = 16, 128
Step = Callable[[], None]


def make_data(vocab_size: int) -> PackedBatches:
    ids = torch.randint(vocab_size, (100_000,), generator=make_generator(0))
    return PackedBatches(ids, n_rows=N_ROWS, n_tokens=N_TOKENS)


def our_step(vocab_size: int, precision: Precision, matmul_precision: str) -> Step:
    sizes = GPTConfig(vocab_size=vocab_size, max_len=N_TOKENS, d_model=128, n_heads=4, n_layers=4)
    adamw = AdamWConfig(beta2=0.99, weight_decay=0.1)
    config = TrainingConfig(n_steps=10_000, precision=precision, optimizer=adamw)
    state, data = make_state(GPT(sizes, make_generator(0)).train(), config), make_data(vocab_size)

    def step() -> None:
        torch.set_float32_matmul_precision(matmul_precision)
        take_step(state, data, CausalLM())
        torch.set_float32_matmul_precision("highest")

    return step


def their_step(vocab_size: int) -> Step:
    model, data = PeerModel(vocab_size, N_TOKENS), make_data(vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    windows = data[0].ids
    return lambda: peer_step(model, optimizer, windows)


def measure(vocab_size: int, n_rounds: int, matmul_precision: str) -> dict[str, float]:
    """Give each contender's median step, in seconds of the processor; the first is not counted."""
    steps = {
        "peer": their_step(vocab_size),
        "float32": our_step(vocab_size, "float32", matmul_precision),
        "bfloat16": our_step(vocab_size, "bfloat16", "highest"),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for round_number in range(n_rounds + 1):
        for name, step in steps.items():
            start = time.process_time()
            step()
            if round_number:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def report(label: str, vocab_size: int, n_rounds: int, matmul_precision: str) -> None:
    medians = measure(vocab_size, n_rounds, matmul_precision)
    rates = {name: N_ROWS * N_TOKENS / seconds for name, seconds in medians.items()}
    ratios = "; ".join(
        f"{name} {rates[name]:,.0f} = {rates[name] / rates['peer']:.2f} times (aim {aim:.0f})"
        for name, aim in AIMS.items()
    )
    print(
        f"allocator settings {label}, vocabulary {vocab_size:6,}, tokens per CPU-second: "
        f"peer {rates['peer']:,.0f}; {ratios}",
        flush=True,
    )


def main() -> None:
    """Measure, in this process or in one with and one without the settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--vocabularies", type=int, nargs="+", default=[4096, 50304])
    parser.add_argument("--label", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.label is None:
        off = {n: value for n, value in os.environ.items() if n not in ALLOCATOR_SETTINGS}
        for label, environment in (("off", off), ("on", {**off, **ALLOCATOR_SETTINGS})):
            command = [sys.executable, *sys.argv, "--label", label]
            subprocess.run(command, env=environment, check=True)
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    matmul_precision = fastest_format((FLOAT32, OTHER_FLOAT32)).matmul_precision
    for vocab_size in options.vocabularies:
        report(options.label, vocab_size, options.rounds, matmul_precision)


if __name__ == "__main__":
    main()
