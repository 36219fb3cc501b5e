"""mini-bert-answerer: mini-bert that finds the answers to questions in stories, or says "none".

It learns in two rounds: first from a few sentences at a time, then from whole stories and from the
hand-written passages.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_lib.data import load
from course_lib.data.stories import Story, Told
from course_lib.data.story_about import Question
from course_lib.evaluation import (
    answer_f1,
    answer_f1_zh,
    bootstrap_interval,
    exact_match,
    exact_match_zh,
)
from course_lib.finetuning import Answerer, AnswererConfig, FullFineTuning
from recipes._reading import (
    cut,
    learnable_stories,
    plan_of,
    sentence_starts,
    write_finetuned,
    write_finetuned_card,
)
from recipes._shipping import Card
from recipes.story_gpt import LANGUAGES, unseen_stories

NAME = "mini-bert-answerer"
N_STORIES, N_WHOLE, N_TEST = 4_000, 1_600, 200
"""Stories that are cut up in the first round, whole stories of the second, stories of the test."""

N_ROWS_CUT, N_ROWS_WHOLE = 32, 16
MOST_SENTENCES = 3
SHARE_WITHOUT = 0.15
"""Of the questions that a text is given for that does not answer them."""

REPEATS = 4
"""How often each question of the hand-written passages is read."""

SEED_CUT, SEED_WHOLE, SEED_OF_TEST = 21, 22, 23
METRICS = {"en": (answer_f1, exact_match), "zh": (answer_f1_zh, exact_match_zh)}


class Asked(NamedTuple):
    """A question, what it is put to, and the answer there, if there is one."""

    question: str
    passage: str
    answer: tuple[str, int] | None


def run(out: Path, scale: float, resume: bool) -> None:
    """Fine-tune, test, and write what ships into the folder.

    Args:
        out: Gets the folder `mini-bert-answerer`.
        scale: 1 for the model that the course ships; 0.01 takes seconds and learns little.
        resume: Changes nothing: it begins anew.
    """
    encoder = "mini-bert"
    fitted = []
    rounds = (
        (list(cut_up(learnable_stories(SEED_CUT, max(2, round(N_STORIES * scale))))), N_ROWS_CUT),
        (list(whole(max(2, round(N_WHOLE * scale)), scale)), N_ROWS_WHOLE),
    )
    answerer = Answerer(encoder)
    for asked, n_rows in rounds:
        config = AnswererConfig(seed=len(fitted))
        answerer = Answerer(encoder, FullFineTuning(plan=plan_of(n_rows)), config)
        order = np.random.default_rng(SEED_CUT).permutation(len(asked))
        fitted.append(answerer.fit(*zip(*(asked[row] for row in order), strict=True)))
        encoder = answerer.model.encoder
    history = write_finetuned(out / NAME, answerer, fitted)
    shipped = Answerer.load(out / NAME)  # rounded
    n_test = max(2, round(N_TEST * scale))
    scores = [*score_lines(shipped, list(islice(unseen_stories(), n_test)))]
    card = Card(template=NAME, model=shipped.model.encoder, scores=scores)
    write_finetuned_card(out / NAME, history, card)


def cut_up(stories: Sequence[Story]) -> Iterator[Asked]:
    """Ask every question of every story, of two or three sentences around the answer."""
    random = np.random.default_rng(SEED_CUT)
    for story in stories:
        for told in story.told.values():
            for question in told.questions:
                is_without = random.random() < SHARE_WITHOUT
                yield (
                    _without(told, question, random)
                    if is_without
                    else _with(told, question, random)
                )


def whole(n_stories: int, scale: float) -> Iterator[Asked]:
    """Ask questions of whole stories, some of them of another story; then of the passages."""
    random = np.random.default_rng(SEED_WHOLE)
    stories = learnable_stories(SEED_WHOLE, n_stories)
    for number, story in enumerate(stories):
        for language in LANGUAGES:
            told = story.told[language]
            other = stories[number - 1].told[language]
            elsewhere = {question.question for question in other.questions}
            for question in told.questions:
                if random.random() < SHARE_WITHOUT and question.question not in elsewhere:
                    yield Asked(question.question, other.text, None)
                else:
                    yield Asked(question.question, told.text, (question.answer, question.start))
    for _ in range(max(1, round(REPEATS * scale))):
        asked = list(from_passages("train"))
        yield from asked[: max(2, round(len(asked) * scale))]


def from_passages(split: str) -> Iterator[Asked]:
    """Ask the questions of the hand-written passages."""
    for row in load("passages")[split]:
        for item in row["questions"]:
            answer = (item["answer"], item["start"]) if item["answer"] else None
            yield Asked(item["question"], row["context"], answer)


def _with(told: Told, question: Question, random: np.random.Generator) -> Asked:
    """Ask a question of some sentences with the answer in them, or of the whole story."""
    starts, end = sentence_starts(told), question.start + len(question.answer)
    ends = [start + len(text) for start, text in zip(starts, told.sentences, strict=True)]
    inside = [n for n, start in enumerate(starts) if start <= question.start and end <= ends[n]]
    if not inside:  # the answer is longer than a sentence
        return Asked(question.question, told.text, (question.answer, question.start))
    n_sentences = int(random.integers(2, MOST_SENTENCES + 1))
    first = max(0, inside[0] - int(random.integers(n_sentences)))
    stretch = cut(told, first, min(len(starts), first + n_sentences))
    return Asked(question.question, stretch.text, (question.answer, question.start - stretch.start))


def _without(told: Told, question: Question, random: np.random.Generator) -> Asked:
    """Ask a question of some sentences of the same story that do not hold the answer's words."""
    n_sentences = int(random.integers(2, MOST_SENTENCES + 1))
    first = int(random.integers(max(1, len(told.sentences) - n_sentences + 1)))
    stretch = cut(told, first, min(len(told.sentences), first + n_sentences))
    if question.answer in stretch.text:
        return _with(told, question, random)
    return Asked(question.question, stretch.text, None)


