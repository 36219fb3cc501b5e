"""The smallest language model that works: count what came next, and divide.

Letters in shapes: N predicted tokens, V outcomes.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.models.ngram_table import entry_counts_of, next_counts
from course_lib.models.word_model import WordModel


def count_ngrams(tokens: Sequence[Hashable], order: int) -> Counter[tuple[Hashable, ...]]:
    """Count every run of `order` neighbouring tokens.

    Args:
        tokens: Words, ids or characters, in reading order.
        order: Length of the runs, in tokens (≥ 1).

    Returns:
        How often each run was seen, as a tuple of tokens; empty if there are fewer tokens than
        `order`.

    Raises:
        ValueError: If `order` is below 1.

    Example:
        >>> count_ngrams(["a", "rose", "is", "a", "rose"], 2).most_common(1)
        [(('a', 'rose'), 2)]
    """
    if order < 1:
        raise ValueError(f"order must be ≥ 1; got order={order}.")
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))


def add_k_probabilities(counts: Float[Tensor, " V"], add_k: float) -> Float[Tensor, " V"]:
    """Turn counts into probabilities, as if every outcome had been seen `add_k` times more.

    Args:
        counts: How often each outcome was seen.
        add_k: What to add to each count; 0 gives the plain relative frequencies.

    Returns:
        Probabilities that sum to 1.

    Reference:
        Lidstone 1920; for `add_k` = 1 Laplace's rule of succession.

    Example:
        >>> add_k_probabilities(torch.tensor([3.0, 1.0, 0.0]), add_k=1.0)
        tensor([0.5714, 0.2857, 0.1429])
    """
    return (counts + add_k) / (counts.sum() + add_k * len(counts))


@dataclass(frozen=True, kw_only=True)
class NGramConfig:
    """Settings of `NGramModel`.

    Attributes:
        order: Tokens in an n-gram: the one predicted and the `order - 1` before it.
        add_k: What is added to every count. With 0 whatever was never seen is impossible.
    """

    order: int = 3
    add_k: float = 0.0

    def __post_init__(self) -> None:
        if self.order < 1:
            raise ValueError(f"order must be ≥ 1; got order={self.order}.")
        if not self.add_k >= 0:
            raise ValueError(f"add_k must be ≥ 0; got add_k={self.add_k}.")


class NGramModel(WordModel):
    """Predicts the next word by what followed the same `order - 1` words in the training text.

    Reference:
        Shannon 1948, "A Mathematical Theory of Communication", section 3. Unlike there, sentences
        have a start and an end, and counts may be smoothed.

    Example:
        >>> from course_lib.tokenizers import Vocabulary
        >>> sentences = [["it", "rains"], ["it", "rains"], ["it", "snows"]]
        >>> model = NGramModel(NGramConfig(order=2))
        >>> model = model.fit(sentences, Vocabulary.from_sentences(sentences))
        >>> model.next_log_probs(model.encode(["it"])[:-1]).exp()
        tensor([0.0000, 0.6667, 0.3333, 0.0000, 0.0000], dtype=torch.float64)
    """

    def __init__(self, config: NGramConfig) -> None:
        """Prepare a model; `fit` gives it its counts.

        Args:
            config: Its settings.
        """
        super().__init__(config.order)
        self.config = config

    def with_add_k(self, add_k: float) -> "NGramModel":
        """Make a model that shares this one's counts and smooths them differently.

        Args:
            add_k: What is added to every count (≥ 0).
        """
        other = type(self)(replace(self.config, add_k=add_k))
        other.vocabulary, other.table = self.vocabulary, self.table
        return other

    def next_log_probs(self, context_ids: Sequence[int]) -> Float[Tensor, " V"]:
        """Predict the next token.

        Args:
            context_ids: The tokens so far, oldest first; what lies before an end token is ignored.

        Returns:
            The log-probability of every outcome, in nats; minus infinity for the impossible.

        Raises:
            ValueError: If the context was never seen and `add_k` is 0: then nothing is known.
        """
        context = self.sentence_so_far(context_ids)
        path = self.table.find_path(context)
        if not self.table.is_whole(context, path):
            if self.config.add_k == 0:
                tail = self.decode(context[max(0, len(context) - self.order + 1) :])
                raise ValueError(
                    f"context must occur in the training text if add_k is 0; got {tail}. "
                    "Use add_k > 0, a smaller order, or KneserNeyModel."
                )
            counts = np.zeros(self.vocab_size)
        else:
            level = self.table.levels[len(path) - 1]
            counts = next_counts(level, level.entry_counts, path[-1], self.vocab_size)
        return add_k_probabilities(torch.from_numpy(counts).double(), self.config.add_k).log()

    def token_log_probs(self, sentences: Sequence[Sequence[int]]) -> Float[np.ndarray, " N"]:
        """Score every token of some sentences.

        Args:
            sentences: Token ids, each with its end token, as `encode` makes them.

        Returns:
            The log-probability of each token given those before it in its sentence, in nats, for
            all sentences in a row; minus infinity where the model calls the token impossible.
        """
        table, add_k, vocab_size = self.table, self.config.add_k, self.vocab_size
        found, words, longest = table.find_contexts(sentences)
        count, total = np.zeros(len(words)), np.zeros(len(words))
        for length, level in enumerate(table.levels):
            here = (longest == length) & (found[length] >= 0)
            contexts = found[length, here]
            totals = np.bincount(level.entry_contexts(vocab_size), weights=level.entry_counts)
            total[here] = totals[contexts]
            count[here] = entry_counts_of(
                level, level.entry_counts, contexts, words[here], vocab_size
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            probabilities = (count + add_k) / (total + add_k * vocab_size)
            return np.log(np.nan_to_num(probabilities, nan=0.0))
