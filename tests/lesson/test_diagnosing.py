import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from course_lib.lesson.diagnosing import diagnose, find_pattern, is_blank
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.observing import observe


def name_mistake(exercise: Exercise, answer: Callable[..., Any]) -> str | None:
    found = diagnose(exercise, observe(exercise, answer).seen, answer)
    return None if found is None else found[0].name


class Explodes:
    @property
    def shape(self) -> tuple[int, ...]:
        raise RuntimeError("boom")


class ExplodingTensor(Tensor):
    @classmethod
    def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("boom")


def right(matrix: Tensor, weights: Tensor) -> Tensor:
    if weights.shape[0] != matrix.shape[0]:
        raise ValueError
    return matrix * weights[:, None] / weights.sum()


def guarded(change: Callable[[Tensor], Any]) -> Callable[..., Any]:
    return lambda matrix, weights: change(right(matrix, weights))


def test_a_right_answer_has_no_mistake(toy: Exercise) -> None:
    assert name_mistake(toy, right) is None


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (guarded(lambda out: out * 0 + 1), "only-ones"),
        (guarded(lambda out: out.sum(dim=0)), "summed-up"),
        (lambda matrix, weights: matrix * weights.sum(), "nothing-checked"),
        (guarded(lambda out: -out), "sign-flipped"),
        (guarded(lambda out: 3 * out), "constant-factor"),
        (guarded(lambda out: out * 0 + 5), "always-the-same"),
        (guarded(lambda out: out + 1), "wrong-value"),
        (guarded(lambda out: out.T), "transposed"),
        (guarded(lambda out: out.double()), "wrong-dtype"),
        (guarded(lambda out: out / 0), "infinite"),
        (guarded(lambda out: out * float("nan")), "not-a-number"),
        (guarded(lambda out: out.numpy()), "wrong-type"),
        (guarded(lambda out: out.tolist()), "wrong-type"),
        (guarded(lambda out: None), "returned-none"),
        (guarded(lambda out: (x for x in out)), "returned-a-generator"),
        (guarded(lambda out: Explodes()), "wrong-type"),
        (guarded(lambda out: out.as_subclass(ExplodingTensor)), "wrong-value"),
        (guarded(lambda out: out[7]), "raised-an-error"),
    ],
)
def test_mistakes_are_named(toy: Exercise, answer: Callable[..., Any], name: str) -> None:
    assert name_mistake(toy, answer) == name


def test_wrong_values_are_named_whether_bad_input_is_refused_or_not(toy: Exercise) -> None:
    def refusing(matrix: Tensor, weights: Tensor) -> Tensor:
        return matrix * weights.unsqueeze(1) if len(weights) > 1 else right(matrix, weights)

    def accepting(matrix: Tensor, weights: Tensor) -> Tensor:
        return matrix * weights.unsqueeze(1)

    exercise = dataclasses.replace(toy, mistakes=toy.mistakes[:3] * 2)
    assert name_mistake(exercise, refusing) == "not-normalised"
    assert name_mistake(exercise, accepting) == "not-normalised"


def test_with_right_values_a_twin_must_fail_on_bad_input_alike(toy: Exercise) -> None:
    def unchecked(matrix: Tensor, weights: Tensor) -> Tensor:
        return matrix * weights.unsqueeze(1) / weights.sum()

    def checked_wrongly(matrix: Tensor, weights: Tensor) -> Tensor:
        if len(weights) == 1:
            raise KeyError
        return unchecked(matrix, weights)

    twin = Mistake(name="unchecked", hint="?", twin=unchecked)
    exercise = dataclasses.replace(toy, mistakes=(twin, *toy.mistakes[:3]))
    assert name_mistake(exercise, unchecked) == "unchecked"
    assert name_mistake(exercise, checked_wrongly) == "raised-another-error"


def test_exceptions_are_explained(toy: Exercise) -> None:
    def explain(answer: Callable[..., Any]) -> str:
        found = diagnose(toy, observe(toy, answer).seen, answer)
        assert found is not None
        return f"{found[0].name}: {found[0].text}"

    def recurse(*args: Tensor) -> Tensor:
        return recurse(*args)

    def leave(*args: Tensor) -> None:
        raise SystemExit(1)

    def half_written(matrix: Tensor, weights: Tensor) -> Tensor:
        if weights[0] == 2:
            raise NotImplementedError
        return right(matrix, weights)

    def refuses_wrongly(matrix: Tensor, weights: Tensor) -> Tensor:
        return right(matrix, weights) if len(weights) > 1 else matrix[9]

    def never_refuses(matrix: Tensor, weights: Tensor) -> Tensor:
        return right(matrix, weights.expand(2)) if len(weights) == 1 else right(matrix, weights)

    assert explain(recurse).startswith("raised-an-error: it calls itself without end: Recursion")
    assert explain(leave).startswith("raised-an-error: it calls exit() instead of returning")
    assert explain(half_written).startswith("raised-an-error: a part of it is not written yet")
    assert explain(lambda matrix: matrix).startswith("raised-an-error: it stops with an error: Typ")
    assert "raise KeyboardInterrupt" in explain(interrupted)
    assert explain(refuses_wrongly).startswith(
        "raised-another-error: it must raise ValueError, not IndexError"
    )
    only_refusing = dataclasses.replace(toy, mistakes=toy.mistakes[:3] * 2)
    found = diagnose(only_refusing, observe(toy, never_refuses).seen, never_refuses)
    assert found is not None
    assert found[0].name == "did-not-raise"
    assert found[1].case.why == "a weight missing"


