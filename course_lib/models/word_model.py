"""What all models over words of sentences share: ids for words, and the probability of a sentence.

Letters in shapes: N predicted tokens, V outcomes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from course_lib.models.ngram_table import NGramTable
from course_lib.tokenizers import Vocabulary, check_sentences

UNKNOWN = "<unk>"
END = "</s>"


Model = TypeVar("Model", bound="WordModel")


class WordModel(ABC):
    """A language model that predicts the next word of a sentence from the words before it.

    Its outcomes are the words of a vocabulary, then one token for every other word, then one for
    the end of the sentence. So the probabilities of all sentences, of any length, sum to one.

    Attributes:
        vocabulary: The words it knows by name.
        table: The counts it was fitted on.
    """

    vocabulary: Vocabulary
    table: NGramTable

    def __init__(self, order: int) -> None:
        """Prepare a model without counts.

        Args:
            order: Tokens in the longest n-gram: the one predicted and those before it (≥ 1).
        """
        self.order = order

    @property
    def unknown_id(self) -> int:
        """The id of every word outside the vocabulary."""
        return len(self.vocabulary)

    @property
    def end_id(self) -> int:
        """The id of the end of a sentence."""
        return len(self.vocabulary) + 1

    @property
    def vocab_size(self) -> int:
        """Number of outcomes V: the words, the unknown word, the end."""
        return len(self.vocabulary) + 2

    def fit(self: Model, sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> Model:
        """Count the n-grams of some sentences.

        Args:
            sentences: Lists of words.
            vocabulary: The words to know by name.

        Raises:
            TypeError: If `sentences` is a string, or holds strings.
            ValueError: If there is no sentence.
        """
        kept = check_sentences(sentences)
        if not kept:
            raise ValueError("sentences must hold at least one sentence; got none.")
        self.vocabulary = vocabulary
        encoded = [self.encode(words) for words in kept]
        self.table = NGramTable(encoded, self.order, self.vocab_size)
        return self

    def encode(self, words: Sequence[str]) -> list[int]:
        """Turn the words of one sentence into ids, and add the end token."""
        known, unknown = self.vocabulary, self.unknown_id
        return [known.id_of(word) if word in known else unknown for word in words] + [self.end_id]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """Turn ids into words; the unknown word reads `<unk>`, the end of a sentence `</s>`."""
        names = [*self.vocabulary.words, UNKNOWN, END]
        return [names[index] for index in ids]

    def sentence_so_far(self, ids: Sequence[int]) -> list[int]:
        """Forget everything up to the last end token: the next sentence begins afresh."""
        ids = list(ids)
        if self.end_id not in ids:
            return ids
        return ids[len(ids) - ids[::-1].index(self.end_id) :]

    @abstractmethod
    def next_log_probs(self, context_ids: Sequence[int]) -> Float[Tensor, " V"]:
        """Predict the next token.

        Args:
            context_ids: The tokens so far, oldest first; what lies before an end token is ignored.

        Returns:
            The log-probability of every outcome, in nats.
        """

    @abstractmethod
    def token_log_probs(self, sentences: Sequence[Sequence[int]]) -> Float[np.ndarray, " N"]:
        """Score every token of some sentences.

        Args:
            sentences: Token ids, each with its end token, as `encode` makes them.

        Returns:
            The log-probability of each token given those before it in its sentence, in nats, for
            all sentences in a row.
        """

    def log_prob(self, ids: Sequence[int]) -> float:
        """Score one sentence: the sum of its tokens' log-probabilities, in nats.

        Args:
            ids: Token ids with the end token, as `encode` makes them.
        """
        return float(self.token_log_probs([ids]).sum())
