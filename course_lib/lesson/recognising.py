"""Recognise a known mistake in answers that may or may not raise the errors they should."""

from collections.abc import Callable
from typing import Any

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Observation

_TOLERANCE = 1e-5


Recogniser = Callable[[tuple[Observation, ...]], bool]


def agrees_with(twin: Callable[..., Any], *, except_on: str = "") -> Recogniser:
    """Make a recogniser of answers that do what `twin` does, with or without the errors due.

    Args:
        twin: A function with the mistake; it is not asked where an error is due.
        except_on: The `why` of a case that is left out, because it is about another mistake, which
            answers with this one may or may not have made.

    Returns:
        A function for `Mistake.seen`: True if the answer agrees with the twin on every case without
        an error, and is wrong on one of them.
    """

    def seen(observations: tuple[Observation, ...]) -> bool:
        plain = [
            found
            for found in observations
            if found.case.raises is None and found.case.why != except_on
        ]
        return all(
            found.error is None and agree(found.value, _call(twin, found.case), _TOLERANCE)
            for found in plain
        ) and not all(agree(found.value, found.expected, _TOLERANCE) for found in plain)

    return seen


def _call(twin: Callable[..., Any], case: Case) -> Any:
    return twin(*case.args(), **case.options)


def right_except_on(*whys: str) -> Recogniser:
    """Make a recogniser of answers that are right on all cases but some.

    Args:
        whys: The `why` of these cases; the answer must be wrong on one of them or more.
    """

    def seen(observations: tuple[Observation, ...]) -> bool:
        wrong = {found.case.why for found in observations if not _is_right(found)}
        return bool(wrong) and wrong <= set(whys)

    return seen


def _is_right(found: Observation) -> bool:
    if found.case.raises is not None:
        return isinstance(found.error, found.case.raises)
    return found.error is None and agree(found.value, found.expected, _TOLERANCE)


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


def right_but_for_the_arguments(observations: tuple[Observation, ...]) -> bool:
    """Recognise answers that are right on all cases, but do not leave their arguments as they must.

    Args:
        observations: What the answer did.
    """
    changed = any(found.changed_input for found in observations)
    return changed and all(_is_right(found) for found in observations)


def failed_with(words: str) -> Recogniser:
    """Make a recogniser of answers that end in a certain error wherever none is due.

    Args:
        words: A part of the error's type and message, such as "ImportError".
    """

    def seen(observations: tuple[Observation, ...]) -> bool:
        plain = [found for found in observations if found.case.raises is None]
        return all(words in f"{type(found.error).__name__}: {found.error}" for found in plain)

    return seen
