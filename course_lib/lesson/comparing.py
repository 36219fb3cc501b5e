"""Compare a learner's answer with the library's, and say in what way they differ.

The answer must be usable in place of the library's function, so types count: a tensor must be a
tensor of the same dtype (torch does not mix them), a list a list, a `Counter` a `Counter`. Free
are: NumPy's and Python's numbers for each other, an `int` where a `float` is due, the width of a
NumPy dtype, the format of a sparse matrix, any subclass of the type the library returns.
"""

import dataclasses
import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import torch

from course_lib.lesson.showing import shorten


class Difference(NamedTuple):
    """In what way an answer differs from what is expected.

    Attributes:
        name: Short, with hyphens, like the name of a mistake.
        text: A sentence for the learner.
    """

    name: str
    text: str


def agree(value: Any, expected: Any, tolerance: float) -> bool:
    """Say whether an answer is as good as the expected one.

    Args:
        value: What the learner's function returned.
        expected: What the library's returned.
        tolerance: Largest difference of two numbers, relative or absolute (≥ 0).

    Example:
        >>> agree(1.0000001, 1.0, tolerance=1e-5), agree((1, 2), [1, 2], tolerance=1e-5)
        (True, False)
    """
    return find_difference(value, expected, tolerance) is None


def find_difference(value: Any, expected: Any, tolerance: float) -> Difference | None:
    """Find the first difference between an answer and the expected one; None if they agree.

    Args:
        value: What the learner's function returned.
        expected: What the library's returned.
        tolerance: Largest difference of two numbers, relative or absolute (≥ 0).
    """
    if expected is None:
        return None if value is None else _wrong_type(value, "None")
    if value is None:
        return Difference("returned-none", "it returned None: is there a `return` at the end?")
    if inspect.isgenerator(value) or inspect.iscoroutine(value):
        text = "it returned a generator: use `return` with the finished result, not `yield`."
        return Difference("returned-a-generator", text)
    if isinstance(expected, torch.Tensor):
        return _compare_tensors(value, expected, tolerance)
    if scipy.sparse.issparse(expected):
        return _compare_sparse(value, expected, tolerance)
    if isinstance(expected, np.ndarray):
        return _compare_numpy(value, expected, tolerance)
    if isinstance(expected, bool | int | float | complex | np.generic):
        return _compare_numbers(value, expected, tolerance)
    return _compare_objects(value, expected, tolerance)


def _compare_objects(value: Any, expected: Any, tolerance: float) -> Difference | None:
    if not isinstance(value, type(expected)):
        return _wrong_type(value, _name_type(expected))
    if isinstance(expected, list | tuple):
        return _compare_sequences(value, expected, tolerance)
    if isinstance(expected, Mapping):
        return _compare_mappings(value, expected, tolerance)
    if _is_compared_by_fields(expected):
        return _compare_mappings(vars(value), vars(expected), tolerance)
    if isinstance(expected, set | frozenset):
        return _compare_sets(value, expected)
    if isinstance(expected, str):
        return _compare_strings(value, expected)
    return None if value == expected else _wrong_value(value, expected)


def _is_compared_by_fields(expected: Any) -> bool:
    """Say whether `==` would miss equal objects, or fail on tensors inside them."""
    plain = dataclasses.is_dataclass(expected) or type(expected).__eq__ is object.__eq__
    return plain and hasattr(expected, "__dict__") and not inspect.isroutine(expected)


def _compare_tensors(value: Any, expected: torch.Tensor, tolerance: float) -> Difference | None:
    if not isinstance(value, torch.Tensor):
        return _wrong_type(value, "torch tensor", " `torch.tensor(…)` makes one.")
    if value.shape != expected.shape:
        return _wrong_shape(tuple(value.shape), tuple(expected.shape))
    if value.dtype != expected.dtype:
        return _wrong_dtype(value.dtype, expected.dtype)
    return _compare_arrays(_to_numpy(value), _to_numpy(expected), tolerance)


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    dense = tensor.detach().cpu()
    if dense.layout is not torch.strided:
        dense = dense.to_dense()
    if dense.dtype in (torch.bfloat16, torch.float16):
        dense = dense.float()
    return dense.resolve_conj().resolve_neg().numpy()


