"""Learning the merges of byte-pair encoding fast: the same merges as Hugging Face's trainer.

A word is a string with one character per token, so that merging a pair is replacing two
characters by one, which Python does at the speed of C. Character number i is the i-th token.
Only words in which a pair occurs are touched, and a heap with counts that may be out of date
finds the next pair: a count is corrected when it comes to the top.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from course_lib.tokenizers.pretokens import (
    BYTE_NAMES,
    check_text,
    check_texts,
    split_chunks,
    split_pretokens,
)

# Tokens 0 to 255 are the bytes in the order of their printable names; ties depend on it.
BYTE_ORDER = sorted(range(256), key=BYTE_NAMES.__getitem__)
_CHARACTER_OF_BYTE = {byte: place for place, byte in enumerate(BYTE_ORDER)}


def count_pretokens(texts: Iterable[str]) -> Counter[str]:
    """Count the pre-tokens of texts.

    Args:
        texts: The texts, each cut on its own.

    Raises:
        TypeError: If `texts` is one string, or holds anything but strings.
        ValueError: If a text holds a lone surrogate.

    Example:
        >>> count_pretokens(["a a, b", "a"])
        Counter({'a': 2, ' a': 1, ',': 1, ' b': 1})
    """
    chunks: Counter[str] = Counter()
    for text in check_texts(texts):
        chunks.update(split_chunks(check_text(text)))
    counts: Counter[str] = Counter()
    for chunk, count in chunks.items():
        for pretoken in split_pretokens(chunk):
            counts[pretoken] += count
    return counts


def train_merges(
    word_counts: Mapping[str, int], n_tokens: int
) -> tuple[list[bytes], list[tuple[bytes, bytes]]]:
    """Learn byte-level merges, the most frequent pair first.

    Equally frequent pairs are taken in the order of their tokens' numbers. No two merges give the
    same token: what stands between two lasting cuts is merged in the same way everywhere.

    Args:
        word_counts: Pre-tokens, and how often each was seen.
        n_tokens: How many tokens to end with, the 256 bytes included; fewer if no pair is left.

    Returns:
        The tokens in the order of their numbers, and the merges in the order of their use.

    Reference:
        Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword
        Units", algorithm 1. Unlike the paper, over bytes, and over words kept apart.
    """
    training = _Training(word_counts)
    while len(training.tokens) < n_tokens:
        found = training.pop_best()
        if found is None:
            break
        training.merge(*found)
    tokens = training.tokens
    return tokens, [(tokens[ord(first)], tokens[ord(second)]) for first, second in training.merges]


class _Training:
    """Words as they are so far, the counts of their pairs, and the queue of pairs.

    Attributes:
        tokens: The bytes of every token; `tokens[i]` is written as the character number i.
        merges: Pairs in the order of their use, as strings of two characters.
    """

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        """Spell the words in bytes and count their pairs."""
        self.tokens = [bytes([byte]) for byte in BYTE_ORDER]
        self.merges: list[str] = []
        self._words = [
            word.encode().decode("latin-1").translate(_CHARACTER_OF_BYTE) for word in word_counts
        ]
        self._counts = list(word_counts.values())
        self._pair_counts: dict[str, int] = defaultdict(int)
        where: dict[str, list[int]] = defaultdict(list)
        for index, (word, count) in enumerate(zip(self._words, self._counts, strict=True)):
            for pair in map(str.__add__, word, word[1:]):
                self._pair_counts[pair] += count
                where[pair].append(index)
        self._queue = [(-self._pair_counts[pair], pair, places) for pair, places in where.items()]
        heapq.heapify(self._queue)

    def pop_best(self) -> tuple[str, list[int]] | None:
        """Take the most frequent pair off the queue, with the words that may hold it."""
        while self._queue:
            count, pair, places = self._queue[0]
            if -count == self._pair_counts[pair]:
                heapq.heappop(self._queue)
                return (pair, places) if count else None
            heapq.heapreplace(self._queue, (-self._pair_counts[pair], pair, places))
        return None

    def merge(self, pair: str, places: list[int]) -> None:
        """Make a pair one token in all words that hold it, and queue the pairs this gives."""
        merged = chr(len(self.tokens))
        self.tokens.append(self.tokens[ord(pair[0])] + self.tokens[ord(pair[1])])
        self.merges.append(pair)
        changed: dict[str, list[int]] = defaultdict(list)
        for index in places:
            self._merge_in_word(index, pair, merged, changed)
        for new_pair, new_places in changed.items():
            if self._pair_counts[new_pair] > 0:
                heapq.heappush(self._queue, (-self._pair_counts[new_pair], new_pair, new_places))

    def _merge_in_word(
        self, index: int, pair: str, merged: str, changed: dict[str, list[int]]
    ) -> None:
        """Merge a pair in one word, left to right, and correct the counts of its neighbours."""
        word, count, pair_counts = self._words[index], self._counts[index], self._pair_counts
        at = word.find(pair)
        while at >= 0:
            if at:
                before = word[at - 1]
                pair_counts[before + pair[0]] -= count
                pair_counts[before + merged] += count
                changed[before + merged].append(index)
            word = word[:at] + merged + word[at + 2 :]
            after = word[at + 1 : at + 2]
            if after:
                pair_counts[pair[1] + after] -= count
                pair_counts[merged + after] += count
                changed[merged + after].append(index)
            at = word.find(pair, at + 1)
        self._words[index] = word
