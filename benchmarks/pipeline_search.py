"""Rows of `benchmarks/pipelines.py`: searching, and reading what was found."""

from collections.abc import Sequence

import numpy as np
from pipeline_scoring import SEED, Pair, Row, Where, mean_by_group, timed

from course_lib.data import load
from course_lib.data.stories import Story
from course_lib.evaluation import answer_f1, random_span
from course_lib.pipelines import pipeline


def search_in_passages(model: str | None, where: Where) -> list[Row]:
    """Find the passage that a question is about, among all of them."""
    rows = all_passages()
    search = pipeline("semantic-search", model).add([one_paragraph(row) for row in rows])
    asked = [(item["question"], n) for n, row in enumerate(rows) for item in row["questions"]]
    found = timed(lambda: search([question for question, _ in asked], top_k=5), len(asked))
    gold = [number for _, number in asked]
    ranks = [[int(hit["source"]) for hit in hits] for hits in found.answers]
    return [
        Row(
            where,
            f"{len(asked)} questions, {len(rows)} passages",
            f"recall@{k}",
            mean_by_group(
                [right in rank[:k] for rank, right in zip(ranks, gold, strict=True)], gold
            ),
            f"{100 * k / len(rows):.1f} (chance)",
            found.milliseconds,
        )
        for k in (1, 5)
    ]


def answers_from_passages(where: Where) -> list[Row]:
    """Find the passage and read the answer out of it: questions of the test, among all."""
    asked = [
        Pair(item["question"], [item["answer"]], number)
        for number, row in enumerate(load("passages")["test"].to_list())
        for item in row["questions"]
        if item["answer"]
    ]
    return answer_rows(where, [one_paragraph(row) for row in all_passages()], asked)


def answers_from_stories(stories: Sequence[Story], where: Where) -> list[Row]:
    """The same with stories, and the questions that name the hero: others could mean any story."""
    asked = [
        Pair(question.question, [question.answer], number)
        for number, story in enumerate(stories)
        for question in story.told["en"].questions
        if story.hero in question.question
    ]
    return answer_rows(where, [story.told["en"].text for story in stories], asked)


def answer_rows(where: Where, texts: Sequence[str], asked: Sequence[Pair]) -> list[Row]:
    """F1 of what is found and read, beside a random piece of a random text."""
    ask = pipeline("retrieval-question-answering").add(texts)
    found = timed(lambda: ask([one.source for one in asked]), len(asked))
    answers = [one["answer"] for one in found.answers]
    drawn = np.random.default_rng(SEED).integers(len(texts), size=len(asked))
    pieces = [random_span(texts[int(row)], seed) for seed, row in enumerate(drawn)]
    scores, chance = (
        [answer_f1(text, one.gold) for text, one in zip(some, asked, strict=True)]
        for some in (answers, pieces)
    )
    return [
        Row(
            where,
            f"{len(asked)} questions, {len(texts)} texts",
            "F1",
            mean_by_group(scores, [one.group for one in asked]),
            f"{100 * np.mean(chance):.1f} (a random piece of a random text)",
            found.milliseconds,
        )
    ]


def all_passages() -> list[dict]:
    """Take the hand-written passages of every split."""
    return [row for split in load("passages").values() for row in split.to_list()]


def one_paragraph(row: dict) -> str:
    """Join the lines of a passage, so that it is found as one."""
    return row["context"].replace("\n", " ")
