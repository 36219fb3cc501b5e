from collections import Counter, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.lesson.comparing import agree, find_difference

TOLERANCE = 1e-5
NAN, INF = float("nan"), float("inf")
Pair = namedtuple("Pair", "low high")


@dataclass
class Model:
    weights: torch.Tensor
    words: list[str]


class Plain:
    def __init__(self, size: int) -> None:
        self.size = size


AGREEING: list[tuple[Any, Any]] = [
    (torch.ones(2, 3), torch.ones(2, 3) + 1e-7),
    (torch.ones(2, requires_grad=True), torch.ones(2)),
    (torch.tensor([NAN, INF, -INF]), torch.tensor([NAN, INF, -INF])),
    (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
    (torch.eye(2).to_sparse(), torch.eye(2)),
    (np.ones(3, dtype=np.float32), np.ones(3)),
    (np.arange(3, dtype=np.uint8), np.arange(3)),
    (scipy.sparse.coo_array(np.eye(2)), scipy.sparse.csr_matrix(np.eye(2))),
    (np.float64(0.5), 0.5),
    (0.5, np.float32(0.5)),
    (2, 2.0),
    (NAN, NAN),
    (True, True),
    (np.True_, True),
    (7, 7),
    ("abc", "abc"),
    ([1, (2, "x")], [1, (2, "x")]),
    (Pair(1, 2), (1, 2)),
    ({"a": [1.0]}, {"a": [1.0 + 1e-9]}),
    (Counter("aab"), {"a": 2, "b": 1}),
    ({1, 2}, {2, 1}),
    (Model(torch.ones(2), ["a"]), Model(torch.ones(2), ["a"])),
    (Plain(3), Plain(3)),
    (None, None),
]

DIFFERING: list[tuple[Any, Any, str, str]] = [
    (None, 1.0, "returned-none", "is there a `return`"),
    (1.0, None, "wrong-type", "where the library returns None"),
    ((i for i in range(3)), [0, 1, 2], "returned-a-generator", "not `yield`"),
    (np.ones(2), torch.ones(2), "wrong-type", "NumPy array where the library returns torch tensor"),
    (torch.ones(2), np.ones(2), "wrong-type", "torch tensor where the library returns NumPy"),
    (0.5, torch.tensor(0.5), "wrong-type", "float where"),
    (torch.tensor(0.5), 0.5, "wrong-type", r"`\.item\(\)`"),
    (np.eye(2), scipy.sparse.csr_array(np.eye(2)), "wrong-type", "sparse"),
    (torch.ones(3, 2), torch.ones(2, 3), "transposed", "Rows and columns are swapped"),
    (torch.ones(2, 1), torch.ones(2), "wrong-shape", "axis of length 1"),
    (torch.ones(3), torch.ones(2, 3), "wrong-shape", "summed or averaged away"),
    (np.ones((2, 2)), np.ones((2, 3)), "wrong-shape", r"\(2, 2\) and must be \(2, 3\)"),
    (torch.ones(2).double(), torch.ones(2), "wrong-dtype", "float64 and must be float32"),
    (torch.ones(2).long(), torch.ones(2), "wrong-dtype", "int64 and must be float32"),
    (np.ones(2, dtype=int), np.ones(2), "wrong-dtype", "must be float64"),
    (torch.tensor([1.0, NAN]), torch.ones(2), "not-a-number", r"position \[1\]"),
    (torch.tensor([[1.0, -INF]]), torch.ones(1, 2), "infinite", r"position \[0, 1\]"),
    (NAN, 1.0, "not-a-number", "NaN"),
    (INF, 1.0, "infinite", "log of 0"),
    (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), "wrong-value", "2.0 at position"),
    (
        torch.tensor([-INF, 2.0, 3.0]),
        torch.tensor([1.0, -INF, 3.0]),
        "infinity-misplaced",
        r"-inf at position \[0\], where it must be a number; and position \[1\] must be -inf",
    ),
    (
        torch.tensor([-INF, -INF]),
        torch.tensor([-INF, 2.0]),
        "infinity-misplaced",
        r"-inf at position \[1\], where it must be a number\.",
    ),
    (torch.tensor([NAN, -INF]), torch.tensor([-INF, 2.0]), "not-a-number", r"position \[0\]"),
    (torch.tensor([0.0, 2.0]), torch.tensor([-INF, 2.0]), "wrong-value", "not -inf"),
    (1.0, INF, "wrong-value", "not inf"),
    (1.001, 1.0, "wrong-value", "it is 1.001, not 1.0"),
    (10**400, 1.0, "wrong-value", "not 1.0"),
    (3.0, 3, "wrong-type", "whole number"),
    (True, 1, "wrong-type", "bool where"),
    (1, True, "wrong-type", "int where"),
    ("1", 1, "wrong-type", "str where"),
    (8, 7, "wrong-value", "it is 8, not 7"),
    ("abd", "abc", "wrong-value", "from character 2 on"),
    ("ab", "abc", "wrong-value", "2 characters instead of 3"),
    ((1, 2), [1, 2], "wrong-type", "tuple where the library returns list"),
    ((1, 2), Pair(1, 2), "wrong-type", "returns Pair"),
    ([1], [1, 2], "wrong-length", "1 item and must have 2"),
    ([2, 1], [1, 2], "wrong-order", "wrong order"),
    ([1, 3], [1, 2], "wrong-value", r"item \[1\]: it is 3"),
    ({"a": 1}, Counter("a"), "wrong-type", "dict where the library returns Counter"),
    ({}, {"a": 1}, "wrong-keys", "1 key missing, the first is 'a'"),
    ({"a": 1, "b": 2}, {"a": 1}, "wrong-keys", "too many, the first is 'b'"),
    ({"a": 2}, {"a": 1}, "wrong-value", "under 'a': it is 2"),
    ({1}, {1, 2}, "wrong-items", "2 is missing"),
    ({1, 2}, {1}, "wrong-items", "2 should not be there"),
    (Model(torch.ones(2), ["b"]), Model(torch.ones(2), ["a"]), "wrong-value", "'words'"),
    (Plain(4), Plain(3), "wrong-value", "it is 4, not 3"),
]


