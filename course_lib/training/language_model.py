"""The training loop of a language model, written out.

Letters: B = sequences, T = tokens.
"""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from course_lib.nn.next_token import next_token_loss


def train_language_model(
    model: nn.Module,
    batches: Iterable[tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]],
    learning_rates: Sequence[float],
) -> list[float]:
    """Take one step of AdamW per batch and return the loss before each step.

    AdamW has betas (0.9, 0.95) and weight decay 0.1, as is usual for language models.

    Args:
        model: Maps ids to logits; trained in place, and left in training mode.
        batches: Texts and their masks (True for a token, False for padding).
        learning_rates: One for each batch; warm-up and decay are written into them.

    Returns:
        One loss per batch, in nats per counted token.

    Raises:
        ValueError: If there are not as many batches as learning rates.

    Reference:
        Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2,
        https://arxiv.org/abs/1711.05101

    Example:
        >>> text = torch.tensor([[0, 1, 2, 0]])
        >>> batches = [(text, torch.ones_like(text, dtype=torch.bool))] * 2
        >>> first, second = train_language_model(nn.Embedding(3, 3), batches, [0.1, 0.1])
        >>> second < first
        True
    """
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.1)
    losses = []
    model.train()
    for (ids, mask), rate in zip(batches, learning_rates, strict=True):
        loss = next_token_loss(model(ids), ids, mask)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
    return losses
