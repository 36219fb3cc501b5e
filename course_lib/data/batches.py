"""Batches that can be asked for by number, so that a run continues where it stopped.

What comes is a function of the seed and the index alone: a checkpoint holds the place in the data
as one number, and any process can make any batch. After `n_batches` batches a round through the
data is over; the next is shuffled anew. A model is asked for every token of a text but the first,
because nothing stands before it.

Letters: N = ids of a whole data set, B = sequences, T = tokens of the longest of them.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class TokenBatch(NamedTuple):
    """Texts of ids, padded at their ends to one length; the mask is True for a token."""

    ids: Int[Tensor, "B T"]
    mask: Bool[Tensor, "B T"]


class PairBatch(NamedTuple):
    """Texts and what each is to become: a translation, an answer, a summary."""

    source: TokenBatch
    target: TokenBatch


AnyBatch = TypeVar("AnyBatch", TokenBatch, PairBatch)
Batch_co = TypeVar("Batch_co", covariant=True)


@runtime_checkable
class Batches(Protocol[Batch_co]):
    """What a training loop reads: batch number `index`, the same whenever it is asked for."""

    @property
    def n_batches(self) -> int:
        """How many batches make a round through the data."""
        ...

    def __getitem__(self, index: int) -> Batch_co: ...


@runtime_checkable
class Examples(Protocol[Batch_co]):
    """What `InOrder` reads: examples by number, batched as they are for training."""

    @property
    def n_rows(self) -> int:
        """Examples per batch."""
        ...

    @property
    def n_examples(self) -> int:
        """How many there are."""
        ...

    def take(self, rows: Iterable[int]) -> Batch_co:
        """Batch the examples with these numbers."""
        ...


class PackedBatches:
    """Cut one long text into windows of equal length, without a single pad.

    The last id of a window is the first of the next, so no token is asked for twice in a round.
    Each round cuts at another offset and has another order. It leaves out what fills no window or
    no batch: fewer than (`n_rows` + 1) · `n_tokens` ids, others in each round.

    Attributes:
        n_rows: Windows per batch; fewer only if there are fewer in all.
        n_tokens: Tokens that each window asks for; it holds one more.
        n_batches: Batches in a round.
        n_examples: Windows for `take`, which cuts without an offset.

    Example:
        >>> batches = PackedBatches(torch.arange(7), n_rows=2, n_tokens=3)
        >>> InOrder(batches)[0].ids
        tensor([[0, 1, 2, 3],
                [3, 4, 5, 6]])
    """

    def __init__(
        self, ids: Int[Tensor, " N"], *, n_rows: int, n_tokens: int, seed: int = 0
    ) -> None:
        """Hold the ids; nothing is copied.

        Args:
            ids: The text, of any integer type.
            n_rows: Windows per batch (≥ 1).
            n_tokens: Tokens that each window asks for (≥ 1).
            seed: Decides the offsets and the orders (≥ 0).

        Raises:
            ValueError: If an argument is out of range, or the text fills no window.
        """
        _check_at_least("n_rows", n_rows, 1)
        _check_at_least("n_tokens", n_tokens, 1)
        _check_at_least("seed", seed, 0)
        if len(ids) <= n_tokens:
            raise ValueError(
                f"ids must be more than n_tokens={n_tokens}; got {len(ids)} ids. Take shorter "
                "windows or more text."
            )
        self.ids, self.n_rows, self.n_tokens, self.seed = ids, n_rows, n_tokens, seed
        # The offset costs up to one window, hence N - n_tokens.
        self.n_batches = max(1, (len(ids) - n_tokens) // (n_rows * n_tokens))
        self.n_examples = -(-(len(ids) - 1) // n_tokens)

    def __getitem__(self, index: int) -> TokenBatch:
        round_number, place = _place_of(index, self.n_batches)
        starts = _starts_of_round(len(self.ids), self.n_tokens, self.seed, round_number)
        return self._cut(starts[place * self.n_rows : (place + 1) * self.n_rows].tolist())

    def take(self, rows: Iterable[int]) -> TokenBatch:
        """Batch windows by number, cut from the first id on; the last may be shorter.

        Args:
            rows: Numbers of windows, each below `n_examples`.
        """
        return self._cut([row * self.n_tokens for row in rows])

    def _cut(self, starts: Iterable[int]) -> TokenBatch:
        return pad_texts([self.ids[start : start + self.n_tokens + 1] for start in starts])


class PaddedBatches:
    """Batch texts of different lengths; each is padded at its end to the longest of its batch.

    Attributes:
        n_rows: Texts per batch; the last of a round may have fewer.
        n_batches: Batches in a round, in which every text comes once.
        n_examples: How many texts there are.

    Example:
        >>> PaddedBatches([[5, 6, 7], [8]], n_rows=2).take([0, 1])
        TokenBatch(ids=tensor([[5, 6, 7],
                [8, 0, 0]]), mask=tensor([[ True,  True,  True],
                [ True, False, False]]))
    """

    def __init__(
        self,
        texts: Sequence[Sequence[int]],
        *,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        """Hold the texts; nothing is copied.

        Args:
            texts: The ids of each text.
            n_rows: Texts per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.
            max_tokens: Longer texts lose their ends (≥ 1).

        Raises:
            ValueError: If an argument is out of range, there is no text, or one is empty.
        """
        _check_at_least("n_rows", n_rows, 1)
        _check_at_least("seed", seed, 0)
        if max_tokens is not None:
            _check_at_least("max_tokens", max_tokens, 1)
        if not texts:
            raise ValueError("texts must hold at least one text; got none.")
        empty = next((row for row, text in enumerate(texts) if len(text) == 0), None)
        if empty is not None:
            raise ValueError(f"texts must hold at least one id each; got none in row {empty}.")
        self.texts, self.n_rows, self.seed = texts, n_rows, seed
        self.pad_id, self.max_tokens = pad_id, max_tokens
        self.n_examples = len(texts)
        self.n_batches = -(-len(texts) // n_rows)

    def __getitem__(self, index: int) -> TokenBatch:
        return self.take(_rows_of_round(self, index))

    def take(self, rows: Iterable[int]) -> TokenBatch:
        """Batch texts by number.

        Args:
            rows: Numbers of texts, each below `n_examples`.
        """
        return pad_texts([self.texts[row][: self.max_tokens] for row in rows], self.pad_id)


class PairBatches:
    """Batch texts with what each is to become, sources and targets padded for themselves.

    Attributes:
        n_rows: Pairs per batch; the last of a round may have fewer.
        n_batches: Batches in a round, in which every pair comes once.
        n_examples: How many pairs there are.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        n_rows: int,
        seed: int = 0,
        pad_id: int = 0,
        max_tokens: int | None = None,
    ) -> None:
        """Hold the texts; nothing is copied.

        Args:
            sources: The ids of each text that is read.
            targets: The ids of each text that is to be written, in the same order.
            n_rows: Pairs per batch (≥ 1).
            seed: Decides the order of each round (≥ 0).
            pad_id: What fills the ends.
            max_tokens: Longer sources and targets lose their ends (≥ 1).

        Raises:
            ValueError: If there are not as many sources as targets, or for the reasons of
                `PaddedBatches`.
        """
        if len(sources) != len(targets):
            raise ValueError(
                f"sources must be as many as targets; got {len(sources)} sources and "
                f"{len(targets)} targets."
            )
        self._sources, self._targets = (
            PaddedBatches(texts, n_rows=n_rows, seed=seed, pad_id=pad_id, max_tokens=max_tokens)
            for texts in (sources, targets)
        )
        self.n_rows, self.seed = n_rows, seed
        self.n_examples, self.n_batches = self._sources.n_examples, self._sources.n_batches

    def __getitem__(self, index: int) -> PairBatch:
        return self.take(_rows_of_round(self, index))

    def take(self, rows: Iterable[int]) -> PairBatch:
        """Batch pairs by number.

        Args:
            rows: Numbers of pairs, each below `n_examples`.
        """
        rows = list(rows)
        return PairBatch(self._sources.take(rows), self._targets.take(rows))


