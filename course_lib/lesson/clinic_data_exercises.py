"""The exercises of lesson 07b's bug clinic on data sets and splits."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.recognising import failed_with, right_but_for_the_error

Encodings = Mapping[str, Sequence[Sequence[int]]]
Split = tuple[list[int], list[int]]
Splitter = Callable[[Sequence[str], float, int], Split]


def read_dataset(make: Callable[..., Any], encodings: Encodings, labels: Sequence[int]) -> Any:
    """Let an answer make a data set, and read it from end to end.

    Args:
        make: The library's `make_dataset` or an answer.
        encodings: As for the answer.
        labels: As for the answer.
    """
    made = make(encodings, labels)
    n_items = len(made)
    return {
        "is a torch Dataset": isinstance(made, Dataset),
        "length": n_items,
        "items": [made[index] for index in range(min(n_items, len(labels)))],
    }


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


def _encodings(n_texts: int, n_tokens: int = 4) -> dict[str, list[list[int]]]:
    ids = [[(7 * row + place) % 11 for place in range(n_tokens)] for row in range(n_texts)]
    return {"input_ids": ids, "attention_mask": [[1] * n_tokens for _ in ids]}


MAKE_DATASET = Exercise(
    key="07b:make_dataset",
    target="course_lib.lesson.clinic:make_dataset",
    level="easy",
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
            name="pairs-instead-of-dictionaries",
            twin=_dataset(lambda e, y, i: (_inputs(e, i), torch.tensor(y[i]))),
            hint="An item of yours is a pair. `model(**batch)` needs one dictionary.",
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


def split_and_look(split: Splitter, texts: Sequence[str], test_share: float, seed: int) -> Any:
    """Let an answer split texts, and see what holds, whatever it drew.

    Args:
        split: The library's `split_texts` or an answer.
        texts: As for the answer.
        test_share: As for the answer.
        seed: As for the answer.
    """
    train, test = split(texts, test_share, seed)
    same = [re.sub(r"[\W_]+", "", text.lower()) for text in texts]
    largest = max(same.count(text) for text in set(same))
    others = [split(texts, test_share, seed + more) for more in range(1, 6)]
    return {
        "two lists": isinstance(train, list) and isinstance(test, list),
        "each row once": sorted([*train, *test]) == list(range(len(texts))),
        "some text on both sides": not {same[i] for i in train}.isdisjoint(same[i] for i in test),
        "as many as asked for": abs(len(test) - test_share * len(texts)) <= largest,
        "the same again": split(texts, test_share, seed) == (train, test),
        "the first rows are the test": sorted(test) == list(range(len(test))),
        "another seed, another split": any(set(other[1]) != set(test) for other in others),
    }


def _splitting(split: Splitter) -> Splitter:
    def twin(texts: Sequence[str], test_share: float, seed: int) -> Split:
        if not 0 < test_share < 1:
            raise ValueError("test_share must be between 0 and 1")
        return split(texts, test_share, seed)

    return twin


def _groups_by(texts: Sequence[str], key: Callable[[str], str]) -> list[list[int]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        groups[key(text)].append(row)
    return list(groups.values())


def _deal(groups: Sequence[Sequence[int]], n_test: float) -> Split:
    train: list[int] = []
    test: list[int] = []
    for rows in groups:
        (test if len(test) < n_test else train).extend(rows)
    return train, test


def _by(key: Callable[[str], str], shuffle: Callable[[list[Any], int], None]) -> Splitter:
    def split(texts: Sequence[str], test_share: float, seed: int) -> Split:
        groups = _groups_by(texts, key)
        shuffle(groups, seed)
        return _deal(groups, test_share * len(texts))

    return split


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _seeded(groups: list[Any], seed: int) -> None:
    random.Random(seed).shuffle(groups)


def _rows_shuffled(texts: Sequence[str], test_share: float, seed: int) -> Split:
    rows = list(range(len(texts)))
    random.Random(seed).shuffle(rows)
    n_test = round(test_share * len(texts))
    return rows[n_test:], rows[:n_test]


def _repeats_dropped(texts: Sequence[str], test_share: float, seed: int) -> Split:
    rows = [group[0] for group in _groups_by(texts, _letters)]
    random.Random(seed).shuffle(rows)
    n_test = round(test_share * len(rows))
    return rows[n_test:], rows[:n_test]


def _swapped(texts: Sequence[str], test_share: float, seed: int) -> Split:
    train, test = _by(_letters, _seeded)(texts, test_share, seed)
    return test, train


def _often(*forms: str) -> list[str]:
    """Make forty texts, each in all these forms."""
    return [form.format(number) for number in range(40) for form in forms]


SPLIT_TEXTS = Exercise(
    key="07b:split_texts",
    target="course_lib.lesson.clinic:split_texts",
    level="core",
    trial=split_and_look,
    cases=(
        Case(
            why="each text three times",
            args=lambda: (_often("text {}", "text {}", "text {}"), 0.2, 0),
        ),
        Case(why="other capitals", args=lambda: (_often("text {}", "Text {}", "TEXT {}"), 0.25, 1)),
        Case(
            why="other punctuation",
            args=lambda: (_often("text {}", "text {}!", "“text”, {} …"), 0.3, 2),
        ),
        Case(
            why="other spaces", args=lambda: (_often("text {}", " text  {} ", "te xt {}\n"), 0.2, 3)
        ),
        Case(why="texts that come once", args=lambda: (_often("review number {}"), 0.1, 4)),
        Case(why="Chinese", args=lambda: (_often("第{}条，很好！", "第{}条很好"), 0.25, 5)),
        Case(why="a share of 0", args=lambda: (_often("text {}"), 0.0, 0), raises=ValueError),
        Case(why="a share of 1", args=lambda: (_often("text {}"), 1.0, 0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="rows-shuffled",
            twin=_splitting(_rows_shuffled),
            hint="You shuffle rows. A text that comes twice then stands on both sides, and the "
            "test asks for what was learnt by heart.",
        ),
        Mistake(
            name="exact-copies-only",
            twin=_splitting(_by(lambda text: text, _seeded)),
            hint="Exact copies stay together, but “So good!” and “so good” do not.",
        ),
        Mistake(
            name="punctuation-counts",
            twin=_splitting(_by(lambda text: " ".join(text.lower().split()), _seeded)),
            hint="Case is taken care of; a text with another punctuation mark, or a space inside "
            "of a word, still counts as another one.",
        ),
        Mistake(
            name="repeats-dropped",
            twin=_splitting(_repeats_dropped),
            hint="Nothing is on both sides, but rows are missing: repeats are thrown away. Each "
            "row must be on one side.",
        ),
        Mistake(
            name="not-shuffled",
            twin=_splitting(_by(_letters, lambda groups, seed: None)),
            hint="You take the first ones for the test, whatever the seed. Files are often sorted, "
            "by label or by date.",
        ),
        Mistake(
            name="seed-ignored",
            twin=_splitting(_by(_letters, lambda groups, seed: random.Random(7).shuffle(groups))),
            hint="Whatever the seed is, your split is the same.",
        ),
        Mistake(
            name="sides-swapped",
            twin=_splitting(_swapped),
            hint="You give the test first, or the shares are the wrong way round: the test got "
            "nearly everything.",
        ),
        Mistake(
            name="accepts-any-share",
            seen=right_but_for_the_error,
            hint="The split is right. Refuse a share that is not between 0 and 1: a ValueError.",
        ),
    ),
    nudge="What is the smallest thing that may be moved to one side as a whole?",
    shapes="In: N strings, a number between 0 and 1, a whole number. Out: two lists of row "
    "numbers, N in all.",
    pseudocode="if the share is out of range: raise a ValueError\n"
    "groups ← rows whose texts have the same letters and digits, case left out\n"
    "shuffle the groups with the seed\n"
    "whole groups to the test until it has its share, the others to training",
)
