"""`course start` and `course lab`: open the learner's own copy of a lesson in JupyterLab."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.allocator import allocator_settings
from course_lib.cli.lessons import lesson_named

Browser = Annotated[bool, typer.Option(help="Open a browser window; else print the address.")]
CopyOnly = Annotated[bool, typer.Option("--copy-only", help="Make the copy; start nothing.")]


def lab_command(copy: Path, browser: bool) -> list[str]:
    """Return the command that opens a notebook in JupyterLab with this Python.

    Args:
        copy: The learner's notebook.
        browser: False for a machine without a screen: the address is printed instead.

    Example:
        >>> lab_command(Path("work/01_topic.ipynb"), browser=False)[1:]
        ['-m', 'jupyterlab', 'work/01_topic.ipynb', '--no-browser']
    """
    command = [sys.executable, "-m", "jupyterlab", copy.as_posix()]
    return command if browser else [*command, "--no-browser"]


def open_lesson(lesson: str, *, browser: bool, copy_only: bool) -> None:
    """Make the learner's copy of a lesson, say where it is, and open it.

    Args:
        lesson: Any name that `course lessons` understands.
        browser: Whether JupyterLab opens a window.
        copy_only: Whether to stop after the copy.

    Raises:
        CourseError: If there is no such lesson.
    """
    from course_lib.lesson.copies import open_copy

    copy = open_copy(lesson_named(lesson))
    print(f"Your copy: {copy}", flush=True)
    if not copy_only:
        environment = {**os.environ, **allocator_settings(os.environ)}
        done = subprocess.run(lab_command(copy, browser), env=environment)
        raise typer.Exit(done.returncode)


def start(
    lesson: Annotated[str, typer.Argument(help="For example 01, a1 or 01_word_embeddings.")],
    browser: Browser = True,
    copy_only: CopyOnly = False,
) -> None:
    """Open your copy of a lesson in JupyterLab; your answers in it are never overwritten."""
    open_lesson(lesson, browser=browser, copy_only=copy_only)


def lab(browser: Browser = True) -> None:
    """Open JupyterLab at the first lesson."""
    from course_lib.lesson.lessons import LESSONS

    open_lesson(LESSONS[0], browser=browser, copy_only=False)