def interrupted(*args: Tensor) -> None:
    raise KeyboardInterrupt


def test_a_changed_input_counts_once_the_values_are_right(toy: Exercise) -> None:
    def in_place(matrix: Tensor, weights: Tensor) -> Tensor:
        out = right(matrix, weights)
        return matrix.copy_(out)

    def in_place_and_wrong(matrix: Tensor, weights: Tensor) -> Tensor:
        return in_place(matrix, weights) + 1

    assert name_mistake(toy, in_place) == "changed-its-input"
    assert name_mistake(toy, in_place_and_wrong) == "wrong-value"
    noticed = Mistake(name="noticed", hint="?", seen=lambda seen: seen[1].changed_input)
    for mistake, name in (
        (noticed, "changed-its-input"),
        (dataclasses.replace(noticed, in_arguments=True), "noticed"),
    ):
        exercise = dataclasses.replace(toy, mistakes=(*toy.mistakes, mistake))
        assert name_mistake(exercise, in_place) == name
        assert name_mistake(exercise, right) is None


def test_the_first_mistake_that_fits_is_named(toy: Exercise) -> None:
    everything = Mistake(name="anything", hint="?", seen=lambda seen: True)
    fails = Mistake(name="fails", hint="?", seen=lambda seen: seen[0].value.no_such_thing)
    exercise = dataclasses.replace(toy, mistakes=(fails, everything, *toy.mistakes))
    assert name_mistake(exercise, guarded(lambda out: out.sum(dim=0))) == "anything"
    assert name_mistake(exercise, right) is None


def test_only_the_stub_is_blank() -> None:
    case = Case(why="x", args=lambda: ())

    def saw(*errors: BaseException | None) -> bool:
        return is_blank([Observation(case=case, expected=1, error=error) for error in errors])

    assert saw(NotImplementedError("Your turn"), NotImplementedError())
    assert not saw(NotImplementedError("Your turn"), None)
    assert not saw(NotImplementedError("not implemented for 'Long'"))
    assert not saw(RuntimeError("Your turn"))
    assert not is_blank([])


@pytest.mark.parametrize(
    ("pairs", "name"),
    [
        ([(2.0, 1.0), (4.0, 2.0)], "constant-factor"),
        ([(-1.0, 1.0), (-2.0, 2.0)], "sign-flipped"),
        ([(2.0, 1.0), (4.1, 2.0)], None),
        ([(2.0, 1.0), (2.0, 2.0)], "always-the-same"),
        ([(2.0, 1.0)], None),
        ([(2.0, 1.0), (-2.0, -1.0)], None),  # a single size: any factor would fit
        ([("a", 1.0), ("b", 2.0)], None),
        ([([2.0, 0.0], [1.0, 0.0]), ([6.0], [3.0])], "constant-factor"),
        ([([2.0, 0.5], [1.0, 0.0]), ([6.0], [3.0])], None),
        ([(float("inf"), 1.0), (4.0, 2.0)], None),
        ([(1.0, float("inf")), (4.0, 2.0)], None),
        ([(np.zeros(2), np.ones(2)), (np.zeros(1), np.array([2.0]))], None),
    ],
)
def test_patterns_over_all_cases(pairs: list[tuple[Any, Any]], name: str | None) -> None:
    case = Case(why="x", args=lambda: ())
    seen = [Observation(case=case, value=value, expected=due) for value, due in pairs]
    found = find_pattern(seen, tolerance=1e-5)
    assert (found and found.name) == name


def test_the_factor_is_said() -> None:
    case = Case(why="x", args=lambda: ())
    seen = [Observation(case=case, value=x / 2, expected=x) for x in (1.0, 3.0)]
    found = find_pattern(seen, tolerance=1e-5)
    assert found is not None
    assert found.text == "every number is 0.5 times what it must be."
