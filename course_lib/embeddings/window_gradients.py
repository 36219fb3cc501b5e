"""The mathematics of `sgns.py` for whole chunks: matrix products instead of one pair at a time.

All negatives of a batch are shared by its centres; each counts as n_negatives / K of one, so that
the expected loss is that of `n_negatives` negatives per pair.

Letters in shapes: M chunks, L centres of a chunk, W contexts of a chunk, K shared negatives,
D length of a vector.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus


def skip_gram_loss(
    center: Float[Tensor, "M L D"],
    context: Float[Tensor, "M W D"],
    negatives: Float[Tensor, "K D"],
    mask: Float[Tensor, "M L W"],
    n_negatives: float,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sum `sgns_loss` over all pairs of the chunks, in nats.

    Args:
        center: Vectors of the centre words.
        context: Vectors of the words around them.
        negatives: Vectors of the shared negatives.
        mask: 1 where a context belongs to a centre, else 0.
        n_negatives: How many negatives per pair the shared ones stand for.

    Returns:
        The sum, and the number of pairs.
    """
    positive = softplus(-(center @ context.mT)) * mask
    negative = softplus(center @ negatives.mT).sum(dim=-1) * mask.sum(dim=-1)
    return positive.sum() + negative.sum() * (n_negatives / len(negatives)), mask.sum()


def skip_gram_gradients(
    center: Float[Tensor, "M L D"],
    context: Float[Tensor, "M W D"],
    negatives: Float[Tensor, "K D"],
    mask: Float[Tensor, "M L W"],
    n_negatives: float,
) -> tuple[Float[Tensor, "M L D"], Float[Tensor, "M W D"], Float[Tensor, "K D"]]:
    """Compute the gradients of `skip_gram_loss` by hand.

    Args:
        center: Vectors of the centre words.
        context: Vectors of the words around them.
        negatives: Vectors of the shared negatives.
        mask: 1 where a context belongs to a centre, else 0.
        n_negatives: How many negatives per pair the shared ones stand for.

    Returns:
        The gradients for `center`, `context` and `negatives`, with their shapes.
    """
    flat_center = center.flatten(0, 1)
    # σ(s) - 1 = -σ(-s), in place: these matrices are the largest of the whole computation.
    positive_error = torch.bmm(center, context.mT).neg_().sigmoid_().neg_().mul_(mask)
    weight = mask.sum(dim=-1).view(-1, 1) * (n_negatives / len(negatives))
    negative_error = (flat_center @ negatives.mT).sigmoid_().mul_(weight)
    d_center = torch.bmm(positive_error, context)
    d_center.view(-1, d_center.shape[-1]).addmm_(negative_error, negatives)
    d_context = torch.bmm(positive_error.mT, center)
    return d_center, d_context, negative_error.mT @ flat_center


def _mean_context(
    context: Float[Tensor, "M W D"], mask: Float[Tensor, "M L W"]
) -> tuple[Float[Tensor, "M L D"], Float[Tensor, "M L W"]]:
    share = mask / mask.sum(dim=-1, keepdim=True).clamp(min=1)
    return torch.bmm(share, context), share


def cbow_loss(
    center: Float[Tensor, "M L D"],
    context: Float[Tensor, "M W D"],
    negatives: Float[Tensor, "K D"],
    mask: Float[Tensor, "M L W"],
    n_negatives: float,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sum `sgns_loss` over all centres that have a context, the mean of which predicts the centre.

    Args:
        center: Vectors of the centre words (to be predicted).
        context: Vectors of the words around them.
        negatives: Vectors of the shared negatives.
        mask: 1 where a context belongs to a centre, else 0.
        n_negatives: How many negatives per centre the shared ones stand for.

    Returns:
        The sum, and the number of such centres.
    """
    mean, _ = _mean_context(context, mask)
    has_context = mask.amax(dim=-1)
    positive = softplus(-(mean * center).sum(dim=-1)) * has_context
    negative = softplus(mean @ negatives.mT).sum(dim=-1) * has_context
    return positive.sum() + negative.sum() * (n_negatives / len(negatives)), has_context.sum()


def cbow_gradients(
    center: Float[Tensor, "M L D"],
    context: Float[Tensor, "M W D"],
    negatives: Float[Tensor, "K D"],
    mask: Float[Tensor, "M L W"],
    n_negatives: float,
) -> tuple[Float[Tensor, "M L D"], Float[Tensor, "M W D"], Float[Tensor, "K D"]]:
    """Compute the gradients of `cbow_loss` by hand.

    Args:
        center: Vectors of the centre words (to be predicted).
        context: Vectors of the words around them.
        negatives: Vectors of the shared negatives.
        mask: 1 where a context belongs to a centre, else 0.
        n_negatives: How many negatives per centre the shared ones stand for.

    Returns:
        The gradients for `center`, `context` and `negatives`, with their shapes.

    Reference:
        İrsoy, Benton & Stratos 2021, "Corrected CBOW Performs as well as Skip-gram": the gradient
        of a mean of c vectors reaches each of them divided by c. word2vec.c and gensim leave the
        division out; it is done here.
    """
    mean, share = _mean_context(context, mask)
    has_context = mask.amax(dim=-1, keepdim=True)
    positive_error = (mean * center).sum(dim=-1, keepdim=True).sigmoid().sub_(1).mul_(has_context)
    flat_mean = mean.flatten(0, 1)
    weight = has_context.view(-1, 1) * (n_negatives / len(negatives))
    negative_error = (flat_mean @ negatives.mT).sigmoid_().mul_(weight)
    d_mean = positive_error * center
    d_mean.view(-1, d_mean.shape[-1]).addmm_(negative_error, negatives)
    return positive_error * mean, torch.bmm(share.mT, d_mean), negative_error.mT @ flat_mean
