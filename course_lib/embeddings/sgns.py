"""Skip-gram with negative sampling: pairs, probabilities, the loss, and its gradients by hand.

Letters in shapes: B pairs, K negatives per pair, D length of a vector, V words.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import logsigmoid


def skip_gram_pairs(ids: Sequence[int], window: int) -> list[tuple[int, int]]:
    """List all (centre, context) pairs of one sentence.

    Args:
        ids: The words of the sentence.
        window: A context stands at most this many positions left or right of its centre (≥ 1).

    Returns:
        The pairs in the order of the centres, contexts from left to right.

    Raises:
        ValueError: If `window` is below 1.

    Example:
        >>> skip_gram_pairs([7, 8, 9], window=1)
        [(7, 8), (8, 7), (8, 9), (9, 8)]
    """
    if window < 1:
        raise ValueError(f"window must be ≥ 1; got window={window}.")
    pairs = []
    for i, center in enumerate(ids):
        for j in range(max(0, i - window), min(len(ids), i + window + 1)):
            if j != i:
                pairs.append((center, ids[j]))
    return pairs


def _as_counts(counts: ArrayLike | Tensor) -> Float[Tensor, " V"]:
    values = torch.as_tensor(counts).double()
    if values.ndim != 1 or not bool((values >= 0).all()) or not bool(values.sum() > 0):
        raise ValueError(
            "counts must be a list of numbers ≥ 0, not all of them 0; "
            f"got {values.tolist() if values.numel() < 8 else tuple(values.shape)}."
        )
    return values


def negative_weights(counts: ArrayLike | Tensor, power: float = 0.75) -> Float[Tensor, " V"]:
    """Compute how likely each word is drawn as a negative: count^power, scaled to sum to 1.

    Args:
        counts: How often each word was seen.
        power: 1 draws words as often as they occur, 0 draws all alike.

    Returns:
        The probabilities, in double precision.

    Raises:
        ValueError: If `counts` holds a negative number, or no positive one.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
        Compositionality", section 2.2.

    Example:
        >>> negative_weights([16, 1, 1]).tolist()
        [0.8, 0.1, 0.1]
    """
    weights = _as_counts(counts) ** power
    return weights / weights.sum()


def keep_probabilities(counts: ArrayLike | Tensor, sample: float = 1e-3) -> Float[Tensor, " V"]:
    """Compute how likely each occurrence of a word is kept when frequent words are thinned out.

    With f = the word's share of all running words it is √(sample/f) + sample/f, at most 1.

    Args:
        counts: How often each word was seen.
        sample: Words with a larger share than about 2.6 times this are thinned; 0 keeps all.

    Returns:
        The probabilities, in double precision.

    Raises:
        ValueError: If `counts` holds a negative number or no positive one, or `sample` < 0.

    Reference:
        The program word2vec.c by Mikolov et al. 2013. Unlike their paper, which has 1 - √(sample/f)
        for the probability to *drop*.

    Example:
        >>> keep_probabilities([96, 4], sample=0.04).round(decimals=4).tolist()
        [0.2458, 1.0]
    """
    if not sample >= 0:
        raise ValueError(f"sample must be ≥ 0; got sample={sample}.")
    values = _as_counts(counts)
    if sample == 0:
        return torch.ones_like(values)
    ratio = sample * values.sum() / values  # infinite for a word never seen: kept
    return (ratio.sqrt() + ratio).clamp(max=1.0)


def sgns_loss(
    center: Float[Tensor, "B D"],
    context: Float[Tensor, "B D"],
    negatives: Float[Tensor, "B K D"],
) -> Float[Tensor, ""]:
    """Compute the loss of skip-gram with negative sampling, in nats per pair.

    For a pair with vectors v (centre) and u (context) and negatives n₁ … n_K it is
    -ln σ(u·v) - Σₖ ln σ(-nₖ·v): small if u·v is large and all nₖ·v are small.

    Args:
        center: Vectors of the centre words.
        context: Vectors of the words that really stood near them.
        negatives: Vectors of words drawn at random.

    Returns:
        The mean over the pairs.

    Reference:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their
        Compositionality", eq. 4. Unlike the paper, negated, so that lower is better.

    Example:
        >>> zeros = torch.zeros(1, 2)
        >>> round(sgns_loss(zeros, zeros, torch.zeros(1, 5, 2)).item(), 4)  # 6 · ln 2
        4.1589
    """
    positive_scores = (center * context).sum(dim=-1)
    negative_scores = (negatives @ center.unsqueeze(-1)).squeeze(-1)
    return -(logsigmoid(positive_scores) + logsigmoid(-negative_scores).sum(dim=-1)).mean()


def sgns_gradients(
    center: Float[Tensor, "B D"],
    context: Float[Tensor, "B D"],
    negatives: Float[Tensor, "B K D"],
) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"], Float[Tensor, "B K D"]]:
    """Compute the gradients of `sgns_loss` by hand.

    The derivative of -ln σ(s) is σ(s) - 1, that of -ln σ(-s) is σ(s): prediction minus label, with
    label 1 for the true pair and 0 for a negative. The chain rule multiplies it by the other
    vector.

    Args:
        center: Vectors of the centre words.
        context: Vectors of the words that really stood near them.
        negatives: Vectors of words drawn at random.

    Returns:
        The gradients for `center`, `context` and `negatives`, with their shapes.
    """
    n_pairs = center.shape[0]
    positive_error = ((center * context).sum(dim=-1, keepdim=True).sigmoid() - 1) / n_pairs
    negative_error = (negatives @ center.unsqueeze(-1)).sigmoid() / n_pairs
    d_center = positive_error * context + (negative_error * negatives).sum(dim=1)
    d_context = positive_error * center
    d_negatives = negative_error * center.unsqueeze(1)
    return d_center, d_context, d_negatives
