"""Greedy decoding: take the likeliest token, append it, ask again.

`greedy_decode` is the whole idea; `greedy` is what one uses.

Letters: B = sequences, T = tokens given, N = tokens given and new, V = vocab_size.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.generation.reading import AnyModel
from course_lib.generation.rules import Rules
from course_lib.generation.writing import Prompts, as_batch, begin, collect, texts_of, write


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


def greedy(
    model: AnyModel,
    prompts: Prompts,
    n_tokens: int,
    *,
    rules: Rules | None = None,
    n_sequences: int = 1,
) -> list[list[int]]:
    """Go on writing, always with the likeliest token; what was read is not read again.

    Args:
        model: As for `adapt`.
        prompts: The beginnings.
        n_tokens: How many tokens to write at most, for each (≥ 1).
        rules: When a text ends, and what it may not repeat.
        n_sequences: Only 1 makes sense; the others are refused with the reason.

    Returns:
        The new ids of each text, without its prompt and without the token that ended it.

    Raises:
        ValueError: If `n_sequences` is not 1, a prompt is empty, `n_tokens` is below 1, or the
            model cannot place so many.

    Example:
        >>> def counts_on(ids):
        ...     return torch.nn.functional.one_hot((ids + 1) % 5, 5).float()
        >>> greedy(counts_on, torch.tensor([[2], [0]]), n_tokens=3, rules=Rules(end_id=4))
        [[3], [1, 2, 3]]
    """
    if n_sequences != 1:
        raise ValueError(
            f"n_sequences must be 1; got n_sequences={n_sequences}. Greedy decoding has no chance "
            "in it: it would give the same text each time. Draw with `sample`, or take the best "
            "few of `beam_search`."
        )
    rules = Rules() if rules is None else rules
    batch = as_batch(prompts)
    reading, logits = begin(model, batch, n_tokens)
    steps = write(reading, logits, texts_of(batch), n_tokens, _likeliest, rules)
    return collect(steps, len(batch.ids))


def _likeliest(scores: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
    return scores.argmax(dim=-1)
