import functools
import sys
import types
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from course_lib.lesson.check import check, examine
from course_lib.lesson.exercise import BROKEN_SUFFIX, Exercise
from course_lib.lesson.repairing import is_untouched
from course_lib.lesson.start import Run
from course_lib.scale import Scale


def scale_rows(matrix: Tensor, weights: Tensor) -> Tensor:
    """Scale each row."""
    if len(weights) != len(matrix):
        raise ValueError("weights must be one a row.")
    return matrix * weights.unsqueeze(1)


def with_a_comment(matrix: Tensor, weights: Tensor) -> Tensor:
    if len(weights) != len(matrix):
        raise ValueError("weights must be one a row.")  # as it was

    return (matrix
            * weights.unsqueeze(1))  # fmt: skip


def touched(matrix: Tensor, weights: Tensor) -> Tensor:
    """Scale each row."""
    if len(weights) != len(matrix):
        raise ValueError("weights must be one a row.")
    scaled = matrix * weights.unsqueeze(1)
    return scaled


class Callable:
    def __call__(self) -> None:
        """Do nothing."""


@pytest.fixture
def repair(toy: Exercise, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """The toy exercise, handed out with the mistake "not-normalised"."""
    name = toy.target.partition(":")[0] + BROKEN_SUFFIX
    module = types.ModuleType(name)
    vars(module)["scale_rows"] = scale_rows
    monkeypatch.setitem(sys.modules, name, module)
    return replace(toy, repair=True)


def test_the_broken_version_is_found_beside_the_right_one(repair: Exercise) -> None:
    assert repair.broken() is scale_rows
    assert repair.reference() is not scale_rows


def test_comments_spaces_and_docstrings_do_not_count_as_touched() -> None:
    assert is_untouched(scale_rows, scale_rows)
    assert is_untouched(with_a_comment, scale_rows)
    assert not is_untouched(touched, scale_rows)


@pytest.mark.parametrize(
    "answer", [functools.partial(scale_rows), len, Callable, Callable(), lambda m, w: m]
)
def test_what_has_no_source_of_a_function_is_touched(answer: object) -> None:
    assert callable(answer)
    assert not is_untouched(answer, scale_rows)


def test_an_untouched_repair_shows_its_symptom_and_keeps_the_bug_for_itself(
    repair: Exercise,
) -> None:
    verdict = examine(repair, scale_rows)
    assert (verdict.passed, verdict.attempted) == (False, False)
    assert verdict.mistake == "not-normalised"
    assert verdict.message.startswith("○ 99:scale_rows: your turn.")
    assert "expected: tensor of shape (2, 3)" in verdict.message
    assert 'hint("99:scale_rows")' in verdict.message
    assert "sum to 1" not in verdict.message


def stops(matrix: Tensor, weights: Tensor) -> Tensor:
    return matrix @ weights


def test_an_error_of_an_untouched_repair_is_shown_with_its_line(
    repair: Exercise, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = repair.target.partition(":")[0] + BROKEN_SUFFIX
    monkeypatch.setattr(sys.modules[name], "scale_rows", stops)
    verdict = examine(repair, stops)
    assert not verdict.attempted
    assert "\n    RuntimeError: size mismatch" in verdict.message
    assert ": return matrix @ weights)" in verdict.message


def test_a_touched_one_is_told_which_bug_is_still_there(repair: Exercise) -> None:
    verdict = examine(repair, touched)
    assert (verdict.passed, verdict.attempted) == (False, True)
    assert "not normalised" in verdict.message
    assert "Do your weights sum to 1?" in verdict.message


def test_the_summary_says_that_it_is_not_repaired_yet(
    repair: Exercise, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = repair.target.partition(":")[0]
    monkeypatch.setattr(sys.modules[bank], "EXERCISES", (repair,))
    check(repair.key, scale_rows)
    run = Run(name="99_toy", scale=Scale.SMALL, device=torch.device("cpu"), seed=0)
    run.summary()
    assert "99:scale_rows  core     ○ the library's (not repaired yet)" in capsys.readouterr().out


def test_the_same_code_is_an_attempt_where_a_blank_was_handed_out(toy: Exercise) -> None:
    assert examine(toy, scale_rows).attempted


def test_a_repaired_one_passes(repair: Exercise) -> None:
    def repaired(matrix: Tensor, weights: Tensor) -> Tensor:
        return scale_rows(matrix, weights / weights.sum())

    assert examine(repair, repaired).passed
