"""What nbval would let pass, our conftest fails; each notebook here is run by a real nbval."""

import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]


def run_nbval(folder: Path, *notebooks: list, limit_seconds: float = 120) -> str:
    """Run nbval over notebooks of these cells, as `make test` does; return what it reported."""
    (folder / "conftest.py").write_text(
        "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('guards', {str(ROOT / 'conftest.py')!r})\n"
        "guards = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(guards)\n"
        "globals().update({k: v for k, v in vars(guards).items() if k.startswith('pytest_')})\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\n")
    names = [f"{number}.ipynb" for number in range(len(notebooks))]
    for name, cells in zip(names, notebooks, strict=True):
        nbformat.write(new_notebook(cells=cells), folder / name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no"]
    command += ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", *names]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=limit_seconds, check=False
    )
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


def printed(source: str, text: str, **metadata) -> nbformat.NotebookNode:
    output = new_output("stream", name="stdout", text=text)
    return new_code_cell(source, outputs=[output], execution_count=1, metadata=metadata)


def test_sound_cells_pass_in_the_lessons_environment(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("COURSE_SCALE", "full")
    monkeypatch.setenv("COURSE_FALLBACK", "off")
    source = (
        "# NBVAL_CHECK_OUTPUT\nimport os\n"
        "names = ['COURSE_SCALE', 'COURSE_QUIZ', 'COURSE_PROGRESS', 'COURSE_FALLBACK']\n"
        "print([os.environ.get(name) for name in names])"
    )
    report = run_nbval(tmp_path, [printed(source, "['dry', 'text', 'off', None]\n")])
    assert "1 passed" in report, report


def test_a_difference_from_the_stored_output_fails(tmp_path) -> None:
    report = run_nbval(tmp_path, [printed("# NBVAL_CHECK_OUTPUT\nprint(4)", "3\n")])
    assert "Cell outputs differ" in report


def test_traps_are_refused_before_anything_runs(tmp_path) -> None:
    traps = {
        "no output is stored": new_code_cell("# NBVAL_CHECK_OUTPUT\nx = 1", execution_count=1),
        "its execution count is null": new_code_cell("# NBVAL_CHECK_OUTPUT\nprint(3)"),
        "ignores the tag 'nbval_skip'": printed("print(3)", "3\n", tags=["nbval_skip"]),
        "must have a code cell": nbformat.v4.new_markdown_cell("words"),
    }
    report = run_nbval(tmp_path, *([cell] for cell in traps.values()))
    assert report.startswith("exit 2")
    assert "4 errors" in report
    for said in traps:
        assert said in report


def test_a_cell_that_was_to_raise_and_did_not_fails(tmp_path) -> None:
    error = new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])
    cells = [
        new_code_cell(
            source, outputs=[error], execution_count=1, metadata={"tags": ["raises-exception"]}
        )
        for source in ("raise ValueError('no')", "x = 1")
    ]
    report = run_nbval(tmp_path, cells)
    assert "tagged raises-exception, but raised nothing" in report
    assert "1 failed, 1 passed" in report


def test_a_dead_kernel_fails_at_once(tmp_path) -> None:
    cells = [printed("import os\nos._exit(1)", ""), printed("print(3)", "3\n")]
    begun = time.perf_counter()
    report = run_nbval(tmp_path, cells)
    assert "the kernel died" in report, report
    assert "2 failed" in report
    assert time.perf_counter() - begun < 90  # nbval alone waits for its 120 s
