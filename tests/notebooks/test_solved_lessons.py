"""Each lesson's exercises, solved, with the fall-back on the library switched off.

Only what a solution may lean on runs with it: set-up, imports, and the library's code shown
before. The other cells run when nbval runs the whole lesson, in which the library stands in for
the learner: it is the same code.
"""

import ast
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lessons  # noqa: E402
from lesson_marks import make_notebook, read_mark, read_source  # noqa: E402
from lesson_run import LessonFailedError, kernel_environment, run_notebook  # noqa: E402

from course_lib.lesson import exercises_of  # noqa: E402

IMPORTS = (ast.Import, ast.ImportFrom)


ANSWERS = ("exercise-", "repair-")
WHOLE = ("setup", "sync-", *ANSWERS)


def is_check(cell: NotebookNode) -> bool:
    return "= check(" in cell.source


def without_the_rest(notebook: NotebookNode) -> NotebookNode:
    """Keep set-up, shown code, exercises and checks; of the other cells, the imports."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if not (cell.id.startswith(WHOLE) or is_check(cell)):
            kept = [node for node in ast.parse(cell.source).body if isinstance(node, IMPORTS)]
            cell.source = ast.unparse(kept)
        if cell.source:
            cells.append(cell)
    notebook.cells = cells
    return notebook


def run_exercises(notebook: NotebookNode, folder: Path) -> None:
    run_notebook(
        without_the_rest(notebook), folder, kernel_environment(ROOT, COURSE_FALLBACK="off")
    )


@pytest.mark.slow
@pytest.mark.parametrize("source", lessons.sources(ROOT), ids=lambda path: path.stem)
def test_the_solutions_pass_their_checks(source: Path, tmp_path: Path) -> None:
    notebook = make_notebook(ROOT, source, solved=True)
    run_exercises(notebook, tmp_path)
    exercises = [cell for cell in notebook.cells if cell.id.startswith(ANSWERS)]
    checks = [cell for cell in notebook.cells if is_check(cell)]
    assert len(exercises) == len(checks) >= 5
    assert "Your turn" not in "".join(cell.source for cell in exercises)
    assert all(cell.execution_count and cell.outputs for cell in checks)


@pytest.mark.parametrize("source", lessons.sources(ROOT), ids=lambda path: path.stem)
def test_what_is_handed_out_broken_is_an_exercise_in_repairing(source: Path) -> None:
    marks = [read_mark(cell.source) for cell in read_source(source)]
    broken = {mark.target for mark in marks if mark.kind == "repair"}
    assert broken <= {one.target for one in exercises_of(source.stem) if one.repair}


def test_an_unsolved_lesson_stops_at_its_first_check(tmp_path: Path) -> None:
    notebook = make_notebook(ROOT, lessons.sources(ROOT)[0])
    with pytest.raises(LessonFailedError):
        run_exercises(nbformat.from_dict(notebook), tmp_path)
