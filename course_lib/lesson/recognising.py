"""Recognise a known mistake in answers that may or may not raise the errors they should."""

from collections.abc import Callable
from typing import Any

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Observation

_TOLERANCE = 1e-5


def agrees_with(twin: Callable[..., Any]) -> Callable[[tuple[Observation, ...]], bool]:
    """Make a recogniser of answers that do what `twin` does, with or without the errors due.

    Args:
        twin: A function with the mistake; it is not asked where an error is due.

    Returns:
        A function for `Mistake.seen`: True if the answer agrees with the twin on every case without
        an error, and is wrong on one of them.
    """

    def seen(observations: tuple[Observation, ...]) -> bool:
        plain = [found for found in observations if found.case.raises is None]
        return all(
            found.error is None and agree(found.value, twin(*found.case.args()), _TOLERANCE)
            for found in plain
        ) and not all(agree(found.value, found.expected, _TOLERANCE) for found in plain)

    return seen


def right_but_for_the_error(observations: tuple[Observation, ...]) -> bool:
    """Recognise answers that are right, but raise no error, or another one, where one is due.

    Args:
        observations: What the answer did.
    """
    plain = [found for found in observations if found.case.raises is None]
    due = [found for found in observations if found.case.raises is not None]
    return all(
        found.error is None and agree(found.value, found.expected, _TOLERANCE) for found in plain
    ) and any(not isinstance(found.error, found.case.raises or ()) for found in due)
