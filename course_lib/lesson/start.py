"""`start`: the last line of a lesson's set-up cell, and the `run` that the lesson's cells use."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

import torch

from course_lib.lesson import recorded as records
from course_lib.lesson.banks import exercises_of
from course_lib.lesson.check import last_verdict
from course_lib.lesson.exercise import Exercise
from course_lib.lesson.ipython import guard_exercise_cells
from course_lib.lesson.lessons import find_lesson
from course_lib.scale import Scale, choose_device, current_scale, pick
from course_lib.seeding import make_generator, seed_everything

T = TypeVar("T")

SEED = 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a lesson: how big, on which device, and what came of it.

    Attributes:
        name: The lesson's full name.
        scale: How big to run.
        device: Where tensors live.
        seed: What the global generators were seeded with.
    """

    name: str
    scale: Scale
    device: torch.device
    seed: int

    @property
    def gpu_cell(self) -> bool:
        """Whether the cells meant for a GPU compute here (at scale dry: as small as they can)."""
        if self.scale is Scale.DRY:
            return True
        return self.scale in (Scale.T4, Scale.FULL) and self.device.type == "cuda"

    def pick(self, *, small: T, t4: T | None = None, full: T | None = None) -> T:
        """Pick the value for this run's scale; a missing one falls back on the next smaller.

        Args:
            small: The value on a laptop.
            t4: The value on a Colab GPU.
            full: The value on a modern GPU.
        """
        return pick(self.scale, small=small, t4=t4, full=full)

    def generator(self) -> torch.Generator:
        """Make a generator from the run's seed."""
        return make_generator(self.seed)

    def record(self, name: str, result: dict[str, Any]) -> records.Recorded:
        """Record what a GPU cell has measured; a dry run only checks that it could be.

        Args:
            name: Small letters, digits and hyphens, such as "05-pretraining".
            result: Plain numbers, texts, lists and dictionaries.

        Returns:
            The record; one that is not `measured` in a dry run.

        Raises:
            RecordRefusedError: If this is neither a dry run nor a CUDA run at scale t4 or full.
            ValueError: If the name or the result cannot be recorded.
        """
        if self.scale is Scale.DRY:
            records.check_result(name, result)
            print(f"{name}: dry run, so nothing is recorded.")
            return records.Recorded(name=name)
        done = records.record(name, result, scale=self.scale, device=self.device)
        print(done)
        return done

    def recorded(self, name: str) -> records.Recorded:
        """Find a recorded result and print where it comes from, or that there is none.

        Args:
            name: The name it was recorded under.

        Raises:
            DigestMismatchError: If its file was altered.
        """
        found = records.load_recorded(name)
        print(found)
        return found

    def summary(self) -> None:
        """Print which functions of the lesson were the learner's, and which the library's."""
        exercises = exercises_of(self.name)
        if not exercises:
            print(f"{self.name} has no exercises.")
            return
        width = max(len(exercise.key) for exercise in exercises)
        n_yours, n_exercises, open_keys = 0, len(exercises), []
        print(f"Exercises of {self.name}")
        for exercise in exercises:
            verdict = last_verdict(exercise.key)
            if verdict is not None and verdict.passed:
                n_yours += 1
            else:
                open_keys.append(exercise.key)
            print(f"  {exercise.key:<{width}}  {exercise.level:<7}  {_describe(exercise)}")
        print(f"{n_yours} of {n_exercises} {'is' if n_yours == 1 else 'are'} yours.")
        if open_keys:
            print(f'For a hint to the next one: hint("{open_keys[0]}")')


def _describe(exercise: Exercise) -> str:
    verdict = last_verdict(exercise.key)
    if verdict is None:
        return "not checked"
    if verdict.passed:
        return "✓ yours"
    if not verdict.attempted:
        return f"○ the library's (not {'repaired' if exercise.repair else 'written'} yet)"
    return "✗ the library's (yours is not right yet)"


def start(name: str) -> Run:
    """Start a lesson: seed, choose scale and device, guard the exercise cells, and say so.

    Args:
        name: The lesson's number or name.

    Returns:
        The run, which the lesson's cells call `run`.

    Raises:
        ValueError: If there is no such lesson, or `COURSE_SCALE` or `COURSE_DEVICE` is malformed.
    """
    run = Run(name=find_lesson(name), scale=current_scale(), device=choose_device(), seed=SEED)
    seed_everything(run.seed)
    guard_exercise_cells()
    versions = (
        f"Python {platform.python_version()} · torch {torch.__version__} · "
        f"course_lib {version('course-lib')}"
    )
    print(f"Lesson {run.name} · scale {run.scale} · device {run.device} · seed {run.seed}")
    print(versions)
    if run.scale in (Scale.T4, Scale.FULL) and not run.gpu_cell:
        print(f"Scale {run.scale} needs a CUDA GPU and there is none: GPU cells show records.")
    return run
