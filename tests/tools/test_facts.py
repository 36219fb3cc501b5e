import ast
import csv
import importlib
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from render_topics import is_done, read_topics, render  # noqa: E402

TOPICS = read_topics(ROOT / "data" / "facts" / "topics.csv")
DONE = [row for row in TOPICS if is_done(row)]
# Lessons of this stretch: every one of their topics must be done.
FINISHED_LESSONS = (
    "00_start_here",
    "A1_foundations",
    "01_word_embeddings",
    "02_tokenization",
    "03_attention",
    "04_mini_transformer",
    "05a_data",
    "05b_objectives_and_loop",
    "05c_scaling",
    "06_generation",
    "07a_transfer",
    "07b_finetuning_in_practice",
)


def anchors_of(lesson: str) -> set[str]:
    """Anchors as JupyterLab and nbconvert make them: the heading, blanks as hyphens."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^#+ (.+?)\s*$", text, flags=re.MULTILINE)
    return {re.sub(r"[*`]", "", heading).replace(" ", "-") for heading in headings}


def read_rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / "facts" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_topic_is_there_once_with_a_lesson_and_a_status() -> None:
    assert [int(row["number"]) for row in TOPICS] == list(range(1, 136))
    assert all(row["topic"] and row["learner_can"] and row["lesson"] for row in TOPICS)
    assert {row["status"] for row in TOPICS} <= {"planned", "done"}
    assert all(re.fullmatch(r"(A1|\d\d[a-z]?)_\w+", row["lesson"]) for row in TOPICS)


def test_the_page_is_rendered_from_the_table() -> None:
    assert (ROOT / "docs" / "topics.md").read_text(encoding="utf-8") == render(TOPICS)


def test_topics_of_finished_lessons_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    open_topics = [
        row["topic"] for row in TOPICS if row["lesson"] in FINISHED_LESSONS and not is_done(row)
    ]
    assert open_topics == []
    with capsys.disabled():
        print(f"\n{len(DONE)} of {len(TOPICS)} topics are done")


@pytest.mark.parametrize("row", DONE, ids=lambda row: row["number"])
def test_a_done_topic_points_at_things_that_exist(row: dict[str, str]) -> None:
    assert row["anchor"] in anchors_of(row["lesson"])
    module, _, name = row["symbol"].partition(":")
    assert hasattr(importlib.import_module(module), name.partition(".")[0])
    path, _, test = row["test"].partition("::")
    assert test in functions_in(ROOT / path)
    assert_asked(row["check"])


def assert_asked(check: str) -> None:
    """`exercise 01:name`, `quiz 01_word_embeddings 3` or `claim 45`."""
    kind, _, rest = check.partition(" ")
    if kind == "exercise":
        prefix, _, name = rest.partition(":")
        module = importlib.import_module(f"course_lib.lesson.exercises_{prefix}")
        assert rest in {exercise.key for exercise in module.EXERCISES}, name
    elif kind == "claim":
        assert rest in {row["claim_id"] for row in read_rows("claims")}
    else:
        assert kind == "quiz", f"check must begin with exercise, quiz or claim; got {check!r}"
        quiz, _, number = rest.partition(" ")
        path = ROOT / "data" / "quizzes" / f"{quiz}.toml"
        questions = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
        assert 1 <= int(number) <= len(questions)


def test_a_row_that_points_nowhere_is_found() -> None:
    with pytest.raises(AssertionError, match="must begin with exercise, quiz or claim"):
        assert_asked("poem 01")


CLAIMS = read_rows("claims")


def test_every_claim_has_a_verdict_and_a_source_that_was_seen() -> None:
    assert len({row["claim_id"] for row in CLAIMS}) == len(CLAIMS)
    assert {row["verdict"] for row in CLAIMS} <= {"true", "imprecise", "false", "unverifiable"}
    for row in CLAIMS:
        assert row["url"].startswith("https://"), row["claim_id"]
        assert all(row[name] for name in ("claim", "correct_fact", "source", "seen")), row


@pytest.mark.parametrize("row", CLAIMS, ids=lambda row: row["claim_id"])
def test_a_claim_is_met_in_a_section_that_exists(row: dict[str, str]) -> None:
    lesson, _, anchor = row["tested_in"].partition("#")
    assert lesson == row["lesson"]
    assert anchor in anchors_of(lesson)
