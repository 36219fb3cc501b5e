"""The two ways to put a block together: where the norm stands decides how gradients flow.

The models have their own blocks, with masks and caches; here is their common plan, over any parts.

Letters: B = any number of leading axes (sequences, tokens), D = d_model.
"""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor


def pre_norm_block(
    x: Float[Tensor, "*B D"],
    attention: Callable[[Tensor], Tensor],
    feedforward: Callable[[Tensor], Tensor],
    attention_norm: Callable[[Tensor], Tensor],
    feedforward_norm: Callable[[Tensor], Tensor],
) -> Float[Tensor, "*B D"]:
    """Add to the residual stream what attention says, then what the feed-forward layer says.

    Args:
        x: The residual stream.
        attention: Lets tokens gather from each other.
        feedforward: Lets each token think by itself.
        attention_norm: Normalises what attention reads; the stream itself stays as it is.
        feedforward_norm: Normalises what the feed-forward layer reads.

    Returns:
        The stream after both halves; the second half reads what the first has written.

    Reference:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3;
        Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", figure 1 (b),
        https://arxiv.org/abs/2002.04745

    Example:
        >>> import torch
        >>> same = torch.nn.Identity()
        >>> pre_norm_block(torch.tensor([1.0]), same, same, same, same)  # doubled twice
        tensor([4.])
    """
    x = x + attention(attention_norm(x))
    return x + feedforward(feedforward_norm(x))


def post_norm_block(
    x: Float[Tensor, "*B D"],
    attention: Callable[[Tensor], Tensor],
    feedforward: Callable[[Tensor], Tensor],
    attention_norm: Callable[[Tensor], Tensor],
    feedforward_norm: Callable[[Tensor], Tensor],
) -> Float[Tensor, "*B D"]:
    """Do as `pre_norm_block`, but normalise the stream itself, after each addition.

    Args:
        x: The residual stream.
        attention: Lets tokens gather from each other.
        feedforward: Lets each token think by itself.
        attention_norm: Normalises the stream after attention has added to it.
        feedforward_norm: Normalises the stream after the feed-forward layer has added to it.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.1,
        https://arxiv.org/abs/1706.03762

    Example:
        >>> import torch
        >>> same, halve = torch.nn.Identity(), lambda x: x / 2
        >>> post_norm_block(torch.tensor([1.0]), same, same, halve, halve)  # doubled, halved, twice
        tensor([1.])
    """
    x = attention_norm(x + attention(x))
    return feedforward_norm(x + feedforward(x))
