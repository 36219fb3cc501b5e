"""Against repetition: what was written before is made unlikely, or ruled out.

Letters: V = vocab_size.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def penalise_repetition(
    logits: Float[Tensor, " V"], ids: Sequence[int], penalty: float
) -> Float[Tensor, " V"]:
    """Make every token that has come before less likely, whether once or often.

    Args:
        logits: Scores of the next token. Logits and log-probabilities give different results,
            because a negative score is multiplied and a positive one divided.
        ids: The text so far, with its prompt.
        penalty: The factor (> 0); 1 changes nothing, above 1 repetition becomes unlikely.

    Raises:
        ValueError: If `penalty` is not above 0.

    Reference:
        Keskar et al. 2019, "CTRL", section 4.1, https://arxiv.org/abs/1909.05858. Unlike the
        paper, which divides all scores, negative ones are multiplied, as in transformers:
        dividing would make them likelier.

    Example:
        >>> penalise_repetition(torch.tensor([2.0, -2.0, 1.0]), ids=[0, 1, 0], penalty=2.0)
        tensor([ 1., -4.,  1.])
    """
    if not penalty > 0:
        raise ValueError(f"penalty must be > 0; got penalty={penalty}.")
    seen = torch.tensor(sorted(set(ids)), dtype=torch.long, device=logits.device)
    scores = logits[seen]
    return logits.scatter(0, seen, torch.where(scores < 0, scores * penalty, scores / penalty))


def forbid_repeated_ngrams(
    logits: Float[Tensor, " V"], ids: Sequence[int], n: int
) -> Float[Tensor, " V"]:
    """Rule out every token that would complete an n-gram which is already in the text.

    Legitimate repetition is ruled out as well: with n = 2, "of the" may stand in a text once.

    Args:
        logits: Scores of the next token.
        ids: The text so far, with its prompt.
        n: Tokens of an n-gram (≥ 1).

    Raises:
        ValueError: If `n` is below 1.

    Reference:
        Paulus, Xiong and Socher 2018, "A Deep Reinforced Model for Abstractive Summarization",
        section 2.5 (for trigrams), https://arxiv.org/abs/1705.04304

    Example:
        >>> forbid_repeated_ngrams(torch.zeros(4), ids=[3, 1, 2, 3], n=2)  # 3 was followed by 1
        tensor([0., -inf, 0., 0.])
    """
    banned = banned_by_ngrams(ids, n)
    if not banned:
        return logits
    places = torch.tensor(banned, dtype=torch.long, device=logits.device)
    return logits.scatter(0, places, -math.inf)


def banned_by_ngrams(ids: Sequence[int], n: int) -> list[int]:
    """List the tokens that would complete an n-gram of the text anew, in rising order.

    Args:
        ids: The text so far.
        n: Tokens of an n-gram (≥ 1).

    Raises:
        ValueError: If `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be ≥ 1; got n={n}.")
    text = list(ids)
    start = text[len(text) - n + 1 :]
    matches = (i for i in range(len(text) - n + 1) if text[i : i + n - 1] == start)
    return sorted({text[i + n - 1] for i in matches})
