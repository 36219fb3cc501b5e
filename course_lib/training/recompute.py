"""Activation checkpointing: forget what the forward pass computed, and compute it again.

A block's inner numbers are needed once more in the backward pass. Keeping only each block's input
costs one more forward pass, a third more time, and saves most of the memory of a deep model.
"""

from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint


def checkpoint_blocks(model: nn.Module) -> None:
    """Make every block of a model recompute in the backward pass; gradients stay the same.

    Args:
        model: Its stacks of blocks (`nn.ModuleList`s right in it) are changed for good.

    Raises:
        ValueError: If the model has no stack of blocks.

    Reference:
        Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", section 4,
        https://arxiv.org/abs/1604.06174. Unlike the paper, which keeps √n layers, every block's
        input is kept.
    """
    stacks = [module for module in model.children() if isinstance(module, nn.ModuleList)]
    if not stacks:
        raise ValueError("model must have an nn.ModuleList of blocks; got none.")
    for stack in stacks:
        for block in stack:
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
