"""GloVe: vectors whose dot products approximate the logarithm of co-occurrence counts.

Letters in shapes: V words, P pairs of words that occur together, B pairs of a batch, D length of a
vector.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from course_lib.embeddings.counts import cooccurrence_counts, frequent_vocabulary
from course_lib.embeddings.fitted import FittedVectors
from course_lib.embeddings.vectors import WordVectors
from course_lib.seeding import make_generator
from course_lib.tokenizers import check_sentences


@dataclass(frozen=True, kw_only=True)
class GloVeConfig:
    """Settings of `GloVe`.

    Attributes:
        d_embed: Length of the vectors.
        window: Words count as near if at most this many positions apart, with weight 1/distance.
        min_count: Words seen less often are left out.
        n_epochs: Passes over the pairs that occur together.
        learning_rate: Step length, which AdaGrad divides by the size of the past gradients.
        x_max: From this count on, a pair has full weight.
        alpha: How fast the weight falls for smaller counts.
        batch_pairs: Pairs per update. Larger is faster, but less exact.
        seed: Of the start values and of the order of the pairs.
    """

    d_embed: int = 100
    window: int = 10
    min_count: int = 5
    n_epochs: int = 15
    learning_rate: float = 0.05
    x_max: float = 100.0
    alpha: float = 0.75
    batch_pairs: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("d_embed", "window", "min_count", "n_epochs", "batch_pairs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")
        for name in ("learning_rate", "x_max", "alpha"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} must be > 0 and finite; got {name}={getattr(self, name)}."
                )


def glove_weights(
    counts: Float[Tensor, " B"], x_max: float = 100.0, alpha: float = 0.75
) -> Float[Tensor, " B"]:
    """Weigh pairs by how often they were seen: (count / x_max)^alpha, at most 1.

    Args:
        counts: How often each pair was seen.
        x_max: From this count on the weight is 1.
        alpha: How fast it falls below.

    Reference:
        Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation", eq. 9.

    Example:
        >>> glove_weights(torch.tensor([1.0, 16.0, 200.0]), x_max=81.0, alpha=0.5).tolist()
        [0.1111111119389534, 0.4444444477558136, 1.0]
    """
    return (counts / x_max).pow(alpha).clamp(max=1.0)


class _Pairs(NamedTuple):
    """A batch: two words each, the logarithm of their count, and their weight."""

    word_ids: Int[Tensor, " B"]
    context_ids: Int[Tensor, " B"]
    log_counts: Float[Tensor, " B"]
    weights: Float[Tensor, " B"]


def glove_gradients(
    word: Float[Tensor, "B D+1"],
    context: Float[Tensor, "B D+1"],
    log_counts: Float[Tensor, " B"],
    weights: Float[Tensor, " B"],
) -> tuple[Float[Tensor, "B D+1"], Float[Tensor, "B D+1"], Float[Tensor, " B"]]:
    """Compute the loss of each pair, and its gradients by hand.

    The loss of a pair is weight · (w·u + b + c - ln count)². The bias b is the last entry of
    `word`, c that of `context`.

    Args:
        word: Vectors and biases of the words.
        context: Vectors and biases of the words near them.
        log_counts: Logarithms of how often each pair was seen.
        weights: From `glove_weights`.

    Returns:
        The gradients for `word` and `context`, and the losses.

    Reference:
        Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation", eq. 8.
    """
    product = (word[:, :-1] * context[:, :-1]).sum(dim=1)
    error = product + word[:, -1] + context[:, -1] - log_counts
    slope = (2 * weights * error).unsqueeze(1)
    ones = torch.ones_like(slope)
    d_word = slope * torch.cat([context[:, :-1], ones], dim=1)
    d_context = slope * torch.cat([word[:, :-1], ones], dim=1)
    return d_word, d_context, weights * error.square()


class GloVe(FittedVectors):
    """Global vectors: a weighted least-squares fit of log co-occurrence counts, with AdaGrad.

    The vector of a word is the sum of its two roles, w + u.

    Reference:
        Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation". Unlike
        their program, pairs are updated in batches.

    Example:
        >>> sentences = [["red", "paint"], ["blue", "paint"]] * 5
        >>> model = GloVe(GloVeConfig(d_embed=2, n_epochs=30)).fit(sentences, progress=False)
        >>> model.losses[-1] < model.losses[0]
        True
    """

    def __init__(self, config: GloVeConfig | None = None) -> None:
        """Take the settings; training starts with `fit`.

        Args:
            config: The settings; None takes the defaults.
        """
        super().__init__()
        self.config = config or GloVeConfig()

    def fit(
        self,
        sentences: Iterable[Sequence[str]],
        progress: bool = True,
        *,
        device: torch.device | str = "cpu",
    ) -> Self:
        """Learn a vector for every word that occurs at least `min_count` times.

        Afterwards `vectors` holds them, and `losses` the mean loss per pair of each epoch.

        Args:
            sentences: Lists of words. A generator is read once, and its sentences kept in memory.
            progress: Whether to show a bar with the loss, on the error output.
            device: Where to compute.

        Raises:
            TypeError: If `sentences` is a string, or holds strings instead of lists of words.
            ValueError: If there is no word, fewer than 2 different words are frequent enough, or
                no two of them ever stand near each other.
            FloatingPointError: If training diverges; the message names epoch and learning rate.
        """
        kept = check_sentences(sentences)
        vocabulary = frequent_vocabulary(kept, self.config.min_count)
        table = cooccurrence_counts(
            kept, vocabulary, window=self.config.window, weighting="harmonic"
        ).tocoo()
        if table.nnz == 0:
            raise ValueError("sentences must hold two known words side by side; got none.")
        pairs = self._make_pairs(table.row, table.col, table.data, torch.device(device))
        generator = make_generator(self.config.seed)
        self._prepare(len(vocabulary), generator, torch.device(device))
        self.losses = []
        bar = tqdm(range(self.config.n_epochs), disable=not progress, unit="epoch")
        for epoch in bar:
            self.losses.append(self._train_epoch(pairs, generator))
            bar.set_postfix(loss=f"{self.losses[-1]:.4f}")
            if not math.isfinite(self.losses[-1]):
                raise FloatingPointError(
                    f"training diverged in epoch {epoch} with learning_rate="
                    f"{self.config.learning_rate}; try a smaller learning_rate or batch_pairs."
                )
        total = self._tables[0] + self._tables[1]
        self._vectors = WordVectors(
            vocabulary.words, total[:, :-1].cpu().numpy(), vocabulary.counts
        )
        return self

    def _make_pairs(
        self, row: np.ndarray, column: np.ndarray, counts: np.ndarray, device: torch.device
    ) -> _Pairs:
        values = torch.from_numpy(counts).float()
        weights = glove_weights(values, self.config.x_max, self.config.alpha)
        ids = (torch.from_numpy(part.astype(np.int64)) for part in (row, column))
        return _Pairs(*(part.to(device) for part in (*ids, values.log(), weights)))

    def _prepare(self, n_words: int, generator: torch.Generator, device: torch.device) -> None:
        """Make both tables (the last column is the bias) and their sums of squared gradients."""
        shape = (n_words, self.config.d_embed + 1)
        self._tables = tuple(
            ((torch.rand(shape, generator=generator) - 0.5) / self.config.d_embed).to(device)
            for _ in range(2)
        )
        self._squares = tuple(torch.ones_like(table) for table in self._tables)

    def _train_epoch(self, pairs: _Pairs, generator: torch.Generator) -> float:
        """Go once through all pairs, in random order; return the mean loss."""
        order = torch.randperm(len(pairs.word_ids), generator=generator)
        total = torch.zeros((), dtype=torch.float64, device=pairs.weights.device)
        for rows in order.to(pairs.weights.device).split(self.config.batch_pairs):
            total += self._update(_Pairs(*(part[rows] for part in pairs)))
        return total.item() / len(order)

    def _update(self, batch: _Pairs) -> Float[Tensor, ""]:
        """Take one AdaGrad step; return the sum of the losses before it."""
        word, context = self._tables
        *gradients, losses = glove_gradients(
            word[batch.word_ids], context[batch.context_ids], batch.log_counts, batch.weights
        )
        ids_of_both = (batch.word_ids, batch.context_ids)
        for table, squares, ids, gradient in zip(
            self._tables, self._squares, ids_of_both, gradients, strict=True
        ):
            squares.index_add_(0, ids, gradient.square())
            scaled = gradient.mul_(squares.index_select(0, ids).rsqrt_())
            table.index_add_(0, ids, scaled, alpha=-self.config.learning_rate)
        return losses.sum()
