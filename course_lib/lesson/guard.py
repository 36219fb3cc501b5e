"""Keep what a learner's answer does inside: its inputs, prints, seeds and torch's settings."""

import builtins
import contextlib
import copy
import io
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from course_lib.seeding import seed_everything

PRINT_LIMIT_CHARACTERS = 600


def clone(value: Any) -> Any:
    """Copy an input so deeply that nothing done to the copy reaches the original.

    Args:
        value: Tensors (they become leaves, keeping `requires_grad`), generators, containers of
            these, or anything `copy.deepcopy` can copy.

    Example:
        >>> original = {"rows": [torch.ones(2)]}
        >>> _ = clone(original)["rows"][0].zero_()
        >>> original["rows"][0].tolist()
        [1.0, 1.0]
    """
    if type(value) is torch.Tensor:
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, torch.Generator):
        return value.clone_state()
    if type(value) in (list, tuple):
        return type(value)(clone(item) for item in value)
    if type(value) is dict:
        return {key: clone(item) for key, item in value.items()}
    return copy.deepcopy(value)


class PrintedText(io.TextIOBase):
    """Takes what an answer prints and keeps the beginning."""

    def __init__(self) -> None:
        self._text = ""

    def writable(self) -> bool:
        """Say yes: this is where prints go."""
        return True

    def write(self, text: str, /) -> int:
        """Keep the text as long as there is room; the rest is dropped."""
        self._text += text[: max(0, PRINT_LIMIT_CHARACTERS + 1 - len(self._text))]
        return len(text)

    def clear(self) -> None:
        """Forget what was printed so far."""
        self._text = ""

    @property
    def text(self) -> str:
        """What was printed since it was last cleared; "…" marks where it was cut."""
        if len(self._text) > PRINT_LIMIT_CHARACTERS:
            return f"{self._text[:PRINT_LIMIT_CHARACTERS]}…"
        return self._text


def reset_torch_and_seeds() -> None:
    """Give every call the same start: seeds at 0, float32, gradients on."""
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    seed_everything(0)


@contextlib.contextmanager
def quarantine() -> Iterator[PrintedText]:
    """Undo, at the end of the `with` block, what the code inside did to the process.

    Restored are the seeds of Python, NumPy and PyTorch, torch's default dtype, gradient and
    determinism switches, and the recursion limit. Prints are caught, warnings dropped, and
    `input()` raises an error, because nobody could answer it.

    Yields:
        What was printed.
    """
    printed = PrintedText()
    python_state, numpy_state = random.getstate(), np.random.get_state()
    torch_state, dtype = torch.get_rng_state(), torch.get_default_dtype()
    deterministic, grad = torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled()
    ask, recursion_limit = builtins.input, sys.getrecursionlimit()
    try:
        builtins.input = _refuse_input
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield printed
    finally:
        builtins.input = ask
        sys.setrecursionlimit(recursion_limit)
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
        torch.set_default_dtype(dtype)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)  # imports for seconds: only if needed
        torch.set_grad_enabled(grad)


def _refuse_input(prompt: object = "") -> str:
    raise RuntimeError("the function must not ask for input(); it gets all it needs as arguments")
