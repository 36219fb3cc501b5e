import inspect
import sys
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from course_lib.lesson import ipython as module
from course_lib.lesson.ipython import (
    BrokenAnswer,
    guard_exercise_cells,
    run_source,
    transform_exercise_cell,
)

MARK = "# @exercise course_lib.toy:double\n"


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))


@pytest.fixture
def shell(one_shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A real IPython, with an empty namespace and the exercise cells guarded."""
    one_shell.reset(new_session=False)
    monkeypatch.setattr(module, "_running_shell", lambda: one_shell)
    assert guard_exercise_cells()
    return one_shell


def run(shell: InteractiveShell, body: str) -> Any:
    """Run a marked cell; it must end well whatever is in it. Returns what `double` is then."""
    result = shell.run_cell(MARK + body, store_history=False)
    assert result.success
    return shell.user_ns["double"]


def test_a_good_cell_runs_as_ever(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    double = run(shell, "def double(x):\n    return 2 * x\n\ndouble(21)\n")
    assert double(4) == 8
    assert "42" in capsys.readouterr().out
    assert inspect.getsource(double) == "def double(x):\n    return 2 * x\n"
    assert double.__module__ == shell.user_ns["__name__"]


def test_magics_work_as_ever(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(run(shell, "%env TOY_NAME_OF_NOTHING=3\ndef double(x):\n    return 2 * x\n"))
    assert "TOY_NAME_OF_NOTHING=3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def double(x)\n    return 2 * x\n", "SyntaxError in line 2: def double(x)"),
        ("def double(x):\nreturn 2\n", "IndentationError in line 3: return 2"),
        ("def double(x):\n    return (2\n", "SyntaxError in line 3"),
        ("import maths\n\ndef double(x):\n    return 2 * x\n", "(line 2: import maths)"),
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero  (line 2: x = 1 / 0)"),
        ("import sys\nsys.exit()\n", "SystemExit  (line 3: sys.exit())"),
        ("eval('1 +')\n", "SyntaxError: invalid syntax"),
        ("raise BaseException\n", "BaseException  (line 2: raise BaseException)"),
        ("def dubble(x):\n    return 2 * x\n", "it defines nothing called double"),
        ("while True:\n    pass\n", "stopped after 0.2 seconds"),
    ],
)
def test_whatever_goes_wrong_is_explained_and_the_cell_ends_well(
    shell: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    reason: str,
) -> None:
    monkeypatch.setattr(module, "CELL_LIMIT_SECONDS", 0.2)
    shell.user_ns["double"] = "an older one"
    stand_in = run(shell, body)
    assert isinstance(stand_in, BrokenAnswer)
    out, err = capsys.readouterr()
    assert out.startswith("This cell stopped: ")
    assert reason in out
    assert "Traceback" not in out + err
    with pytest.raises(RuntimeError, match="double is not there: its cell did not run"):
        stand_in(3)


def test_a_function_defined_before_the_error_is_kept(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    double = run(shell, "def double(x):\n    return 2 * x\n\ndouble()\n")
    assert double(4) == 8
    assert "(line 5: double())" in capsys.readouterr().out


@pytest.mark.parametrize(
    "body",
    [
        "def double(x)\n    return 2 * x\n",
        "from torch.optim import NoSuchThing\n\ndef double(x):\n    return 2 * x\n",
    ],
)
def test_a_cell_to_be_repaired_is_guarded_too(shell: InteractiveShell, body: str) -> None:
    cell = MARK.replace("@exercise", "@repair") + body
    assert shell.run_cell(cell, store_history=False).success
    assert isinstance(shell.user_ns["double"], BrokenAnswer)


def test_a_wrong_import_inside_of_a_function_breaks_no_cell(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    body = "def double(x):\n    from torch.optim import NoSuchThing\n    return 2 * x\n"
    cell = MARK.replace("@exercise", "@repair") + body
    assert shell.run_cell(cell, store_history=False).success
    assert capsys.readouterr().out == ""
    with pytest.raises(ImportError, match="NoSuchThing"):
        shell.user_ns["double"](2)


def test_the_stop_button_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_source("raise KeyboardInterrupt", "<exercise x>", {})


def test_other_cells_are_left_alone(shell: InteractiveShell) -> None:
    for cell in ("1 / 0", "# @exercise\n1 / 0", "x = 1\n" + MARK, "# @sync a.b:c\n1 / 0"):
        lines = cell.splitlines(keepends=True)
        assert transform_exercise_cell(lines) == lines
    assert not shell.run_cell("1 / 0", silent=True, store_history=False).success


def test_the_guard_is_registered_once(shell: InteractiveShell) -> None:
    n_transforms = len(shell.input_transformers_cleanup)
    assert guard_exercise_cells()
    assert len(shell.input_transformers_cleanup) == n_transforms


def test_without_ipython_there_is_nothing_to_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython")
    assert not guard_exercise_cells()
    assert "IPython" not in sys.modules
