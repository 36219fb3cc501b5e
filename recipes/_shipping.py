"""What every recipe does at its end: write a folder that ships as it is.

A finished folder holds the weights and settings in Hugging Face's format, `tokenizer.json`, the
loss curve, the digests that `course_lib.models.load_checkpoint` checks, and a card. To ship it,
copy it to `data/checkpoints/`.
"""

import csv
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.utils.logging import disable_progress_bar

from course_lib.compute import count_parameters
from course_lib.data import sha256_of
from course_lib.models.loading import WEIGHTS
from course_lib.models.shipped import DIGESTS, FILES, TOKENIZER
from course_lib.tokenizers import BPETokenizer
from course_lib.training import History

CARDS = Path(__file__).parent / "cards"
CURVE = "curve.csv"
CURVE_POINTS = 100
MODEL_TOKENS = ("eos_token", "pad_token")
"""Those that transformers wants to know from the model, too, not from the tokenizer alone."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A trained model and what belongs to it.

    Attributes:
        model: The model of transformers, in the number format in which it ships.
        tokenizer: Its tokenizer.
        special_tokens: Which of its tokens does what, under transformers' names.
        max_len: How many tokens a text may have.
        history: Of the training.
    """

    model: Any
    tokenizer: BPETokenizer
    special_tokens: Mapping[str, str]
    max_len: int
    history: History


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a run adds to the text of a card.

    Attributes:
        template: Name of the file in `recipes/cards`, without its ending.
        model: Our model, read back from the folder.
        scores: What was measured, a line each.
        data: What was read, a line each.
    """

    template: str
    model: nn.Module
    scores: Sequence[str]
    data: Sequence[str] = ()


def write_model(folder: Path, finished: Finished) -> None:
    """Write all of a folder that ships but the card.

    Args:
        folder: Is made; files of an earlier run in it are replaced. Its name is the model's.
        finished: What is written.
    """
    disable_progress_bar()  # there is one file to write
    folder.mkdir(parents=True, exist_ok=True)
    model, tokenizer = finished.model, finished.tokenizer
    configs = [model.config, getattr(model, "generation_config", None)]
    for kind in MODEL_TOKENS:
        if kind in finished.special_tokens:
            for config in filter(None, configs):
                setattr(config, f"{kind}_id", tokenizer.id_of(finished.special_tokens[kind]))
    model.save_pretrained(folder)
    tokenizer.save(folder / TOKENIZER)
    settings: dict[str, object] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    settings |= {**finished.special_tokens, "model_max_length": finished.max_len}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")
    digests = [f"{sha256_of(folder / name)}  {name}\n" for name in FILES]
    (folder / DIGESTS).write_text("".join(digests), "utf-8", newline="\n")
    write_curve(finished.history, folder / CURVE)


def write_curve(history: History, path: Path) -> None:
    """Write the course of the loss as a table of at most about a hundred rows.

    Each row is the mean over the steps since the row before it.

    Args:
        history: Of the training.
        path: The table, with the columns step, n_tokens (so far), training_nats_per_token and
            held_out_nats_per_token (empty where nothing was evaluated).
    """
    held_out = {item.step: f"{item.nats_per_token:.4f}" for item in history.evaluations}
    every = max(1, len(history.losses) // CURVE_POINTS)
    n_tokens = np.cumsum(history.n_tokens)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["step", "n_tokens", "training_nats_per_token", "held_out_nats_per_token"])
        for step in range(every, len(history.losses) + 1, every):
            loss = np.mean(history.losses[step - every : step])
            row = [step, n_tokens[step - 1], f"{loss:.4f}", held_out.get(step, "")]
            writer.writerow(row)


def write_card(folder: Path, history: History, card: Card, weights: str = WEIGHTS) -> None:
    """Fill the places in the text of a card: sizes, times and scores come from this very run.

    Args:
        folder: From `write_model`.
        history: Of the training.
        card: What is told about it.
        weights: The file with the weights, in the folder.
    """
    path = folder / weights
    facts = {
        "name": folder.name,
        "sha256": sha256_of(path),
        "megabytes": f"{path.stat().st_size / 1e6:.1f}",
        "n_parameters": f"{count_parameters(card.model).total:,}",
        "n_steps": f"{len(history.losses):,}",
        "n_tokens": f"{sum(history.n_tokens):,}",
        "minutes": f"{sum(history.seconds) / 60:.0f}",
        "date": f"{datetime.now(UTC):%-d %B %Y}",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
        "scores": "\n".join(f"- {line}" for line in card.scores),
        "data": "\n".join(f"- {line}" for line in card.data),
    }
    text = (CARDS / f"{card.template}.md").read_text("utf-8").format_map(facts)
    (folder / "README.md").write_text(text, "utf-8", newline="\n")
    print("\n".join(f"{folder.name}, {line}" for line in card.scores))
    print(f"{folder} is finished. To ship it: cp -r {folder} data/checkpoints/")
