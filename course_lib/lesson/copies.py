"""The learner's own copy of a lesson: made once, brought up to date, never overwritten."""

import shutil
import warnings
from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.data import notebooks_path
from course_lib.errors import CourseError
from course_lib.lesson.carrying import carry_over
from course_lib.lesson.lessons import find_lesson
from course_lib.lesson.progress import work_folder, write_json


def open_copy(name: str) -> Path:
    """Find the learner's copy of a lesson; make it, or bring it up to date, where needed.

    The copy lies in the work folder. When the course's lesson has changed since the copy was
    made, what the learner wrote is carried over (see `carry_over`), and the file as it was is
    kept in `backups/` beside it.

    Args:
        name: The lesson, as `find_lesson` understands it.

    Returns:
        The copy's path.

    Raises:
        ValueError: If there is no such lesson.
        CourseError: If the copy exists but is not a notebook; nothing is touched then.
    """
    lesson = find_lesson(name)
    copy = work_folder() / f"{lesson}.ipynb"
    original = work_folder() / ".course" / f"{lesson}.ipynb"
    new = _without_outputs(_read(notebooks_path() / f"{lesson}.ipynb"))
    if not copy.exists():
        write_json(copy, new)
    else:
        mine = _read(copy)
        old = _read(original) if original.exists() else nbformat.v4.new_notebook()
        if old == new:
            return copy
        _update(copy, carry_over(old, mine, new), mine)
    write_json(original, new)
    return copy


def _update(copy: Path, merged: NotebookNode, mine: NotebookNode) -> None:
    if merged == mine:
        return
    kept = _back_up(copy)
    write_json(copy, merged)
    print(
        f"{copy.name}: the lesson has changed since your copy was made. Your answers are carried "
        f"over; the file as it was is kept as {kept.relative_to(copy.parent)}."
    )


def _back_up(copy: Path) -> Path:
    """Copy a file into `backups/`, named by the time, never over another."""
    folder = copy.parent / "backups"
    folder.mkdir(exist_ok=True)
    stem = f"{copy.stem}.{datetime.now():%Y-%m-%d-%H%M%S}"
    kept, number = folder / f"{stem}.ipynb", 2
    while kept.exists():
        kept, number = folder / f"{stem}-{number}.ipynb", number + 1
    shutil.copy2(copy, kept)
    return kept


def _read(path: Path) -> NotebookNode:
    """Read a notebook, and refuse anything else."""
    try:
        with warnings.catch_warnings(action="ignore"):  # missing or repeated ids are mended
            notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(notebook, relax_add_props=True)
    except (ValueError, KeyError, AttributeError, TypeError, nbformat.ValidationError) as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CourseError(
            f"{path} is not a notebook that can be read ({reason}). Nothing was changed. To go on, "
            "move that file away and open the lesson again: you get a fresh copy."
        ) from None
    return notebook


def _without_outputs(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook
