import dataclasses
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course_lib.errors import AnswerRejectedError
from course_lib.lesson import check, examine, hint, last_verdict, load_progress
from course_lib.lesson.exercise import Case, Exercise
from course_lib.lesson.ipython import BrokenAnswer

KEY = "99:scale_rows"


def right(matrix: Tensor, weights: Tensor) -> Tensor:
    if len(weights) != len(matrix):
        raise ValueError
    return matrix * (weights / weights.sum())[:, None]


def blank(matrix: Tensor, weights: Tensor) -> Tensor:
    raise NotImplementedError("Your turn")


def summed(matrix: Tensor, weights: Tensor) -> Tensor:
    print("debugging")
    return right(matrix, weights).sum(dim=0)


def endless(matrix: Tensor, weights: Tensor) -> Tensor:
    while True:
        print("on and on")


def test_a_right_answer_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(KEY, right) is right
    assert capsys.readouterr().out == ("✓ 99:scale_rows is right. Yours is used from here on.\n")


def test_a_blank_answer_is_no_failure(toy: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(KEY, blank) is toy.reference()
    assert capsys.readouterr().out == (
        "○ 99:scale_rows: your turn. Not written yet, and that is all right.\n"
        '  For a first idea: hint("99:scale_rows")\n'
        "  Until then the lesson goes on with the library's version.\n"
    )
    verdict = last_verdict(KEY)
    assert verdict is not None
    assert (verdict.passed, verdict.attempted, verdict.mistake) == (False, False, None)


def test_a_wrong_answer_is_explained(toy: Exercise, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(KEY, summed) is toy.reference()
    assert capsys.readouterr().out == (
        "✗ 99:scale_rows is not right yet: summed up.\n"
        "  You add the rows; keep them apart.\n"
        "  First seen on weights 1 and 3:\n"
        "    matrix = tensor of shape (2, 3), float32: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]\n"
        "    weights = tensor of shape (2,), float32: [1.0, 3.0]\n"
        "    expected: tensor of shape (2, 3), float32: [[0.25, 0.5, 0.75], [3.0, 3.75, 4.5]]\n"
        "    got:      tensor of shape (3,), float32: [3.25, 4.25, 5.25]\n"
        "    printed:\n"
        "      debugging\n"
        '  For the next hint: hint("99:scale_rows")\n'
        "  Until then the lesson goes on with the library's version.\n"
    )


def test_keyword_arguments_of_a_case_are_shown(toy: Exercise) -> None:
    def without_weights(matrix: Tensor, weights: Tensor) -> Tensor:
        return matrix

    case = toy.cases[0]
    by_name = Case(why="x", args=lambda: case.args()[:1], options={"weights": case.args()[1]})
    exercise = dataclasses.replace(toy, cases=(by_name,) * 3)
    message = examine(exercise, without_weights).message
    assert "weights = tensor of shape (2,), float32: [1.0, 3.0]\n" in message


class Scaler:
    def __init__(self, weights: Tensor) -> None:
        self.shares = weights / weights.sum()

    def scale(self, matrix: Tensor) -> Tensor:
        return right(matrix, self.shares)


class ScalerNotWritten(Scaler):
    def __init__(self, weights: Tensor) -> None:
        raise NotImplementedError("Your turn")


class ScalerThatSums(Scaler):
    def scale(self, matrix: Tensor) -> Tensor:
        return super().scale(matrix).sum(dim=0)


class ScalerThatStops(Scaler):
    def scale(self, matrix: Tensor) -> Tensor:
        return matrix @ self.shares


def test_a_class_is_judged_by_what_its_objects_do(
    toy: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(scaler_class: type[Scaler], rows: Tensor, weights: Tensor) -> Tensor:
        return scaler_class(weights).scale(rows)

    summed_up = dataclasses.replace(toy.mistakes[1], twin=ScalerThatSums)
    mistakes = (*toy.mistakes[2:], summed_up, dataclasses.replace(summed_up, name="other"))
    exercise = dataclasses.replace(toy, trial=use, mistakes=mistakes)
    monkeypatch.setattr(Exercise, "reference", lambda _: Scaler)
    assert examine(exercise, Scaler).passed
    assert not examine(exercise, ScalerNotWritten).attempted
    verdict = examine(exercise, ScalerThatSums)
    assert verdict.mistake == "summed-up"
    assert "\n    rows = tensor of shape (2, 3), float32" in verdict.message
    message = examine(exercise, ScalerThatStops).message
    assert ": return matrix @ self.shares)" in message  # the learner's line


def test_an_endless_answer_is_stopped(toy: Exercise) -> None:
    verdict = examine(toy, endless)
    assert verdict.mistake == "never-ends"
    assert "did not end within 1 seconds" in verdict.message
    assert "nothing, until it was stopped" in verdict.message
    assert verdict.message.count("on and on") == 8


@pytest.mark.parametrize("thing", [None, 3, torch.ones(2), "scale_rows"])
def test_what_is_no_function_is_refused(toy: Exercise, thing: Any) -> None:
    verdict = examine(toy, thing)
    assert verdict.mistake == "not-a-function"
    assert 'check("99:scale_rows", scale_rows), without brackets' in verdict.message


def test_a_cell_that_did_not_run_is_recognised(toy: Exercise) -> None:
    verdict = examine(toy, BrokenAnswer("scale_rows", "SyntaxError in line 3"))
    assert (verdict.passed, verdict.attempted) == (False, True)
    assert verdict.mistake == "cell-did-not-run"
    assert "did not run (SyntaxError in line 3)" in verdict.message


def test_the_library_passes_but_is_not_the_learners(
    toy: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    assert examine(toy, toy.reference()).passed
    assert check(KEY, check(KEY, summed)) is toy.reference()
    second = last_verdict(KEY)
    assert second is not None
    assert not second.passed
    assert "an earlier check put in place" in capsys.readouterr().out


def test_without_fall_back_a_failed_check_raises(
    toy: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_FALLBACK", "off")
    for answer in (summed, blank, None):
        with pytest.raises(AnswerRejectedError, match="99:scale_rows"):
            check(KEY, answer)
    assert check(KEY, right) is right
    assert check(KEY, toy.reference()) is toy.reference()


def test_random_states_stay_as_they_were() -> None:
    def draw() -> list[float]:
        return [random.random(), np.random.rand(), torch.rand(()).item()]

    def noisy(matrix: Tensor, weights: Tensor) -> Tensor:
        torch.manual_seed(99)
        torch.set_default_dtype(torch.float64)
        return matrix + random.random() + np.random.rand() + torch.rand(())

    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(4)
    expected = draw()
    for generator in (random.seed, np.random.seed, torch.manual_seed):
        generator(4)
    check(KEY, noisy)
    assert draw() == expected
    assert torch.get_default_dtype() is torch.float32


def test_a_verdict_is_the_same_each_time(toy: Exercise) -> None:
    def noisy(matrix: Tensor, weights: Tensor) -> Tensor:
        return matrix + torch.rand(()) + random.random()

    assert examine(toy, noisy) == examine(toy, noisy)


def test_verdicts_reach_the_progress_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "on")
    check(KEY, summed)
    hint(KEY)
    check(KEY, right)
    entry = load_progress().exercises[KEY]
    assert (entry.solved, entry.n_checks, entry.n_hints) == (True, 2, 1)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 99:scale_rows"):
        check("99:scale_row", right)
    assert last_verdict("99:scale_row") is None


def test_the_fall_back_computes_what_the_lesson_needs(toy: Exercise) -> None:
    used = check(KEY, blank)
    assert_close(used(torch.ones(2, 1), torch.tensor([1.0, 3.0])), torch.tensor([[0.25], [0.75]]))
