"""Generation: tokens per second of the processor, against transformers' `generate`.

    python benchmarks/generation.py [--quick] [--rounds 5] [--tokens 256]

Two GPT-2 shapes with random weights: 1.3 M parameters (4 layers, width 128, 4,096 tokens) and
124 M (GPT-2 small). A prompt of 16 tokens, batch 1, greedy, one thread; the peer is
`GPT2LMHeadModel.generate` with its cache, in float32. Ours is `greedy` with the matrices packed
(`Cached(model, packed=True)`), in float32 and in bfloat16. The contenders take turns in one
process; the median of the ratios of a round counts. In float32 both must write the same tokens.
The aims: 4 times the peer at 1.3 M, 1.2 times in float32 and 2 times in bfloat16 at 124 M.
`--quick` writes fewer tokens in fewer rounds. The last lines are the ratios; the exit status is 1
if an aim is missed.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from gpt2_peer import import_gpt2

from course_lib.generation import Cached, greedy
from course_lib.models import GPT, GPTConfig, gpt_to_hf
from course_lib.models.gpt import gpt2_small
from course_lib.seeding import make_generator

N_PROMPT = 16
Write = Callable[[], list[int]]


class Size(NamedTuple):
    """A shape, and what is aimed at with it."""

    name: str
    config: GPTConfig
    aims: dict[str, float]


SIZES = (
    Size(
        "1.3 M",
        GPTConfig(vocab_size=4096, max_len=512, d_model=128, n_heads=4, n_layers=4),
        {"float32": 4.0},
    ),
    Size("124 M", gpt2_small(), {"float32": 1.2, "bfloat16": 2.0}),
)


def contenders(config: GPTConfig, n_tokens: int) -> dict[str, Write]:
    model = GPT(config, make_generator(0)).eval()
    import_gpt2()
    peer: Any = gpt_to_hf(model).eval()
    prompt = torch.randint(config.vocab_size, (1, N_PROMPT), generator=make_generator(1))

    def theirs() -> list[int]:
        settings = {"max_new_tokens": n_tokens, "min_new_tokens": n_tokens, "do_sample": False}
        mask = torch.ones_like(prompt)
        with torch.inference_mode():
            ids = peer.generate(prompt, attention_mask=mask, pad_token_id=0, **settings)
        return ids[0, N_PROMPT:].tolist()

    half = GPT(config, make_generator(0)).eval().bfloat16()
    ours = {
        "float32": Cached(model, packed=True),
        "bfloat16": Cached(half, packed=True),
    }
    return {
        "peer": theirs,
        **{name: lambda m=m: greedy(m, prompt, n_tokens)[0] for name, m in ours.items()},
    }


def measure(config: GPTConfig, n_tokens: int, n_rounds: int) -> dict[str, list[float]]:
    """Give each contender's seconds, round by round; the first round is not counted.

    Raises:
        AssertionError: If ours and the peer write different tokens in float32.
    """
    seconds: dict[str, list[float]] = {}
    writers = contenders(config, n_tokens)
    for round_number in range(n_rounds + 1):
        texts = {}
        for name, write in writers.items():
            start = time.process_time()
            texts[name] = write()
            if round_number:
                seconds.setdefault(name, []).append(time.process_time() - start)
        assert texts["float32"] == texts["peer"], "the same weights must write the same tokens"
    return seconds


def report(size: Size, n_tokens: int, n_rounds: int) -> list[tuple[str, float, float | None]]:
    """Print the rates of a size; return its ratios to the peer, with their aims."""
    seconds = measure(size.config, n_tokens, n_rounds)
    ratios = []
    for name, times in seconds.items():
        rate = n_tokens / statistics.median(times)
        print(f"{size.name}, {name}: {rate:,.1f} tokens per CPU-second", flush=True)
        if name != "peer":
            pairs = zip(seconds["peer"], times, strict=True)
            ratio = statistics.median(theirs / ours for theirs, ours in pairs)
            ratios.append((f"{size.name}, {name}", ratio, size.aims.get(name)))
    return ratios


def main() -> int:
    """Measure both sizes; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(1)
    n_tokens, n_rounds = (32, 3) if options.quick else (options.tokens, options.rounds)
    ratios = [
        ratio
        for size in SIZES
        for ratio in report(
            size, max(n_tokens, 128) if size.name == "1.3 M" else n_tokens, n_rounds
        )
    ]
    is_missed = False
    for name, ratio, aim in ratios:
        told = "" if aim is None else f" (aim {aim:.1f}: {'met' if ratio >= aim else 'MISSED'})"
        is_missed |= aim is not None and ratio < aim
        print(f"{name}: {ratio:.2f} times transformers' generate in float32{told}")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
