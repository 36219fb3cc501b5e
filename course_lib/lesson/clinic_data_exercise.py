"""The exercise of lesson 07b's bug clinic on data sets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import (
    failed_with,
    right_but_for_the_arguments,
    right_but_for_the_error,
)

Encodings = Mapping[str, Sequence[Sequence[int]]]


def read_dataset(make: Callable[..., Any], encodings: Encodings, labels: Sequence[int]) -> Any:
    """Let an answer make a data set, and read it from end to end.

    Args:
        make: The library's `make_dataset` or an answer.
        encodings: As for the answer.
        labels: As for the answer.
    """
    made = make(encodings, labels)
    n_items = len(made)
    try:
        items = [made[index] for index in range(min(n_items, len(labels)))]
    except ValueError as error:  # due when it is made, not in the middle of an epoch
        raise RuntimeError(f"when an item was read: {error}") from error
    return {"is a torch Dataset": isinstance(made, Dataset), "length": n_items, "items": items}


class _Rows(Dataset[Any]):
    """A data set whose items and length are given by functions."""

    def __init__(self, item: Callable[[int], Any], length: int) -> None:
        self.item, self.length = item, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return self.item(index)


def _dataset(
    item: Callable[[Encodings, Sequence[int], int], Any],
    length: Callable[[Encodings, Sequence[int]], int] = lambda encodings, labels: len(labels),
    *,
    checks: bool = True,
) -> Callable[[Encodings, Sequence[int]], Any]:
    """Make a twin of `make_dataset` from what its items and its length are."""

    def twin(encodings: Encodings, labels: Sequence[int]) -> Any:
        if checks and any(len(rows) != len(labels) for rows in encodings.values()):
            raise ValueError("as many as labels")
        return _Rows(lambda index: item(encodings, labels, index), length(encodings, labels))

    return twin


def _inputs(encodings: Encodings, index: int) -> dict[str, Tensor]:
    return {name: torch.tensor(rows[index]) for name, rows in encodings.items()}


def _right(encodings: Encodings, labels: Sequence[int], index: int) -> dict[str, Tensor]:
    return _inputs(encodings, index) | {"labels": torch.tensor(labels[index])}


def _gives_tuples(observations: tuple[Observation, ...]) -> bool:
    """Recognise items that are tuples, as those of a TensorDataset."""
    reports = [one.value for one in observations if isinstance(one.value, dict)]
    return any(isinstance(item, tuple) for report in reports for item in report["items"])


def _is_no_dataset(observations: tuple[Observation, ...]) -> bool:
    return any(one.error is None and not one.value["is a torch Dataset"] for one in observations)


def _encodings(n_texts: int, n_tokens: int = 4) -> dict[str, list[list[int]]]:
    ids = [[(7 * row + place) % 11 for place in range(n_tokens)] for row in range(n_texts)]
    return {"input_ids": ids, "attention_mask": [[1] * n_tokens for _ in ids]}


MAKE_DATASET = Exercise(
    key="07b:make_dataset",
    target="course_lib.lesson.clinic:make_dataset",
    level="easy",
    repair=True,
    trial=read_dataset,
    cases=(
        Case(why="three texts", args=lambda: (_encodings(3), [1, 0, 1])),
        Case(why="two texts, two lists", args=lambda: (_encodings(2), [0, 1])),
        Case(
            why="one list only", args=lambda: ({"input_ids": [[1, 2], [3, 4], [5, 6]]}, [2, 1, 0])
        ),
        Case(
            why="three lists",
            args=lambda: (_encodings(5) | {"token_type_ids": [[0] * 4] * 5}, [0, 1, 2, 3, 4]),
        ),
        Case(
            why="texts of different lengths", args=lambda: ({"input_ids": [[1], [2, 3, 4]]}, [1, 1])
        ),
        Case(why="one text", args=lambda: (_encodings(1, 6), [3])),
        Case(why="a label too many", args=lambda: (_encodings(2), [0, 1, 1]), raises=ValueError),
        Case(
            why="a mask too short",
            args=lambda: ({"input_ids": [[1], [2]], "attention_mask": [[1]]}, [0, 1]),
            raises=ValueError,
        ),
        Case(why="a label too few", args=lambda: (_encodings(4), [0, 1, 1]), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="base-class-called",
            seen=failed_with("takes no arguments"),
            hint="`torch.utils.data.Dataset` is a base class: it takes no data and knows none. "
            "Write a class of your own that inherits from it.",
        ),
        Mistake(
            name="no-item",
            seen=failed_with("NotImplementedError"),
            hint="Your class has no `__getitem__` of its own, so the base class is asked, which "
            "has none either.",
        ),
        Mistake(
            name="no-length",
            seen=failed_with("has no len()"),
            hint="Your class has no `__len__`. A loader must know how many items there are.",
        ),
        Mistake(
            name="length-of-the-dictionary",
            twin=_dataset(_right, lambda encodings, labels: len(encodings)),
            hint="The length is that of the dictionary: how many *lists* there are. How many "
            "texts?",
        ),
        Mistake(
            name="labels-missing",
            twin=_dataset(lambda encodings, labels, index: _inputs(encodings, index)),
            hint="There is no “labels” in your items. Without it, a model of transformers "
            "computes no loss, and `Trainer` stops.",
        ),
        Mistake(
            name="label-under-another-name",
            twin=_dataset(lambda e, y, i: _inputs(e, i) | {"label": torch.tensor(y[i])}),
            hint="The class stands under “label”. Models of transformers take “labels”.",
        ),
        Mistake(
            name="label-with-an-axis",
            twin=_dataset(lambda e, y, i: _inputs(e, i) | {"labels": torch.tensor([y[i]])}),
            hint="The label has an axis of length 1. A batch of those is a column (B, 1): the bug "
            "of the first exercise, made here.",
        ),
        Mistake(
            name="tuples-instead-of-dictionaries",
            seen=_gives_tuples,
            hint="An item of yours is a tuple. `model(**batch)` needs names: one dictionary.",
        ),
        Mistake(
            name="label-as-decimal",
            twin=_dataset(lambda e, y, i: _inputs(e, i) | {"labels": torch.tensor(float(y[i]))}),
            hint="The label is a decimal number. The loss takes that for a measurement to be "
            "matched, not for the number of a class. Whole numbers (int64), please.",
        ),
        Mistake(
            name="all-texts-in-one-item",
            twin=_dataset(
                lambda e, y, i: (
                    {name: torch.tensor(rows) for name, rows in e.items()}
                    | {"labels": torch.tensor(y)}
                )
            ),
            hint="Whatever number is asked for, your item holds all texts. Who uses the index?",
        ),
        Mistake(
            name="lists-instead-of-tensors",
            twin=_dataset(
                lambda e, y, i: {name: rows[i] for name, rows in e.items()} | {"labels": y[i]}
            ),
            hint="Your items hold lists. The default loader would turn a batch of lists on its "
            "side: a list of tensors, one a *place*. Tensors, please.",
        ),
        Mistake(
            name="no-dataset",
            seen=_is_no_dataset,
            hint="The items can be read, but what holds them is no `torch.utils.data.Dataset`. "
            "Some loaders do not mind; whoever asks with `isinstance` does. Inherit from it.",
        ),
        Mistake(
            name="encodings-changed",
            seen=right_but_for_the_arguments,
            in_arguments=True,
            hint="The items are right, but you have written into `encodings`. Whoever gave them to "
            "you still needs them as they were.",
        ),
        Mistake(
            name="accepts-any-number",
            seen=right_but_for_the_error,
            hint="The items are right. If there are not as many labels as texts, raise a "
            "ValueError, or texts go missing in silence.",
        ),
    ),
    nudge="What must an object answer for `len(x)` and for `x[3]`?",
    shapes="In: name → B lists of numbers; B numbers. An item: name → tensor, and one of no axis.",
    pseudocode="if some list is not as long as the labels: raise a ValueError\n"
    "a class that inherits from Dataset\n"
    "its length: how many labels; its item: of each list the row as a tensor, and the label\n"
    "return an object of it",
)
