import importlib

import pytest
import torch
from torch import Tensor

from course_lib.errors import RecordRefusedError
from course_lib.lesson import Run, check, start
from course_lib.lesson.exercise import Exercise
from course_lib.scale import Scale

TOY_LESSON = "99_toy"


@pytest.fixture(autouse=True)
def toy_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    lessons = importlib.import_module("course_lib.lesson.lessons")
    monkeypatch.setattr(lessons, "LESSONS", ("00_start_here", TOY_LESSON))
    monkeypatch.setenv("COURSE_DEVICE", "cpu")


def make_run(scale: Scale, device: str = "cpu") -> Run:
    return Run(name=TOY_LESSON, scale=scale, device=torch.device(device), seed=0)


def test_start_says_where_and_how_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    run = start(TOY_LESSON)
    assert (run.name, run.scale, run.device.type, run.seed) == (TOY_LESSON, Scale.SMALL, "cpu", 0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Lesson 99_toy · scale small · device cpu · seed 0"
    assert f"torch {torch.__version__}" in lines[1]
    assert len(lines) == 2


def test_start_seeds_everything() -> None:
    start("99")
    first = torch.rand(3)
    run = start("99")
    torch.testing.assert_close(torch.rand(3), first, rtol=0, atol=0)
    torch.testing.assert_close(
        torch.rand(3, generator=run.generator()), torch.rand(3, generator=run.generator())
    )


def test_start_says_when_a_gpu_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COURSE_SCALE", "t4")
    assert not start(TOY_LESSON).gpu_cell
    assert "Scale t4 needs a CUDA GPU and there is none" in capsys.readouterr().out


def test_unknown_lessons_are_refused() -> None:
    with pytest.raises(ValueError, match="got '98_none'"):
        start("98_none")


@pytest.mark.parametrize(
    ("scale", "device", "computes", "picked"),
    [
        (Scale.SMALL, "cpu", False, 1),
        (Scale.SMALL, "cuda", False, 1),
        (Scale.DRY, "cpu", True, 1),
        (Scale.T4, "cuda", True, 10),
        (Scale.T4, "cpu", False, 10),
        (Scale.FULL, "cuda", True, 100),
        (Scale.FULL, "mps", False, 100),
    ],
)
def test_gpu_cells_compute_where_they_can(
    scale: Scale, device: str, computes: bool, picked: int
) -> None:
    run = make_run(scale, device)
    assert run.gpu_cell is computes
    assert run.pick(small=1, t4=10, full=100) == picked


def test_a_dry_run_checks_but_does_not_record(capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(Scale.DRY)
    assert not run.record("99-toy", {"loss": 1.5}).measured
    assert "nothing is recorded" in capsys.readouterr().out
    with pytest.raises(ValueError, match="plain numbers"):
        run.record("99-toy", {"loss": torch.ones(1)})
    assert not run.recorded("99-toy").measured
    assert capsys.readouterr().out == "99-toy: not yet measured on a GPU.\n"


def test_a_small_run_may_not_record() -> None:
    with pytest.raises(RecordRefusedError):
        make_run(Scale.SMALL).record("99-toy", {"loss": 1.5})


def test_the_summary_tells_yours_from_the_librarys(
    toy: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    def blank(matrix: Tensor, weights: Tensor) -> Tensor:
        raise NotImplementedError("Your turn")

    def right(matrix: Tensor, weights: Tensor) -> Tensor:
        return toy.reference()(matrix, weights)

    def summarise() -> str:
        capsys.readouterr()
        make_run(Scale.SMALL).summary()
        return capsys.readouterr().out

    open_summary = (
        "Exercises of 99_toy\n"
        "  99:scale_rows  core     {}\n"
        "0 of 1 are yours.\n"
        'For a hint to the next one: hint("99:scale_rows")\n'
    )
    assert summarise() == open_summary.format("not checked")
    check(toy.key, blank)
    assert summarise() == open_summary.format("○ the library's (not written yet)")
    check(toy.key, lambda matrix, weights: 3)
    assert summarise() == open_summary.format("✗ the library's (yours is not right yet)")
    check(toy.key, right)
    assert summarise() == (
        "Exercises of 99_toy\n  99:scale_rows  core     ✓ yours\n1 of 1 is yours.\n"
    )


def test_a_lesson_without_exercises_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(name="98_other", scale=Scale.SMALL, device=torch.device("cpu"), seed=0)
    run.summary()
    assert capsys.readouterr().out == "98_other has no exercises.\n"
