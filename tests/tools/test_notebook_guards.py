import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from notebook_guards import MAX_BYTES, cell_problems, notebook_problems  # noqa: E402

PRINTED = new_output("stream", name="stdout", text="3\n")
RAISED = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])


def shown(data, metadata=None):
    return new_output("display_data", data=data, metadata=metadata or {})


def code(source="print(3)", outputs=(PRINTED,), tags=(), count: int | None = 1):
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(
        source, id="c", outputs=list(outputs), execution_count=count, metadata=metadata
    )


@pytest.mark.parametrize(
    "cell",
    [
        code(),
        code("# NBVAL_CHECK_OUTPUT\nprint(3)"),
        code("int('x')", [RAISED], ["raises-exception"]),
        code("# NBVAL_RAISES_EXCEPTION\nint('x')", [RAISED]),
        code(tags=["nbval-skip", "gpu"]),
        code("", [], count=None),
        code("fig", [shown({"image/png": "aGk="}, {"image/png": {"alt": "A line."}})]),
        new_markdown_cell("# NBVAL_NONSENSE"),
    ],
)
def test_sound_cells_pass(cell) -> None:
    assert cell_problems(cell) == []


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (code("# NBVAL_CHECK_OUTPUT\nx = 3", []), "no output is stored to compare with"),
        (code(tags=["nbval-check-output"], outputs=[]), "no output is stored to compare with"),
        (code("# NBVAL_CHECK_OUTPUTS\nprint(3)"), "ignores the comment 'NBVAL_CHECK_OUTPUTS'"),
        (code(tags=["nbval_skip"]), "ignores the tag 'nbval_skip'"),
        (code(tags=["NBVAL-SKIP"]), "ignores the tag 'NBVAL-SKIP'"),
        (code(count=None), "execution count is null"),
        (code(outputs=[RAISED]), "must not raise"),
        (code(tags=["raises-exception"]), "its stored run raised nothing"),
        (code(outputs=[new_output("stream", name="stderr", text="w")]), "stderr; wrote 'w'"),
        (code(outputs=[new_output("stream", text="\x1b[1mx")]), "without colour codes"),
        (code(outputs=[new_output("stream", text=f"{ROOT}/x")]), "a path of this machine"),
        (code(outputs=[shown({"text/plain": f"{tempfile.gettempdir()}/a"})]), "a path of this"),
        (code(outputs=[shown({"image/png": "aGk="})]), "an image without alt text"),
        (
            code(outputs=[shown({"application/vnd.jupyter.widget-view+json": {}})]),
            "must not store a widget",
        ),
    ],
)
def test_each_trap_is_named_with_its_cell(cell, said) -> None:
    (problem,) = cell_problems(cell)
    assert problem.startswith("c: ")
    assert said in problem


def test_a_notebook_without_code_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell("Only words.")]), path)
    assert notebook_problems(path) == [
        "x.ipynb: the notebook must have a code cell, or nothing is tested."
    ]
    nbformat.write(new_notebook(cells=[code(outputs=[PRINTED])]), path)
    assert notebook_problems(path) == []
    big = new_output("stream", name="stdout", text="x" * MAX_BYTES)
    nbformat.write(new_notebook(cells=[code(outputs=[big])]), path)
    (problem,) = notebook_problems(path)
    assert f"must be at most {MAX_BYTES} bytes" in problem
