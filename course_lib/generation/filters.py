"""Which tokens may be drawn: the tails of a distribution cut off, in five ways.

Each takes log-probabilities (or logits) and gives them back with minus infinity for what is ruled
out; at least the likeliest token stays. What stays keeps its value, so the sum is no longer 1:
`log_softmax` mends that.

Letters: B = any number of leading axes (sequences), V = vocab_size.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def keep_top_k(log_probs: Float[Tensor, "*B V"], k: int) -> Float[Tensor, "*B V"]:
    """Keep the k likeliest tokens, and those exactly as likely as the last of them.

    Args:
        log_probs: Log-probabilities or logits.
        k: How many (≥ 1); more than there are keeps all.

    Raises:
        ValueError: If `k` is below 1.

    Reference:
        Fan, Lewis and Dauphin 2018, "Hierarchical Neural Story Generation", section 5.4,
        https://arxiv.org/abs/1805.04833

    Example:
        >>> keep_top_k(torch.tensor([0.2, 0.5, 0.3]).log(), k=2).exp()
        tensor([0.0000, 0.5000, 0.3000])
    """
    if k < 1:
        raise ValueError(f"k must be ≥ 1; got k={k}.")
    least = log_probs.topk(min(k, log_probs.shape[-1]), dim=-1).values[..., -1:]
    return log_probs.masked_fill(log_probs < least, -math.inf)


def keep_top_p(log_probs: Float[Tensor, "*B V"], p: float) -> Float[Tensor, "*B V"]:
    """Keep the likeliest tokens until their probabilities sum to p: the nucleus.

    Args:
        log_probs: Log-probabilities or logits.
        p: Share of the probability (> 0, ≤ 1).

    Raises:
        ValueError: If `p` is out of range.

    Reference:
        Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", section 3.1,
        https://arxiv.org/abs/1904.09751

    Example:
        >>> keep_top_p(torch.tensor([0.2, 0.5, 0.3]).log(), p=0.6).exp()
        tensor([0.0000, 0.5000, 0.3000])
    """
    _require_share("p", p)
    probs = log_probs.softmax(dim=-1)
    return _keep_smallest_set(log_probs, probs, -probs, p)


def keep_min_p(log_probs: Float[Tensor, "*B V"], p: float) -> Float[Tensor, "*B V"]:
    """Keep the tokens that are at least p times as likely as the likeliest.

    Args:
        log_probs: Log-probabilities or logits.
        p: Least ratio to the highest probability (> 0, ≤ 1).

    Raises:
        ValueError: If `p` is out of range.

    Reference:
        Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling for Creative and Coherent LLM
        Outputs", section 3, https://arxiv.org/abs/2407.01082

    Example:
        >>> keep_min_p(torch.tensor([0.2, 0.5, 0.3]).log(), p=0.5).exp()
        tensor([0.0000, 0.5000, 0.3000])
    """
    _require_share("p", p)
    probs = log_probs.softmax(dim=-1)
    return log_probs.masked_fill(probs < p * probs.amax(dim=-1, keepdim=True), -math.inf)


def keep_typical(log_probs: Float[Tensor, "*B V"], p: float) -> Float[Tensor, "*B V"]:
    """Keep the tokens whose surprise is nearest to the expected one, until they sum to p.

    The likeliest token may be ruled out: it can be less surprising than text should be.

    Args:
        log_probs: Log-probabilities or logits.
        p: Share of the probability (> 0, ≤ 1).

    Raises:
        ValueError: If `p` is out of range.

    Reference:
        Meister et al. 2023, "Locally Typical Sampling", eq. 10, https://arxiv.org/abs/2202.00666

    Example:
        >>> keep_typical(torch.tensor([0.6, 0.3, 0.1]).log(), p=0.2).exp()  # entropy 0.90 nats
        tensor([0.0000, 0.3000, 0.0000])
    """
    _require_share("p", p)
    normalised = log_probs.log_softmax(dim=-1)
    probs = normalised.exp()
    entropy = -torch.where(probs > 0, probs * normalised, 0.0).sum(dim=-1, keepdim=True)
    return _keep_smallest_set(log_probs, probs, (-normalised - entropy).abs(), p)


def _keep_smallest_set(
    log_probs: Float[Tensor, "*B V"],
    probs: Float[Tensor, "*B V"],
    order: Float[Tensor, "*B V"],
    p: float,
) -> Float[Tensor, "*B V"]:
    """Keep, from the smallest `order` on, tokens until their probabilities reach p."""
    places = order.argsort(dim=-1, stable=True)
    reached = probs.gather(-1, places).cumsum(dim=-1)
    is_out = F.pad(reached[..., :-1] >= p, (1, 0), value=False)
    return log_probs.masked_fill(torch.zeros_like(is_out).scatter(-1, places, is_out), -math.inf)


def _require_share(name: str, p: float) -> None:
    if not 0 < p <= 1:
        raise ValueError(f"{name} must be > 0 and ≤ 1; got {name}={p}.")
