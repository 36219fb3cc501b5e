import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_lib.cli import app as app_module
from course_lib.cli.app import app, main
from course_lib.errors import CourseError
from course_lib.lesson.lessons import LESSONS

Maker = Callable[..., Path]
COMMANDS = (
    "doctor",
    "lessons",
    "start",
    "lab",
    "run",
    "progress",
    "data",
    "train",
    "generate",
    "evaluate",
    "ask",
    "summarize",
    "translate",
    "classify",
    "recipe",
)


@pytest.fixture
def two_lessons(make_notebook: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course of two lessons, the second of which fails."""
    make_notebook("00_start", "md:# 00 · Start", "print('hello')")
    make_notebook("01_topic", "md:# 01 · Topic", "raise ValueError('broken lesson')")
    monkeypatch.setattr("course_lib.lesson.lessons.LESSONS", ("00_start", "01_topic"))
    monkeypatch.setattr("course_lib.data.notebooks_path", lambda: tmp_path)
    return tmp_path


def test_help_lists_every_command() -> None:
    done = CliRunner().invoke(app, ["--help"])
    assert done.exit_code == 0
    assert all(f" {name} " in done.output for name in COMMANDS)


def test_help_needs_neither_torch_nor_jupyter() -> None:
    program = (
        "import sys; import course_lib.cli.app; "
        "print(sorted({'torch', 'nbclient', 'nbconvert', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_courses_own_errors_become_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["course", "start", "nosuch"])
    with pytest.raises(SystemExit) as stopped:
        main()
    error = capsys.readouterr().err
    assert stopped.value.code == 1
    assert error.startswith("course: lesson must be")
    assert "nosuch" in error
    assert "Traceback" not in error


def test_our_own_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(prog_name: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app_module, "app", broken)
    with pytest.raises(ZeroDivisionError):
        main()


def test_lessons_lists_titles_and_how_to_start(two_lessons: Path) -> None:
    done = CliRunner().invoke(app, ["lessons"])
    assert done.output == "course start 00    00 · Start\ncourse start 01    01 · Topic\n"


@pytest.mark.usefixtures("two_lessons")
def test_run_all_writes_everything_and_fails_if_a_lesson_does(tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = CliRunner().invoke(app, ["run", "--all", "--output", str(output)])
    assert done.exit_code == 1
    assert "1 of 2 lessons ran to the end" in done.output
    assert "FAILED  ValueError: broken lesson" in done.output
    names = {path.name for path in output.iterdir()}
    pages = {"00_start.html", "01_topic.html", "index.html"}
    assert names == pages | {"00_start.ipynb", "01_topic.ipynb", "results.json"}
    assert "broken lesson" in (output / "index.html").read_text("utf-8")


@pytest.mark.usefixtures("two_lessons")
def test_run_one_lesson_by_its_number(tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = CliRunner().invoke(app, ["run", "0", "--output", str(output), "--scale", "dry"])
    assert done.exit_code == 0, done.output
    assert "1 of 1 lessons ran to the end" in done.output
    assert "scale dry" in (output / "index.html").read_text("utf-8")


@pytest.mark.parametrize("arguments", [["run"], ["run", "00", "--all"]])
def test_run_wants_either_names_or_all(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, CourseError)
    assert "--all" in str(done.exception)


def test_a_lesson_that_was_not_built_is_said_so(
    two_lessons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (two_lessons / "01_topic.ipynb").unlink()
    done = CliRunner().invoke(app, ["run", "01"])
    assert isinstance(done.exception, CourseError)
    assert "make lessons" in str(done.exception)


def test_module_and_script_are_the_same() -> None:
    command = [sys.executable, "-m", "course_lib.cli", "lessons"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(LESSONS)
