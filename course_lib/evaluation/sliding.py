"""The surprise of a model at a text that is longer than the model can see.

Letters: N = ids of a whole text.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Int
from torch import Tensor


class Window(NamedTuple):
    """A piece of a text: ids from `start` to before `end` are read, from `counted_from` asked."""

    start: int
    counted_from: int
    end: int


def sliding_windows(n_ids: int, max_len: int, stride: int) -> list[Window]:
    """Cut a text into windows so that each id but the first is asked for exactly once.

    The first window asks for all it can. Each further one ends `stride` ids later and asks for
    these only; the ids before them are read as context.

    Args:
        n_ids: Length of the text (≥ 2).
        max_len: The longest window, in ids (≥ 2).
        stride: How many ids each further window asks for (1 to `max_len` - 1): the fewer, the
            longer the context of each, and the more windows.

    Raises:
        ValueError: If an argument is out of range.

    Reference:
        Hugging Face, Transformers documentation, "Perplexity of fixed-length models",
        https://huggingface.co/docs/transformers/perplexity. Unlike there, no token is asked for
        without a token before it.

    Example:
        >>> [tuple(window) for window in sliding_windows(n_ids=9, max_len=4, stride=2)]
        [(0, 1, 4), (2, 4, 6), (4, 6, 8), (5, 8, 9)]
    """
    if n_ids < 2 or max_len < 2:
        raise ValueError(f"n_ids and max_len must be ≥ 2; got n_ids={n_ids} and max_len={max_len}.")
    if not 1 <= stride < max_len:
        raise ValueError(f"stride must be from 1 to max_len - 1={max_len - 1}; got {stride}.")
    end = min(max_len, n_ids)
    windows = [Window(0, 1, end)]
    while end < n_ids:
        counted_from, end = end, min(end + stride, n_ids)
        windows.append(Window(end - max_len, counted_from, end))
    return windows


@torch.no_grad()
def sliding_nats(
    model: Callable[[Tensor], Tensor], ids: Int[Tensor, " N"], max_len: int, stride: int
) -> tuple[float, int]:
    """Sum the surprise of a causal model at a long text, window by window.

    Args:
        model: Maps ids to logits, in evaluation mode; one of Hugging Face's as
            `lambda ids: model(ids).logits`.
        ids: The text, on the model's device.
        max_len: The longest window, in ids.
        stride: How many ids each further window asks for.

    Returns:
        Nats, and the number of ids that were asked for: all but the first.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> sliding_nats(lambda ids: torch.zeros(*ids.shape, 3), torch.arange(3), 2, 1)
        (2.197..., 2)
    """
    nats = 0.0
    for start, counted_from, end in sliding_windows(len(ids), max_len, stride):
        logits = model(ids[None, start : end - 1])[0, counted_from - start - 1 :]
        nats += F.cross_entropy(logits, ids[counted_from:end], reduction="sum").item()
    return nats, len(ids) - 1
