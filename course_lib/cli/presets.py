"""Sizes of `course train gpt`: from minutes on two CPU cores to a GPU."""

from dataclasses import dataclass, replace

from course_lib.cli.number_format import NumberFormat
from course_lib.cli.run_settings import PresetName
from course_lib.models import GPT, GPTConfig, gpt2_small
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig, MuonConfig, TrainingConfig, WarmupStableDecay

MOST_ROUNDS = 16
"""Through the data: what is read more often teaches little.

After Muennighoff et al. 2023, "Scaling Data-Constrained Language Models", section 5,
https://arxiv.org/abs/2305.16264: up to 4 rounds are about as good as new text; after 16 there is
little left to gain.
"""

BYTES_PER_TOKEN_KIND = 512
"""A vocabulary has at most one token for so many bytes of text, so that each is seen often."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The sizes of a run.

    Attributes:
        model: Sizes of the model; its `vocab_size` is the most that the tokenizer may learn, and
            its `max_len` the length of the windows it is trained on.
        n_rows: Windows in a batch.
        n_micro_batches: Batches in an optimiser step.
        n_steps: Optimiser steps, if there is text enough.
        adamw_learning_rate: Of embeddings and vectors; matrices have Muon's own.
    """

    model: GPTConfig
    n_rows: int
    n_micro_batches: int = 1
    n_steps: int
    adamw_learning_rate: float


def tiny() -> Preset:
    """Give the sizes for a few minutes on two CPU cores."""
    model = GPTConfig(vocab_size=2048, max_len=128, d_model=128, n_heads=4, n_layers=4)
    return Preset(model=model, n_rows=16, n_steps=1200, adamw_learning_rate=0.01)


def small() -> Preset:
    """Give the sizes for half an hour on two CPU cores."""
    model = GPTConfig(vocab_size=4096, max_len=256, d_model=256, n_heads=4, n_layers=6)
    return Preset(model=model, n_rows=16, n_steps=1600, adamw_learning_rate=0.006)


def gpt2() -> Preset:
    """Give the sizes of GPT-2 small, for hours on a GPU with 40 GB or more."""
    model = replace(gpt2_small(), vocab_size=50304)  # a multiple of 128 is faster on a GPU
    return Preset(
        model=model, n_rows=16, n_micro_batches=16, n_steps=10_000, adamw_learning_rate=0.002
    )


def preset_named(name: PresetName) -> Preset:
    """Look a preset up by the name that the command line has for it."""
    return {"tiny": tiny, "small": small, "gpt2": gpt2}[name]()


def vocab_size_for(n_bytes: int, most: int) -> int:
    """Choose the size of a vocabulary, special token and bytes included: a multiple of 64.

    Args:
        n_bytes: Length of the text, in UTF-8.
        most: The largest there may be, a multiple of 64.

    Example:
        >>> vocab_size_for(100_000, most=2048), vocab_size_for(10**6, most=2048)
        (512, 2048)
    """
    return min(most, 64 * ((256 + 64 + n_bytes // BYTES_PER_TOKEN_KIND) // 64))


def steps_for(preset: Preset, n_batches: int) -> int:
    """Choose the number of optimiser steps.

    Args:
        preset: Says how many at most.
        n_batches: In a round through the data.
    """
    return min(preset.n_steps, max(1, MOST_ROUNDS * n_batches // preset.n_micro_batches))


def make_model(preset: Preset, vocab_size: int, seed: int) -> GPT:
    """Make a fresh model.

    Args:
        preset: Says all sizes but that of the vocabulary.
        vocab_size: The tokenizer's.
        seed: Decides the weights (≥ 0).
    """
    return GPT(replace(preset.model, vocab_size=vocab_size), make_generator(seed))


def training_config(
    preset: Preset, n_steps: int, seed: int, number_format: NumberFormat
) -> TrainingConfig:
    """Make the settings of the training loop.

    Args:
        preset: Says how large a step is.
        n_steps: How many there are (≥ 1).
        seed: For all chance (≥ 0).
        number_format: Muon computes in bfloat16 where the model does.
    """
    is_short = number_format.precision == "bfloat16"
    optimizer = MuonConfig(
        precision="bfloat16" if is_short else "float32",
        adamw=AdamWConfig(learning_rate=preset.adamw_learning_rate, beta2=0.99, weight_decay=0.0),
    )
    return TrainingConfig(
        n_steps=n_steps,
        n_micro_batches=preset.n_micro_batches,
        schedule=WarmupStableDecay(n_warmup=max(1, n_steps // 50), decay_share=0.7),
        optimizer=optimizer,
        precision=number_format.precision,
        evaluate_every=max(1, n_steps // 5),
        seed=seed,
    )