class InOrder(Generic[Batch_co]):
    """Read every example exactly once, in its order, for evaluation; the last batch is smaller.

    Of packed batches it asks for every token but the first exactly once: the last window may be
    shorter, and is padded. Unlike batches for training it ends: `for batch in InOrder(…)`.

    Attributes:
        n_batches: How many batches there are.

    Example:
        >>> texts = PaddedBatches([[5], [6], [7]], n_rows=2)
        >>> [batch.ids.tolist() for batch in InOrder(texts)]
        [[[5], [6]], [[7]]]
    """

    def __init__(self, examples: Examples[Batch_co]) -> None:
        """Hold the examples.

        Args:
            examples: `PackedBatches`, `PaddedBatches` or `PairBatches`; their order and offset
                are not used.
        """
        self.examples = examples
        self.n_batches = -(-examples.n_examples // examples.n_rows)

    def __getitem__(self, index: int) -> Batch_co:
        if not 0 <= index < self.n_batches:
            raise IndexError(f"index must be from 0 to {self.n_batches - 1}; got index={index}.")
        first, n_rows = index * self.examples.n_rows, self.examples.n_rows
        return self.examples.take(range(first, min(first + n_rows, self.examples.n_examples)))


def pad_texts(texts: Sequence[Sequence[int] | Int[Tensor, " T"]], pad_id: int = 0) -> TokenBatch:
    """Pad texts at their ends to the longest of them.

    Args:
        texts: The ids of each text; at least one.
        pad_id: What fills the ends; the mask is False there.
    """
    rows = [torch.as_tensor(text, dtype=torch.long) for text in texts]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad_id)
    lengths = torch.tensor([len(row) for row in rows])
    return TokenBatch(ids, torch.arange(ids.shape[1]) < lengths[:, None])