def _compare_sparse(value: Any, expected: Any, tolerance: float) -> Difference | None:
    if not scipy.sparse.issparse(value):
        return _wrong_type(value, "SciPy sparse matrix", " `scipy.sparse.csr_array(…)` makes one.")
    return _compare_numpy(value.toarray(), expected.toarray(), tolerance)


def _compare_numpy(value: Any, expected: np.ndarray, tolerance: float) -> Difference | None:
    if not isinstance(value, np.ndarray):
        return _wrong_type(value, "NumPy array", " `np.array(…)` makes one.")
    if value.shape != expected.shape:
        return _wrong_shape(value.shape, expected.shape)
    if value.dtype.kind.replace("u", "i") != expected.dtype.kind.replace("u", "i"):
        return _wrong_dtype(value.dtype, expected.dtype)
    return _compare_arrays(value, expected, tolerance)


def _compare_arrays(value: np.ndarray, expected: np.ndarray, tolerance: float) -> Difference | None:
    """Compare arrays of one shape; whole numbers and words exactly, others within tolerance."""
    if expected.dtype.kind not in "fc":
        same = value == expected
    else:
        same = np.isclose(value, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
        strange = ~np.isfinite(value) & ~same
        if strange.any():
            place = tuple(int(i) for i in np.argwhere(strange)[0])
            if np.isinf(expected).any() and not np.isnan(value).any():
                return _infinity_elsewhere(value, expected)
            return _not_finite(value[place], f" at position {list(place)}" if place else "")
    if same.all():
        return None
    place = tuple(int(i) for i in np.argwhere(~same)[0])
    where = f" at position {list(place)}" if place else ""
    return _wrong_value(value[place].item(), expected[place].item(), where)


def _compare_numbers(value: Any, expected: Any, tolerance: float) -> Difference | None:
    is_number = isinstance(value, bool | int | float | complex | np.generic)
    if isinstance(value, torch.Tensor | np.ndarray) and value.ndim == 0:
        return _wrong_type(value, "plain number", " `.item()` turns one into the other.")
    if not is_number or isinstance(value, np.str_ | np.bytes_):
        return _wrong_type(value, "number")
    value = value.item() if isinstance(value, np.generic) else value
    expected = expected.item() if isinstance(expected, np.generic) else expected
    if isinstance(value, bool) != isinstance(expected, bool):
        return _wrong_type(value, _name_type(expected))
    if isinstance(expected, int):
        if not isinstance(value, int):
            return _wrong_type(value, "whole number (int)")
        return None if value == expected else _wrong_value(value, expected)
    return _compare_floats(value, expected, tolerance)


def _compare_floats(value: Any, expected: Any, tolerance: float) -> Difference | None:
    try:
        same = bool(np.isclose(value, expected, rtol=tolerance, atol=tolerance, equal_nan=True))
        finite = math.isfinite(abs(value))
    except (OverflowError, TypeError):  # an int too large for a float
        return _wrong_value(value, expected)
    if same:
        return None
    return _wrong_value(value, expected) if finite else _not_finite(value, "")


def _compare_sequences(value: Any, expected: Any, tolerance: float) -> Difference | None:
    if len(value) != len(expected):
        text = f"it has {_count(len(value), 'item')} and must have {len(expected)}."
        return Difference("wrong-length", text)
    for index, (item, due) in enumerate(zip(value, expected, strict=True)):
        difference = find_difference(item, due, tolerance)
        if difference is not None:
            if _same_in_another_order(value, expected):
                return Difference("wrong-order", "it has the right items in the wrong order.")
            return Difference(difference.name, f"item [{index}]: {difference.text}")
    return None


def _same_in_another_order(value: Any, expected: Any) -> bool:
    return len(value) > 1 and sorted(map(shorten, value)) == sorted(map(shorten, expected))


def _compare_mappings(value: Any, expected: Any, tolerance: float) -> Difference | None:
    missing = [key for key in expected if key not in value]
    if missing:
        text = f"{_count(len(missing), 'key')} missing, the first is {shorten(missing[0])}."
        return Difference("wrong-keys", text)
    extra = [key for key in value if key not in expected]
    if extra:
        text = f"{_count(len(extra), 'key')} too many, the first is {shorten(extra[0])}."
        return Difference("wrong-keys", text)
    for key, due in expected.items():
        difference = find_difference(value[key], due, tolerance)
        if difference is not None:
            return Difference(difference.name, f"under {shorten(key)}: {difference.text}")
    return None


def _compare_sets(value: Any, expected: Any) -> Difference | None:
    missing = sorted(map(shorten, expected - value))
    extra = sorted(map(shorten, value - expected))
    if missing:
        return Difference("wrong-items", f"{missing[0]} is missing.")
    return Difference("wrong-items", f"{extra[0]} should not be there.") if extra else None


def _compare_strings(value: str, expected: str) -> Difference | None:
    if value == expected:
        return None
    if not value.startswith(expected) and not expected.startswith(value):
        place = next(i for i, (a, b) in enumerate(zip(value, expected, strict=False)) if a != b)
        where = f" from character {place} on" if place else ""
    else:
        where = f": it has {_count(len(value), 'character')} instead of {len(expected)}"
    return Difference("wrong-value", f"the text differs{where}.")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _name_type(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "torch tensor"
    return "NumPy array" if isinstance(value, np.ndarray) else type(value).__name__


def _wrong_type(value: Any, due: str, advice: str = "") -> Difference:
    text = f"it returned {_name_type(value)} where the library returns {due}.{advice}"
    return Difference("wrong-type", text)


def _wrong_shape(shape: tuple[int, ...], due: tuple[int, ...]) -> Difference:
    text = f"its shape is {shape} and must be {due}."
    if len(due) > 1 and shape == due[::-1]:
        return Difference("transposed", f"{text} Rows and columns are swapped.")
    if math.prod(shape) == math.prod(due) and [n for n in shape if n > 1] == [
        n for n in due if n > 1
    ]:
        text += " There is an axis of length 1 too many or too few."
    elif len(shape) < len(due):
        text += " An axis was summed or averaged away that must stay."
    return Difference("wrong-shape", text)


def _wrong_dtype(dtype: Any, due: Any) -> Difference:
    names = [str(name).removeprefix("torch.") for name in (dtype, due)]
    return Difference("wrong-dtype", f"its numbers are {names[0]} and must be {names[1]}.")


def _not_finite(value: Any, where: str) -> Difference:
    if np.isnan(value):
        text = f"there is a NaN{where}: 0/0, inf − inf or the log of a negative number?"
        return Difference("not-a-number", text)
    return Difference("infinite", f"there is an infinity{where}: the log of 0, or a division by 0?")


def _infinity_elsewhere(value: np.ndarray, expected: np.ndarray) -> Difference:
    """Say where an infinity that is meant, as a mark, stands wrongly, and where it is missing."""
    wrongly = np.argwhere(np.isinf(value) & (value != expected))[0].tolist()
    text = f"it is {shorten(value[tuple(wrongly)].item())} at position {wrongly}"
    if np.isfinite(expected[tuple(wrongly)]):
        text += ", where it must be a number"
    missing = np.argwhere(np.isinf(expected) & (value != expected))
    if len(missing):
        place = missing[0].tolist()
        text += f"; and position {place} must be {shorten(expected[tuple(place)].item())}"
    return Difference("infinity-misplaced", f"{text}.")


def _wrong_value(value: Any, expected: Any, where: str = "") -> Difference:
    return Difference("wrong-value", f"it is {shorten(value)}{where}, not {shorten(expected)}.")
