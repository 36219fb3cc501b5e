"""Let *Run All* survive what a learner writes into a cell marked `# @exercise` or `# @repair`.

An input transformer of IPython replaces the cell by a call that compiles and runs it here, so a
syntax error, an exception or an endless loop is explained in plain words and the cell ends well.
The function's name is then bound to a stand-in that `check` recognises.
"""

import ast
import linecache
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from course_lib.lesson.showing import show_error
from course_lib.lesson.stopping import call_limited

MARK = re.compile(r"#\s*@(?:exercise|repair)\s+[\w.]+:(\w+)\s*$")
CELL_LIMIT_SECONDS = 60.0


class BrokenAnswer:
    """Stands in for a function or class whose cell did not run."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def __call__(self, *args: object, **options: object) -> NoReturn:
        """Explain why there is nothing to call.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"{self.name} is not there: its cell did not run ({self.reason}).")


def guard_exercise_cells() -> bool:
    """Register the transformer with the running IPython, once.

    Returns:
        Whether there is an IPython to register with.
    """
    shell = _running_shell()
    if shell is None:
        return False
    transforms: list[Callable[[list[str]], list[str]]] = shell.input_transformers_cleanup
    names = [getattr(transform, "__name__", "") for transform in transforms]
    if transform_exercise_cell.__name__ not in names:
        transforms.append(transform_exercise_cell)
    return True


def transform_exercise_cell(lines: list[str]) -> list[str]:
    r"""Replace a marked cell by a call that runs it guarded; leave any other as it is.

    Args:
        lines: The cell's lines, with their line breaks.

    Example:
        >>> transform_exercise_cell(["x = 1\n"])
        ['x = 1\n']
    """
    if not lines or not MARK.match(lines[0]):
        return lines
    call = f"__import__({__name__!r}, fromlist=['_']).run_exercise_cell({''.join(lines)!r})"
    return [f"{call}\n"]


def run_exercise_cell(source: str) -> None:
    """Run a marked cell in the notebook's namespace; explain what goes wrong instead of raising.

    What the cell displays and defines is as usual. If what it should define is not defined in the
    end, a `BrokenAnswer` takes its name.

    Args:
        source: The cell, with the mark as its first line.
    """
    shell = _running_shell()
    mark = MARK.match(source.partition("\n")[0])
    assert shell is not None
    assert mark is not None
    name, namespace = mark[1], shell.user_ns
    namespace.pop(name, None)
    # The mark goes, so that IPython's transformers, for magics, do not come back to us.
    plain = shell.input_transformer_manager.transform_cell(source.replace("@", "", 1))
    reason = run_source(plain, f"<exercise {name}>", namespace)
    if name not in namespace:
        reason = reason or f"it defines nothing called {name}"
        namespace[name] = BrokenAnswer(name, reason)
    if reason:
        print(f"This cell stopped: {reason}.\nThe lesson goes on; mend the cell and run it again.")


def run_source(source: str, filename: str, namespace: dict[str, Any]) -> str | None:
    """Run statements; show the value of a last expression, as a notebook does.

    Args:
        source: Python code.
        filename: What tracebacks call it.
        namespace: Where names are looked up and bound.

    Returns:
        What went wrong, in one line; None if nothing did.
    """
    lines = source.splitlines(keepends=True)
    linecache.cache[filename] = (len(source), None, lines, filename)
    try:
        parts = _compile_parts(source, filename)
        call_limited(lambda: [exec(part, namespace) for part in parts], CELL_LIMIT_SECONDS)
    except SyntaxError as error:
        return _explain_syntax(error, filename)
    except KeyboardInterrupt:
        raise  # the stop button
    except BaseException as error:  # SystemExit too, which would end the kernel
        return _explain_error(error, filename)
    return None


def _compile_parts(source: str, filename: str) -> list[Any]:
    """Compile all statements, and a last expression apart so that its value is displayed."""
    tree = ast.parse(source, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    parts = [compile(tree, filename, "exec")]
    if last is not None:
        parts.append(compile(ast.Interactive([last]), filename, "single"))
    return parts


def _explain_syntax(error: SyntaxError, filename: str) -> str:
    if error.filename != filename:  # in something that the cell imports
        return show_error(error)
    line = (error.text or "").strip()
    shown = f": {line}" if line else ""
    return f"{type(error).__name__} in line {error.lineno}{shown}  ({error.msg})"


def _explain_error(error: BaseException, filename: str) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [frame.lineno for frame in frames if frame.filename == filename]
    if not numbers or numbers[-1] is None:
        return show_error(error)
    line = linecache.getline(filename, numbers[-1]).strip()
    return f"{show_error(error)}  (line {numbers[-1]}: {line})"


def _running_shell() -> Any:
    """Return the running IPython, or None; does not import IPython into a plain Python."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None
