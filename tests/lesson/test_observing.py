import dataclasses
import random
import time

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.errors import AnswerTimeoutError
from course_lib.lesson.exercise import Case, Exercise
from course_lib.lesson.observing import observe


def test_the_library_does_what_is_expected(toy: Exercise) -> None:
    observations = observe(toy, toy.reference())
    first, second, third = observations.seen
    # by hand: weights 1 and 3 are a quarter and three quarters
    assert_close(first.expected, torch.tensor([[0.25, 0.5, 0.75], [3.0, 3.75, 4.5]]))
    assert_close(first.value, first.expected)
    assert second.error is None
    assert isinstance(third.error, ValueError)
    assert third.expected is None
    assert not any(seen.changed_input for seen in observations.seen)
    assert not observations.timed_out


def test_prints_and_changed_inputs_are_noted_by_case(toy: Exercise) -> None:
    def answer(matrix: Tensor, weights: Tensor) -> Tensor:
        print("sum", weights.sum().item())
        weights /= weights.sum()
        return matrix * weights.unsqueeze(1)

    first, second, third = observe(toy, answer).seen
    assert (first.printed, second.printed) == ("sum 4.0\n", "sum 10.0\n")
    assert first.changed_input
    assert second.changed_input
    assert third.error is None
    assert_close(first.value, first.expected)


def test_every_case_gets_fresh_inputs_and_seeds(toy: Exercise) -> None:
    shared = torch.ones(2)
    cases = tuple(Case(why=str(i), args=lambda: (torch.ones(2, 3), shared)) for i in range(3))
    drawn = []

    def answer(matrix: Tensor, weights: Tensor) -> float:
        drawn.append((random.random(), torch.rand(()).item(), weights.sum().item()))
        weights.zero_()
        return 0.0

    observe(dataclasses.replace(toy, cases=cases), answer)
    assert drawn == [drawn[0]] * 3
    assert drawn[0][2] == 2.0
    assert_close(shared, torch.ones(2))


def test_global_random_states_stay_as_they_were(toy: Exercise) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    observe(toy, lambda *_: torch.rand(5))
    assert_close(torch.rand(2), expected)


def test_a_generator_may_advance(toy: Exercise) -> None:
    def make_case() -> tuple[torch.Generator, Tensor]:
        return torch.Generator().manual_seed(1), torch.ones(2)

    def draw(generator: torch.Generator, weights: Tensor) -> None:
        torch.rand(3, generator=generator)

    cases = tuple(Case(why=str(i), args=make_case, raises=TypeError) for i in range(3))
    seen = observe(dataclasses.replace(toy, cases=cases), draw).seen
    assert not any(one.changed_input for one in seen)


def test_a_case_may_have_keyword_arguments(toy: Exercise) -> None:
    def answer(matrix: Tensor, weights: Tensor) -> Tensor:
        return weights

    weights = toy.cases[1].args()[1]
    case = Case(why="by name", args=lambda: toy.cases[1].args()[:1], options={"weights": weights})
    assert_close(
        observe(dataclasses.replace(toy, cases=(case,) * 3), answer).seen[0].value, weights
    )


def test_an_endless_case_is_the_last_one_noted(toy: Exercise) -> None:
    def answer(matrix: Tensor, weights: Tensor) -> Tensor:
        print("here")
        while weights[0] == 2:
            time.monotonic()
        return matrix

    observations = observe(dataclasses.replace(toy, limit_seconds=0.2), answer)
    assert observations.timed_out
    assert not observations.still_running
    assert [seen.case.why for seen in observations.seen] == ["weights 1 and 3", "weights 2 and 8"]
    assert isinstance(observations.seen[-1].error, AnswerTimeoutError)
    assert observations.seen[-1].printed == "here\n"


def test_a_library_that_fails_its_own_case_is_our_bug(toy: Exercise) -> None:
    never = dataclasses.replace(toy.cases[0], raises=KeyError)
    broken = dataclasses.replace(toy, cases=(never, *toy.cases[1:]))
    with pytest.raises(RuntimeError, match=r"library fails 99:scale_rows on weights 1 and 3"):
        observe(broken, lambda *_: None)
