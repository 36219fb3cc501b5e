"""From scores to probabilities to a loss, in nats per counted token.

Letters: B = rows (examples or tokens; `*B` any number of leading axes), V = classes (for a
language model: the vocabulary).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

IGNORE_ID = -100
"""A target with this id is not counted: padding, a prompt, an unmasked token."""


def softmax(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
    """Turn each row of scores into probabilities: positive, and summing to 1.

    Args:
        logits: Unnormalised scores; only their differences within a row matter.

    Returns:
        exp(logit) over the sum of the row's exp(logit), computed so that no exponential overflows
        and no sum is 0, however large the scores.

    Reference:
        Bridle 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs,
        with Relationships to Statistical Pattern Recognition", https://doi.org/10.1007/978-3-642-76153-9_28

    Example:
        >>> softmax(torch.tensor([1.0, 2.0, 5.0]).log())
        tensor([0.1250, 0.2500, 0.6250])
    """
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    weights = shifted.exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def log_softmax(logits: Float[Tensor, "*B V"]) -> Float[Tensor, "*B V"]:
    """Give the natural logarithm of `softmax`, without ever forming a probability of 0.

    Args:
        logits: Unnormalised scores.

    Returns:
        Log-probabilities, in nats; each row's exponentials sum to 1.

    Example:
        >>> log_softmax(torch.tensor([0.0, -1000.0]))
        tensor([    0., -1000.])
    """
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    return shifted - shifted.exp().sum(dim=-1, keepdim=True).log()


def cross_entropy(
    logits: Float[Tensor, "*B V"],
    targets: Int[Tensor, "*B"],
    ignore_id: int = IGNORE_ID,
) -> Float[Tensor, ""]:
    """Measure the mean surprise at the right answers, in nats per counted target.

    Args:
        logits: Unnormalised scores, one row per target.
        targets: The right class of each row.
        ignore_id: Rows with this target are left out of the sum and of the count.

    Returns:
        The sum of -ln p(target) over the counted rows, divided by their number.

    Raises:
        ValueError: If no row counts.

    Reference:
        Shannon 1948, "A Mathematical Theory of Communication", section 6,
        https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Example:
        >>> cross_entropy(torch.zeros(3, 4), torch.tensor([0, 2, -100]))  # ln 4
        tensor(1.3863)
    """
    counted = targets != ignore_id
    if not counted.any():
        raise ValueError(f"targets must hold an id that counts; got only ignore_id={ignore_id}.")
    log_probs = log_softmax(logits[counted])
    surprise = -log_probs.gather(-1, targets[counted].unsqueeze(-1))
    return surprise.sum() / counted.sum()


def cross_entropy_gradient(
    logits: Float[Tensor, "*B V"],
    targets: Int[Tensor, "*B"],
    ignore_id: int = IGNORE_ID,
) -> Float[Tensor, "*B V"]:
    """Give the slope of `cross_entropy` with respect to each logit, written out by hand.

    Args:
        logits: Unnormalised scores, one row per target.
        targets: The right class of each row.
        ignore_id: Rows with this target have gradient 0.

    Returns:
        (probability - 1) at the right class, the probability elsewhere, over the number of
        counted rows. Every row sums to 0: what one class gains, the others lose.

    Example:
        >>> cross_entropy_gradient(torch.zeros(1, 4), torch.tensor([2]))
        tensor([[ 0.2500,  0.2500, -0.7500,  0.2500]])
    """
    counted = targets != ignore_id
    right = torch.zeros_like(logits)
    right[counted] = right[counted].scatter(-1, targets[counted].unsqueeze(-1), 1.0)
    return (softmax(logits) - right) * counted.unsqueeze(-1) / counted.sum()
