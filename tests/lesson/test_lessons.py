import importlib
from pathlib import Path

import pytest

from course_lib.data import notebooks_path
from course_lib.lesson.lessons import LESSONS, find_lesson, lesson_prefix, sort_lessons

lessons = importlib.import_module("course_lib.lesson.lessons")


def test_lessons_come_in_teaching_order() -> None:
    names = ["10_bias", "01_words", "A1_foundations", "05b_loop", "00_start", "05a_data", "A2_more"]
    paths = [Path(f"{name}.ipynb") for name in [*names, "README", "1_wrong", "index"]]
    assert sort_lessons([*paths, Path("src/01_words.py")]) == (
        "00_start",
        "A1_foundations",
        "A2_more",
        "01_words",
        "05a_data",
        "05b_loop",
        "10_bias",
    )


def test_the_lessons_are_those_of_the_notebooks_folder() -> None:
    sources = {path.stem for path in notebooks_path().glob("src/[0-9A-Z]*.py")}
    assert sources <= set(LESSONS)
    assert len(set(LESSONS)) == len(LESSONS) > 0


@pytest.mark.parametrize("text", ["1", "01", "01_word_embeddings", "01_WORD_embeddings", " 1 "])
def test_a_lesson_is_found_by_number_or_name(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "LESSONS", ("00_start", "A1_foundations", "01_word_embeddings"))
    assert find_lesson(text) == "01_word_embeddings"
    assert find_lesson("a1") == find_lesson("A1") == "A1_foundations"
    assert find_lesson("0") == "00_start"


@pytest.mark.parametrize("text", ["7", "", "word", "a"])
def test_an_unknown_lesson_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "LESSONS", ("00_start", "A1_foundations"))
    with pytest.raises(ValueError, match=f"got {text!r}: there is 00_start, A1_foundations"):
        find_lesson(text)


def test_the_prefix_begins_the_keys() -> None:
    assert lesson_prefix("01_word_embeddings") == "01"
    assert lesson_prefix("05a_data") == "05a"
