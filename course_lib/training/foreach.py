"""One operation on many tensors in a single call, in place.

On a GPU a few launches take the place of hundreds. torch has these operations under names with an
underscore, although its documentation lists them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def multiply(tensors: Sequence[Tensor], factor: float) -> None:
    """Multiply every tensor by a number.

    Args:
        tensors: Changed in place; without gradient.
        factor: The number.

    Example:
        >>> vector = torch.tensor([1.0, 2.0])
        >>> multiply([vector], 3.0)
        >>> vector
        tensor([3., 6.])
    """
    torch._foreach_mul_(list(tensors), factor)  # pyright: ignore[reportPrivateImportUsage]


def add(tensors: Sequence[Tensor], others: Sequence[Tensor], factor: float) -> None:
    """Add to every tensor the other of the same place, times a number.

    Args:
        tensors: Changed in place; without gradient.
        others: One for each.
        factor: The number.

    Example:
        >>> vector = torch.tensor([1.0, 2.0])
        >>> add([vector], [torch.ones(2)], -1.0)
        >>> vector
        tensor([0., 1.])
    """
    torch._foreach_add_(  # pyright: ignore[reportPrivateImportUsage]
        list(tensors), list(others), alpha=factor
    )


def approach(tensors: Sequence[Tensor], others: Sequence[Tensor], share: float) -> None:
    """Move every tensor a share of the way to the other of the same place.

    Args:
        tensors: Changed in place; without gradient.
        others: One for each.
        share: 0 leaves the tensors, 1 makes them equal to the others.

    Example:
        >>> vector = torch.tensor([0.0, 8.0])
        >>> approach([vector], [torch.zeros(2)], 0.25)
        >>> vector
        tensor([0., 6.])
    """
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        list(tensors), list(others), share
    )


def copy(tensors: Sequence[Tensor], others: Sequence[Tensor]) -> None:
    """Overwrite every tensor with the other of the same place.

    Args:
        tensors: Changed in place; without gradient.
        others: One for each.

    Example:
        >>> vector = torch.zeros(2)
        >>> copy([vector], [torch.ones(2)])
        >>> vector
        tensor([1., 1.])
    """
    torch._foreach_copy_(list(tensors), list(others))  # pyright: ignore[reportPrivateImportUsage]
