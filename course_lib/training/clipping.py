"""Clipping: a gradient that is too long is shortened, its direction kept."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def clip_by_norm(
    gradients: Sequence[Float[Tensor, "..."]], max_norm: float
) -> list[Float[Tensor, "..."]]:
    """Shorten the gradient of a whole model to a length, if it is longer.

    Args:
        gradients: One for each parameter; left as they are. Together they are one long vector.
        max_norm: The greatest length that stays (> 0).

    Returns:
        The gradients, all multiplied by the same factor.

    Raises:
        ValueError: If `max_norm` is not above 0.

    Reference:
        Pascanu, Mikolov and Bengio 2013, "On the difficulty of training recurrent neural networks",
        algorithm 1, https://arxiv.org/abs/1211.5063

    Example:
        >>> clip_by_norm([torch.tensor([3.0]), torch.tensor([4.0])], max_norm=1.0)
        [tensor([0.6000]), tensor([0.8000])]
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm must be > 0; got max_norm={max_norm}.")
    norm = torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()
    factor = (max_norm / norm).clamp(max=1.0)
    return [factor * gradient if norm else gradient.clone() for gradient in gradients]
