"""What every pipeline does with its inputs: one or many, good ones and bad ones, in batches."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tqdm.auto import tqdm

from course_lib.errors import CourseError

Item = TypeVar("Item")

BAD_INPUT = (TypeError, ValueError, CourseError)
"""What a pipeline raises for an input that it cannot answer."""

SECONDS_BEFORE_BAR = 2.0


def is_many(inputs: object) -> bool:
    """Tell many inputs (a list, a column, a generator) from one (a text, a dictionary).

    Args:
        inputs: What a pipeline was called with.
    """
    return isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes | Mapping)


def answer_one(
    given: Any, check: Callable[[Any], Item], answer: Callable[[Sequence[Item]], list[Any]]
) -> Any:
    """Answer a single input; what is wrong with it is raised.

    Args:
        given: The input.
        check: Returns it as `answer` takes it, or raises.
        answer: Answers a batch.

    Raises:
        TypeError: Of `check`.
        ValueError: Of `check` or `answer`.
    """
    return answer([check(given)])[0]


def answer_many(
    given: Iterable[Any],
    check: Callable[[Any], Item],
    answer: Callable[[Sequence[Item]], list[Any]],
    batch_size: int,
) -> list[Any]:
    """Answer many inputs; a bad one gets an error in its place, and the others their answers.

    A progress bar appears if it takes more than two seconds.

    Args:
        given: The inputs.
        check: Returns an input as `answer` takes it, or raises.
        answer: Answers a batch; must give as many answers as it gets.
        batch_size: How many inputs are answered together (≥ 1).

    Returns:
        One answer for each input, in their order; `{"error": message}` for a bad one.

    Warns:
        UserWarning: Once, if inputs could not be answered; says how many, and what was wrong with
            the first of them.
    """
    inputs = list(given)
    answers: list[Any] = [None] * len(inputs)
    good: list[tuple[int, Item]] = []
    errors: dict[int, str] = {}
    for place, item in enumerate(inputs):
        try:
            good.append((place, check(item)))
        except BAD_INPUT as error:
            errors[place] = str(error)
    bar = tqdm(total=len(good), unit="input", delay=SECONDS_BEFORE_BAR, leave=False)
    with bar, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for first in range(0, len(good), batch_size):
            batch = good[first : first + batch_size]
            for (place, _), found in zip(batch, _answer_batch(batch, answer, errors), strict=True):
                answers[place] = found
            bar.update(len(batch))
    _repeat(told)
    for place, message in errors.items():
        answers[place] = {"error": message}
    if errors:
        first_bad = min(errors)
        warnings.warn(
            f"{len(errors)} of {len(inputs)} inputs could not be answered and have an 'error' "
            f"in their place; the first is number {first_bad}: {errors[first_bad]}",
            stacklevel=3,
        )
    return answers


def _answer_batch(
    batch: Sequence[tuple[int, Item]],
    answer: Callable[[Sequence[Item]], list[Any]],
    errors: dict[int, str],
) -> list[Any]:
    """Answer a batch; if that fails, one by one, so that one input spoils only its own answer."""
    try:
        return answer([item for _, item in batch])
    except BAD_INPUT:
        answers: list[Any] = []
        for place, item in batch:
            try:
                answers += answer([item])
            except BAD_INPUT as error:
                errors[place] = str(error)
                answers.append(None)
        return answers


def _repeat(told: Sequence[warnings.WarningMessage]) -> None:
    """Give the warnings of all batches to the caller, those of the same words once."""
    for message in dict.fromkeys(str(warning.message) for warning in told):
        warnings.warn(message, stacklevel=4)


def require_text(text: Any, name: str) -> str:
    """Refuse what is no text, or an empty one.

    Args:
        text: What was given.
        name: What it is called, for the message.

    Raises:
        TypeError: If it is no string.
        ValueError: If it holds nothing but white space.
    """
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text; got {type(text).__name__}: {text!r}.")
    if not text.strip():
        raise ValueError(f"{name} must hold more than white space; got {text!r}.")
    return text
