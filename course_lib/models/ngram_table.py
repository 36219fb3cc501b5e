"""Counts of all n-grams up to an order, in sorted arrays: what every n-gram model is made of.

A context is read backwards, from its newest word to its oldest, as a path in a tree: the parent of
"the old | cat" is "old | cat", whose parent is "cat", whose parent is the root, the empty context.
So the parent is always the context to fall back on when the longer one tells too little.

Letters in shapes: N predicted tokens, V outcomes, L levels (level m has contexts of m tokens).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True)
class Level:
    """All contexts of one length, and what followed them.

    Attributes:
        context_keys: Per context its parent and its oldest token as one number, sorted; a context
            is known by its place in this array.
        starts_sentence: Per context whether its oldest token is the start of a sentence.
        entry_keys: Per pair of context and next token both as one number, sorted.
        entry_counts: How often each pair was seen.
    """

    context_keys: Int[np.ndarray, " C"]
    starts_sentence: Bool[np.ndarray, " C"]
    entry_keys: Int[np.ndarray, " E"]
    entry_counts: Int[np.ndarray, " E"]

    def entry_contexts(self, vocab_size: int) -> Int[np.ndarray, " E"]:
        """List the context of every entry."""
        return self.entry_keys // vocab_size

    def parents(self, vocab_size: int) -> Int[np.ndarray, " C"]:
        """List the place, one level up, of every context's parent."""
        return self.context_keys // (vocab_size + 1)


class NGramTable:
    """Counts the n-grams of sentences, for n from 1 to an order.

    Every sentence is preceded by one start token, which is never predicted. The first tokens have
    a context shorter than `order - 1`, because there is nothing before the start.

    Attributes:
        order: Longest n-gram counted.
        vocab_size: Number of outcomes V; the tokens are 0 to V-1, the start token is V.
        levels: Contexts of length 0 to `order - 1`.
    """

    def __init__(self, sentences: Sequence[Sequence[int]], order: int, vocab_size: int) -> None:
        """Count.

        Args:
            sentences: Token ids, the end-of-sentence token included.
            order: Longest n-gram to count (≥ 1).
            vocab_size: Number of outcomes.
        """
        self.order, self.vocab_size = order, vocab_size
        words, available = self._predictions(sentences)
        stream = self._stream(sentences)
        positions = np.flatnonzero(stream != vocab_size)
        contexts = np.zeros(len(words), dtype=np.int64)
        self.levels: list[Level] = []
        for length in range(order):
            if length == 0:
                keys = np.zeros(1, dtype=np.int64)
            else:
                long_enough = available >= length
                positions, words, available, contexts = (
                    array[long_enough] for array in (positions, words, available, contexts)
                )
                oldest = stream[positions - length]
                keys, contexts = np.unique(
                    contexts * (vocab_size + 1) + oldest, return_inverse=True
                )
            entries, counts = np.unique(contexts * vocab_size + words, return_counts=True)
            starts = keys % (vocab_size + 1) == vocab_size if length else np.zeros(1, dtype=bool)
            self.levels.append(Level(keys, starts, entries, counts))

    def _stream(self, sentences: Sequence[Sequence[int]]) -> Int[np.ndarray, " T"]:
        """Put all sentences in a row, each behind a start token."""
        parts = [np.array([self.vocab_size, *sentence], dtype=np.int64) for sentence in sentences]
        return np.concatenate(parts)

    def _predictions(
        self, sentences: Sequence[Sequence[int]]
    ) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
        """List every token to predict, and how long its context can be."""
        words = np.concatenate([np.asarray(sentence, dtype=np.int64) for sentence in sentences])
        behind = np.concatenate([np.arange(1, len(sentence) + 1) for sentence in sentences])
        return words, np.minimum(behind, self.order - 1)

    def find_contexts(
        self, sentences: Sequence[Sequence[int]]
    ) -> tuple[Int[np.ndarray, "L N"], Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
        """Find the contexts of every token of some sentences, seen before or not.

        Args:
            sentences: Token ids, the end-of-sentence token included.

        Returns:
            Per level and token the context's place in the level, or -1 where the context was never
            seen or does not exist (too near the start of the sentence); the tokens; and the length
            of the longest context that each could have.
        """
        words, available = self._predictions(sentences)
        stream = self._stream(sentences)
        positions = np.flatnonzero(stream != self.vocab_size)
        found = np.full((self.order, len(words)), -1, dtype=np.int64)
        found[0] = 0
        for length in range(1, self.order):
            # What starts a sentence has no longer context, so none reaches into the one before.
            possible = found[length - 1] >= 0
            oldest = stream[positions[possible] - length]
            keys = found[length - 1, possible] * (self.vocab_size + 1) + oldest
            found[length, possible] = _places(self.levels[length].context_keys, keys)
        return found, words, available

    def find_path(self, context: Sequence[int]) -> list[int]:
        """Find the place of one context at every level, as long as it was seen.

        Args:
            context: Tokens of one unfinished sentence, oldest first, without the start token.

        Returns:
            The place at level 0 (always 0), 1, and so on; the list ends where the context was
            never seen, or is used up.
        """
        path = [0]
        backwards = [*reversed(context), self.vocab_size]
        for level, token in zip(self.levels[1:], backwards, strict=False):
            key = np.array([path[-1] * (self.vocab_size + 1) + token])
            place = int(_places(level.context_keys, key)[0])
            if place < 0:
                break
            path.append(place)
        return path

    def is_whole(self, context: Sequence[int], path: Sequence[int]) -> bool:
        """Say whether a path from `find_path` reaches the longest context there can be."""
        return len(path) == min(len(context) + 1, self.order - 1) + 1


def entry_counts_of(
    level: Level, counts: np.ndarray, contexts: np.ndarray, words: np.ndarray, vocab_size: int
) -> np.ndarray:
    """Look up a count per pair of context and next token, 0 where the pair was never seen.

    Args:
        level: The level of the contexts.
        counts: One number per entry of the level.
        contexts: Places of contexts (≥ 0).
        words: The tokens that follow.
        vocab_size: Number of outcomes.
    """
    places = _places(level.entry_keys, contexts * vocab_size + words)
    return np.where(places >= 0, counts[places], 0)


def next_counts(
    level: Level, counts: np.ndarray, context: int, vocab_size: int
) -> Int[np.ndarray, " V"]:
    """Spread the counts of what followed one context over all outcomes.

    Args:
        level: The level of the context.
        counts: One number per entry of the level.
        context: Place of the context.
        vocab_size: Number of outcomes.
    """
    ends = np.array([context, context + 1]) * vocab_size
    low, high = np.searchsorted(level.entry_keys, ends)
    dense = np.zeros(vocab_size, dtype=np.int64)
    dense[level.entry_keys[low:high] - context * vocab_size] = counts[low:high]
    return dense


def _places(keys: Int[np.ndarray, " C"], wanted: Int[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
    """Find each wanted key in sorted keys; -1 where it is missing."""
    if len(keys) == 0:  # no sentence was long enough for this level
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)
