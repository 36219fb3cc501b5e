"""`course lessons`: what there is to learn; and how a lesson is found by a short name."""

from pathlib import Path

from course_lib.errors import CourseError


def lesson_named(name: str) -> str:
    """Return the full name of the lesson that a learner means.

    Args:
        name: For example "1", "01", "a1" or "01_word_embeddings".

    Raises:
        CourseError: If there is no such lesson; the message lists those there are.
    """
    from course_lib.lesson.lessons import find_lesson

    try:
        return find_lesson(name)
    except ValueError as error:
        raise CourseError(str(error)) from None


def notebook_of(name: str) -> Path:
    """Return the notebook of a lesson, as the course ships it.

    Raises:
        CourseError: If there is no such lesson, or its notebook was not built yet.
    """
    from course_lib.data import notebooks_path

    path = notebooks_path() / f"{lesson_named(name)}.ipynb"
    if not path.is_file():
        raise CourseError(f"{path} is not there yet; build it with: make lessons")
    return path


def command() -> None:
    """List the lessons in teaching order."""
    import nbformat

    from course_lib.cli.execute import lesson_title
    from course_lib.lesson.lessons import LESSONS, lesson_prefix

    for name in LESSONS:
        title = lesson_title(nbformat.read(notebook_of(name), as_version=4))
        print(f"course start {lesson_prefix(name):<6}{title}")
