"""What the recipes of the fine-tuned models share: stretches of stories, and folders that ship."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from course_lib.data import sha256_of
from course_lib.data.stories import Story, Told, stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.finetuning import Answerer, Classifier, Fitted, Tagger, TrainingPlan
from course_lib.models.loading import WEIGHTS
from course_lib.models.shipped import DIGESTS
from course_lib.training import AdamWConfig, History, MuonConfig
from recipes._shipping import CURVE, Card, write_card, write_curve
from recipes.story_gpt import LANGUAGES

MUON = MuonConfig(learning_rate=0.015, adamw=AdamWConfig(learning_rate=2e-3))
"""Of the rates 0.005, 0.015 and 0.03 the best for questions; see `benchmarks/README.md`."""


class Stretch(NamedTuple):
    """Some sentences of a story that follow one another.

    Attributes:
        text: What they say.
        start: Where they begin in the story, in characters.
    """

    text: str
    start: int

    @property
    def end(self) -> int:
        """Where they end in the story, not included."""
        return self.start + len(self.text)


def learnable_stories(seed: int, n_stories: int) -> list[Story]:
    """Make stories of the split "train", in both languages.

    Args:
        seed: Of the stories.
        n_stories: How many.
    """
    stories = stream_stories(seed, languages=LANGUAGES)
    return list(
        islice((s for s in stories if split_of_story(s.told["en"].text) == "train"), n_stories)
    )


def sentence_starts(told: Told) -> list[int]:
    """Find where each sentence of a story begins, in characters."""
    starts = []
    place = 0
    for sentence in told.sentences:
        place = told.text.index(sentence, place)
        starts.append(place)
        place += len(sentence)
    return starts


def cut(told: Told, first: int, last: int) -> Stretch:
    """Cut out the sentences from number `first` to, but not including, number `last`."""
    starts = sentence_starts(told)
    end = starts[last - 1] + len(told.sentences[last - 1])
    return Stretch(told.text[starts[first] : end], starts[first])


def stretches(told: Told, random: np.random.Generator, most: int) -> Iterator[Stretch]:
    """Cut a story into stretches of 2 to `most` sentences; the last one may have a single one."""
    first = 0
    while first < len(told.sentences):
        last = min(len(told.sentences), first + int(random.integers(2, most + 1)))
        yield cut(told, first, last)
        first = last


def plan_of(n_rows: int, n_epochs: int = 1) -> TrainingPlan:
    """Give the plan by which all of them learn.

    Args:
        n_rows: Texts per step.
        n_epochs: Rounds through the texts.
    """
    return TrainingPlan(n_epochs=n_epochs, n_rows=n_rows, optimizer=MUON)


def write_finetuned(
    folder: Path, model: Answerer | Classifier | Tagger, fitted: Sequence[Fitted]
) -> History:
    """Write all of a folder that ships but the card, the weights in bfloat16.

    Args:
        folder: Is made; its name is the model's.
        model: Fitted.
        fitted: What happened, phase by phase.

    Returns:
        The history of all phases.
    """
    model.model.to(torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder)
    files = sorted(
        p for p in folder.rglob("*") if p.is_file() and p.parent / p.name != folder / DIGESTS
    )
    shipped = [p for p in files if p.suffix in (".json", ".safetensors")]
    lines = [f"{sha256_of(p)}  {p.relative_to(folder).as_posix()}\n" for p in shipped]
    (folder / DIGESTS).write_text("".join(lines), "utf-8", newline="\n")
    history = History(stopped_by=fitted[-1].history.stopped_by)
    for phase in fitted:
        for name in ("losses", "n_tokens", "seconds"):
            getattr(history, name).extend(getattr(phase.history, name))
    write_curve(history, folder / CURVE)
    return history


def write_finetuned_card(folder: Path, history: History, card: Card) -> None:
    """Fill in the card of a fine-tuned model; see `write_card`."""
    write_card(folder, history, card, weights=f"encoder/{WEIGHTS}")
