"""From many texts to windows of equal length, each cut once and kept in its order.

`PackedBatches` cuts and shuffles anew in each round; this is what it does, without chance.

Letters: W = windows, T1 = n_tokens + 1.
"""

from collections.abc import Sequence
from itertools import chain

import torch
from jaxtyping import Int
from torch import Tensor


def pack_windows(
    texts: Sequence[Sequence[int]], *, n_tokens: int, end_id: int
) -> Int[Tensor, "W T1"]:
    """Join texts, an end mark behind each, and cut windows of equal length, without a single pad.

    Without the marks a model would learn that the last word of one text leads to the first of the
    next. A window asks a model for `n_tokens` tokens and holds one more, the one that stands before
    them. So its last id is the first of the next window, and no token is asked for twice. What
    fills no window at the end is left out.

    Args:
        texts: The ids of each text.
        n_tokens: Tokens that each window asks for (≥ 1).
        end_id: The id of the mark behind each text.

    Returns:
        The windows, in the order of the texts; none if there is too little text for one.

    Raises:
        ValueError: If `n_tokens` is below 1.

    Reference:
        Brown et al. 2020, "Language Models are Few-Shot Learners", appendix B, which packs texts
        in this way, https://arxiv.org/abs/2005.14165

    Example:
        >>> pack_windows([[5, 6, 7], [8, 9]], n_tokens=3, end_id=0)
        tensor([[5, 6, 7, 0],
                [0, 8, 9, 0]])
    """
    if n_tokens < 1:
        raise ValueError(f"n_tokens must be ≥ 1; got n_tokens={n_tokens}.")
    marked = ((*text, end_id) for text in texts)
    ids = torch.tensor(list(chain.from_iterable(marked)), dtype=torch.long)
    if len(ids) <= n_tokens:
        return ids.new_empty((0, n_tokens + 1))
    return ids.unfold(0, n_tokens + 1, n_tokens).clone()
