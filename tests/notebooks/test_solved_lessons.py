"""Each lesson with its solutions put in and the fall-back on the library switched off."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lessons  # noqa: E402
from lesson_marks import make_notebook  # noqa: E402
from lesson_run import kernel_environment, run_notebook  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize("source", lessons.sources(ROOT), ids=lambda path: path.stem)
def test_the_solutions_carry_the_lesson_to_its_end(source: Path, tmp_path: Path) -> None:
    """At scale `dry`, so that the GPU cells' code runs too, on the CPU."""
    notebook = make_notebook(ROOT, source, solved=True)
    environment = kernel_environment(ROOT, COURSE_FALLBACK="off", COURSE_SCALE="dry")
    run_notebook(notebook, tmp_path, environment)
    assert notebook.cells[-1].execution_count
    exercises = [cell.source for cell in notebook.cells if cell.id.startswith("exercise-")]
    assert exercises
    assert "Your turn" not in "".join(exercises)
