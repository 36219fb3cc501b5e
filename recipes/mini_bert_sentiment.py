"""mini-bert-sentiment: mini-bert that says whether a text is negative, neutral or positive.

It learns from how stories end, and from the hand-written reviews.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib.data import load
from course_lib.data.stories import Story
from course_lib.evaluation import macro_f1, proportion_interval
from course_lib.finetuning import Classifier, ClassifierConfig, FullFineTuning
from recipes._reading import (
    cut,
    learnable_stories,
    plan_of,
    write_finetuned,
    write_finetuned_card,
)
from recipes._shipping import Card
from recipes.story_gpt import LANGUAGES, unseen_stories

NAME = "mini-bert-sentiment"
CLASSES = ("negative", "neutral", "positive")
N_STORIES, N_TEST = 2_500, 500
N_ROWS = 32
REPEATS = 6
"""How often each hand-written review is read."""

LAST_SENTENCES = (2, 5)
"""A story is read whole, or its last sentences, at least and at most so many."""

SHARE_WHOLE = 0.3
SEED = 26


class Labelled(NamedTuple):
    """A text and its sentiment."""

    text: str
    label: str


def run(out: Path, scale: float, resume: bool) -> None:
    """Fine-tune, test, and write what ships into the folder.

    Args:
        out: Gets the folder `mini-bert-sentiment`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Changes nothing: it begins anew.
    """
    rows = list(endings(learnable_stories(SEED, max(2, round(N_STORIES * scale)))))
    for _ in range(max(1, round(REPEATS * scale))):
        for language in LANGUAGES:
            some = list(reviews(language, "train"))
            rows += some[: max(9, round(len(some) * scale))]
    rows = [rows[n] for n in np.random.default_rng(SEED).permutation(len(rows))]
    config = ClassifierConfig(classes=CLASSES, pooling="mean")
    classifier = Classifier("mini-bert", FullFineTuning(plan=plan_of(N_ROWS)), config)
    fitted = [classifier.fit([row.text for row in rows], [row.label for row in rows])]
    history = write_finetuned(out / NAME, classifier, fitted)
    shipped = Classifier.load(out / NAME)  # rounded
    unseen = list(islice(unseen_stories(), max(2, round(N_TEST * scale))))
    scores = list(score_lines(shipped, unseen))
    card = Card(template=NAME, model=shipped.model.encoder, scores=scores)
    write_finetuned_card(out / NAME, history, card)


def endings(stories: Sequence[Story]) -> Iterator[Labelled]:
    """Give every story in both languages, some whole, some only from a late sentence on."""
    random = np.random.default_rng(SEED)
    for story in stories:
        for language in LANGUAGES:
            told = story.told[language]
            text = told.text
            if random.random() >= SHARE_WHOLE:
                n_last = int(random.integers(LAST_SENTENCES[0], LAST_SENTENCES[1] + 1))
                first = max(0, len(told.sentences) - n_last)
                text = cut(told, first, len(told.sentences)).text
            yield Labelled(text, story.sentiment)


def reviews(language: str, split: str) -> Iterator[Labelled]:
    """Give the hand-written reviews of a language."""
    for row in load(f"reviews-{language}")[split]:
        yield Labelled(row["text"], CLASSES[row["label"]])


def score_lines(classifier: Classifier, stories: Sequence[Story]) -> Iterator[str]:
    """Measure the sentiment of unseen stories and reviews, language by language."""
    for language in LANGUAGES:
        parts = {
            "whole stories": [Labelled(s.told[language].text, s.sentiment) for s in stories],
            "reviews": list(reviews(language, "test"))[: len(stories)],
        }
        for name, rows in parts.items():
            found = [str(label) for label in classifier.predict([row.text for row in rows])]
            gold = [row.label for row in rows]
            n_right = sum(a == b for a, b in zip(found, gold, strict=True))
            low, high = proportion_interval(n_right, len(rows))
            yield (
                f"{language}, {name}: accuracy {n_right / len(rows):.3f} [{low:.3f}, {high:.3f}], "
                f"macro-F1 {macro_f1(found, gold):.3f}, n = {len(rows)}"
            )
