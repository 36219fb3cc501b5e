"""The training loop at its plainest: batches in, a history of losses out."""

import math
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor, nn

Batch = TypeVar("Batch")


def train_on_batches(
    model: nn.Module,
    batches: Iterable[Batch],
    compute_loss: Callable[[nn.Module, Batch], Tensor],
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    """Take one optimiser step per batch and return the loss before each step.

    Args:
        model: What is trained, in place.
        batches: What to train on, in order; each is handed to `compute_loss` as it is.
        compute_loss: Gives the loss of the model on a batch, in nats per counted token.
        optimizer: Holds the model's parameters and changes them.

    Returns:
        One loss per batch.

    Raises:
        FloatingPointError: If a loss is NaN or infinite; the model is left as it was before
            that step.
    """
    model.train()
    history: list[float] = []
    for batch in batches:
        loss = compute_loss(model, batch)
        if not math.isfinite(loss.item()):
            raise FloatingPointError(
                f"the loss must stay finite; got {loss.item()} at step {len(history) + 1}. "
                "Try a smaller learning rate."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return history
