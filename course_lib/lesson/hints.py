"""Staged hints: a nudge, then the shapes, then the steps in words, and the solution last."""

import inspect

from course_lib.lesson.banks import find_exercise
from course_lib.lesson.exercise import Exercise
from course_lib.lesson.progress import note_hint

STAGES = ("a nudge", "what goes in and what comes out", "the steps", "the solution")

_n_shown: dict[str, int] = {}


def hint(key: str) -> None:
    """Print the next hint to an exercise; each call goes one step further, up to the solution.

    Args:
        key: The exercise, such as "01:sgns_loss".

    Raises:
        ValueError: If there is no such exercise.
    """
    exercise = find_exercise(key)
    stage = min(_n_shown.get(key, 0), len(STAGES) - 1)
    _n_shown[key] = stage + 1
    note_hint(key, stage + 1)
    print(f"Hint {stage + 1} of {len(STAGES)} to {key}: {STAGES[stage]}")
    print(_texts(exercise)[stage].strip())
    if stage + 1 < len(STAGES):
        print(f'Need more? hint("{key}") again shows {STAGES[stage + 1]}.')


def _texts(exercise: Exercise) -> tuple[str, str, str, str]:
    solution = inspect.getsource(exercise.reference())
    return exercise.nudge, exercise.shapes, exercise.pseudocode, solution
