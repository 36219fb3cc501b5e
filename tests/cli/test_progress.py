from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.progress import lesson_line
from course_lib.lesson.banks import exercises_of
from course_lib.lesson.lessons import LESSONS
from course_lib.lesson.progress import ExerciseProgress, Progress, note_exercise

KEYS = ["07:one", "07:two", "07:three"]


def test_a_lesson_nobody_opened() -> None:
    line = lesson_line("07_topic", KEYS, Progress())
    assert line.split() == ["07_topic", "0", "of", "3", "exercises"]


def test_solved_exercises_hints_and_quiz_are_counted() -> None:
    progress = Progress(
        exercises={
            "07:one": ExerciseProgress(solved=True, n_checks=4, n_hints=2),
            "07:two": ExerciseProgress(solved=False, n_checks=1, n_hints=1),
            "08:one": ExerciseProgress(solved=True, n_checks=1, n_hints=4),
        },
        quizzes={"07_topic": {"1": True, "2": False, "3": True}},
    )
    line = lesson_line("07_topic", KEYS, progress)
    assert line.endswith("1 of 3 exercises, 3 hints opened, quiz: 2 of 3 right at first try")


def test_the_command_reads_the_learners_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path))
    monkeypatch.setenv("COURSE_PROGRESS", "on")
    before = CliRunner().invoke(app, ["progress"]).output
    exercises = exercises_of(LESSONS[-1])
    note_exercise(exercises[0].key, passed=True)
    after = CliRunner().invoke(app, ["progress"]).output
    assert "Nothing is solved yet" in before
    assert f"0 of {len(exercises)} exercises" in before
    assert f"1 of {len(exercises)} exercises" in after
    assert str(tmp_path / "progress.json") in after.replace("\n", "")
