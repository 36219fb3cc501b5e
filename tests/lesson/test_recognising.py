import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from course_lib.lesson.exercise import Case, Observation
from course_lib.lesson.recognising import (
    agrees_with,
    right_but_for_the_arguments,
    right_but_for_the_error,
    right_except_on,
)

CASES = (
    Case(why="nine", args=lambda: (9.0,)),
    Case(why="two", args=lambda: (2.0,)),
    Case(why="below zero", args=lambda: (-1.0,), raises=ValueError),
)


def observe(answer: Callable[[float], Any]) -> tuple[Observation, ...]:
    """What `answer` does where a square root is asked for."""
    found = []
    for case in CASES:
        expected = None if case.raises else math.sqrt(*case.args())
        try:
            found.append(Observation(case=case, expected=expected, value=answer(*case.args())))
        except Exception as error:
            found.append(Observation(case=case, expected=expected, error=error))
    return tuple(found)


def test_agrees_with_ignores_the_cases_where_an_error_is_due() -> None:
    halves = agrees_with(lambda x: x / 2)
    assert halves(observe(lambda x: 0.5 * x))
    assert halves(observe(lambda x: 0.5 * x if x > 0 else math.sqrt(x)))
    assert not halves(observe(lambda x: x / 3))
    assert not halves(observe(lambda x: "half"))
    assert not halves(observe(lambda x: x / 0))


def test_agrees_with_is_never_said_of_a_right_answer() -> None:
    assert not agrees_with(math.sqrt)(observe(math.sqrt))


def test_agrees_with_leaves_out_a_case_that_is_about_something_else() -> None:
    halves_or_not = observe(lambda x: x / 2 if x > 5 else 7.0)
    assert agrees_with(lambda x: x / 2, except_on="two")(halves_or_not)
    assert not agrees_with(lambda x: x / 2, except_on="nine")(halves_or_not)


def test_agrees_with_hands_on_the_options_of_a_case() -> None:
    case = Case(why="three", args=lambda: (3.0,), options={"times": 5})
    seen = (Observation(case=case, expected=9.0, value=15.0),)
    assert agrees_with(lambda x, times=2: x * times)(seen)


def test_right_except_on() -> None:
    assert right_except_on("two")(observe(lambda x: 7.0 if x == 2 else math.sqrt(x)))
    assert right_except_on("nine", "two")(observe(lambda x: x / 0 if x == 2 else math.sqrt(x)))
    assert right_except_on("below zero")(observe(lambda x: abs(x) ** 0.5))
    assert not right_except_on("nine")(observe(lambda x: 7.0 if x == 2 else math.sqrt(x)))
    assert not right_except_on("two")(observe(lambda x: x / 2))
    assert not right_except_on("two")(observe(math.sqrt))


def test_right_but_for_the_error() -> None:
    assert right_but_for_the_error(observe(lambda x: abs(x) ** 0.5))
    assert right_but_for_the_error(observe(lambda x: [x**0.5][0 if x > 0 else 1]))  # IndexError
    assert not right_but_for_the_error(observe(math.sqrt))
    assert not right_but_for_the_error(observe(lambda x: x / 2))


def test_right_but_for_the_arguments() -> None:
    right, halves = observe(math.sqrt), observe(lambda x: x / 2)
    assert not right_but_for_the_arguments(right)
    assert right_but_for_the_arguments(
        (*right[:1], replace(right[1], changed_input=True), right[2])
    )
    assert not right_but_for_the_arguments((replace(halves[0], changed_input=True), *halves[1:]))
