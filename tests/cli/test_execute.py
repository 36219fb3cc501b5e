from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from course_lib.cli.execute import PeakMemory, children_bytes, execute_lesson, lesson_title

MIB = 2**20
Maker = Callable[..., Path]


def texts(path: Path) -> list[str]:
    """Return what each code cell of an executed notebook printed."""
    cells = nbformat.read(path, as_version=4).cells
    return [
        "".join(output.get("text", output.get("ename", "")) for output in cell.outputs)
        for cell in cells
        if cell.cell_type == "code"
    ]


def test_a_lesson_is_executed_with_settings_beside_its_target(
    make_notebook: Maker, tmp_path: Path
) -> None:
    source = make_notebook(
        "01_topic",
        "md:# 01 · A topic\n\ntext",
        "import os, sys, pathlib; print(os.environ['COURSE_SCALE'], pathlib.Path.cwd().name)",
        "print(sys.executable)",
    )
    seen: list[tuple[int, int]] = []
    result = execute_lesson(
        source,
        tmp_path / "out" / source.name,
        settings={"COURSE_SCALE": "dry"},
        on_cell=lambda done, total: seen.append((done, total)),
    )
    import sys

    assert texts(tmp_path / "out" / "01_topic.ipynb") == ["dry out\n", f"{sys.executable}\n"]
    assert (result.name, result.title, result.error) == ("01_topic", "01 · A topic", None)
    assert seen == [(0, 3), (1, 3), (2, 3)]
    assert 0.1 < result.seconds < 60
    assert texts(source) == ["", ""], "the source must stay as it was"


def test_peak_memory_sees_what_a_cell_holds_only_for_a_moment(
    make_notebook: Maker, tmp_path: Path
) -> None:
    small = make_notebook("small", "import time; time.sleep(1.5)")
    large = make_notebook(
        "large", "import time; block = bytearray(300 * 2**20); time.sleep(1.5); del block"
    )
    first = execute_lesson(small, tmp_path / "out" / "small.ipynb", settings={})
    second = execute_lesson(large, tmp_path / "out" / "large.ipynb", settings={})
    assert 20 < first.peak_bytes / MIB < 300
    assert 200 < (second.peak_bytes - first.peak_bytes) / MIB < 400


def test_children_are_counted_and_then_gone(make_notebook: Maker) -> None:
    import subprocess
    import sys

    before = children_bytes()
    program = "x = bytearray(100 * 2**20); print('ready', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    with PeakMemory(interval_seconds=0.01) as memory:
        while memory.peak_bytes == 0:
            pass
    child.communicate(b"\n")
    assert 100 * MIB < memory.peak_bytes - before < 200 * MIB
    assert children_bytes() - before < 10 * MIB


def test_the_kernel_itself_says_nothing(
    make_notebook: Maker, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_notebook("quiet", "print('into the notebook')")
    execute_lesson(source, tmp_path / "out" / "quiet.ipynb", settings={})
    assert capfd.readouterr() == ("", "")


def test_a_failing_cell_ends_the_lesson_but_its_outputs_are_kept(
    make_notebook: Maker, tmp_path: Path
) -> None:
    source = make_notebook("bad", "print('before')", "1 / 0", "print('never')")
    result = execute_lesson(source, tmp_path / "out" / "bad.ipynb", settings={})
    assert result.error == "ZeroDivisionError: division by zero"
    assert texts(tmp_path / "out" / "bad.ipynb") == ["before\n", "ZeroDivisionError", ""]


def test_old_outputs_do_not_survive_a_failure(make_notebook: Maker, tmp_path: Path) -> None:
    source = make_notebook("old", "1 / 0", "print('again')")
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="stale")]
    nbformat.write(notebook, source)
    execute_lesson(source, tmp_path / "out" / "old.ipynb", settings={})
    assert texts(tmp_path / "out" / "old.ipynb")[1] == ""


def test_an_endless_cell_is_stopped(make_notebook: Maker, tmp_path: Path) -> None:
    source = make_notebook("endless", "while True: pass")
    result = execute_lesson(source, tmp_path / "out" / "e.ipynb", settings={}, cell_seconds=1)
    assert result.error == "a cell ran longer than allowed (--cell-seconds)"
    assert result.seconds < 30


def test_a_dead_kernel_is_reported(make_notebook: Maker, tmp_path: Path) -> None:
    source = make_notebook("dead", "import os; os._exit(1)")
    result = execute_lesson(source, tmp_path / "out" / "dead.ipynb", settings={})
    assert result.error is not None
    assert result.error.startswith("the kernel died")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["md:intro\n# The title \n# Another"], "The title"),
        (["# a comment in code", "md:## only level two"], "Untitled"),
    ],
)
def test_lesson_title(make_notebook: Maker, cells: list[str], expected: str) -> None:
    assert lesson_title(nbformat.read(make_notebook("t", *cells), as_version=4)) == expected
