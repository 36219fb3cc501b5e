"""What every row of `benchmarks/pipelines.py` needs: a task asked, timed and scored.

Each function asks a pipeline and gives rows of the table, with a trivial answer beside each score.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.data.units import word_places
from course_lib.evaluation import (
    MatchCounts,
    answer_f1,
    answer_f1_zh,
    bleu_counts,
    bleu_of_counts,
    bootstrap_interval,
    chrf_counts,
    chrf_of_counts,
    exact_match,
    exact_match_zh,
    first_sentences,
    macro_f1,
    majority_label,
    proportion_interval,
    random_span,
    rouge,
)
from course_lib.pipelines import pipeline

F1 = {"en": answer_f1, "zh": answer_f1_zh}
EXACT = {"en": exact_match, "zh": exact_match_zh}
N_RESAMPLES = 500
NOT_RUN = "not run"
SEED = 2026


class Where(NamedTuple):
    """What is measured on what.

    Attributes:
        task: Of the pipeline.
        data: The name of a set, or which stories.
        split: Which part of it.
    """

    task: str
    data: str
    split: str


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        where: What is measured on what.
        n: How many, of what.
        metric: Which number.
        score: The pipeline's, with its interval.
        baseline: What a trivial answer gets, and which.
        milliseconds: CPU time per input; None where it means nothing.
    """

    where: Where
    n: str
    metric: str
    score: str
    baseline: str
    milliseconds: float | None


Make = Callable[[Where], list[Row]]


class Timed(NamedTuple):
    """What a pipeline answered, and the CPU time per input in milliseconds."""

    answers: list[Any]
    milliseconds: float


class Asked(NamedTuple):
    """A question, what it is put to, and the right answers: none if it has none there."""

    question: str
    context: str
    gold: list[str]


class Pair(NamedTuple):
    """A text, what should come of it, and the story or text that it is a piece of."""

    source: str
    gold: list[str]
    group: int


def timed(ask: Callable[[], Iterable[Any]], n_inputs: int) -> Timed:
    """Ask, and take the time."""
    start = time.process_time()
    answers = list(ask())
    return Timed(answers, 1000 * (time.process_time() - start) / max(1, n_inputs))


def share(is_right: Sequence[bool]) -> str:
    """Write a share in per cent with Wilson's 95 % interval."""
    n_right, n_total = sum(map(bool, is_right)), len(is_right)
    low, high = proportion_interval(n_right, n_total)
    return f"{100 * n_right / n_total:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def with_interval(
    values: Any, statistic: Callable[[np.ndarray], float] = np.mean, scale: float = 100
) -> str:
    """Write a score with its 95 % interval, both times `scale`; whole rows are drawn."""
    array = np.asarray(values)
    low, high = bootstrap_interval(array, statistic, n_resamples=N_RESAMPLES)
    return f"{scale * statistic(array):.1f} [{scale * low:.1f}, {scale * high:.1f}]"


def grouped(rows: Any, groups: Sequence[Any]) -> np.ndarray:
    """Add up the rows of each group, because pieces of one text are right or wrong together."""
    array = np.asarray(rows)
    _, numbers = np.unique(groups, return_inverse=True)
    sums = np.zeros((numbers.max() + 1, array.shape[1]), array.dtype)
    np.add.at(sums, numbers, array)
    return sums


def mean_by_group(scores: Sequence[float], groups: Sequence[Any], scale: float = 100) -> str:
    """Write the mean of scores; its interval comes from drawing whole groups."""
    sums = grouped(np.column_stack([scores, np.ones(len(scores))]), groups)
    return with_interval(sums, lambda some: some[:, 0].sum() / some[:, 1].sum(), scale)


def sentiment_rows(
    where: Where, texts: Sequence[str], gold: Sequence[str], labels: Sequence[str]
) -> list[Row]:
    """Classify; where the set has fewer labels than the model, the best of those counts."""
    classify = pipeline("sentiment-analysis")
    found = timed(lambda: classify(texts, top_k=None), len(texts))
    best = [next(row["label"] for row in one if row["label"] in labels) for one in found.answers]
    usual = majority_label(gold)
    always = [usual] * len(gold)
    numbers = [[labels.index(a), labels.index(b)] for a, b in zip(best, gold, strict=True)]
    right = 100 * np.mean([label == usual for label in gold])
    n, name = f"{len(texts)} texts", f"always {usual}"
    return [
        Row(
            where,
            n,
            "accuracy",
            share([a == b for a, b in numbers]),
            f"{right:.1f} ({name})",
            found.milliseconds,
        ),
        Row(
            where,
            n,
            "macro-F1",
            with_interval(numbers, lambda some: macro_f1(*some.T.tolist())),
            f"{100 * macro_f1(always, gold):.1f} ({name})",
            found.milliseconds,
        ),
    ]


