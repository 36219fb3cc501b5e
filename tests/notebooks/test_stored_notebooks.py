"""The lessons as they are stored: nothing that nbval would overlook, nothing ugly to see."""

import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from notebook_guards import notebook_problems  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_is_a_notebook_for_every_source() -> None:
    names = [path.stem for path in sorted((ROOT / "notebooks" / "src").glob("*.py"))]
    assert names
    assert [path.stem for path in NOTEBOOKS] == names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_lesson_has_no_trap_and_no_blemish(path: Path) -> None:
    assert notebook_problems(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_lesson_is_valid_and_has_checked_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    checked = [cell for cell in notebook.cells if "# NBVAL_CHECK_OUTPUT" in cell.source]
    assert len(checked) >= 3
