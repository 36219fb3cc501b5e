"""Greedy decoding: take the likeliest token, append it, ask again.

Letters: B = sequences, T = tokens given, N = tokens given and new, V = vocab_size.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor


@torch.no_grad()
def greedy_decode(
    model: Callable[[Int[Tensor, "B T"]], Float[Tensor, "B T V"]],
    ids: Int[Tensor, "B T"],
    n_tokens: int,
    end_id: int | None = None,
) -> Int[Tensor, "B N"]:
    """Go on writing: each new token is the likeliest one after all before it.

    The whole text is read again for every token. A cache of keys and values saves that.

    Args:
        model: Scores every token as the next one, after each token.
        ids: The beginnings, all of one length (≥ 1).
        n_tokens: How many tokens to write (≥ 0).
        end_id: The token that ends a text: behind it, only `end_id` is written. A beginning has
            ended if this is its last token; one further back does not count. None if there is no
            such token.

    Returns:
        The beginnings with the new tokens behind them; N columns, even if all texts have ended.

    Raises:
        ValueError: If `n_tokens` is negative.

    Example:
        >>> def counts_on(ids):
        ...     return torch.nn.functional.one_hot((ids + 1) % 5, 5).float()
        >>> greedy_decode(counts_on, torch.tensor([[2]]), n_tokens=4)
        tensor([[2, 3, 4, 0, 1]])
    """
    if n_tokens < 0:
        raise ValueError(f"n_tokens must be ≥ 0; got n_tokens={n_tokens}.")
    ended = torch.zeros_like(ids[:, 0], dtype=torch.bool)
    for _ in range(n_tokens):
        newest = model(ids)[:, -1].argmax(dim=-1)
        if end_id is not None:
            ended = ended | (ids[:, -1] == end_id)
            newest = newest.masked_fill(ended, end_id)
        ids = torch.cat([ids, newest.unsqueeze(1)], dim=1)
    return ids
