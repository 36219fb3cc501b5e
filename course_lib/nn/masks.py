"""Masks of attention: which query may look at which key.

Every mask of this course is bool and says **True where a query may attend**, as in
`torch.nn.functional.scaled_dot_product_attention`. `torch.nn.MultiheadAttention` and
`torch.nn.Transformer` say the opposite (`key_padding_mask` and a bool `attn_mask` are True where
attention is *forbidden*), and Hugging Face's `attention_mask` holds the integers 1 and 0. Integers
are refused, but a bool mask of the opposite convention is a valid mask like any other: no code can
tell it apart, so turn it round with `~` where it comes in.

Letters: B = sequences, T = queries (tokens that look), S = keys (tokens that are looked at).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def causal_mask(
    n_queries: int, n_keys: int | None = None, *, device: torch.device | str | None = None
) -> Bool[Tensor, "T S"]:
    """Let each token see itself and what came before it.

    Args:
        n_queries: How many tokens look, T.
        n_keys: How many tokens are looked at, S; the same tokens if None. With more keys than
            queries, the queries are the last ones: the last query sees the last key. With fewer,
            too, so that the first queries see nothing. (torch's `is_causal=True` aligns the
            *first* query with the first key instead.)
        device: Where the mask is made.

    Example:
        >>> causal_mask(2, 3)
        tensor([[ True,  True, False],
                [ True,  True,  True]])
    """
    n_keys = n_queries if n_keys is None else n_keys
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=n_keys - n_queries)


def sliding_window_mask(
    n_tokens: int, window: int, *, device: torch.device | str | None = None
) -> Bool[Tensor, "T T"]:
    """Let each token see itself and the `window - 1` tokens before it.

    Args:
        n_tokens: How many tokens look at each other, T.
        window: How many tokens a token sees at most, itself included.
        device: Where the mask is made.

    Raises:
        ValueError: If `window` is below 1, so that no token would see anything.

    Reference:
        Beltagy, Peters and Cohan 2020, "Longformer: The Long-Document Transformer", section 3.1,
        https://arxiv.org/abs/2004.05150. Unlike the paper's, the window looks back only.

    Example:
        >>> sliding_window_mask(3, window=2)
        tensor([[ True, False, False],
                [ True,  True, False],
                [False,  True,  True]])
    """
    if window < 1:
        raise ValueError(f"window must be ≥ 1; got window={window}.")
    return causal_mask(n_tokens, device=device).triu(diagonal=1 - window)


def padding_mask(lengths: Int[Tensor, " B"] | Sequence[int], n_tokens: int) -> Bool[Tensor, "B T"]:
    """Mark the real tokens of sequences that were padded at the end.

    Args:
        lengths: How many real tokens each sequence has.
        n_tokens: How many tokens each sequence has with its padding, T.

    Returns:
        True for a token, False for padding. `key_mask` makes it fit for attention.

    Raises:
        ValueError: If a length is negative or above `n_tokens`.

    Example:
        >>> padding_mask([3, 1], n_tokens=3)
        tensor([[ True,  True,  True],
                [ True, False, False]])
    """
    lengths = torch.as_tensor(lengths)
    if ((lengths < 0) | (lengths > n_tokens)).any():
        raise ValueError(
            f"lengths must be between 0 and n_tokens={n_tokens}; got lengths={lengths.tolist()}."
        )
    return torch.arange(n_tokens, device=lengths.device) < lengths[:, None]


def key_mask(token_mask: Bool[Tensor, "B S"]) -> Bool[Tensor, "B 1 1 S"]:
    """Turn a mask of tokens into one of attention: no query of any head sees a padded key.

    Args:
        token_mask: True for a token, False for padding (see `padding_mask`).

    Raises:
        ValueError: If `token_mask` is not bool, such as a tokenizer's 1s and 0s.

    Example:
        >>> key_mask(torch.tensor([[True, True, False]])).shape
        torch.Size([1, 1, 1, 3])
    """
    require_bool(token_mask)
    return token_mask[:, None, None, :]


def require_bool(mask: Tensor) -> None:
    """Refuse a mask of 1s and 0s, or of numbers to be added to the scores.

    Raises:
        ValueError: If `mask` is not bool.
    """
    if mask.dtype != torch.bool:
        raise ValueError(
            "mask must be bool, True where a query may attend (if 1 means that, pass "
            f"mask.bool()); got dtype={mask.dtype}."
        )
