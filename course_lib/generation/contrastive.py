"""Contrastive search: a likely token, but not one that brings the model back to where it was.

Letters: B = sequences, C = candidates of all sequences, k = candidates of each, S = tokens so far,
D = d_model, V = vocab_size.
"""

import math
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.data.batches import TokenBatch
from course_lib.generation.reading import AnyModel, Reading, adapt
from course_lib.generation.rules import Rules
from course_lib.generation.writing import Prompts, as_batch, require_count, texts_of


@runtime_checkable
class ReadingHidden(Reading, Protocol):
    """A reading that also gives the vectors from which the scores are made."""

    def read_hidden(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B V"]]:
        """Read on; give the last layer's vectors of the tokens, and the next one's scores."""
        ...


def contrastive_search(
    model: AnyModel,
    prompts: Prompts,
    n_tokens: int,
    *,
    k: int,
    alpha: float,
    rules: Rules | None = None,
) -> list[list[int]]:
    """Go on writing with a likely token whose vector is unlike those of all tokens before it.

    Each of the `k` likeliest tokens is read. The one with the highest
    (1 − alpha) · probability − alpha · (largest cosine with an earlier vector) is taken. So a
    token costs as much as `k` texts do in greedy decoding.

    Args:
        model: A GPT or Llama of ours, or a causal model of Hugging Face's: one that shows the
            vectors of the last layer, after the final norm (`hidden_states[-1]` in transformers).
        prompts: The beginnings; their vectors count as earlier ones, those of padding do not.
        n_tokens: How many tokens to write at most, for each (≥ 1). The last one is read, too, so
            that the model must place one token more than in other methods.
        k: How many tokens to choose from (≥ 1).
        alpha: Weight of the unlikeness (≥ 0, ≤ 1); 0 is greedy decoding.
        rules: When a text ends, and what it may not repeat. They change the probabilities, and
            which tokens are the likeliest.

    Returns:
        The new ids of each text, without its prompt and without the token that ended it.

    Raises:
        TypeError: If the model does not show its vectors.
        ValueError: If `n_tokens`, `k` or `alpha` is out of range, a prompt is empty, or the model
            cannot place so many tokens.

    Reference:
        Su et al. 2022, "A Contrastive Framework for Neural Text Generation", section 3.2,
        https://arxiv.org/abs/2202.06417

    Example:
        >>> from course_lib.models import GPT, GPTConfig
        >>> config = GPTConfig(vocab_size=11, max_len=7, d_model=6, n_heads=3, n_layers=1)
        >>> prompts = torch.tensor([[3, 1]])
        >>> texts = contrastive_search(GPT(config).eval(), prompts, 5, k=4, alpha=0.6)
        >>> len(texts[0])
        5
    """
    require_count("n_tokens", n_tokens)
    require_count("k", k)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be ≥ 0 and ≤ 1; got alpha={alpha}.")
    rules = Rules() if rules is None else rules
    batch = as_batch(prompts)
    texts = _Texts(model, batch, n_tokens)
    given = texts_of(batch)
    written: list[list[int]] = [[] for _ in given]
    is_open = list(range(len(given)))
    for _ in range(n_tokens):
        scores = rules.apply(texts.logits, [given[index] + written[index] for index in is_open])
        tokens, rows = _choose(scores, texts, k, alpha)
        going_on = []
        for place, token in enumerate(tokens):
            if token != rules.end_id:
                ids = written[is_open[place]]
                ids.append(token)
                if rules.stop is None or not rules.stop(ids):
                    going_on.append(place)
        if not going_on:
            break
        texts.keep(rows[going_on])
        is_open = [is_open[place] for place in going_on]
    return written


def _choose(
    scores: Float[Tensor, "B V"], texts: "_Texts", k: int, alpha: float
) -> tuple[list[int], Int[Tensor, " B"]]:
    """Let a model read the likeliest tokens; give the best of each text, and its row."""
    # In half precision, several tokens would come out as the likeliest.
    probs = scores.softmax(dim=1, dtype=torch.promote_types(scores.dtype, torch.float32))
    probs, tokens = probs.topk(min(k, scores.shape[1]), dim=1)
    values = (1 - alpha) * probs - alpha * texts.read_candidates(tokens)
    best = values.masked_fill(probs == 0, -math.inf).argmax(dim=1)  # never what is ruled out
    rows = torch.arange(len(best), device=best.device) * tokens.shape[1] + best
    return tokens.flatten()[rows].tolist(), rows


class _Texts:
    """Texts as far as a model has read them, and which way the vectors of their tokens point.

    Args:
        model: As for `contrastive_search`.
        prompts: What is read first.
        n_tokens: How many tokens will be read after them.

    Attributes:
        logits: What the model says of the next token of each text.
    """

    def __init__(self, model: AnyModel, prompts: TokenBatch, n_tokens: int) -> None:
        n_sequences, n_read = prompts.ids.shape
        reading = adapt(model).begin(n_sequences, n_read + n_tokens)
        if not isinstance(reading, ReadingHidden):
            raise TypeError(
                "model must show the vectors of its last layer: pass a GPT or Llama of ours, or a "
                f"causal model of Hugging Face's; got {type(model).__name__}."
            )
        hidden, self.logits = reading.read_hidden(*prompts)
        self._reading, self._mask = reading, prompts.mask
        self._directions = F.normalize(hidden, dim=-1)

    def read_candidates(self, tokens: Int[Tensor, "B k"]) -> Float[Tensor, "B k"]:
        """Read k tokens after each text, in a copy each; give their largest cosine with the past.

        Args:
            tokens: Those of a text stand side by side.
        """
        n_texts, n_each = tokens.shape
        self.keep(torch.arange(n_texts, device=tokens.device).repeat_interleave(n_each))
        hidden, self.logits = self._reading.read_hidden(tokens.reshape(-1, 1))
        newest = F.normalize(hidden, dim=-1)
        cosines = (self._directions @ newest.mT).squeeze(-1).masked_fill(~self._mask, -math.inf)
        self._directions = torch.cat((self._directions, newest), dim=1)
        self._mask = F.pad(self._mask, (0, 1), value=True)
        return cosines.amax(dim=1).view(n_texts, n_each)

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """Go on with these of the texts, in this order; one may be kept several times."""
        self._reading.keep(rows)
        self.logits, self._mask = self.logits[rows], self._mask[rows]
        self._directions = self._directions[rows]
