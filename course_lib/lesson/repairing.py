"""Tell whether a broken version, handed out to be repaired, has been touched at all."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def is_untouched(answer: Callable[..., Any], broken: Callable[..., Any]) -> bool:
    """Say whether an answer is the broken version still; spaces and comments do not count.

    Args:
        answer: The learner's function.
        broken: The version that the lesson hands out.
    """
    if answer is broken:
        return True
    try:
        return _body(answer) == _body(broken)
    except (OSError, TypeError, SyntaxError):  # no source to be found, as for a partial
        return False


def _body(function: Callable[..., Any]) -> list[str]:
    """Write what a function does, without its docstring, in a form that can be compared."""
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    if not isinstance(node, ast.FunctionDef):
        raise TypeError("not a function")
    statements = node.body if ast.get_docstring(node) is None else node.body[1:]
    return [ast.dump(statement) for statement in statements]
