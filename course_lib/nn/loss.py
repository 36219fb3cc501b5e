"""From scores to probabilities to a loss, in nats per counted token.

Letters: B = rows (examples or tokens; `*B` any number of leading axes), V = classes (for a
language model: the vocabulary).
"""

import torch
import torch.nn.functional as F
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


def smoothed_cross_entropy(
    logits: Float[Tensor, "*B V"],
    targets: Int[Tensor, "*B"],
    *,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    ignore_id: int = IGNORE_ID,
) -> Float[Tensor, ""]:
    """Measure `cross_entropy`, and also charge for overconfidence and for drifting logits.

    ln Z is the logarithm of the sum of a row's exponentials. With both charges at 0 this is
    `cross_entropy` from torch's fused kernel: for training, where the vocabulary is large.

    Args:
        logits: Unnormalised scores, one row per target.
        targets: The right class of each row.
        label_smoothing: This share of the right answer is spread evenly over all V classes, the
            right one included.
        z_loss: Weight of (ln Z)², which keeps ln Z near 0 and the logits from growing together.
        ignore_id: Rows with this target are left out of the sum and of the count.

    Returns:
        The sum over the counted rows, divided by their number, in nats per counted target if
        `z_loss` is 0.

    Raises:
        ValueError: If no row counts, if label_smoothing is outside 0 to 1, or z_loss is negative.

    Reference:
        Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision", section 7
        (smoothing), https://arxiv.org/abs/1512.00567. Chowdhery et al. 2022, "PaLM: Scaling
        Language Modeling with Pathways", section 5 (z-loss, of weight 1e-4),
        https://arxiv.org/abs/2204.02311

    Example:
        >>> logits = torch.tensor([[0.0, 3.0]]).log()  # probabilities 0 and 1; ln Z = ln 3
        >>> smoothed_cross_entropy(logits, torch.tensor([1]), z_loss=1.0)  # 0 + (ln 3)²
        tensor(1.2069)
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"label_smoothing must be between 0 and 1; got label_smoothing={label_smoothing}."
        )
    if z_loss < 0:
        raise ValueError(f"z_loss must be ≥ 0; got z_loss={z_loss}.")
    counted = targets != ignore_id
    if not counted.any():
        raise ValueError(f"targets must hold an id that counts; got only ignore_id={ignore_id}.")
    loss = F.cross_entropy(
        logits.reshape(-1, logits.shape[-1]),
        targets.reshape(-1),
        ignore_index=ignore_id,
        label_smoothing=label_smoothing,
    )
    if z_loss:
        loss = loss + z_loss * logits.logsumexp(dim=-1)[counted].square().mean()
    return loss
