"""Every task of `course_lib.pipelines`, with the course's models, beside a trivial answer.

    OMP_NUM_THREADS=1 python benchmarks/pipelines.py --quick
    OMP_NUM_THREADS=1 python benchmarks/pipelines.py --data-dir FOLDER

`--quick` takes few stories and no real text, and writes nothing. `--data-dir` names a folder as
`COURSE_DATA_DIR` does, with SST-2, AG News, XQuAD, Multi30k, Tatoeba, SciTLDR and WNUT17; the table
then goes into `docs/pipelines.md`, too. What lacks its data or its model is "not run"; the page is
written only if nothing is missing but models that do not come with the course. The last lines are
the aims, on stories of the split "test"; the exit status is 1 if one is missed.
"""

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pipeline_course as course
import pipeline_real as real
import pipeline_search as search
import pipeline_writing as writing
import torch
from pipeline_scoring import NOT_RUN, Make, Row, Where, not_run

from course_lib.errors import DataNotFoundError, WeightsNotFoundError

HERE = Path(__file__).resolve().parent
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != HERE]
"""A file here is called tokenizers.py, and would hide the library of that name."""

PAGE = HERE.parent / "docs" / "pipelines.md"
HEAD = (
    "| task | data | split | n | metric | score [95 %] | trivial answer | ms an input |\n"
    "|---|---|---|---|---|---|---|---|"
)
NAMES = {"en": "stories, English", "zh": "stories, Chinese"}
DIRECTIONS = (("en", "zh"), ("zh", "en"))
AIMS = (
    ("question-answering", NAMES["en"], "F1", 90.0),
    ("question-answering", NAMES["zh"], "F1", 90.0),
    ("token-classification", NAMES["en"], "entity F1", 95.0),
    ("token-classification", NAMES["zh"], "entity F1", 95.0),
    ("translation_en_to_zh", "stories, two sentences", "BLEU", 60.0),
    ("translation_zh_to_en", "stories, two sentences", "BLEU", 60.0),
    ("sentiment-analysis", NAMES["en"], "accuracy", 95.0),
    ("sentiment-analysis", NAMES["zh"], "accuracy", 95.0),
)
"""Task, data and metric, and the least that is aimed at."""

MINILM, MULTI30K = "passages, by vectors of minilm", "Multi30k"
"""Data that need a model which does not come with the course."""

Plan = Iterator[tuple[Where, Make]]


