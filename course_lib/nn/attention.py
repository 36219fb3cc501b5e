"""Attention: the formula, its gradient by hand, and the form that models use.

Letters: B = sequences (`*B` any number of leading axes), H = heads, G = heads of keys and values,
T = queries, S = keys, K = width of a query and of a key (d_head), V = width of a value,
D = H · K (d_model).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.nn.masks import causal_mask, require_bool

LEARNING_LIMIT = 512 * 512
"""Up to this T · S, forward and backward together are faster written out (see `attend`)."""

INFERENCE_LIMIT = 384 * 384
"""The same for the forward pass alone."""


def scaled_dot_product_attention(
    query: Float[Tensor, "*B T K"],
    key: Float[Tensor, "*B S K"],
    value: Float[Tensor, "*B S V"],
    mask: Bool[Tensor, "*#B #T #S"] | None = None,
) -> tuple[Float[Tensor, "*B T V"], Float[Tensor, "*B T S"]]:
    """Average the values, weighted by how well each query matches each key.

    Time and memory grow as T · S.

    Args:
        query: What each position looks for.
        key: What each position offers.
        value: What is handed over.
        mask: True where a query may attend. A query with no allowed key gets
            all-zero weights, so its output is zero, not NaN.

    Returns:
        The mixed values, and the weights (each row sums to 1, or to 0 if fully masked).

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", eq. 1, https://arxiv.org/abs/1706.03762.

    Example:
        >>> query, key = torch.tensor([[0.0]]), torch.tensor([[1.0], [2.0]])
        >>> value = torch.tensor([[10.0], [30.0]])
        >>> scaled_dot_product_attention(query, key, value)
        (tensor([[20.]]), tensor([[0.5000, 0.5000]]))
    """
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
        weights = weights.masked_fill(~mask, 0.0)  # fully masked rows are NaN here
    return weights @ value, weights


def attention_gradients(
    query: Float[Tensor, "*B T K"],
    key: Float[Tensor, "*B S K"],
    value: Float[Tensor, "*B S V"],
    d_mixed: Float[Tensor, "*B T V"],
) -> tuple[Float[Tensor, "*B T K"], Float[Tensor, "*B S K"], Float[Tensor, "*B S V"]]:
    """Carry the slope of the loss back through unmasked attention, by the chain rule.

    Args:
        query: What went into `scaled_dot_product_attention`.
        key: The same.
        value: The same.
        d_mixed: Slope of the loss with respect to each mixed value.

    Returns:
        The slopes with respect to query, key and value, each of its tensor's shape.

    Reference:
        Dao et al. 2022, "FlashAttention: Fast and Memory-Efficient Exact Attention with
        IO-Awareness", appendix B.2, https://arxiv.org/abs/2205.14135. Unlike the paper, the
        scores are divided by √K.
    """
    scale = 1 / math.sqrt(query.shape[-1])
    _, weights = scaled_dot_product_attention(query, key, value)
    d_value = weights.mT @ d_mixed
    d_weights = d_mixed @ value.mT
    row_means = (weights * d_weights).sum(dim=-1, keepdim=True)
    d_scores = weights * (d_weights - row_means)  # softmax: each weight at the cost of the others
    return d_scores @ key * scale, d_scores.mT @ query * scale, d_value


def attend(
    query: Float[Tensor, "B H T K"],
    key: Float[Tensor, "B G S K"],
    value: Float[Tensor, "B G S V"],
    mask: Bool[Tensor, "#B #H #T #S"] | Bool[Tensor, "#T #S"] | None = None,
    *,
    is_causal: bool = False,
) -> Float[Tensor, "B H T V"]:
    """Give the mixed values of `scaled_dot_product_attention`, in the fastest way known here.

    torch's fused kernel needs no T · S memory and is the faster one almost everywhere. On a CPU,
    for short sequences in bfloat16 or in float32 at a reduced `float32_matmul_precision`, it is up
    to five times slower than the product written out, which then takes its place.

    Args:
        query: What each position looks for.
        key: What each position offers. With fewer heads than the query has (G < H), each serves
            H / G consecutive heads of the query.
        value: What is handed over.
        mask: True where a query may attend. A query with no allowed key gives zero.
        is_causal: Besides, hide the future: the last query sees all keys, the one before all but
            the last. See `causal_mask`.

    Raises:
        ValueError: If `mask` is not bool, or G does not divide H.

    Reference:
        Ainslie et al. 2023, "GQA: Training Generalized Multi-Query Transformer Models from
        Multi-Head Checkpoints", section 2.2, https://arxiv.org/abs/2305.13245 (for G < H).
    """
    (_, n_heads, n_queries, _), (_, n_kv_heads, n_keys, _) = query.shape, key.shape
    if n_heads % n_kv_heads:
        raise ValueError(
            f"n_heads of the query must be a multiple of the keys' heads ({n_kv_heads}); "
            f"got n_heads={n_heads}."
        )
    if mask is not None:
        require_bool(mask)
    is_causal = is_causal and n_queries != 1  # a single query is the last one: it has no future
    if is_causal and (mask is not None or n_queries != n_keys):
        past = causal_mask(n_queries, n_keys, device=query.device)
        mask, is_causal = past if mask is None else mask & past, False
    if _is_faster_written_out(query, key, value):
        return _attend_written_out(query, key, value, mask, is_causal)
    return F.scaled_dot_product_attention(
        query, key, value, mask, is_causal=is_causal, enable_gqa=n_heads != n_kv_heads
    )


def _is_faster_written_out(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Say whether the fused kernel would lose; the limits are those of benchmarks/attention.py."""
    if query.device.type != "cpu":
        return False
    n_scores = query.shape[2] * key.shape[2]
    learns = torch.is_grad_enabled() and (
        query.requires_grad or key.requires_grad or value.requires_grad
    )
    dtype = _working_dtype(query)
    if dtype == torch.bfloat16:
        return learns and n_scores <= LEARNING_LIMIT
    if dtype == torch.float32 and torch.get_float32_matmul_precision() != "highest":
        return n_scores <= (LEARNING_LIMIT if learns else INFERENCE_LIMIT)
    return False


