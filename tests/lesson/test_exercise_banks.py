"""Every exercise of the course: the library passes, and every wrong answer we know of fails."""

import importlib.util
import inspect
import pkgutil
import textwrap
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import course_lib.lesson
from course_lib.lesson import Exercise, examine, exercises_of
from course_lib.lesson.diagnosing import find_fault
from course_lib.lesson.observing import observe

FOLDER = Path(__file__).parent / "wrong_answers"
PREFIX = "exercises_"
LESSONS = [
    module.name.removeprefix(PREFIX)
    for module in pkgutil.iter_modules(course_lib.lesson.__path__)
    if module.name.startswith(PREFIX)
]
EXERCISES = [exercise for lesson in LESSONS for exercise in exercises_of(lesson)]
N_PLANTED, N_BLIND = 4, 10


def load_answers(path: Path) -> types.ModuleType:
    """Load a file of wrong answers, which is no test and lies in no package."""
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def planted_answers(lesson: str) -> dict[str, list[tuple[str, Callable[..., Any]]]]:
    """Merge the files of one lesson: `lesson_a1.py`, `lesson_a1_training.py`, …"""
    return {
        key: answers
        for path in sorted(FOLDER.glob(f"lesson_{lesson}*.py"))
        for key, answers in load_answers(path).WRONG.items()
    }


PLANTED = [
    pytest.param(key, name, answer, id=f"{key}-{name}-{number}")
    for lesson in LESSONS
    for key, answers in planted_answers(lesson).items()
    for number, (name, answer) in enumerate(answers)
]
BLIND = [
    pytest.param(key, answer, id=f"{key}-{number}")
    for path in sorted(FOLDER.glob("blind_*.py"))
    for number, (key, answer) in enumerate(load_answers(path).BLIND)
]


def each_exercise(test: Callable[[Exercise], None]) -> Any:
    return pytest.mark.parametrize("exercise", EXERCISES, ids=[e.key for e in EXERCISES])(test)


@each_exercise
def test_the_library_passes(exercise: Exercise) -> None:
    verdict = examine(exercise, exercise.reference())
    assert verdict.passed, verdict.message


@each_exercise
def test_the_stub_is_not_attempted(exercise: Exercise) -> None:
    def stub(*args: object, **options: object) -> None:
        raise NotImplementedError("Your turn")

    verdict = examine(exercise, stub)
    assert not verdict.passed
    assert not verdict.attempted
    assert "your turn" in verdict.message


@pytest.mark.parametrize(
    "exercise", [e for e in EXERCISES if e.repair], ids=[e.key for e in EXERCISES if e.repair]
)
def test_a_broken_version_makes_a_mistake_known_by_name(exercise: Exercise) -> None:
    verdict = examine(exercise, exercise.broken())
    assert not verdict.passed
    assert not verdict.attempted
    assert verdict.mistake in {mistake.name for mistake in exercise.mistakes}, verdict.message


@each_exercise
def test_no_twin_agrees_with_the_library(exercise: Exercise) -> None:
    for mistake in exercise.mistakes:
        if mistake.twin is None:
            continue
        seen = observe(exercise, mistake.twin).seen
        faults = [find_fault(one, exercise.tolerance, mistake.twin) for one in seen]
        assert any(faults), f"{mistake.name} is right on every case of {exercise.key}"


@each_exercise
def test_hints_lead_on_without_giving_the_solution(exercise: Exercise) -> None:
    assert exercise.key.partition(":")[0] in LESSONS
    texts = (exercise.nudge, exercise.shapes, exercise.pseudocode)
    assert all(text.strip() for text in texts)
    assert len(set(texts)) == 3
    names = [mistake.name for mistake in exercise.mistakes]
    assert len(set(names)) == len(names)
    lines = solution_lines(exercise)
    assert lines
    for line in lines:
        assert line not in " ".join(exercise.nudge.split()), f"{exercise.key} gives away: {line}"


def solution_lines(exercise: Exercise) -> list[str]:
    """Return the lines of the library's body that say something of their own."""
    source = textwrap.dedent(inspect.getsource(exercise.reference()))
    docstring = exercise.reference().__doc__ or ""
    body = source.replace(docstring, "").splitlines()[1:]
    lines = [line.strip().removeprefix("return ") for line in body]
    return [line for line in lines if len(line) > 20 and not line.startswith(('"""', "raise", ")"))]


@each_exercise
def test_wrong_answers_are_planted_for_every_mistake(exercise: Exercise) -> None:
    answers = planted_answers(exercise.key.partition(":")[0])[exercise.key]
    assert len(answers) >= N_PLANTED
    assert {mistake.name for mistake in exercise.mistakes} <= {name for name, _ in answers}


@pytest.mark.parametrize(("key", "name", "answer"), PLANTED)
def test_planted_answers_fail_with_the_name_of_their_mistake(
    key: str, name: str, answer: Callable[..., Any]
) -> None:
    exercise = next(exercise for exercise in EXERCISES if exercise.key == key)
    verdict = examine(exercise, answer)
    assert not verdict.passed
    assert verdict.attempted
    if name != "any":
        assert verdict.mistake == name, verdict.message


@pytest.mark.parametrize(("key", "answer"), BLIND)
def test_answers_by_someone_who_has_not_seen_the_checks_fail(
    key: str, answer: Callable[..., Any]
) -> None:
    exercise = next(exercise for exercise in EXERCISES if exercise.key == key)
    verdict = examine(exercise, answer)
    assert not verdict.passed
    assert verdict.attempted


def test_every_lesson_has_a_bank_and_blind_answers() -> None:
    assert {"00", "a1", "01"} <= set(LESSONS)
    for path in FOLDER.glob("blind_*.py"):  # blind_03.py, blind_03_multi_head.py, …
        assert path.stem.split("_")[1] in LESSONS
        assert len(load_answers(path).BLIND) >= N_BLIND
