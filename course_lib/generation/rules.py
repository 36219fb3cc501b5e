"""Settings that the decoding methods share: when a text ends, what it may not repeat, how to draw.

Letters: B = sequences, V = vocab_size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.generation.filters import keep_min_p, keep_top_k, keep_top_p, keep_typical
from course_lib.generation.penalties import forbid_repeated_ngrams, penalise_repetition
from course_lib.generation.sampling import apply_temperature


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a text ends, and what it may not repeat.

    Attributes:
        end_id: The token that ends a text; it is not part of what is returned. None if there is
            no such token.
        stop: Told the new ids of a text after each token, says whether it ends there; what it
            has been told is returned whole. See `StopStrings`.
        repetition_penalty: See `penalise_repetition`; 1 for none.
        no_repeat_ngram_size: See `forbid_repeated_ngrams`; 0 for none.
        forbidden_ids: Tokens that are never written, such as the one that every target starts
            with.
    """

    end_id: int | None = None
    stop: Callable[[Sequence[int]], bool] | None = None
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    forbidden_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.repetition_penalty > 0:
            raise ValueError(
                f"repetition_penalty must be > 0; got repetition_penalty={self.repetition_penalty}."
            )
        if self.no_repeat_ngram_size < 0:
            raise ValueError(
                "no_repeat_ngram_size must be ≥ 0; "
                f"got no_repeat_ngram_size={self.no_repeat_ngram_size}."
            )

    @property
    def changes_scores(self) -> bool:
        """Whether `apply` does anything."""
        is_penalised = self.repetition_penalty != 1 or self.no_repeat_ngram_size > 0
        return is_penalised or bool(self.forbidden_ids)

    def apply(
        self, scores: Float[Tensor, "B V"], texts: Sequence[Sequence[int]]
    ) -> Float[Tensor, "B V"]:
        """Change the scores of the next token, text by text.

        Args:
            scores: Logits; in beam search, log-probabilities.
            texts: The ids of each text so far, with its prompt.
        """
        if not self.changes_scores:
            return scores
        return torch.stack([self._apply(row, ids) for row, ids in zip(scores, texts, strict=True)])

    def _apply(self, scores: Float[Tensor, " V"], ids: Sequence[int]) -> Float[Tensor, " V"]:
        if self.repetition_penalty != 1:
            scores = penalise_repetition(scores, ids, self.repetition_penalty)
        if self.no_repeat_ngram_size:
            scores = forbid_repeated_ngrams(scores, ids, self.no_repeat_ngram_size)
        if self.forbidden_ids:
            forbidden = torch.tensor(self.forbidden_ids, device=scores.device)
            scores = scores.index_fill(0, forbidden, -torch.inf)
        return scores


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is drawn. The steps come in the order of the attributes.

    Attributes:
        temperature: See `apply_temperature`.
        top_k: See `keep_top_k`; None for all.
        top_p: See `keep_top_p`; None for all.
        min_p: See `keep_min_p`; None for all.
        typical_p: See `keep_typical`; None for all.
        n_sequences: How many texts are written for each prompt (≥ 1).
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    n_sequences: int = 1

    def __post_init__(self) -> None:
        if self.n_sequences < 1:
            raise ValueError(f"n_sequences must be ≥ 1; got n_sequences={self.n_sequences}.")
        self.log_probs(torch.zeros(1))  # refuses what a step refuses, before anything is written

    def log_probs(self, logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
        """Give the distribution that is drawn from, normalised.

        Args:
            logits: What the model says of the next token.

        Raises:
            ValueError: If a setting is out of range.
        """
        log_probs = apply_temperature(logits, self.temperature)
        if self.top_k is not None:
            log_probs = keep_top_k(log_probs, self.top_k)
        if self.top_p is not None:
            log_probs = keep_top_p(log_probs, self.top_p)
        if self.min_p is not None:
            log_probs = keep_min_p(log_probs, self.min_p)
        if self.typical_p is not None:
            log_probs = keep_typical(log_probs, self.typical_p)
        return log_probs.log_softmax(dim=-1)
