"""Cut a corpus into windows for Word2Vec: once an epoch, with array operations only.

The running words are cut into chunks of L centres. A chunk carries its L words and `window` more on
each side, so all pairs of its centres and contexts are entries of one small matrix product.

Letters in shapes: N running words, M chunks, L centres of a chunk, W = L + 2 · window contexts,
V words of the vocabulary.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.embeddings.counts import TokenStream

CHUNK_TOKENS = 32
"""Centres of a chunk (L): the product has L · (L + 2 · window) entries, of which few are used."""


class Chunks(NamedTuple):
    """An epoch's chunks, in random order.

    Attributes:
        context_ids: The words of each chunk with those around it; centre i stands at `window` + i.
        n_left: How many words to the left of each centre are its contexts.
        n_right: The same to the right.
    """

    context_ids: Int[Tensor, "M W"]
    n_left: Int[Tensor, "M L"]
    n_right: Int[Tensor, "M L"]

    def pair_mask(self) -> Bool[Tensor, "M L W"]:
        """Mark with True where a context belongs to a centre."""
        n_centers, n_contexts = self.n_left.shape[1], self.context_ids.shape[1]
        window = (n_contexts - n_centers) // 2
        column = torch.arange(n_contexts, dtype=torch.int16, device=self.n_left.device)
        row = torch.arange(n_centers, dtype=torch.int16, device=self.n_left.device)
        offset = column - window - row.unsqueeze(1)
        near = (offset >= -self.n_left.unsqueeze(2)) & (offset <= self.n_right.unsqueeze(2))
        return near & (offset != 0)

    def select(self, rows: slice) -> "Chunks":
        """Take some of the chunks."""
        return Chunks(self.context_ids[rows], self.n_left[rows], self.n_right[rows])

    def to(self, device: torch.device) -> "Chunks":
        """Move to a device."""
        return Chunks(*(tensor.to(device) for tensor in self))


def _reach(
    numbers: Int[np.ndarray, " N"], n_wanted: Int[np.ndarray, " N"]
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
    """Cut each word's window at the ends of its sentence."""
    position = np.arange(len(numbers))
    is_start = np.diff(numbers, prepend=-1) != 0
    first = np.maximum.accumulate(np.where(is_start, position, 0))
    lengths = np.diff(np.append(np.flatnonzero(is_start), len(numbers)))
    last = first + np.repeat(lengths, lengths) - 1
    return np.minimum(n_wanted, position - first), np.minimum(n_wanted, last - position)


def draw_chunks(
    stream: TokenStream,
    keep: Float[np.ndarray, " V"],
    window: int,
    rng: np.random.Generator,
) -> Chunks:
    """Thin out frequent words, draw each centre's window from 1 to `window`, and cut into chunks.

    Args:
        stream: The corpus.
        keep: How likely each word's occurrences are kept.
        window: The widest window (≥ 1).
        rng: Where the randomness comes from.

    Returns:
        The chunks, at least one; the last one is filled up with centres that have no context.
    """
    kept = rng.random(len(stream.ids)) < keep[stream.ids]
    ids = stream.ids[kept]
    n_wanted = rng.integers(1, window + 1, len(ids))
    n_left, n_right = _reach(stream.sentence_numbers[kept], n_wanted)
    n_chunks = max(1, -(-len(ids) // CHUNK_TOKENS))
    n_fill = n_chunks * CHUNK_TOKENS - len(ids)
    padded = np.pad(ids, (window, window + n_fill))
    all_windows = np.lib.stride_tricks.sliding_window_view(padded, CHUNK_TOKENS + 2 * window)
    order = rng.permutation(n_chunks)
    reaches = (
        np.pad(reach, (0, n_fill)).reshape(n_chunks, CHUNK_TOKENS)[order].astype(np.int16)
        for reach in (n_left, n_right)
    )
    context_ids = all_windows[::CHUNK_TOKENS][order]
    return Chunks(torch.from_numpy(context_ids), *map(torch.from_numpy, reaches))


def draw_negatives(
    cumulative: Float[np.ndarray, " V"], shape: tuple[int, int], rng: np.random.Generator
) -> Int[Tensor, "batch K"]:
    """Draw negatives for many batches, each row spread evenly over the distribution.

    One draw falls in each of K equal slices of the probability, so a row has close to the expected
    number of each frequent word, where independent draws would scatter.

    Args:
        cumulative: Running sum of the words' probabilities, ending in 1.
        shape: Number of batches, and negatives for each.
        rng: Where the randomness comes from.
    """
    uniform = (np.arange(shape[1]) + rng.random(shape)) / shape[1]
    ids = np.searchsorted(cumulative, uniform, side="right")
    return torch.from_numpy(np.minimum(ids, len(cumulative) - 1))
