from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from course_lib.lesson.showing import (
    VALUE_LIMIT_CHARACTERS,
    shorten,
    shorten_text,
    show_arguments,
    show_error,
)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.3333"),
        (2.0, "2.0"),
        (-3.0, "-3.0"),
        (1e-9, "1e-09"),
        (12, "12"),
        (True, "True"),
        ("a\nb", r"'a\nb'"),
        (None, "None"),
        ([1.0, (2,)], "[1.0, (2,)]"),
        ({"b": 1, "a": 0.25}, "{'b': 1, 'a': 0.25}"),
        (Counter("aab"), "Counter{'a': 2, 'b': 1}"),
        ({"c", "a", "b"}, "{'a', 'b', 'c'}"),
        (set(), "set()"),
        (len, "the function len"),
        (object(), "an object of class object"),
        (Unprintable(), "<Unprintable that cannot be shown>"),
        (torch.ones(1, 2), "tensor of shape (1, 2), float32: [[1.0, 1.0]]"),
        (torch.tensor(2.0, requires_grad=True), "tensor of shape (), float32: 2.0"),
        (np.arange(2), "array of shape (2,), int64: [0, 1]"),
        (np.float64(0.5), "0.5 (float64)"),
        (scipy.sparse.csr_array([[1.0]]), "sparse array of shape (1, 1), float64: [[1.0]]"),
    ],
)
def test_values_are_written_on_one_short_line(value: Any, text: str) -> None:
    assert shorten(value) == text


@pytest.mark.parametrize(
    "value",
    [
        list(range(1000)),
        "x" * 1000,
        torch.zeros(50, 50, 50),
        np.zeros((3, 3, 3, 3, 3)),
        {i: i for i in range(100)},
        [["x" * 50] * 50] * 50,
        torch.zeros(200),
    ],
)
def test_long_values_are_cut(value: Any) -> None:
    text = shorten(value)
    assert len(text) <= VALUE_LIMIT_CHARACTERS
    assert "…" in text[-3:]


def test_what_differs_from_run_to_run_is_left_out() -> None:
    generator = (i for i in range(3))
    assert "0x" in repr(generator)
    assert "0x" not in shorten(generator)
    assert shorten_text("one at 0x7Fab12\n two", 8) == "one two"


def test_arguments_get_the_names_of_the_function() -> None:
    def blend(first: int, second: float, *rest: str) -> None: ...

    assert show_arguments(blend, (1, 0.5)) == ["first = 1", "second = 0.5"]
    assert show_arguments(blend, (1, 0.5, "x", "y"))[2:] == ["rest[0] = 'x'", "rest[1] = 'y'"]


def divide_wrongly(x: float) -> float:
    return x / 0


def test_the_folder_of_a_package_is_left_out() -> None:
    with pytest.raises(ImportError, match="NoSuchThing") as caught:
        from torch.optim import NoSuchThing  # noqa: F401
    assert ".py)" in str(caught.value)
    assert show_error(caught.value) == (
        "ImportError: cannot import name 'NoSuchThing' from 'torch.optim'"
    )


def test_errors_are_shown_with_the_line_of_the_learner() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        divide_wrongly(1.0)
    text = show_error(caught.value, divide_wrongly)
    number = divide_wrongly.__code__.co_firstlineno + 1
    assert text == f"ZeroDivisionError: float division by zero  (line {number}: return x / 0)"
    assert show_error(caught.value) == "ZeroDivisionError: float division by zero"
    assert show_error(caught.value, type("Answer", (), {"divide": divide_wrongly})) == text
    assert show_error(caught.value, type("Answer", (), {})) == show_error(caught.value)
    assert show_error(KeyboardInterrupt()) == "KeyboardInterrupt"
    assert len(show_error(ValueError("long " * 1000))) < 350
