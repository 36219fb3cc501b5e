"""The n-gram model to beat: interpolated Kneser–Ney.

Letters in shapes: N predicted tokens, V outcomes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.models.ngram_table import Level, entry_counts_of, next_counts
from course_lib.models.word_model import WordModel
from course_lib.tokenizers import Vocabulary


def discounted_probabilities(
    counts: Float[Tensor, " V"], fallback: Float[Tensor, " V"], discount: float
) -> Float[Tensor, " V"]:
    """Take a little from everything seen, and share it out as a shorter context suggests.

    Args:
        counts: How often each outcome was seen in this context.
        fallback: The probabilities of a shorter context (they sum to 1).
        discount: What to take from each count that is not zero (between 0 and 1).

    Returns:
        Probabilities that sum to 1; the fallback itself if this context was never seen.

    Reference:
        Chen and Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling",
        the interpolated form of Kneser and Ney 1995.

    Example:
        >>> counts, fallback = torch.tensor([3.0, 1.0, 0.0]), torch.tensor([0.2, 0.2, 0.6])
        >>> discounted_probabilities(counts, fallback, discount=0.5)
        tensor([0.6750, 0.1750, 0.1500])
    """
    total = counts.sum()
    if total == 0:
        return fallback
    kept = (counts - discount).clamp(min=0)
    freed = discount * (counts > 0).sum()
    return (kept + freed * fallback) / total


@dataclass(frozen=True, kw_only=True)
class KneserNeyConfig:
    """Settings of `KneserNeyModel`.

    Attributes:
        order: Tokens in the longest n-gram.
        discount: What is taken from every count that is not zero.
    """

    order: int = 3
    discount: float = 0.75

    def __post_init__(self) -> None:
        if self.order < 1:
            raise ValueError(f"order must be ≥ 1; got order={self.order}.")
        if not 0 < self.discount < 1:
            raise ValueError(f"discount must be between 0 and 1; got discount={self.discount}.")


class KneserNeyModel(WordModel):
    """An n-gram model that falls back, gently, on ever shorter contexts.

    A shorter context does not ask how *often* a word was seen but in how many *different* longer
    contexts: "Francisco" is frequent, but only after "San", so it is a poor guess elsewhere.

    Reference:
        Kneser and Ney 1995, "Improved Backing-off for M-gram Language Modeling"; Chen and Goodman
        1998. Unlike there, one discount serves all orders, and the shortest context
        falls back on equal probabilities, so nothing is impossible.
    """

    def __init__(self, config: KneserNeyConfig) -> None:
        """Prepare a model; `fit` gives it its counts.

        Args:
            config: Its settings.
        """
        super().__init__(config.order)
        self.config = config

    def fit(self, sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> "KneserNeyModel":
        """Count the n-grams of some sentences, and the variety of what precedes them.

        Args:
            sentences: Lists of words.
            vocabulary: The words to know by name.

        Raises:
            TypeError: If `sentences` is a string, or holds strings.
            ValueError: If there is no sentence.
        """
        super().fit(sentences, vocabulary)
        levels = self.table.levels
        self._counts = [
            _varieties(shorter, longer, self.vocab_size) for shorter, longer in pairwise(levels)
        ]
        self._counts.append(levels[-1].entry_counts)
        return self

    def next_log_probs(self, context_ids: Sequence[int]) -> Float[Tensor, " V"]:
        """Predict the next token.

        Args:
            context_ids: The tokens so far, oldest first; what lies before an end token is ignored.

        Returns:
            The log-probability of every outcome, in nats; none is minus infinity.
        """
        path = self.table.find_path(self.sentence_so_far(context_ids))
        probabilities = torch.full((self.vocab_size,), 1 / self.vocab_size, dtype=torch.float64)
        for level, counts, place in zip(self.table.levels, self._counts, path, strict=False):
            seen = torch.from_numpy(next_counts(level, counts, place, self.vocab_size)).double()
            probabilities = discounted_probabilities(seen, probabilities, self.config.discount)
        return probabilities.log()

    def token_log_probs(self, sentences: Sequence[Sequence[int]]) -> Float[np.ndarray, " N"]:
        """Score every token of some sentences.

        Args:
            sentences: Token ids, each with its end token, as `encode` makes them.

        Returns:
            The log-probability of each token given those before it in its sentence, in nats, for
            all sentences in a row.
        """
        found, words, _ = self.table.find_contexts(sentences)
        probabilities = np.full(len(words), 1 / self.vocab_size)
        discount = self.config.discount
        for level, counts, places in zip(self.table.levels, self._counts, found, strict=True):
            seen = places >= 0
            contexts = places[seen]
            owners = level.entry_contexts(self.vocab_size)
            total = np.bincount(owners, weights=counts)[contexts]
            freed = discount * np.bincount(owners)[contexts]
            count = entry_counts_of(level, counts, contexts, words[seen], self.vocab_size)
            kept = np.maximum(count - discount, 0)
            probabilities[seen] = (kept + freed * probabilities[seen]) / total
        return np.log(probabilities)


def _varieties(shorter: Level, longer: Level, vocab_size: int) -> np.ndarray:
    """Count, per entry of the shorter level, the different tokens that were seen before it.

    Nothing precedes the start of a sentence, so there the plain counts stand.
    """
    parents = longer.parents(vocab_size)[longer.entry_contexts(vocab_size)]
    words = longer.entry_keys % vocab_size
    places = np.searchsorted(shorter.entry_keys, parents * vocab_size + words)
    varieties = np.bincount(places, minlength=len(shorter.entry_keys))
    at_start = shorter.starts_sentence[shorter.entry_contexts(vocab_size)]
    return np.where(at_start, shorter.entry_counts, varieties)
