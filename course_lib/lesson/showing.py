"""Show values and errors to learners: short, on few lines, the same on every machine."""

import inspect
import linecache
import re
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse
import torch

VALUE_LIMIT_CHARACTERS = 160

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def shorten(value: Any) -> str:
    """Write a value on one line: numbers with four digits, arrays with shape and dtype.

    Args:
        value: Anything; an object whose `repr` fails is named by its type.

    Example:
        >>> shorten(torch.tensor([[1.0, 0.5]]))
        'tensor of shape (1, 2), float32: [[1.0, 0.5]]'
        >>> shorten(2 / 3)
        '0.6667'
    """
    try:
        return shorten_text(_write(value))
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"


def shorten_text(text: str, limit_characters: int = VALUE_LIMIT_CHARACTERS) -> str:
    """Bring a text on one line, cut it with "…", and drop memory addresses.

    Args:
        text: What a learner's code says of itself: a `repr`, a message, a print.
        limit_characters: The longest line to return.

    Example:
        >>> shorten_text("<generator object pairs at 0x7fbab75ec1c0>")
        '<generator object pairs>'
    """
    line = " ".join(_ADDRESS.sub("", text).split())
    return line if len(line) <= limit_characters else f"{line[: limit_characters - 1]}…"


def _write(value: Any) -> str:
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return _write_array(value)
    if scipy.sparse.issparse(value):
        return f"sparse {_write_array(value.toarray())}"
    if isinstance(value, float):
        return _write_float(value)
    return _write_items(value)


def _write_array(value: torch.Tensor | np.ndarray | np.generic) -> str:
    dtype = str(value.dtype).removeprefix("torch.")
    if isinstance(value, np.generic):
        return f"{_write_items(value.item())} ({dtype})"
    kind, numbers = "array", value
    if isinstance(value, torch.Tensor):
        dense = value if value.layout is torch.strided else value.to_dense()
        kind, numbers = "tensor", dense.detach().cpu()
    first = numbers[(slice(41 if value.ndim == 1 else 9),) * value.ndim].tolist()
    return f"{kind} of shape {tuple(value.shape)}, {dtype}: {_write_items(first)}"


def _write_items(value: Any) -> str:
    """Write containers item by item, cut off where nobody reads on."""
    if isinstance(value, float):
        return _write_float(value)
    if isinstance(value, Mapping):
        pairs = [f"{_write(k)}: {_write(v)}" for k, v in list(value.items())[:20]]
        name = "" if type(value) is dict else type(value).__name__
        return f"{name}{{{', '.join(pairs)}{', …' if len(value) > 20 else ''}}}"
    if type(value) in (list, tuple):
        items = [_write(item) for item in value[:40]] + (["…"] if len(value) > 40 else [])
        opening, closing = "[]" if isinstance(value, list) else "()"
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"{opening}{', '.join(items)}{comma}{closing}"
    if type(value) in (set, frozenset):  # their order differs from run to run
        return f"{{{', '.join(sorted(_write(item) for item in value))}}}" if value else "set()"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    if type(value).__repr__ is object.__repr__:  # it would show a memory address
        return f"an object of class {type(value).__name__}"
    return repr(value)


def _write_float(value: float) -> str:
    text = f"{value:.4g}"
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def show_arguments(function: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Write the arguments of a call, one on a line, with the names the function gives them.

    Args:
        function: The library's version, whose signature has the names.
        args: Its positional arguments.
    """
    names: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{name}[{i}]" for i in range(len(args) - len(names))]
        else:
            names.append(name)
    return [f"{name} = {shorten(arg)}" for name, arg in zip(names, args, strict=False)]


def show_error(error: BaseException, function: Callable[..., Any] | None = None) -> str:
    """Write an exception in one line, with the learner's own line that led to it.

    Args:
        error: What was raised.
        function: The learner's function or class; the deepest of its lines in the traceback is
            shown.
    """
    said = str(error)
    if isinstance(error, ImportError) and error.path:
        said = said.replace(f" ({error.path})", "")  # a folder of this machine
    message = shorten_text(said, 2 * VALUE_LIMIT_CHARACTERS)
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    filename = _file_of(function) if function else None
    place = _last_line_in(error.__traceback__, filename) if filename else None
    return f"{text}{place}" if place else text


def _file_of(answer: Callable[..., Any]) -> str | None:
    """Find where a function, or the first method of a class, was written."""
    parts = vars(answer).values() if isinstance(answer, type) else [inspect.unwrap(answer)]
    codes = [getattr(part, "__code__", None) for part in parts]
    return next((code.co_filename for code in codes if code is not None), None)


def _last_line_in(traceback: types.TracebackType | None, filename: str) -> str | None:
    place = None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            line = linecache.getline(filename, traceback.tb_lineno).strip()
            if line:
                place = f"  (line {traceback.tb_lineno}: {line})"
        traceback = traceback.tb_next
    return place
