"""From a distribution over the next token to text: draw, append, repeat.

Letters: B = any number of leading axes (sequences), V = vocab_size.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def apply_temperature(
    log_probs: Float[Tensor, "*B V"], temperature: float
) -> Float[Tensor, "*B V"]:
    """Sharpen or flatten a distribution.

    Below 1 the likely becomes likelier, above 1 all outcomes move towards equal chances.

    Args:
        log_probs: Log-probabilities in nats; minus infinity stays minus infinity.
        temperature: What the log-probabilities are divided by (> 0).

    Returns:
        Log-probabilities whose exponentials sum to 1.

    Raises:
        ValueError: If `temperature` is not above 0.

    Reference:
        Ackley, Hinton and Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines".

    Example:
        >>> apply_temperature(torch.tensor([0.8, 0.2]).log(), temperature=0.5).exp()
        tensor([0.9412, 0.0588])
    """
    if not temperature > 0:
        raise ValueError(
            f"temperature must be > 0; got temperature={temperature}. "
            "For the likeliest token every time, take the argmax."
        )
    return (log_probs / temperature).log_softmax(dim=-1)


def sample_ids(
    next_log_probs: Callable[[Sequence[int]], Float[Tensor, " V"]],
    prompt_ids: Sequence[int],
    n_tokens: int,
    *,
    temperature: float = 1.0,
    generator: torch.Generator,
) -> list[int]:
    """Draw tokens one after the other, each from what the model predicts after the last.

    Args:
        next_log_probs: Maps the tokens so far to the log-probabilities of the next one.
        prompt_ids: Tokens to go on from; may be empty if the model allows it.
        n_tokens: How many to draw (≥ 0).
        temperature: See `apply_temperature`.
        generator: Source of the random draws.

    Returns:
        The new tokens, without the prompt.

    Raises:
        ValueError: If `n_tokens` is negative, or `temperature` is not above 0.
    """
    if n_tokens < 0:
        raise ValueError(f"n_tokens must be ≥ 0; got n_tokens={n_tokens}.")
    ids = list(prompt_ids)
    for _ in range(n_tokens):
        log_probs = apply_temperature(next_log_probs(ids), temperature)
        ids.append(int(torch.multinomial(log_probs.exp(), 1, generator=generator)))
    return ids[len(prompt_ids) :]