def question_rows(where: Where, asked: Sequence[Asked], language: str) -> list[Row]:
    """F1, exact match, and F1 if something must be answered, beside a random piece of the context.

    Of questions without an answer only the share that is refused is counted.
    """
    known, unknown = ([one for one in asked if bool(one.gold) == has] for has in (True, False))
    rows = [refusal_row(where, unknown)] if unknown else []
    if not known:
        return rows
    found, forced = answers_to(known), answers_to(known, may_refuse=False)
    pieces = [random_span(one.context, seed) for seed, one in enumerate(known)]
    groups = [one.context for one in known]

    def row(name: str, metric: Callable[[str, list[str]], float], some: Timed) -> Row:
        scores, chance = (
            [metric(text, one.gold) for text, one in zip(texts, known, strict=True)]
            for texts in (some.answers, pieces)
        )
        score, baseline = mean_by_group(scores, groups), 100 * np.mean(chance)
        n, trivial = f"{len(known)} questions", f"{baseline:.1f} (a random piece)"
        return Row(where, n, name, score, trivial, some.milliseconds)

    return [
        row("F1", F1[language], found),
        row("exact match", EXACT[language], found),
        row("F1 if it must answer", F1[language], forced),
        *rows,
    ]


def answers_to(asked: Sequence[Asked], may_refuse: bool = True) -> Timed:
    """Give the texts of the answers; "" is none."""
    answer = pipeline("question-answering")
    put = [{"question": one.question, "context": one.context} for one in asked]
    found = timed(lambda: answer(put, handle_impossible_answer=may_refuse), len(asked))
    return Timed([one["answer"] for one in found.answers], found.milliseconds)


def refusal_row(where: Where, asked: Sequence[Asked]) -> Row:
    """The share of questions without an answer that get none."""
    found = answers_to(asked)
    is_refused = [text == "" for text in found.answers]
    return Row(
        where,
        f"{len(asked)} questions without an answer",
        "refused, %",
        mean_by_group(is_refused, [one.context for one in asked]),
        "0.0 (a random piece), 100.0 (never an answer)",
        found.milliseconds,
    )


def entity_rows(
    where: Where, texts: Sequence[str], gold: Sequence[set[Any]], language: str
) -> list[Row]:
    """Entity F1: start, end and type must be right. Without capitals the guess is "none"."""
    find = pipeline("ner")
    found = timed(lambda: find(texts), len(texts))
    ours = [{(e["start"], e["end"], e["entity_group"]) for e in one} for one in found.answers]
    chance = [guess_names(text) if language == "en" else set() for text in texts]
    name = "every capitalised word is a PER" if language == "en" else "none found"
    return [
        Row(
            where,
            f"{sum(map(len, gold))} entities",
            "entity F1",
            with_interval(match_counts(ours, gold), f1_of_counts),
            f"{100 * f1_of_counts(match_counts(chance, gold)):.1f} ({name})",
            found.milliseconds,
        )
    ]


def guess_names(text: str) -> set[tuple[int, int, str]]:
    """Take every word with a capital for a person."""
    return {(a, b, "PER") for a, b in word_places(text) if text[a].isupper()}


def match_counts(found: Sequence[set[Any]], gold: Sequence[set[Any]]) -> np.ndarray:
    """Count, text by text, what is right, what was found and what is there."""
    return np.array([(len(a & b), len(a), len(b)) for a, b in zip(found, gold, strict=True)])


def f1_of_counts(counts: np.ndarray) -> float:
    """F1 over all texts together; 0 if nothing was found and nothing is there."""
    total = MatchCounts(*counts.sum(axis=0).tolist())
    return total.f1 if total.n_predicted + total.n_expected else 0.0


def translation_rows(
    where: Where, pairs: Sequence[Pair], target: Any, model: str | None = None
) -> list[Row]:
    """BLEU and chrF of translations, beside those of the untranslated sources.

    The task of `where` says from which language; `target`, "en" or "zh", how BLEU cuts words.
    """
    sources, gold = [pair.source for pair in pairs], [pair.gold for pair in pairs]
    groups = [pair.group for pair in pairs]
    translate = pipeline(where.task, model)
    found = timed(lambda: translate(sources), len(sources))
    texts = [one.get("translation_text", "") for one in found.answers]
    rows = []
    for name, count, score in (
        ("BLEU", lambda texts: bleu_counts(texts, gold, target), bleu_of_counts),
        ("chrF", lambda texts: chrf_counts(texts, gold), chrf_of_counts),
    ):
        rows.append(
            Row(
                where,
                f"{len(pairs)} passages",
                name,
                with_interval(grouped(count(texts), groups), score, scale=1),
                f"{score(count(sources)):.1f} (the source itself)",
                found.milliseconds,
            )
        )
    return rows


def summary_rows(where: Where, texts: Sequence[str], gold: Sequence[list[str]]) -> list[Row]:
    """ROUGE-1, ROUGE-2 and ROUGE-L (F1) of summaries, beside those of the first sentences."""
    summarise = pipeline("summarization")
    found = timed(lambda: summarise(texts), len(texts))
    written = [one.get("summary_text", "") for one in found.answers]
    ours = [rouge(*pair) for pair in zip(written, gold, strict=True)]
    lead = [rouge(first_sentences(text), right) for text, right in zip(texts, gold, strict=True)]

    def f1(scores: Sequence[Sequence[MatchCounts]], k: int) -> list[float]:
        return [one[k].f1 if one[k].n_predicted else 0.0 for one in scores]

    return [
        Row(
            where,
            f"{len(texts)} texts",
            name,
            with_interval(f1(ours, k)),
            f"{100 * np.mean(f1(lead, k)):.1f} (the first sentence)",
            found.milliseconds,
        )
        for k, name in enumerate(("ROUGE-1", "ROUGE-2", "ROUGE-L"))
    ]


def not_run(where: Where, why: str) -> Row:
    """Say in the table that something was not measured."""
    return Row(where, "–", "–", NOT_RUN, why, None)
