"""The words a model knows, each with an id and a count."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Int


def describe_unknown(word: str, known: Iterable[str]) -> str:
    """Say that a word is unknown, with up to three near spellings that are known.

    Args:
        word: The word that was looked up.
        known: All words that could have been found.

    Example:
        >>> describe_unknown("qeen", ["king", "queen", "row"])
        "word must be one of the 3 known words; got 'qeen'. Near spellings: queen."
    """
    known = list(known)
    near = difflib.get_close_matches(word, known, n=3) if isinstance(word, str) else []
    hint = f" Near spellings: {', '.join(near)}." if near else ""
    return f"word must be one of the {len(known):,} known words; got {word!r}.{hint}"


def check_sentences(sentences: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Make sure that sentences are lists of words, and keep them for several passes.

    Args:
        sentences: The sentences. A generator is read once, and its sentences kept in memory.

    Raises:
        TypeError: If it is one string, or if a sentence is a string instead of a list of words.
    """
    if isinstance(sentences, str):
        raise TypeError(
            "sentences must be lists of words, such as [['a', 'cat'], ['it', 'slept']]; got one "
            "plain string, whose letters would be taken for words. Try sentences_of([text])."
        )
    kept = list(sentences)
    for number, sentence in enumerate(kept):
        if isinstance(sentence, str):
            raise TypeError(
                "each sentence must be a list of words, such as ['it', 'slept']; got the string "
                f"{sentence[:40]!r} as sentence {number}, whose letters would be taken for words. "
                "Try sentences_of(texts), or sentence.split()."
            )
    return kept


class Vocabulary:
    """Words with ids from 0 to V-1, the most frequent first (ties in alphabetical order).

    Attributes:
        words: The words; `words[i]` has id `i`.
        counts: How often each of them was seen.

    Example:
        >>> vocabulary = Vocabulary.from_sentences([["a", "b", "a"], ["c", "b", "a"]])
        >>> vocabulary.words, vocabulary.counts.tolist(), vocabulary.id_of("b")
        (['a', 'b', 'c'], [3, 2, 1], 1)
    """

    words: list[str]
    counts: Int[np.ndarray, " V"]

    def __init__(self, counts: dict[str, int]) -> None:
        """Order the words of a table of counts.

        Args:
            counts: How often each word was seen.
        """
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.words = [word for word, _ in ordered]
        self.counts = np.array([count for _, count in ordered], dtype=np.int64)
        self._ids = {word: index for index, word in enumerate(self.words)}

    @classmethod
    def from_sentences(
        cls, sentences: Iterable[Sequence[str]], min_count: int = 1, max_size: int | None = None
    ) -> "Vocabulary":
        """Count the words of sentences and keep the frequent ones.

        Args:
            sentences: Lists of words.
            min_count: A word seen less often than this is left out (≥ 1).
            max_size: Keep at most this many words, the most frequent ones; None keeps all.

        Raises:
            TypeError: If `sentences` is a string, or holds strings.
            ValueError: If `min_count` or `max_size` is below 1.
        """
        if min_count < 1:
            raise ValueError(f"min_count must be ≥ 1; got min_count={min_count}.")
        if max_size is not None and max_size < 1:
            raise ValueError(f"max_size must be ≥ 1 or None; got max_size={max_size}.")
        seen = Counter(chain.from_iterable(check_sentences(sentences)))
        vocabulary = cls({word: count for word, count in seen.items() if count >= min_count})
        if max_size is None or max_size >= len(vocabulary):
            return vocabulary
        return cls({word: seen[word] for word in vocabulary.words[:max_size]})

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def id_of(self, word: str) -> int:
        """Look up the id of a word.

        Raises:
            ValueError: If the word is unknown; the message names near spellings.
        """
        if word not in self._ids:
            raise ValueError(describe_unknown(word, self.words))
        return self._ids[word]

    def encode(self, words: Iterable[str]) -> list[int]:
        """Turn words into ids. Unknown words are dropped, so the result may be shorter."""
        return [self._ids[word] for word in words if word in self._ids]