@pytest.mark.parametrize(("value", "expected"), AGREEING)
def test_answers_as_good_as_the_library_agree(value: Any, expected: Any) -> None:
    assert find_difference(value, expected, TOLERANCE) is None
    assert agree(value, expected, TOLERANCE)


@pytest.mark.parametrize(("value", "expected", "name", "text"), DIFFERING)
def test_differences_are_named_and_explained(
    value: Any, expected: Any, name: str, text: str
) -> None:
    difference = find_difference(value, expected, TOLERANCE)
    assert difference is not None
    assert difference.name == name
    with pytest.raises(ValueError, match=text):
        raise ValueError(difference.text)


def test_a_dtype_that_holds_the_same_values_differs_inside_a_tuple_too() -> None:
    difference = find_difference((torch.ones(1).double(),), (torch.ones(1),), TOLERANCE)
    assert difference is not None
    assert difference.name == "wrong-dtype"
    assert difference.text.startswith("item [0]: ")


@settings(deadline=None, max_examples=100)
@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from([1e-6, 1e-3]))
def test_numbers_tensors_and_arrays_are_judged_alike(a: float, b: float, tolerance: float) -> None:
    due = abs(a - b) <= tolerance + tolerance * abs(b)
    as_tensors = [torch.tensor([x], dtype=torch.float64) for x in (a, b)]
    assert agree(a, b, tolerance) is due
    assert agree(*as_tensors, tolerance) is due
    assert agree(np.array([a]), np.array([b]), tolerance) is due
    assert agree([a], [b], tolerance) is due


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_everything_agrees_with_itself(value: Any) -> None:
    assert agree(value, value, 0.0)
