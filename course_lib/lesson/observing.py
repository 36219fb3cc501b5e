"""Try an answer on every case of its exercise, beside the library, and note what it does."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from course_lib.errors import AnswerTimeoutError
from course_lib.lesson.comparing import find_difference
from course_lib.lesson.exercise import Case, Exercise, Observation
from course_lib.lesson.guard import PrintedText, clone, quarantine, reset_torch_and_seeds
from course_lib.lesson.stopping import run_limited


class Call(NamedTuple):
    """What one call of a function did.

    Attributes:
        value: What it returned.
        error: What it raised, if it did.
        args: Its arguments after the call.
    """

    value: Any
    error: BaseException | None
    args: tuple[Any, ...]


def call_on(function: Callable[..., Any], case: Case) -> Call:
    """Call a function on the inputs of a case: fresh copies, seeds at 0, exceptions caught.

    Call it inside `quarantine()`.

    Args:
        function: The library's version, an answer, or the twin of a mistake.
        case: Where the arguments come from.
    """
    args = tuple(clone(argument) for argument in case.args())
    reset_torch_and_seeds()
    try:
        return Call(function(*args, **case.options), None, args)
    except BaseException as error:  # a learner may raise anything, also SystemExit
        return Call(None, error, args)


@dataclass(frozen=True)
class Observations:
    """What an answer did on the cases of its exercise.

    Attributes:
        seen: One observation a case; after a time-out, the last is the case that did not end.
        timed_out: Whether the answer was stopped.
        still_running: Whether it could not be stopped.
    """

    seen: tuple[Observation, ...]
    timed_out: bool
    still_running: bool


def observe(exercise: Exercise, answer: Callable[..., Any]) -> Observations:
    """Try an answer on all cases, within the time the exercise allows.

    Args:
        exercise: Whose cases.
        answer: The learner's function or class.

    Raises:
        RuntimeError: If the library itself does not do what its case promises: our bug.
    """
    with quarantine() as printed:
        expected = [_call_library(exercise, case) for case in exercise.cases]
        pairs = zip(exercise.cases, expected, strict=True)
        tried = exercise.on_trial(answer)
        steps = [partial(_observe, tried, case, due, printed) for case, due in pairs]
        limited = run_limited(steps, exercise.limit_seconds)
        unfinished = limited.timed_out and len(limited.results) < len(steps)
        seen = limited.results
        if unfinished:
            index = len(seen)
            error = AnswerTimeoutError(f"stopped after {exercise.limit_seconds:g} seconds.")
            seen = [
                *seen,
                Observation(
                    case=exercise.cases[index],
                    expected=expected[index].value,
                    error=error,
                    printed=printed.text,
                ),
            ]
    return Observations(tuple(seen), unfinished, limited.still_running)


def _call_library(exercise: Exercise, case: Case) -> Call:
    call = call_on(exercise.on_trial(exercise.reference()), case)
    as_promised = call.error is None if case.raises is None else isinstance(call.error, case.raises)
    if not as_promised:
        raise RuntimeError(f"the library fails {exercise.key} on {case.why}.") from call.error
    return call


def _observe(
    answer: Callable[..., Any], case: Case, expected: Call, printed: PrintedText
) -> Observation:
    printed.clear()
    call = call_on(answer, case)
    return Observation(
        case=case,
        expected=expected.value,
        value=call.value,
        error=call.error,
        changed_input=_differ(call.args, expected.args),
        printed=printed.text,
    )


def _differ(args: tuple[Any, ...], due: tuple[Any, ...]) -> bool:
    """Say whether inputs differ after the call; what is meant to advance does not count."""
    moving = (torch.Generator, np.random.Generator, random.Random, Iterator)
    pairs = zip(args, due, strict=True)
    return any(
        not isinstance(one, moving) and find_difference(one, other, tolerance=0.0) is not None
        for one, other in pairs
    )