def main() -> None:
    """Measure, print the table and the aims, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--quick", action="store_true")
    what.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the pipelines tell of cuts and of foreign languages
    start = time.process_time()
    if options.data_dir is not None:
        os.environ["COURSE_DATA_DIR"] = str(options.data_dir.resolve())
    if options.quick:
        print("Quick: few stories, no real text, intervals are wide. docs/pipelines.md stays.\n")
    print(HEAD)
    table = []
    for row in rows_of(plan(options.quick)):
        print(as_line(row), flush=True)
        table.append(row)
    seconds = time.process_time() - start
    verdicts = list(judge(table))
    print(f"\n{seconds:.0f} CPU-seconds\n", *verdicts, sep="\n")
    if options.data_dir is not None and is_complete(table):
        PAGE.write_text(page(table, verdicts, seconds), "utf-8", newline="\n")
    sys.exit(0 if all(verdict.endswith(", met)") for verdict in verdicts) else 1)


def plan(is_quick: bool) -> Plan:
    """List what is measured, in the order of the table."""
    stories = course.unseen_stories(20 if is_quick else 200)
    yield from understanding(stories)
    yield from rewriting(stories)
    yield from going_on(stories, is_quick)
    yield from finding(stories, is_quick)
    if not is_quick:
        yield from real_text(400)


def understanding(stories: Sequence[course.Story]) -> Plan:
    """List classes, answers and entities."""
    for language, name in NAMES.items():
        task = "sentiment-analysis"
        yield Where(task, name, "test"), partial(course.sentiment_of_stories, stories, language)
        yield Where(task, f"reviews-{language}", "test"), course.sentiment_of_reviews
    yield (
        Where("zero-shot-classification", NAMES["en"], "test"),
        partial(writing.plots_of_stories, stories),
    )
    for language, name in NAMES.items():
        task = "question-answering"
        yield Where(task, name, "test"), partial(course.questions_of_stories, stories, language)
    yield Where("question-answering", "passages", "test"), course.questions_of_passages
    for language, name in NAMES.items():
        task = "token-classification"
        yield Where(task, name, "test"), partial(course.entities_of_stories, stories, language)


def rewriting(stories: Sequence[course.Story]) -> Plan:
    """List translations and summaries."""
    for source, target in DIRECTIONS:
        task = f"translation_{source}_to_{target}"
        yield (
            Where(task, "stories, two sentences", "test"),
            partial(course.translations_of_stories, stories, source, target),
        )
        yield Where(task, "sentence-pairs", "test"), partial(course.sentence_pairs, source, target)
    for language, name in NAMES.items():
        task = "summarization"
        yield Where(task, name, "test"), partial(course.summaries_of_stories, stories, language)
    yield Where("summarization", "dialogues", "test"), course.dialogues


def going_on(stories: Sequence[course.Story], is_quick: bool) -> Plan:
    """List gaps, and what comes next in stories, code and talks."""
    for language, name in NAMES.items():
        yield Where("fill-mask", name, "test"), partial(writing.gaps_of_stories, stories, language)
    for model in ("mini-gpt", "story-gpt"):
        for language, name in NAMES.items():
            yield (
                Where("text-generation", f"{name}, {model}", "test"),
                partial(writing.nats_of_stories, model, stories, language),
            )
    code = Where("code-completion", "standard library", "held out")
    yield code, partial(writing.completions, 8 if is_quick else 100)
    yield code, partial(writing.next_tokens, 60 if is_quick else 10_000, 1 if is_quick else 8)
    yield (
        Where("chat", "a talk that outgrows the model", "–"),
        partial(writing.long_chat, 20 if is_quick else 40),
    )


def finding(stories: Sequence[course.Story], is_quick: bool) -> Plan:
    """List searches, and answers out of what was found."""
    task = "semantic-search"
    yield Where(task, "passages, by words", "all"), partial(search.search_in_passages, None)
    if not is_quick:
        by_vectors = Where(task, "passages, by vectors of mini-bert", "all")
        yield by_vectors, partial(search.search_in_passages, "mini-bert")
        yield by_vectors._replace(data=MINILM), partial(search.search_in_passages, "minilm")
    task = "retrieval-question-answering"
    yield Where(task, "passages", "test"), search.answers_from_passages
    yield (
        Where(task, "stories, English, questions with a name", "test"),
        partial(search.answers_from_stories, stories),
    )


def real_text(n: int) -> Plan:
    """List what needs a folder with real text; of large sets `n` rows are drawn."""
    yield Where("sentiment-analysis", "SST-2", "validation"), partial(real.sst2, 872)
    yield Where("zero-shot-classification", "AG News", "test"), partial(real.ag_news, n)
    for language, name in (("en", "English"), ("zh", "Chinese")):
        where = Where("question-answering", f"XQuAD, {name}", "all")
        yield where, partial(real.xquad, language, 894)
    yield Where("token-classification", "WNUT17", "validation"), partial(real.wnut17, 1009)
    for source, target in DIRECTIONS:
        where = Where(f"translation_{source}_to_{target}", "Tatoeba", "all")
        yield where, partial(real.tatoeba, source, target, n)
    yield Where("translation_en_to_de", MULTI30K, "validation"), partial(real.multi30k, n)
    yield Where("summarization", "SciTLDR", "validation"), partial(real.scitldr, n)


def rows_of(steps: Iterable[tuple[Where, Make]]) -> Iterator[Row]:
    """Measure one thing after the other; what lacks its data or its model is not run."""
    for where, make in steps:
        try:
            yield from make(where)
        except WeightsNotFoundError:
            yield not_run(where, "the model is not there")
        except DataNotFoundError:
            yield not_run(where, "the data are not there")


def is_complete(table: Sequence[Row]) -> bool:
    """Say whether all was run that needs no model from elsewhere."""
    return all(row.score != NOT_RUN or row.where.data in (MINILM, MULTI30K) for row in table)


def as_line(row: Row) -> str:
    """Write a row of the table."""
    took = "" if row.milliseconds is None else f"{row.milliseconds:.0f}"
    cells = (*row.where, row.n, row.metric, row.score, row.baseline, took)
    return f"| {' | '.join(cells)} |"


def judge(table: Sequence[Row]) -> Iterator[str]:
    """Say of each aim whether it is met."""
    scores = {(row.where.task, row.where.data, row.metric): row.score for row in table}
    for task, data, metric, least in AIMS:
        name, score = f"{task}, {data}, {metric}", scores.get((task, data, metric))
        if score in (None, NOT_RUN):
            yield f"{name}: not run (aim {least:.0f}, missed)"
        else:
            found = float(score.split()[0])
            verdict = "met" if found >= least else "missed"
            yield f"{name}: {found:.1f} (aim {least:.0f}, {verdict})"


def page(table: Sequence[Row], verdicts: Sequence[str], seconds: float) -> str:
    """Write the whole page."""
    about = {
        "table": "\n".join([HEAD, *map(as_line, table)]),
        "aims": "\n".join(f"- {verdict}" for verdict in verdicts),
        "date": f"{datetime.now(UTC):%-d %B %Y}",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
        "minutes": f"{seconds / 60:.0f}",
    }
    return (HERE / "pipelines_page.md").read_text("utf-8").format_map(about)


if __name__ == "__main__":
    main()