def _working_dtype(query: Tensor) -> torch.dtype:
    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu")
    return query.dtype


def _attend_written_out(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, is_causal: bool
) -> Tensor:
    """Compute the formula with scale and mask inside the first product, in one number format."""
    (n_sequences, n_heads, n_queries, d_head), dtype = query.shape, _working_dtype(query)
    if key.shape[1] != n_heads:
        key, value = (x.repeat_interleave(n_heads // x.shape[1], dim=1) for x in (key, value))
    query, key, value = (x.to(dtype).flatten(0, 1) for x in (query, key, value))
    past = causal_mask(n_queries) if is_causal else mask
    with torch.autocast("cpu", enabled=False):  # it would turn the weights into float32 and back
        if past is None:
            scores = query / math.sqrt(d_head) @ key.mT
        else:
            # Not -inf, which makes the gradient of a fully masked row NaN.
            forbidden = torch.zeros_like(past, dtype=dtype)
            forbidden.masked_fill_(~past, torch.finfo(dtype).min)
            forbidden = forbidden.expand(n_sequences, n_heads, n_queries, -1).flatten(0, 1)
            scores = torch.baddbmm(forbidden, query, key.mT, alpha=1 / math.sqrt(d_head))
        mixed = (scores.softmax(dim=-1) @ value).unflatten(0, (n_sequences, n_heads))
    if mask is not None:
        mixed = mixed.masked_fill(~mask.any(dim=-1, keepdim=True), 0.0)
    return mixed


def split_heads(x: Float[Tensor, "B T D"], n_heads: int) -> Float[Tensor, "B H T K"]:
    """Cut each token's vector into `n_heads` pieces of equal width, and bring the heads forward.

    Args:
        x: One vector a token.
        n_heads: How many pieces, H.

    Raises:
        ValueError: If `n_heads` is below 1 or does not divide the width.

    Example:
        >>> split_heads(torch.zeros(2, 5, 6), n_heads=3).shape
        torch.Size([2, 3, 5, 2])
    """
    d_model = x.shape[-1]
    if n_heads < 1 or d_model % n_heads:
        raise ValueError(f"n_heads must be a divisor of d_model={d_model}; got n_heads={n_heads}.")
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def merge_heads(x: Float[Tensor, "B H T K"]) -> Float[Tensor, "B T D"]:
    """Put the pieces of `split_heads` side by side again."""
    return x.transpose(1, 2).flatten(2)
