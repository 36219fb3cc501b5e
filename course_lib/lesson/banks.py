"""Find the exercises of a lesson: its bank is the module `course_lib.lesson.exercises_<lesson>`."""

import difflib
import importlib
import importlib.util

from course_lib.lesson.exercise import Exercise


def exercises_of(lesson: str) -> tuple[Exercise, ...]:
    """Return the exercises of a lesson, in the order of the lesson.

    Args:
        lesson: The lesson's name or the part before the underscore: "01", "A1_foundations".

    Returns:
        No exercises if the lesson has no bank.
    """
    prefix = lesson.partition("_")[0].lower()
    module = f"course_lib.lesson.exercises_{prefix}"
    if not prefix.isalnum() or importlib.util.find_spec(module) is None:
        return ()
    return importlib.import_module(module).EXERCISES


def find_exercise(key: str) -> Exercise:
    """Find an exercise by its key.

    Args:
        key: Lesson and function, such as "01:sgns_loss".

    Raises:
        ValueError: If there is no such exercise; names those with a similar key.
    """
    lesson, _, _ = key.partition(":")
    exercises = {exercise.key: exercise for exercise in exercises_of(lesson)}
    if key not in exercises:
        near = difflib.get_close_matches(key, exercises, n=3) or list(exercises)
        known = f"did you mean {', '.join(near)}?" if near else f"lesson {lesson!r} has none."
        raise ValueError(f"key must be the key of an exercise; got key={key!r}: {known}")
    return exercises[key]
