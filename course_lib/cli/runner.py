"""Running lessons one after the other: progress bar, one line each, results kept."""

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from course_lib.cli.allocator import allocator_settings
from course_lib.cli.execute import LessonResult, execute_lesson
from course_lib.cli.html import write_lesson_page
from course_lib.lesson.lessons import LESSONS
from course_lib.scale import Scale


def kernel_settings(scale: Scale) -> dict[str, str]:
    """Return the environment in which a lesson is executed.

    The learner's progress stays as it is, quizzes print text, and below GPU size nothing is
    fetched from the network. Freed memory is kept, which makes training faster.
    """
    settings = {
        **allocator_settings(os.environ),
        "COURSE_SCALE": scale.value,
        "COURSE_QUIZ": "text",
        "COURSE_PROGRESS": "off",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    if scale in (Scale.SMALL, Scale.DRY):
        settings["HF_HUB_OFFLINE"] = "1"
    return settings


def conditions(scale: Scale) -> str:
    """Say in one sentence how the lessons were run."""
    today = datetime.date.today().isoformat()
    return (
        f"Executed on {today} at scale {scale.value}, with Python {platform.python_version()} "
        f"and torch {torch.__version__}, on a machine with {os.cpu_count()} CPU cores."
    )


def merge_results(folder: Path, new: Sequence[LessonResult]) -> list[LessonResult]:
    """Add results to those that `folder` keeps of earlier runs, and keep them all.

    Args:
        folder: Where `results.json` lies.
        new: The results of this run; they replace older ones of the same lesson.

    Returns:
        The results of all lessons, in the order of their names as the course teaches them.
    """
    path = folder / "results.json"
    results = {result.name: result for result in new}
    if path.exists():
        for row in json.loads(path.read_text("utf-8")):
            if (folder / f"{row['name']}.html").exists():
                results.setdefault(row["name"], LessonResult(**row))
    ordered = sorted(results.values(), key=lambda result: teaching_order(result.name))
    path.write_text(json.dumps([asdict(result) for result in ordered], indent=1), "utf-8")
    return ordered


def teaching_order(name: str) -> tuple[int, str]:
    """Return a key that sorts lessons as they are taught; unknown ones last."""
    return (LESSONS.index(name) if name in LESSONS else len(LESSONS), name)


def report_line(result: LessonResult) -> str:
    """Write the line that stands for one lesson on the screen.

    Example:
        >>> report_line(LessonResult(
        ...     name="01_topic", title="", seconds=7.25, peak_bytes=2**30, error=None))
        '01_topic                        7.2 s    1024 MiB  ok'
    """
    verdict = "ok" if result.error is None else f"FAILED  {result.error}"
    return (
        f"{result.name:<28}{result.seconds:7.1f} s{result.peak_bytes / 2**20:8.0f} MiB  {verdict}"
    )


def run_lessons(
    sources: Sequence[Path],
    output: Path,
    *,
    scale: Scale = Scale.SMALL,
    cell_seconds: int = 600,
    console: Console | None = None,
) -> list[LessonResult]:
    """Execute lessons one after the other, with a progress bar and one line each.

    Args:
        sources: The notebooks, in teaching order.
        output: Folder for the executed notebooks, their pages and the index.
        scale: How big to run.
        cell_seconds: Time limit of a cell.
        console: Where lines and bar are shown; standard output if None.
    """
    console = console or Console(soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(sources))
        for number, source in enumerate(sources):
            bar.update(task, description=source.stem)
            result = execute_lesson(
                source,
                output / source.name,
                settings=kernel_settings(scale),
                cell_seconds=cell_seconds,
                on_cell=lambda done, total, n=number: bar.update(task, completed=n + done / total),
            )
            write_lesson_page(output / source.name, result.title)
            console.print(report_line(result), highlight=False, markup=False)
            results.append(result)
    return results
