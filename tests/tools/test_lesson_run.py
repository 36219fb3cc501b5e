import os
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from lesson_run import LessonFailedError, kernel_environment, run_notebook  # noqa: E402


def notebook(*sources: str):
    cells = [new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(sources)]
    return new_notebook(cells=cells, metadata={"title": "Toy"})


def test_only_the_lessons_own_settings_are_there(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("COURSE_FALLBACK", "off")
    monkeypatch.setenv("COURSE_CACHE_DIR", "kept")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTHONPATH", "before")
    environment = kernel_environment(tmp_path, COURSE_SCALE="dry")
    assert {k: v for k, v in environment.items() if k.startswith("COURSE_")} == {
        "COURSE_CACHE_DIR": "kept",
        "COURSE_DEVICE": "cpu",
        "COURSE_PROGRESS": "off",
        "COURSE_QUIZ": "text",
        "COURSE_SCALE": "dry",
    }
    assert environment["PYTHONPATH"] == f"{tmp_path}{os.pathsep}before"
    assert environment["PATH"] == os.environ["PATH"]
    assert "MPLBACKEND" not in environment


def test_a_run_stores_outputs_in_one_piece_and_keeps_the_metadata(tmp_path) -> None:
    lesson = notebook("import sys\nfor n in range(3):\n    print(n)\n    sys.stdout.flush()", "3")
    run_notebook(lesson, tmp_path, kernel_environment(tmp_path))
    (printed,), (shown,) = (cell.outputs for cell in lesson.cells)
    assert printed.text == "0\n1\n2\n"
    assert shown.data == {"text/plain": "3"}
    assert [cell.metadata for cell in lesson.cells] == [{}, {}]
    assert lesson.metadata == {"title": "Toy"}


@pytest.mark.parametrize(
    ("source", "said"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("import os\nos._exit(1)", "Kernel died")],
)
def test_the_cell_that_failed_is_named_in_plain_text(tmp_path, source, said) -> None:
    lesson = notebook("x = 1", source, "y = 2")
    with pytest.raises(LessonFailedError, match=r"^cell-1: ") as caught:
        run_notebook(lesson, tmp_path, kernel_environment(tmp_path))
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)
