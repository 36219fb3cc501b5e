"""`check`: judge a learner's answer, say what is wrong with it, and keep the lesson going."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.errors import AnswerRejectedError, AnswerTimeoutError
from course_lib.lesson.banks import find_exercise
from course_lib.lesson.comparing import Difference
from course_lib.lesson.diagnosing import diagnose, is_blank
from course_lib.lesson.exercise import Exercise, Observation
from course_lib.lesson.guard import quarantine
from course_lib.lesson.ipython import BrokenAnswer
from course_lib.lesson.observing import Observations, observe
from course_lib.lesson.progress import note_exercise
from course_lib.lesson.repairing import is_untouched
from course_lib.lesson.showing import shorten, shorten_text, show_arguments, show_error

_verdicts: dict[str, "Verdict"] = {}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found.

    Attributes:
        passed: Whether the answer is right.
        attempted: Whether the function is more than the lesson hands out: a stub, or for a repair
            the broken version.
        mistake: The name of the mistake, if one was made.
        message: The verdict in words, for the learner; ends without a line break.
    """

    passed: bool
    attempted: bool
    mistake: str | None
    message: str


def check(key: str, answer: Any) -> Callable[..., Any]:
    """Judge an answer, print the verdict, and return the function to go on with.

    Args:
        key: The exercise, such as "01:sgns_loss".
        answer: The learner's function or class.

    Returns:
        The answer if it is right, else the library's version, so that the lesson goes on.

    Raises:
        AnswerRejectedError: If the answer is not right and `COURSE_FALLBACK=off`.
        ValueError: If there is no such exercise.
    """
    exercise = find_exercise(key)
    reference = exercise.reference()
    verdict = _judge_library(key) if answer is reference else examine(exercise, answer)
    _verdicts[key] = verdict
    note_exercise(key, passed=verdict.passed)
    if verdict.passed:
        print(verdict.message)
        return answer
    if os.environ.get("COURSE_FALLBACK") == "off" and answer is not reference:
        raise AnswerRejectedError(verdict.message)
    print(f"{verdict.message}\n  Until then the lesson goes on with the library's version.")
    return reference


def last_verdict(key: str) -> Verdict | None:
    """Return the verdict of the last check of an exercise since the kernel started."""
    return _verdicts.get(key)


def examine(exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer without printing and without remembering.

    Args:
        exercise: The exercise.
        answer: The learner's function or class, or whatever stands in its place.
    """
    if isinstance(answer, BrokenAnswer):
        text = f"the cell above did not run ({answer.reason}), so there is nothing to check."
        return _fail(exercise, Difference("cell-did-not-run", text), [])
    if not callable(answer):
        text = (
            f"the second argument must be the function itself; it is {shorten(answer)}."
            f' Write check("{exercise.key}", {exercise.name}), without brackets after the name.'
        )
        return _fail(exercise, Difference("not-a-function", text), [])
    observations = observe(exercise, answer)
    if is_blank(observations.seen):
        message = (
            f"○ {exercise.key}: your turn. Not written yet, and that is all right."
            f'\n  For a first idea: hint("{exercise.key}")'
        )
        return Verdict(passed=False, attempted=False, mistake=None, message=message)
    if observations.timed_out:
        return _fail_on_time(exercise, observations)
    found = diagnose(exercise, observations.seen, answer)
    if found is None:
        message = f"✓ {exercise.key} is right. Yours is used from here on."
        return Verdict(passed=True, attempted=True, mistake=None, message=message)
    difference, first = found
    if exercise.repair and is_untouched(answer, exercise.broken()):
        return _show_symptom(exercise, difference.name, first, answer)
    return _fail(exercise, difference, _show_case(exercise, first))


def _judge_library(key: str) -> Verdict:
    message = (
        f"○ {key}: this is the library's version, which an earlier check put in place."
        "\n  To check yours, run the cell with your function again, then this one."
    )
    return Verdict(passed=False, attempted=False, mistake=None, message=message)


def _fail_on_time(exercise: Exercise, observations: Observations) -> Verdict:
    text = f"it did not end within {exercise.limit_seconds:g} seconds. Which loop has no way out?"
    if observations.still_running:
        text += (
            " It waits for something and could not be stopped; restart the kernel if it bothers."
        )
    lines = _show_case(exercise, observations.seen[-1])
    return _fail(exercise, Difference("never-ends", text), lines)


def _fail(exercise: Exercise, difference: Difference, lines: Sequence[str]) -> Verdict:
    title = difference.name.replace("-", " ")
    message = "\n  ".join(
        [
            f"✗ {exercise.key} is not right yet: {title}.",
            _start_with_capital(difference.text),
            *lines,
            f'For the next hint: hint("{exercise.key}")',
        ]
    )
    return Verdict(passed=False, attempted=True, mistake=difference.name, message=message)


def _show_symptom(
    exercise: Exercise, mistake: str, first: Observation, answer: Callable[..., Any]
) -> Verdict:
    """Show what an untouched repair does wrong, and leave the finding of the bug to the learner."""
    error = [] if first.error is None else [f"  {show_error(first.error, answer)}"]
    message = "\n  ".join(
        [
            f"○ {exercise.key}: your turn. It is still broken; here is what it does.",
            *_show_case(exercise, first),
            *error,
            f'For a first idea: hint("{exercise.key}")',
        ]
    )
    return Verdict(passed=False, attempted=False, mistake=mistake, message=message)


def _start_with_capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _show_case(exercise: Exercise, seen: Observation) -> list[str]:
    """Show the first case that went wrong: inputs, what was due, what came."""
    lines = [f"First seen on {seen.case.why}:"]
    with quarantine():
        args = seen.case.args()
    tried = exercise.on_trial(exercise.reference())
    lines += [f"  {argument}" for argument in show_arguments(tried, args)]
    lines += [f"  {name} = {shorten(option)}" for name, option in seen.case.options.items()]
    due = seen.case.raises
    lines.append(f"  expected: {shorten(seen.expected) if due is None else due.__name__}")
    lines.append(f"  got:      {_show_outcome(seen)}")
    printed = [shorten_text(line) for line in seen.printed.splitlines() if line.strip()][:8]
    if printed:
        lines += ["  printed:", *(f"    {line}" for line in printed)]
    return lines


def _show_outcome(seen: Observation) -> str:
    if seen.error is None:
        return shorten(seen.value)
    if isinstance(seen.error, AnswerTimeoutError):
        return "nothing, until it was stopped"
    return type(seen.error).__name__
