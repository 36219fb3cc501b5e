"""Which parts of a pretrained model are trained: freezing, and opening block by block."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from course_lib.training.layerwise import find_blocks, parameter_depths


def freeze(module: nn.Module) -> None:
    """Take all parameters of a module out of the training.

    Args:
        module: A model or a part of it. Its dropout stays as it is: that is a matter of
            `module.eval()`.

    Example:
        >>> layer = nn.Linear(2, 3)
        >>> freeze(layer)
        >>> any(parameter.requires_grad for parameter in layer.parameters())
        False
    """
    module.requires_grad_(False)


def unfreeze_last(model: nn.Module, n_blocks: int) -> None:
    """Train the last blocks of a model and what comes after them, and freeze all below.

    For gradual unfreezing, call it before each epoch with one block more, and make a new optimiser
    each time. The embeddings, below the first block, are opened together with the first block.

    Args:
        model: Any model with a stack of blocks; see `find_blocks`.
        n_blocks: How many blocks are trained, from 0 (the heads alone) to all.

    Raises:
        ValueError: If the model has fewer blocks, or no stack of blocks.

    Reference:
        Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
        section 3.3 (gradual unfreezing), https://arxiv.org/abs/1801.06146. Unlike the paper, the
        embeddings have no step of their own.

    Example:
        >>> blocks = nn.ModuleList(nn.Linear(2, 2, bias=False) for _ in range(3))
        >>> model = nn.Sequential(nn.Embedding(7, 2), blocks, nn.Linear(2, 5, bias=False))
        >>> unfreeze_last(model, 1)
        >>> [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        ['1.2.weight', '2.weight']
    """
    depth = len(find_blocks(model))
    if not 0 <= n_blocks <= depth:
        raise ValueError(f"n_blocks must be from 0 to {depth}; got n_blocks={n_blocks}.")
    lowest = depth - n_blocks + 1 if n_blocks < depth else 0
    depths = parameter_depths(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depths[name] >= lowest)


@contextmanager
def kept_trainable(model: nn.Module) -> Iterator[None]:
    """Put back, at the end of a `with` block, which parameters are trained.

    Args:
        model: Whatever is frozen or opened in it within the block is so no longer after it, even
            if the block ends with an error.

    Example:
        >>> layer = nn.Linear(2, 3)
        >>> with kept_trainable(layer):
        ...     freeze(layer)
        >>> all(parameter.requires_grad for parameter in layer.parameters())
        True
    """
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        for parameter, was_trained in before:
            parameter.requires_grad_(was_trained)
