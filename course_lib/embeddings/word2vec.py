"""Word2Vec: skip-gram and CBOW with negative sampling, trained with matrix products.

Letters in shapes: V words, D length of a vector, M chunks, L centres and W contexts of a chunk,
K shared negatives.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding
from tqdm.auto import tqdm

from course_lib.embeddings.counts import TokenStream, encode_stream, frequent_vocabulary
from course_lib.embeddings.fitted import FittedVectors
from course_lib.embeddings.sgns import keep_probabilities, negative_weights
from course_lib.embeddings.vectors import WordVectors
from course_lib.embeddings.window_gradients import (
    cbow_gradients,
    cbow_loss,
    skip_gram_gradients,
    skip_gram_loss,
)
from course_lib.embeddings.windows import CHUNK_TOKENS, Chunks, draw_chunks, draw_negatives
from course_lib.tokenizers import Vocabulary, check_sentences

_BATCHES_PER_BLOCK = 64
_OCCURRENCES_AT_FULL_STEP = 0.2


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig:
    """Settings of `SkipGram` and `CBOW`.

    Attributes:
        d_embed: Length of the vectors.
        window: A context stands at most this many words away; each centre draws 1 to `window`.
        n_negatives: Random words per true pair.
        min_count: Words seen less often are left out.
        n_epochs: Passes over the corpus.
        learning_rate: At the start; it falls linearly to 0.
        sample: Threshold of the thinning of frequent words, see `keep_probabilities`; 0 = none.
        batch_tokens: Centres per update, a multiple of 32. Larger is faster, but less exact, since
            all gradients of a batch are taken at the same point.
        n_shared: Random words that the centres of a batch share; more make the update less noisy.
        seed: Of the start values and all draws. One seed, one machine and one thread: same vectors.
    """

    d_embed: int = 100
    window: int = 5
    n_negatives: int = 5
    min_count: int = 5
    n_epochs: int = 5
    learning_rate: float = 0.075
    sample: float = 1e-3
    batch_tokens: int = 256
    n_shared: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("d_embed", "window", "n_negatives", "min_count", "n_epochs", "n_shared"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(self, name)}.")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(
                f"learning_rate must be > 0 and finite; got learning_rate={self.learning_rate}."
            )
        if not 0 <= self.sample < math.inf:
            raise ValueError(f"sample must be ≥ 0 and finite; got sample={self.sample}.")
        if self.batch_tokens < 1 or self.batch_tokens % CHUNK_TOKENS:
            raise ValueError(
                f"batch_tokens must be a positive multiple of {CHUNK_TOKENS}; "
                f"got batch_tokens={self.batch_tokens}."
            )
        if self.seed < 0:
            raise ValueError(f"seed must be ≥ 0; got seed={self.seed}.")


class _Batch(NamedTuple):
    """What one update looks at."""

    center_ids: Int[Tensor, "M L"]
    context_ids: Int[Tensor, "M W"]
    negative_ids: Int[Tensor, " K"]
    mask: Float[Tensor, "M L W"]


class _Word2Vec(FittedVectors, ABC):
    """What skip-gram and CBOW share: everything but the loss, and which table is which."""

    def __init__(self, config: Word2VecConfig | None = None) -> None:
        """Take the settings; training starts with `fit`.

        Args:
            config: The settings; None takes the defaults.
        """
        super().__init__()
        self.config = config or Word2VecConfig()

    @abstractmethod
    def _tables(self) -> tuple[Float[Tensor, "V D"], Float[Tensor, "V D"]]:
        """Name the table that centres are read from, and that of contexts."""

    @abstractmethod
    def _loss(self, batch: _Batch) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Sum the loss over a batch, and count its terms."""

    @abstractmethod
    def _gradients(self, batch: _Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the gradients of that sum for centres, contexts and negatives."""

    def fit(
        self,
        sentences: Iterable[Sequence[str]],
        progress: bool = True,
        *,
        device: torch.device | str = "cpu",
    ) -> Self:
        """Learn a vector for every word that occurs at least `min_count` times.

        Afterwards `vectors` holds them, and `losses` the loss in nats along the way (per pair for
        skip-gram, per centre for CBOW), from a small sample every 64 updates.

        Args:
            sentences: Lists of words. A generator is read once, and its sentences kept in memory.
            progress: Whether to show a bar with the loss, on the error output.
            device: Where to compute.

        Raises:
            TypeError: If `sentences` is a string, or holds strings instead of lists of words.
            ValueError: If there is no word, or fewer than 2 different words are frequent enough.
            FloatingPointError: If training diverges; the message names step and learning rate.
        """
        kept = check_sentences(sentences)
        vocabulary = frequent_vocabulary(kept, self.config.min_count)
        stream = encode_stream(kept, vocabulary)
        rng = np.random.default_rng(self.config.seed)
        self._prepare(vocabulary, rng, torch.device(device))
        n_words, n_epochs = len(stream.ids), self.config.n_epochs
        with (
            tqdm(
                total=n_words * n_epochs, disable=not progress, unit="word", unit_scale=True
            ) as bar,
            torch.no_grad(),
        ):
            for epoch in range(n_epochs):
                for share_done in self._train_epoch(epoch, stream, rng):
                    bar.update(round((epoch + share_done) * n_words) - bar.n)
                    bar.set_postfix(
                        loss=f"{self.losses[-1]:.3f}" if self.losses else "", refresh=False
                    )
        self._vectors = WordVectors(vocabulary.words, self._input.cpu().numpy(), vocabulary.counts)
        return self

    def _prepare(
        self, vocabulary: Vocabulary, rng: np.random.Generator, device: torch.device
    ) -> None:
        """Make both tables, and what is fixed for each word."""
        shape = (len(vocabulary), self.config.d_embed)
        start = (rng.random(shape, dtype=np.float32) - 0.5) / self.config.d_embed
        self._input = torch.from_numpy(start).to(device)
        self._output = torch.zeros_like(self._input)
        self._keep = keep_probabilities(vocabulary.counts, self.config.sample).numpy()
        self._cumulative = np.cumsum(negative_weights(vocabulary.counts).numpy())
        kept = vocabulary.counts * self._keep
        per_batch = self.config.batch_tokens * kept / kept.sum()
        # A batch sums a word's gradients at one point. For a frequent word the sum is too long a
        # step, so it is shortened as if the word occurred only so often.
        scale = np.minimum(1.0, _OCCURRENCES_AT_FULL_STEP / per_batch)
        self._step_scale = torch.from_numpy(scale).float().unsqueeze(1).to(device)
        self.losses = []
        self._n_steps = 0

    def _train_epoch(
        self, epoch: int, stream: TokenStream, rng: np.random.Generator
    ) -> Iterator[float]:
        """Go once through the corpus; yield the share of the epoch done after each block."""
        chunks = draw_chunks(stream, self._keep, self.config.window, rng)
        n_chunks, per_batch = len(chunks.context_ids), self.config.batch_tokens // CHUNK_TOKENS
        for start in range(0, n_chunks, per_batch * _BATCHES_PER_BLOCK):
            block = chunks.select(slice(start, start + per_batch * _BATCHES_PER_BLOCK))
            batches = list(self._batches(block, rng))
            self._report(batches[0])
            for number, batch in enumerate(batches):
                share_done = (start + number * per_batch) / n_chunks
                self._learning_rate = self.config.learning_rate * (
                    1 - (epoch + share_done) / self.config.n_epochs
                )
                self._update(batch)
            yield min(1.0, (start + len(batches) * per_batch) / n_chunks)
        self._check_finite(self._input.sum().item())

    def _batches(self, block: Chunks, rng: np.random.Generator) -> Iterator[_Batch]:
        """Cut a block into batches; what can be computed for the whole block at once, is."""
        per_batch = self.config.batch_tokens // CHUNK_TOKENS
        device, window = self._input.device, self.config.window
        block = block.to(device)
        mask = block.pair_mask().float()
        n_batches = -(-len(mask) // per_batch)
        negative_ids = draw_negatives(self._cumulative, (n_batches, self.config.n_shared), rng)
        center_ids = block.context_ids[:, window : window + CHUNK_TOKENS]
        yield from map(
            _Batch,
            center_ids.split(per_batch),
            block.context_ids.split(per_batch),
            negative_ids.to(device),
            mask.split(per_batch),
        )

    def _look_up(self, batch: _Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
        center_table, context_table = self._tables()
        return (
            embedding(batch.center_ids, center_table),
            embedding(batch.context_ids, context_table),
            embedding(batch.negative_ids, self._output),
            batch.mask,
            self.config.n_negatives,
        )

    def _report(self, batch: _Batch) -> None:
        """Record the loss on a batch that has not been trained on yet in this epoch."""
        loss_sum, n_terms = self._loss(batch)
        if n_terms > 0:
            self.losses.append((loss_sum / n_terms).item())
            self._check_finite(self.losses[-1])

    def _check_finite(self, value: float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"training diverged at step {self._n_steps} with learning_rate="
                f"{self.config.learning_rate} (now {self._learning_rate:.4g}); try a smaller "
                "learning_rate or a smaller batch_tokens."
            )

    def _update(self, batch: _Batch) -> None:
        """Take one step of gradient descent."""
        center_table, context_table = self._tables()
        d_center, d_context, d_negatives = self._gradients(batch)
        for table, ids, gradient in (
            (center_table, batch.center_ids, d_center),
            (context_table, batch.context_ids, d_context),
            (self._output, batch.negative_ids, d_negatives),
        ):
            flat_ids = ids.reshape(-1)
            step = self._step_scale.index_select(0, flat_ids).mul_(-self._learning_rate)
            table.index_add_(0, flat_ids, gradient.view(-1, gradient.shape[-1]).mul_(step))
        self._n_steps += 1


class SkipGram(_Word2Vec):
    """Word2Vec that predicts each context word from the centre word.

    Example:
        >>> sentences = [["red", "paint"], ["blue", "paint"]] * 5
        >>> model = SkipGram(Word2VecConfig(d_embed=3, n_epochs=2)).fit(sentences, progress=False)
        >>> model.vectors.matrix.shape
        (3, 3)

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
        Compositionality". Unlike the program word2vec.c, the negatives are shared by a batch of
        centres (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory", share
        them by a window), which turns the work into matrix products.
    """

    def _tables(self) -> tuple[Float[Tensor, "V D"], Float[Tensor, "V D"]]:
        return self._input, self._output

    def _loss(self, batch: _Batch) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        return skip_gram_loss(*self._look_up(batch))

    def _gradients(self, batch: _Batch) -> tuple[Tensor, Tensor, Tensor]:
        return skip_gram_gradients(*self._look_up(batch))


class CBOW(_Word2Vec):
    """Word2Vec that predicts the centre word from the mean of its context words.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space"; with
        the gradient of the mean, see `cbow_gradients`.
    """

    def _tables(self) -> tuple[Float[Tensor, "V D"], Float[Tensor, "V D"]]:
        return self._output, self._input

    def _loss(self, batch: _Batch) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        return cbow_loss(*self._look_up(batch))

    def _gradients(self, batch: _Batch) -> tuple[Tensor, Tensor, Tensor]:
        return cbow_gradients(*self._look_up(batch))