def pad_left(texts: Sequence[Sequence[int] | Int[Tensor, " T"]], pad_id: int = 0) -> TokenBatch:
    """Pad texts at their starts to the longest of them: the newest tokens stand side by side.

    That is how a decoder reads prompts of different lengths, because it writes at their ends.

    Args:
        texts: The ids of each text; at least one.
        pad_id: What fills the starts; the mask is False there.

    Example:
        >>> pad_left([[5], [6, 7]]).ids
        tensor([[0, 5],
                [6, 7]])
    """
    reversed_texts = [torch.as_tensor(text, dtype=torch.long).flip(0) for text in texts]
    ids, mask = pad_texts(reversed_texts, pad_id)
    return TokenBatch(ids.flip(1), mask.flip(1))


def rows_of(batch: AnyBatch, rank: int, world_size: int) -> AnyBatch:
    """Take one process's share of a batch: every `world_size`-th row, beginning at `rank`.

    All shares together are the batch. Where it has fewer rows than there are processes, the last
    ones get no rows.

    Args:
        batch: The batch of all processes.
        rank: Number of the process (≥ 0, below `world_size`).
        world_size: Number of processes (≥ 1).

    Raises:
        ValueError: If there is no such process.

    Example:
        >>> batch = pad_texts([[5], [6], [7]])
        >>> rows_of(batch, 1, world_size=2).ids, rows_of(batch, 0, world_size=2).ids
        (tensor([[6]]), tensor([[5],
                [7]]))
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"rank must be from 0 to {world_size - 1}; got rank={rank}.")
    if isinstance(batch, PairBatch):
        source, target = (rows_of(side, rank, world_size) for side in batch)
        return PairBatch(source, target)
    return TokenBatch(batch.ids[rank::world_size], batch.mask[rank::world_size])


def _rows_of_round(batches: PaddedBatches | PairBatches, index: int) -> list[int]:
    round_number, place = _place_of(index, batches.n_batches)
    order = _shuffled(batches.n_examples, batches.seed, round_number)
    return order[place * batches.n_rows : (place + 1) * batches.n_rows].tolist()


def _place_of(index: int, n_batches: int) -> tuple[int, int]:
    """Say in which round batch number `index` comes, and where in it."""
    if index < 0:
        raise IndexError(f"index must be ≥ 0; got index={index}.")
    return divmod(index, n_batches)


@lru_cache(maxsize=4)  # the batches of a round follow one another
def _starts_of_round(n_ids: int, n_tokens: int, seed: int, round_number: int) -> np.ndarray:
    generator = np.random.default_rng((seed, round_number))
    offset = generator.integers(min(n_tokens, n_ids - n_tokens))
    return generator.permutation(np.arange(offset, n_ids - n_tokens, n_tokens))


@lru_cache(maxsize=4)
def _shuffled(n_examples: int, seed: int, round_number: int) -> np.ndarray:
    return np.random.default_rng((seed, round_number)).permutation(n_examples)


def _check_at_least(name: str, number: int, least: int) -> None:
    if number < least:
        raise ValueError(f"{name} must be ≥ {least}; got {name}={number}.")
