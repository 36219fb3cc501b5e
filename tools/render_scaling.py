"""Render the tables of `docs/scaling.md`: what training takes, and what fits where.

`python tools/render_scaling.py` rewrites them between their marks; `--check` fails if they are out
of date. Everything is computed by formula; nothing is run.
"""

import argparse
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.cli.presets import small, tiny
from course_lib.compute import count_parameters_of
from course_lib.models import (
    GPT,
    GPTConfig,
    Llama,
    LlamaConfig,
    gpt2_large,
    gpt2_medium,
    gpt2_small,
    gpt2_xl,
    llama2_7b,
    llama3_8b,
    smollm2_135m,
    tinyllama_1b,
)

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path("docs", "scaling.md")
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"

MODELS: list[tuple[str, Callable[[Any], Any], GPTConfig | LlamaConfig, int]] = [
    ("`--preset tiny`", GPT, tiny().model, 128),
    ("`--preset small`", GPT, small().model, 256),
    ("GPT-2 small (`--preset gpt2`)", GPT, gpt2_small(), 1024),
    ("GPT-2 medium", GPT, gpt2_medium(), 1024),
    ("GPT-2 large", GPT, gpt2_large(), 1024),
    ("GPT-2 XL", GPT, gpt2_xl(), 1024),
    ("SmolLM2 135M", Llama, smollm2_135m(), 2048),
    ("TinyLlama 1.1B", Llama, tinyllama_1b(), 2048),
    ("Llama 2 7B", Llama, llama2_7b(), 4096),
    ("Llama 3 8B", Llama, llama3_8b(), 4096),
]
DEVICES = {"laptop": 8e9, "T4": 16e9, "A100 40": 40e9, "A100 80, H100": 80e9}
USABLE = 0.9  # the rest is for kernels, buffers and what lies scattered
WEIGHT_BYTES = {16: 4 + 4 + 8 + 2, 32: 4 + 4 + 8}


def activation_bytes(config: GPTConfig | LlamaConfig, n_bits: int, recompute: bool) -> float:
    """Count what one token leaves for the backward pass.

    Args:
        config: Sizes of the model.
        n_bits: 16 for autocast, 32 without.
        recompute: Whether only the input of each block is kept, and one block at a time is
            computed again.

    Example:
        >>> activation_bytes(gpt2_small(), 16, recompute=False) / 12 / 768  # 36 and the logits
        57.812...
    """
    width = config.d_model
    if isinstance(config, GPTConfig):
        block = {16: 20, 32: 32}[n_bits] * width + {16: 4, 32: 8}[n_bits] * config.d_ff
    else:
        keys = width * config.n_kv_heads // config.n_heads
        block = {16: 32, 32: 36}[n_bits] * width + n_bits / 4 * keys + n_bits / 2 * config.d_ff
    blocks = 4 * width * config.n_layers + block if recompute else block * config.n_layers
    return blocks + 2 * n_bits / 8 * config.vocab_size


@cache
def _count(build: Callable[[Any], Any], config: GPTConfig | LlamaConfig) -> int:
    return count_parameters_of(build, config).total


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.3g}" if n_bytes < 1e12 else f"{n_bytes / 1e9:,.0f}"


def _fits(memory_bytes: float, state_bytes: float, sequence_bytes: float) -> str:
    n_sequences = int((memory_bytes * USABLE - state_bytes) // sequence_bytes)
    if n_sequences < 1:
        return "–"
    return "> 999" if n_sequences > 999 else str(n_sequences)


def needs_table() -> list[str]:
    """Write down what each model takes, in GB."""
    lines = [
        "| model | parameters | tokens in a sequence | weights | gradients | AdamW | 16-bit copies "
        "| **state together** | activations of a sequence | … recomputed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, build, config, n_tokens in MODELS:
        n = _count(build, config)
        kept, again = (n_tokens * activation_bytes(config, 16, r) for r in (False, True))
        sizes = [_size(x) for x in (4 * n, 4 * n, 8 * n, 2 * n, 18 * n, kept, again)]
        sizes[4] = f"**{sizes[4]}**"
        lines.append(f"| {name} | {n:,} | {n_tokens:,} | " + " | ".join(sizes) + " |")
    return lines


def fits_table() -> list[str]:
    """Write down how many sequences of a batch fit where, without and with recomputation."""
    lines = [
        "| model | " + " | ".join(DEVICES) + " | 8 × 80 GB, shared out |",
        "|---|" + "--:|" * (len(DEVICES) + 1),
    ]
    for name, build, config, n_tokens in MODELS:
        n, cells = _count(build, config), []
        for device, memory_bytes in DEVICES.items():
            bits = 32 if device == "laptop" else 16
            tokens = [n_tokens * activation_bytes(config, bits, r) for r in (False, True)]
            state = WEIGHT_BYTES[bits] * n
            cells.append(" / ".join(_fits(memory_bytes, state, each) for each in tokens))
        # A block is whole while it computes; counted as two of them, so that one can be on its way.
        shared = 18 * n / 8 + 2 * 4 * n / config.n_layers
        tokens = [n_tokens * activation_bytes(config, 16, r) for r in (False, True)]
        cells.append(" / ".join(_fits(80e9, shared, each) for each in tokens))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def render(page: str) -> str:
    """Put fresh tables into the page.

    Args:
        page: The page with its marks.
    """
    head, rest = page.split(BEGIN)
    tail = rest.split(END)[1]
    titles = ("**What training takes, in GB** (autocast to 16 bits)", "**What fits where**")
    tables = [
        "\n".join((title, "", *lines))
        for title, lines in zip(titles, (needs_table(), fits_table()), strict=True)
    ]
    return head + BEGIN + "\n" + "\n\n".join(tables) + "\n\n" + END + tail


def main() -> int:
    """Run the tool; return 1 if a check failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    is_check = parser.parse_args().check
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    fresh = render(page)
    if is_check and fresh != page:
        print(f"{PAGE} is out of date: run python tools/render_scaling.py")
        return 1
    if not is_check:
        (ROOT / PAGE).write_text(fresh, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
