"""What the decoders (GPT, Llama) share: who may see whom, and fresh weights.

Letters: B = sequences, T = new tokens, S = tokens so far, cached ones included.
"""

import math

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from course_lib.nn.cache import KVCache
from course_lib.nn.masks import causal_mask, key_mask

INITIAL_STD = 0.02


def require_positive(config: object, *names: str) -> None:
    """Refuse a size below 1, by name.

    Args:
        config: The settings of a model.
        names: Those of its settings that are sizes.

    Raises:
        ValueError: If one is below 1.
    """
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be ≥ 1; got {name}={getattr(config, name)}.")


def count_cached(
    ids: Int[Tensor, "B T"],
    mask: Bool[Tensor, "B S"] | None,
    cache: KVCache | None,
    max_len: int,
) -> int:
    """Count the tokens before the new ones, and refuse what does not fit together.

    Args:
        ids: The new tokens.
        mask: True for a token, False for padding, over cached and new tokens.
        cache: The tokens before.
        max_len: How many tokens the model can place.

    Raises:
        ValueError: If the tokens are more than `max_len`, or `mask` does not cover them all.
    """
    n_past = 0 if cache is None else cache.n_tokens
    n_tokens = n_past + ids.shape[1]
    if n_tokens > max_len:
        raise ValueError(
            f"ids must be at most max_len={max_len} tokens, cached ones included; got {n_tokens}. "
            "Cut the text into windows, or build the model with a larger max_len."
        )
    if mask is not None and mask.shape != (ids.shape[0], n_tokens):
        raise ValueError(
            f"mask must have the shape {(ids.shape[0], n_tokens)}: sequences, and tokens with the "
            f"cached ones; got {tuple(mask.shape)}."
        )
    return n_past


def decoder_mask(
    mask: Bool[Tensor, "B S"] | None,
    n_queries: int,
    n_keys: int,
    device: torch.device,
) -> Bool[Tensor, "*#B T S"] | None:
    """Say which keys each query may see: none of its future, and no padding.

    Args:
        mask: True for a token, False for padding; None if there is no padding.
        n_queries: How many tokens look, T; they are the last ones.
        n_keys: How many tokens are looked at, S.
        device: Where the mask is made.

    Returns:
        True where a query may attend. None if "no future" says it all: then `is_causal` is enough,
        and fast kernels need no mask. A single last query has no future among the keys.
    """
    if mask is None and n_queries in (1, n_keys):
        return None
    past = causal_mask(n_queries, n_keys, device=device)
    return past if mask is None else past & key_mask(mask)


@torch.no_grad()
def initialise(
    model: nn.Module,
    *,
    residual: tuple[str, ...],
    n_layers: int,
    generator: torch.Generator | None,
) -> None:
    """Draw fresh weights as GPT-2 does; biases become 0, and norms are left alone.

    What is added to the residual stream starts smaller, so that the sum over all layers does not
    grow with their number.

    Args:
        model: Its matrices are drawn anew, in place.
        residual: Ends of the names of the matrices that write to the residual stream.
        n_layers: How many layers write to it, each twice.
        generator: Where the numbers come from; torch's global generator if None.

    Reference:
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
        Unlike the released TensorFlow code, which draws positions with half the spread, and like
        Hugging Face's, every matrix has the same one.
    """
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            shrink = math.sqrt(2 * n_layers) if name.endswith(residual) else 1.0
            parameter.normal_(std=INITIAL_STD / shrink, generator=generator)
        elif name.endswith("bias"):
            parameter.zero_()
