"""Rows of `benchmarks/pipelines.py`: real text, which the course's models were not made for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pipeline_scoring import (
    SEED,
    Asked,
    Pair,
    Row,
    Where,
    entity_rows,
    question_rows,
    sentiment_rows,
    summary_rows,
    translation_rows,
)
from pipeline_writing import label_rows

from course_lib.data import load
from course_lib.evaluation import tags_to_spans

AG_LABELS = {
    "World": "world politics",
    "Sports": "sports",
    "Business": "business",
    "Sci/Tech": "technology",
}
WNUT_TYPES = {"person": "PER", "location": "LOC", "product": "OBJ"}
"""Types of WNUT that our tagger has something like."""

MARIAN = "Helsinki-NLP/opus-mt-en-de"


def some(rows: Sequence[Any], n: int) -> list[Any]:
    """Draw rows without replacement; all of them if they are not more."""
    order = np.random.default_rng(SEED).permutation(len(rows))[:n]
    return [rows[int(row)] for row in order]


def sst2(n: int, where: Where) -> list[Row]:
    """Sentences of film reviews, for or against; the model's third class does not count."""
    rows = some(load("sst2")["validation"].to_list(), n)
    texts, gold = [row["text"] for row in rows], [row["label"] for row in rows]
    return sentiment_rows(where, texts, gold, ("negative", "positive"))


def ag_news(n: int, where: Where) -> list[Row]:
    """News in four classes."""
    rows = some(load("ag-news")["test"].to_list(), n)
    gold = [AG_LABELS[row["label"]] for row in rows]
    labels = list(AG_LABELS.values())
    return label_rows(where, [row["text"] for row in rows], gold, labels)


def xquad(language: str, n: int, where: Where) -> list[Row]:
    """Questions on Wikipedia."""
    rows = some(load("xquad")[language].to_list(), n)
    asked = [Asked(row["question"], row["context"], row["answers"]["text"]) for row in rows]
    return question_rows(where, asked, language)


def tatoeba(source: str, target: str, n: int, where: Where) -> list[Row]:
    """Sentences by volunteers; all their translations count as right."""
    translations: dict[str, list[str]] = {}
    for row in load("tatoeba-en-zh").to_list():
        translations.setdefault(row[source], []).append(row[target])
    drawn = some(list(translations), n)
    pairs = [Pair(text, translations[text], number) for number, text in enumerate(drawn)]
    return translation_rows(where, pairs, target)


def multi30k(n: int, where: Where) -> list[Row]:
    """Captions of pictures, English to German, by a model that is not the course's."""
    rows = some(load("multi30k")["validation"].to_list(), n)
    pairs = [Pair(row["en"], [row["de"]], number) for number, row in enumerate(rows)]
    return translation_rows(where, pairs, "en", MARIAN)  # BLEU cuts German like English


def scitldr(n: int, where: Where) -> list[Row]:
    """Abstracts of papers; of several right summaries the closest counts."""
    rows = some(load("scitldr")["validation"].to_list(), n)
    return summary_rows(where, [row["text"] for row in rows], [row["summaries"] for row in rows])


def wnut17(n: int, where: Where) -> list[Row]:
    """Persons, places and products in posts and comments."""
    rows = some(load("wnut17")["validation"].to_list(), n)
    gold = [word_entities(row["words"], row["tags"]) for row in rows]
    return entity_rows(where, [" ".join(row["words"]) for row in rows], gold, "en")


def word_entities(words: Sequence[str], tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Find tagged words in the text that they make with a blank between each two."""
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])
    return {
        (int(starts[e.start]), int(starts[e.end]) - 1, WNUT_TYPES[e.type])
        for e in tags_to_spans(tags)
        if e.type in WNUT_TYPES
    }
