"""`course run`: execute lessons, measure them, and write their pages and an index."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from course_lib.errors import CourseError

# What is heavy is imported where it is used, so that `course doctor` runs where it is missing.


def chosen_lessons(names: Sequence[str], every: bool) -> list[Path]:
    """Find the notebooks of the lessons that the command line names.

    Raises:
        CourseError: If it names none, or one that does not exist.
    """
    from course_lib.cli.lessons import notebook_of
    from course_lib.lesson.lessons import LESSONS

    if bool(names) == every:
        raise CourseError("Name the lessons to run (course run 01), or ask for all: --all.")
    return [notebook_of(name) for name in (LESSONS if every else names)]


def command(
    lessons: Annotated[list[str] | None, typer.Argument(help="For example 01, a1.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Run every lesson.")] = False,
    output: Annotated[Path, typer.Option(help="Where the results go.")] = Path("build/course"),
    scale: Annotated[
        Literal["dry", "small", "t4", "full"], typer.Option(help="How big to run.")
    ] = "small",
    cell_seconds: Annotated[int, typer.Option(help="Time limit of one cell.")] = 600,
) -> None:
    """Execute lessons and write them as web pages, with an index."""
    sources = chosen_lessons(lessons or [], every)
    from course_lib.cli.html import write_index
    from course_lib.cli.runner import conditions, merge_results, run_lessons
    from course_lib.scale import Scale

    output, size = output.resolve(), Scale(scale)
    results = run_lessons(sources, output, scale=size, cell_seconds=cell_seconds)
    index = write_index(merge_results(output, results), output, conditions(size))
    failed = sum(result.error is not None for result in results)
    total = sum(result.seconds for result in results)
    print(f"{len(results) - failed} of {len(results)} lessons ran to the end, in {total:.0f} s.")
    print(f"Open {index}")
    raise typer.Exit(1 if failed else 0)
