import sys
import warnings
from pathlib import Path

import pytest

from course_lib.cli.task import open_pipeline, plainly, working
from course_lib.errors import CourseError
from course_lib.pipelines import TextClassificationPipeline
from tests.pipelines.tiny import make_folder


def test_a_folder_is_opened_as_the_task_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    folder = make_folder(tmp_path / "a", "BertForSequenceClassification")
    pipe = open_pipeline("text-classification", str(folder))
    assert isinstance(pipe, TextClassificationPipeline)
    assert pipe.languages is None


def test_what_cannot_be_opened_is_said_in_the_courses_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CourseError, match=r"must hold model\.safetensors"):
        open_pipeline("text-classification", str(tmp_path))
    monkeypatch.setenv("COURSE_DEVICE", "nosuch")
    with pytest.raises(CourseError, match="nosuch"):
        open_pipeline("text-classification", None)


def test_warnings_become_notes_one_of_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    said: set[str] = set()
    for number in (1, 2):
        with plainly(said, about="rows 1 to 2: "):
            warnings.warn(f"{number} of 7 were cut, such as 'a{number}'.", stacklevel=1)
            warnings.warn("something else", stacklevel=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "note: rows 1 to 2: 1 of 7 were cut, such as 'a1'.\nnote: rows 1 to 2: something else\n"
    )


def test_other_warnings_are_not_for_the_user_and_stay_errors_here() -> None:
    with pytest.raises(DeprecationWarning), plainly(set()):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def refuse(message: str) -> None:
    with plainly(set()):
        warnings.warn("cut", stacklevel=1)
        raise ValueError(message)


def test_what_is_refused_keeps_its_words_and_its_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CourseError, match=r"^text must be short\.$"):
        refuse("text must be short.")
    assert capsys.readouterr().err == "note: cut\n"


def test_our_own_bugs_are_no_course_errors() -> None:
    with pytest.raises(TypeError), plainly(set()):
        raise TypeError


def test_where_there_is_no_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with working("Reading …"):
        print("b", file=sys.stderr)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "b\n")
