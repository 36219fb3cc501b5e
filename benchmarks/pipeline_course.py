"""Rows of `benchmarks/pipelines.py`: unseen stories, and the course's hand-written sets."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

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

from course_lib.data import load
from course_lib.data.stories import Story, Told, stream_stories
from course_lib.data.storyworld import split_of_story
from course_lib.evaluation import tags_to_spans

LANGUAGES = ("en", "zh")
BETWEEN = {"en": " ", "zh": ""}
"""What stands between two sentences."""

SENTIMENTS = ("negative", "neutral", "positive")
N_SENTENCES = 2
"""Of a passage that is translated."""


def unseen_stories(n_stories: int) -> list[Story]:
    """Make stories of the split "test", others than the recipes test on."""
    stories = stream_stories(SEED, languages=LANGUAGES)
    unseen = (story for story in stories if split_of_story(story.told["en"].text) == "test")
    return list(islice(unseen, n_stories))


def sentiment_of_stories(stories: Sequence[Story], language: str, where: Where) -> list[Row]:
    """How a story ends."""
    texts = [story.told[language].text for story in stories]
    return sentiment_rows(where, texts, [story.sentiment for story in stories], SENTIMENTS)


def sentiment_of_reviews(where: Where) -> list[Row]:
    """What a hand-written review says."""
    rows = rows_of(where)
    gold = [SENTIMENTS[row["label"]] for row in rows]
    return sentiment_rows(where, [row["text"] for row in rows], gold, SENTIMENTS)


def questions_of_stories(stories: Sequence[Story], language: str, where: Where) -> list[Row]:
    """Questions that the story answers; then, put to another story, those it does not answer."""
    told = [story.told[language] for story in stories]
    asked = [Asked(q.question, one.text, [q.answer]) for one in told for q in one.questions]
    rows = question_rows(where, asked, language)
    foreign = [
        Asked(question.question, other.text, [])
        for one, other in zip(told, [*told[1:], told[0]], strict=True)
        for question in one.questions
        if question.question not in {q.question for q in other.questions}
    ]
    other = where._replace(data=f"{where.data}, another story's questions")
    return rows + question_rows(other, foreign, language)


def questions_of_passages(where: Where) -> list[Row]:
    """Questions on the hand-written passages; some have no answer there."""
    asked = [
        Asked(item["question"], row["context"], [item["answer"]] if item["answer"] else [])
        for row in rows_of(where)
        for item in row["questions"]
    ]
    return question_rows(where, asked, "en")


def entities_of_stories(stories: Sequence[Story], language: str, where: Where) -> list[Row]:
    """People, places and objects of whole stories."""
    told = [story.told[language] for story in stories]
    gold = [entity_places(one) for one in told]
    return entity_rows(where, [one.text for one in told], gold, language)


def token_places(told: Told) -> list[tuple[int, int]]:
    """Find the start and the end of every token of a story, in characters."""
    places, end = [], 0
    for token in told.tokens:
        start = told.text.index(token, end)
        end = start + len(token)
        places.append((start, end))
    return places


def entity_places(told: Told) -> set[tuple[int, int, str]]:
    """Find the entities of a story, in characters."""
    places = token_places(told)
    entities = tags_to_spans(told.entities)
    return {(places[e.start][0], places[e.end - 1][1], e.type) for e in entities}


def translations_of_stories(
    stories: Sequence[Story], source: str, target: str, where: Where
) -> list[Row]:
    """Whole stories, cut in passages of two sentences, as told in the other language."""
    pairs = []
    for number, story in enumerate(stories):
        for first in range(0, len(story.told[source].sentences), N_SENTENCES):
            text, gold = (
                BETWEEN[name].join(story.told[name].sentences[first : first + N_SENTENCES])
                for name in (source, target)
            )
            pairs.append(Pair(text, [gold], number))
    return translation_rows(where, pairs, target)


def sentence_pairs(source: str, target: str, where: Where) -> list[Row]:
    """The hand-written sentence pairs."""
    pairs = [Pair(row[source], [row[target]], n) for n, row in enumerate(rows_of(where))]
    return translation_rows(where, pairs, target)


def summaries_of_stories(stories: Sequence[Story], language: str, where: Where) -> list[Row]:
    """Whole stories in one sentence."""
    told = [story.told[language] for story in stories]
    return summary_rows(where, [one.text for one in told], [[one.summary] for one in told])


def dialogues(where: Where) -> list[Row]:
    """The hand-written dialogues, written out as texts."""
    rows = rows_of(where)
    texts = ["\n".join(f"{t['speaker']}: {t['text']}" for t in row["turns"]) for row in rows]
    return summary_rows(where, texts, [[row["summary"]] for row in rows])


def rows_of(where: Where) -> list[Any]:
    """Load a split of one of the course's sets."""
    name: Any = where.data
    return load(name)[where.split].to_list()
