"""Labelled texts in batches that can be asked for by number, those of like length together.

Letters: B = texts, T = tokens of the longest of them.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from course_lib.data.batches import PairBatch, PairBatches, pad_texts
from course_lib.nn.loss import IGNORE_ID

Batch = TypeVar("Batch")
Texts = TypeVar("Texts", bound="TextsInRounds[Any]")

N_BATCHES_SORTED = 20
"""Within so many batches of a shuffled round, texts are sorted by length."""


class LabelledBatch(NamedTuple):
    """Texts, padded at their ends, and the class of each; the mask is True for a token."""

    ids: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]
    segment_ids: Int[Tensor, "B T"] | None
    labels: Int[Tensor, " B"]


class TaggedBatch(NamedTuple):
    """Texts, padded at their ends, and the tag of each token; `IGNORE_ID` where none counts."""

    ids: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]
    tags: Int[Tensor, "B T"]


class SpanBatch(NamedTuple):
    """Pairs, padded at their ends, and where each answer begins and ends; (0, 0) for none."""

    ids: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]
    segment_ids: Int[Tensor, "B T"]
    spans: Int[Tensor, "B 2"]


class TextsInRounds(ABC, Generic[Batch]):
    """Texts with what is to be predicted of each, and the order in which they come.

    Each round is shuffled, and cut into parts of `N_BATCHES_SORTED` batches. Within a part texts
    are sorted by length, and then the batches are shuffled: little padding, and still chance.

    Attributes:
        n_rows: Texts per batch; one of a round may have fewer.
        n_batches: Batches in a round, in which every text comes once.
        n_examples: How many texts there are.
    """

    def __init__(
        self, texts: Sequence[Sequence[int]], *, n_rows: int, seed: int, pad_id: int
    ) -> None:
        _require_least("n_rows", n_rows, 1)
        _require_least("seed", seed, 0)
        if not texts:
            raise ValueError("texts must hold at least one text; got none.")
        empty = next((row for row, text in enumerate(texts) if len(text) == 0), None)
        if empty is not None:
            raise ValueError(f"texts must hold at least one id each; got none in row {empty}.")
        self.texts, self.n_rows, self.seed, self.pad_id = texts, n_rows, seed, pad_id
        self.n_examples = len(texts)
        self.n_batches = -(-len(texts) // n_rows)
        self._lengths = tuple(map(len, texts))

    def __getitem__(self, index: int) -> Batch:
        return self.take(self.rows(index))

    @abstractmethod
    def take(self, rows: Iterable[int]) -> Batch:
        """Batch texts by number.

        Args:
            rows: Numbers of texts, each below `n_examples`.
        """

    def with_seed(self: Texts, seed: int) -> Texts:
        """Give the same texts in another order.

        Args:
            seed: Decides the order of each round (≥ 0).

        Raises:
            ValueError: If it is negative.
        """
        _require_least("seed", seed, 0)
        other = copy.copy(self)
        other.seed = seed
        return other

    def rows(self, index: int) -> tuple[int, ...]:
        """Number the examples of batch `index`.

        Args:
            index: Of the batch, counted over all rounds (≥ 0).
        """
        if index < 0:
            raise IndexError(f"index must be ≥ 0; got index={index}.")
        round_number, place = divmod(index, self.n_batches)
        return _batches_of_round(self._lengths, self.n_rows, self.seed, round_number)[place]


class LabelledTexts(TextsInRounds[LabelledBatch]):
    """Texts with a class each.

    Example:
        >>> data = LabelledTexts([[5, 6, 7], [8]], [1, 0], n_classes=2, n_rows=2)
        >>> data.take([1, 0]).labels, data.take([1]).ids
        (tensor([0, 1]), tensor([[8]]))
    """

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        labels: Sequence[int],
        *,
        n_classes: int,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
    ) -> None:
        """Hold the texts; nothing is copied.

        Args:
            texts: The ids of each text, with all marks.
            labels: The class of each text, from 0 to n_classes - 1.
            n_classes: How many classes there are.
            n_rows: Texts per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.

        Raises:
            ValueError: If an argument is out of range, there are not as many labels as texts,
                there is no text, or one is empty.
        """
        require_as_many(texts, labels, "labels")
        require_range(labels, n_classes, "labels")
        super().__init__(texts, n_rows=n_rows, seed=seed, pad_id=pad_id)
        self.labels, self.n_classes = torch.tensor(labels), n_classes

    def take(self, rows: Iterable[int]) -> LabelledBatch:
        """See `TextsInRounds`."""
        rows = list(rows)
        ids, mask = pad_texts([self.texts[row] for row in rows], self.pad_id)
        return LabelledBatch(ids, mask, None, self.labels[rows])


class TaggedTexts(TextsInRounds[TaggedBatch]):
    """Texts with a tag for each token; `IGNORE_ID` where none counts, as at marks."""

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        tags: Sequence[Sequence[int]],
        *,
        n_tags: int,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
    ) -> None:
        """Hold the texts; nothing is copied.

        Args:
            texts: The ids of each text, with all marks.
            tags: For each id of each text, a tag from 0 to n_tags - 1, or `IGNORE_ID`.
            n_tags: How many tags there are.
            n_rows: Texts per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.

        Raises:
            ValueError: If an argument is out of range, tags and ids are not as many, there is no
                text, or one is empty.
        """
        require_as_many(texts, tags, "tags")
        for row, (text, its_tags) in enumerate(zip(texts, tags, strict=True)):
            require_as_many(text, its_tags, f"tags of row {row}")
            require_range([tag for tag in its_tags if tag != IGNORE_ID], n_tags, "tags")
        super().__init__(texts, n_rows=n_rows, seed=seed, pad_id=pad_id)
        self.tags, self.n_tags = tags, n_tags

    def take(self, rows: Iterable[int]) -> TaggedBatch:
        """See `TextsInRounds`."""
        rows = list(rows)
        ids, mask = pad_texts([self.texts[row] for row in rows], self.pad_id)
        return TaggedBatch(ids, mask, pad_texts([self.tags[row] for row in rows], IGNORE_ID).ids)


class SpanTexts(TextsInRounds[SpanBatch]):
    """Pairs of a question and a passage, with the ends of the answer."""

    def __init__(
        self,
        pairs: Sequence[tuple[Sequence[int], Sequence[int]]],
        spans: Sequence[tuple[int, int]],
        *,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
    ) -> None:
        """Hold the pairs; nothing is copied.

        Args:
            pairs: The ids of each pair and their segments, as `Encoder.encode_pair` gives them.
            spans: The first and the last token of each answer, both counted in; (0, 0) for none.
            n_rows: Pairs per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.

        Raises:
            ValueError: If an argument is out of range, there are not as many spans as pairs, or a
                span is not inside of its pair.
        """
        require_as_many(pairs, spans, "spans")
        for row, ((ids, _), (start, end)) in enumerate(zip(pairs, spans, strict=True)):
            if not 0 <= start <= end < len(ids):
                raise ValueError(
                    f"spans must be inside of their {len(ids)} tokens, the first one before the "
                    f"last; got {(start, end)} in row {row}."
                )
        super().__init__([ids for ids, _ in pairs], n_rows=n_rows, seed=seed, pad_id=pad_id)
        self.pairs, self.spans = pairs, torch.tensor(spans)

    def take(self, rows: Iterable[int]) -> SpanBatch:
        """See `TextsInRounds`."""
        rows = list(rows)
        ids, mask = pad_texts([self.pairs[row][0] for row in rows], self.pad_id)
        segments = pad_texts([self.pairs[row][1] for row in rows]).ids
        return SpanBatch(ids, mask, segments, self.spans[rows])


class PairTexts(TextsInRounds[PairBatch]):
    """Texts with what each is to become; sorted by the lengths of the sources."""

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
    ) -> None:
        """Hold the texts; nothing is copied.

        Args:
            sources: The ids of each text that is read.
            targets: The ids of each text that is to be written, in the same order.
            n_rows: Pairs per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.

        Raises:
            ValueError: As `PairBatches`.
        """
        self._pairs = PairBatches(sources, targets, n_rows=n_rows, seed=seed, pad_id=pad_id)
        super().__init__(sources, n_rows=n_rows, seed=seed, pad_id=pad_id)

    def take(self, rows: Iterable[int]) -> PairBatch:
        """See `TextsInRounds`."""
        return self._pairs.take(rows)


def by_length(texts: Sequence[Sequence[object]]) -> list[int]:
    """Number texts from the shortest to the longest; those of one length stay in their order.

    Args:
        texts: The ids of each text.

    Example:
        >>> by_length([[5, 6], [7], [8, 9]])
        [1, 0, 2]
    """
    return sorted(range(len(texts)), key=lambda row: len(texts[row]))


def rows_by_length(texts: Sequence[Sequence[object]], n_rows: int) -> Iterator[list[int]]:
    """Share texts out to batches, those of like length together: so prediction pads little.

    Args:
        texts: The ids of each text.
        n_rows: Texts per batch (≥ 1).

    Yields:
        The numbers of the texts of a batch.

    Example:
        >>> list(rows_by_length([[5, 6], [7], [8, 9, 10]], n_rows=2))
        [[1, 0], [2]]
    """
    order = by_length(texts)
    for start in range(0, len(order), n_rows):
        yield order[start : start + n_rows]


def require_as_many(texts: Sequence[object], labels: Sequence[object], name: str) -> None:
    """Refuse labels that are not as many as the texts.

    Args:
        texts: The texts.
        labels: What each should have.
        name: What it is, for the message.

    Raises:
        ValueError: If the numbers differ.
    """
    if len(texts) != len(labels):
        raise ValueError(
            f"{name} must be as many as the texts; got {len(texts)} texts and {len(labels)}."
        )


def require_range(labels: Sequence[int], n_classes: int, name: str) -> None:
    """Refuse numbers of classes that there are not.

    Args:
        labels: Numbers of classes.
        n_classes: How many there are.
        name: What the numbers are, for the message.

    Raises:
        ValueError: If one is below 0, or `n_classes` or above.
    """
    row = next((row for row, label in enumerate(labels) if not 0 <= label < n_classes), None)
    if row is not None:
        raise ValueError(
            f"{name} must be from 0 to {n_classes - 1}; got {labels[row]} in row {row}."
        )


def _require_least(name: str, number: int, least: int) -> None:
    if number < least:
        raise ValueError(f"{name} must be ≥ {least}; got {name}={number}.")


@lru_cache(maxsize=4)  # the batches of a round follow one another
def _batches_of_round(
    lengths: tuple[int, ...], n_rows: int, seed: int, round_number: int
) -> list[tuple[int, ...]]:
    generator = np.random.default_rng((seed, round_number))
    order = generator.permutation(len(lengths)).tolist()
    batches: list[tuple[int, ...]] = []
    n_sorted = N_BATCHES_SORTED * n_rows
    for start in range(0, len(order), n_sorted):
        part = sorted(order[start : start + n_sorted], key=lengths.__getitem__)
        batches += [tuple(part[at : at + n_rows]) for at in range(0, len(part), n_rows)]
    return [batches[place] for place in generator.permutation(len(batches))]
