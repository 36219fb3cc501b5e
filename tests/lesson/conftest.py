"""A toy exercise bank, and a clean slate for every test: no progress file, no settings."""

import gc
import importlib
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from course_lib.lesson import hints
from course_lib.lesson.exercise import Case, Exercise, Mistake

BANK = "course_lib.lesson.exercises_99"


def scale_rows(matrix: Tensor, weights: Tensor) -> Tensor:
    """Scale each row of a (2, 3) matrix by its share of the weights."""
    if len(weights) != len(matrix):
        raise ValueError("weights must be one a row.")
    return matrix * (weights / weights.sum()).unsqueeze(1)


def _matrix() -> Tensor:
    return torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


TOY = Exercise(
    key="99:scale_rows",
    target=f"{BANK}:scale_rows",
    level="core",
    cases=(
        Case(why="weights 1 and 3", args=lambda: (_matrix(), torch.tensor([1.0, 3.0]))),
        Case(why="weights 2 and 8", args=lambda: (_matrix() + 7, torch.tensor([2.0, 8.0]))),
        Case(why="a weight missing", args=lambda: (_matrix(), torch.ones(1)), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="not-normalised",
            hint="Do your weights sum to 1?",
            twin=lambda matrix, weights: scale_rows(matrix, weights) * weights.sum(),
        ),
        Mistake(
            name="summed-up",
            hint="You add the rows; keep them apart.",
            twin=lambda matrix, weights: scale_rows(matrix, weights).sum(dim=0),
        ),
        Mistake(
            name="only-ones",
            hint="Only ones come out.",
            seen=lambda seen: bool((seen[0].value == 1).all()),
        ),
        Mistake(
            name="nothing-checked",
            hint="One weight for two rows must be refused.",
            seen=lambda seen: seen[0].error is None and seen[-1].error is None,
        ),
    ),
    nudge="What share of the whole is each weight?",
    shapes="matrix (R, C), weights (R,); out (R, C)",
    pseudocode="divide the weights by their sum; multiply each row",
    limit_seconds=1.0,
)


@pytest.fixture
def toy() -> Exercise:
    """The toy exercise, which `find_exercise` finds in lesson 99."""
    return TOY


@pytest.fixture(autouse=True)
def no_callbacks_of_the_collector() -> Iterator[None]:
    """Keep hypothesis out of the garbage collector: a stop that lands in there makes a warning."""
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No progress, no memory of earlier checks and hints, a work folder of one's own."""
    bank = types.ModuleType(BANK)
    bank.__spec__ = importlib.machinery.ModuleSpec(BANK, loader=None)
    vars(bank).update(EXERCISES=(TOY,), scale_rows=scale_rows)
    monkeypatch.setitem(sys.modules, BANK, bank)
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "work"))
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    for name in ("COURSE_FALLBACK", "COURSE_QUIZ", "COURSE_SCALE", "COURSE_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(importlib.import_module("course_lib.lesson.check"), "_verdicts", {})
    monkeypatch.setattr(hints, "_n_shown", {})