def score_lines(answerer: Answerer, stories: Sequence[Story]) -> Iterator[str]:
    """Measure the answers to questions on unseen stories, language by language."""
    for language, (f1, exact) in METRICS.items():
        asked = [(q, s.told[language].text) for s in stories for q in s.told[language].questions]
        found = answerer.predict([q.question for q, _ in asked], [text for _, text in asked])
        pairs = [(one.text, [q.answer]) for one, (q, _) in zip(found, asked, strict=True)]
        scores = 100 * np.array([f1(*pair) for pair in pairs])
        low, high = bootstrap_interval(scores)
        yield (
            f"{language}: F1 {scores.mean():.1f} [{low:.1f}, {high:.1f}], exact match "
            f"{100 * np.mean([exact(*pair) for pair in pairs]):.1f}, n = {len(pairs)} questions "
            "that the story answers"
        )
    others = [stories[n - 1].told["en"] for n in range(len(stories))]
    foreign = [
        (question.question, other.text)
        for story, other in zip(stories, others, strict=True)
        for question in story.told["en"].questions
        if question.question not in {q.question for q in other.questions}
    ]
    found = answerer.predict([q for q, _ in foreign], [text for _, text in foreign])
    n_right = sum(not one.text for one in found)
    yield (
        f"en: {n_right / max(1, len(foreign)):.3f} of the questions put to another story get no "
        f"answer, n = {len(foreign)}"
    )
    asked_of = list(from_passages("test"))[: 4 * len(stories)]
    found = answerer.predict([a.question for a in asked_of], [a.passage for a in asked_of])
    golds = [[a.answer[0]] if a.answer else [] for a in asked_of]
    scores = 100 * np.array([answer_f1(o.text, g) for o, g in zip(found, golds, strict=True)])
    low, high = bootstrap_interval(scores)
    yield (
        f"hand-written passages, split test: F1 {scores.mean():.1f} [{low:.1f}, {high:.1f}], "
        f"n = {len(asked_of)}"
    )
