"""Say what a learner got wrong: mistakes known by name first, then the usual ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
import torch

from course_lib.lesson.comparing import Difference, agree, find_difference
from course_lib.lesson.exercise import Exercise, Mistake, Observation
from course_lib.lesson.guard import quarantine
from course_lib.lesson.observing import call_on
from course_lib.lesson.showing import shorten, show_error

STUB_MESSAGES = ("", "Your turn")


def is_blank(observations: Sequence[Observation]) -> bool:
    """Say whether the function is still the stub that the lesson hands out."""
    return bool(observations) and all(
        type(seen.error) is NotImplementedError and str(seen.error) in STUB_MESSAGES
        for seen in observations
    )


def find_fault(
    seen: Observation, tolerance: float, answer: Callable[..., Any]
) -> Difference | None:
    """Say what is wrong with an answer on one case; None if nothing is.

    A changed input is not looked at here: it matters only once the values are right.

    Args:
        seen: What the answer did.
        tolerance: Largest accepted difference of two numbers.
        answer: The learner's function, for showing the line that raised an exception.
    """
    due = seen.case.raises
    if seen.error is not None:
        if due is not None and isinstance(seen.error, due):
            return None
        return _explain_error(seen, answer)
    if due is not None:
        text = f"it must raise {due.__name__}; it returned {shorten(seen.value)}."
        return Difference("did-not-raise", text)
    try:
        return find_difference(seen.value, seen.expected, tolerance)
    except Exception as error:  # an answer may return an object that fails when looked at
        return Difference("wrong-value", f"it cannot be compared: {show_error(error)}")


def _explain_error(seen: Observation, answer: Callable[..., Any]) -> Difference:
    error, due = seen.error, seen.case.raises
    assert error is not None
    text = show_error(error, answer)
    if due is not None:
        return Difference("raised-another-error", f"it must raise {due.__name__}, not {text}")
    reasons = {
        RecursionError: "it calls itself without end:",
        NotImplementedError: "a part of it is not written yet:",
        SystemExit: "it calls exit() instead of returning:",
    }
    reason = reasons.get(type(error), "it stops with an error:")
    return Difference("raised-an-error", f"{reason} {text}")


def find_named_mistake(exercise: Exercise, observations: Sequence[Observation]) -> Mistake | None:
    """Find the first mistake of the exercise that the answer has made.

    Args:
        exercise: Whose mistakes; the most specific come first.
        observations: What the answer did on all cases.
    """
    returned = [seen for seen in observations if seen.case.raises is None]
    with quarantine():
        right = _acts_like(exercise.reference(), exercise, returned)
        # Wrong values are a mistake of their own, whether bad input is refused or not.
        telling = observations if right else returned
        for mistake in exercise.mistakes:
            if mistake.twin is not None:
                found = _acts_like(mistake.twin, exercise, telling)
            else:
                found = _sees(mistake, observations)
            if found:
                return mistake
    return None


def _sees(mistake: Mistake, observations: Sequence[Observation]) -> bool:
    assert mistake.seen is not None
    try:
        return bool(mistake.seen(tuple(observations)))
    except Exception:  # it looks for the shape of a list, say, because an answer is of a wrong type
        return False


def _acts_like(
    twin: Callable[..., Any], exercise: Exercise, observations: Sequence[Observation]
) -> bool:
    for seen in observations:
        call = call_on(exercise.on_trial(twin), seen.case)
        if call.error is not None or seen.error is not None:
            related = isinstance(seen.error, type(call.error)) or isinstance(
                call.error, type(seen.error)
            )
            if not related:
                return False
        elif not _agree_or_fail(seen.value, call.value, exercise.tolerance):
            return False
    return True


def _agree_or_fail(value: Any, expected: Any, tolerance: float) -> bool:
    try:
        return agree(value, expected, tolerance)
    except Exception:  # see find_fault
        return False


def find_pattern(observations: Sequence[Observation], tolerance: float) -> Difference | None:
    """Find what is wrong in the same way on all cases: the sign, a factor, a fixed answer.

    Args:
        observations: What the answer did on all cases.
        tolerance: Largest accepted difference of two numbers.
    """
    returned = [seen for seen in observations if seen.error is None and seen.case.raises is None]
    if len(returned) < 2:
        return None
    first = returned[0]
    if all(_agree_or_fail(seen.value, first.value, 0.0) for seen in returned[1:]):
        text = f"it returns {shorten(first.value)} whatever it is given."
        return Difference("always-the-same", text)
    ratio = _common_ratio(returned, tolerance)
    if ratio is None or abs(ratio - 1.0) <= 10 * tolerance:
        return None
    if abs(ratio + 1.0) <= 10 * tolerance:
        return Difference("sign-flipped", "every number has the wrong sign.")
    text = f"every number is {shorten(ratio)} times what it must be."
    return Difference("constant-factor", text)


def _common_ratio(returned: Sequence[Observation], tolerance: float) -> float | None:
    """Find the factor between answers and expected numbers, if there is a single one."""
    flat = [(_flatten(seen.value), _flatten(seen.expected)) for seen in returned]
    if any(a is None or b is None or a.shape != b.shape for a, b in flat):
        return None
    value = np.concatenate([a for a, _ in flat if a is not None])
    expected = np.concatenate([b for _, b in flat if b is not None])
    finite = np.isfinite(value).all() and np.isfinite(expected).all()
    if not finite or len(np.unique(np.abs(expected))) < 2:
        return None
    largest = int(np.argmax(np.abs(expected)))
    ratio = float(value[largest] / expected[largest])
    fits = np.allclose(value, ratio * expected, rtol=10 * tolerance, atol=tolerance)
    return ratio if fits and ratio != 0 else None


def _flatten(value: Any) -> np.ndarray | None:
    """Write a tensor, an array, a number or a flat list of numbers as a vector, if it is one."""
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().double().numpy()
        if scipy.sparse.issparse(value):
            value = value.toarray()
        return np.asarray(value, dtype=np.float64).reshape(-1)
    except Exception:  # not numbers, or see find_fault
        return None


def diagnose(
    exercise: Exercise, observations: Sequence[Observation], answer: Callable[..., Any]
) -> tuple[Difference, Observation] | None:
    """Say what is wrong with an answer, and show the case where it first goes wrong.

    Args:
        exercise: The exercise.
        observations: What the answer did on all cases.
        answer: The learner's function.

    Returns:
        The mistake and the case to show; None if the answer is right.
    """
    faults = [(find_fault(seen, exercise.tolerance, answer), seen) for seen in observations]
    wrong = [(fault, seen) for fault, seen in faults if fault is not None]
    changed = next((seen for seen in observations if seen.changed_input), None)
    if not wrong:
        return None if changed is None else (_explain_change(exercise, observations), changed)
    fault, first = wrong[0]
    if (named := find_named_mistake(exercise, observations)) is not None:
        return Difference(named.name, named.hint), first
    if fault.name == "wrong-value":
        fault = find_pattern(observations, exercise.tolerance) or fault
    return fault, first


def _explain_change(exercise: Exercise, observations: Sequence[Observation]) -> Difference:
    """Say what is wrong with right results that leave other arguments than the library does."""
    for mistake in exercise.mistakes:
        if mistake.in_arguments and _sees(mistake, observations):
            return Difference(mistake.name, mistake.hint)
    text = "the result is right, but the function changes what it was given: work on a copy."
    return Difference("changed-its-input", text)
