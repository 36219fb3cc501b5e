"""Which parameters are alike: those that decay, and those that are hidden matrices.

Weight decay pulls towards 0. That is right for matrices, whose product with the input has no
natural scale, and wrong for a norm's weights, which belong near 1, for biases, and for embeddings,
whose rows are seen rarely and would fade between two sights.
"""

from typing import Any

from torch import nn

from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.positions import LearnedPositions

_TABLES = (nn.Embedding, TokenEmbedding, LearnedPositions)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split what is trained in two: matrices, which decay, and all else, which does not.

    Args:
        model: Its parameters are taken, tied ones once, frozen ones not at all.
        weight_decay: For the matrices that are no embedding (≥ 0).

    Returns:
        Groups for a torch optimiser, each with `params` and `weight_decay`; a group without
        parameters is left out.

    Reference:
        Karpathy 2020, minGPT, `configure_optimizers`, https://github.com/karpathy/minGPT

    Example:
        >>> model = nn.Sequential(nn.Embedding(7, 2), nn.Linear(2, 3))
        >>> [(len(g["params"]), g["weight_decay"]) for g in parameter_groups(model, 0.1)]
        [(1, 0.1), (2, 0.0)]
    """
    tables = _tables_of(model)
    trained = [p for p in model.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim >= 2 and id(p) not in tables]
    ids = {id(p) for p in decayed}
    spared = [p for p in trained if id(p) not in ids]
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": spared, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """List the matrices inside the model's stacks of blocks: neither embeddings nor output heads.

    Args:
        model: Its stacks are the `nn.ModuleList`s in it, at any depth.

    Returns:
        The trained parameters with two axes, each once, without tables of embeddings.

    Example:
        >>> model = nn.Sequential(nn.ModuleList([nn.Linear(2, 3)]), nn.Linear(3, 7))
        >>> [tuple(matrix.shape) for matrix in hidden_matrices(model)]
        [(3, 2)]
    """
    tables = _tables_of(model)
    stacks = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    inside = {id(p): p for stack in stacks for p in stack.parameters()}
    return [p for key, p in inside.items() if p.ndim == 2 and p.requires_grad and key not in tables]


def _tables_of(model: nn.Module) -> set[int]:
    return {id(module.weight) for module in model.modules() if isinstance(module, _TABLES)}
