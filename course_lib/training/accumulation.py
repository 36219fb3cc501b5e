"""Gradient accumulation, written out: several small batches make one large step.

`train` does the same (`sum_gradients` in `step`), for several processes and 16 bits, too.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from torch import Tensor, nn

from course_lib.training.objectives import LossSum

Batch = TypeVar("Batch")


def accumulate_gradients(
    model: nn.Module,
    batches: Iterable[Batch],
    compute_sum: Callable[[nn.Module, Batch], LossSum],
) -> tuple[float, list[Tensor]]:
    """Compute the gradient of the mean loss over all tokens of some batches.

    The batches go through the model one after another, so only one of them must fit in memory.

    Args:
        model: Its parameters' `grad` is set, whatever stood there.
        batches: The micro-batches of one optimiser step.
        compute_sum: Gives the summed loss of the model on a batch, and how many tokens it counted.

    Returns:
        The loss, in nats per counted token of all batches, and the gradients, which the
        parameters hold, too; parameters that took no part have none.

    Raises:
        ValueError: If no token counts.
    """
    model.zero_grad()
    nats, n_counted = 0.0, 0
    for batch in batches:
        loss = compute_sum(model, batch)
        loss.total.backward()
        nats += loss.total.item()
        n_counted += loss.n_counted
    if n_counted == 0:
        raise ValueError("batches must have a token that counts; got none.")
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    for gradient in gradients:
        gradient /= n_counted
    return nats / n_counted, gradients
