"""Sampling: the next token is drawn, and so is every one after it.

Letters: B = sequences, V = vocab_size.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.generation.reading import AnyModel
from course_lib.generation.rules import Rules, Sampling
from course_lib.generation.writing import Prompts, as_batch, begin, collect, texts_of, write


def sample(
    model: AnyModel,
    prompts: Prompts,
    n_tokens: int,
    *,
    generator: torch.Generator,
    sampling: Sampling | None = None,
    rules: Rules | None = None,
) -> list[list[int]]:
    """Go on writing; each token is drawn from what the model says of the next one.

    Args:
        model: As for `adapt`.
        prompts: The beginnings.
        n_tokens: How many tokens to write at most, for each (≥ 1).
        generator: Source of the random draws; on the CPU.
        sampling: Which tokens are drawn, how boldly, and how many texts for each prompt.
        rules: When a text ends, and what it may not repeat.

    Returns:
        The new ids of each text, without its prompt and without the token that ended it: first
        all texts of the first prompt.

    Raises:
        ValueError: If a prompt is empty, `n_tokens` is below 1, or the model cannot place so many.

    Example:
        >>> def coin(ids):
        ...     return torch.zeros(*ids.shape, 2)
        >>> dice, two = torch.Generator().manual_seed(0), Sampling(n_sequences=2)
        >>> texts = sample(coin, torch.tensor([[0]]), 3, generator=dice, sampling=two)
        >>> [len(text) for text in texts]
        [3, 3]
    """
    sampling = Sampling() if sampling is None else sampling
    rules = Rules() if rules is None else rules
    batch = as_batch(prompts)
    reading, logits = begin(model, batch, n_tokens)
    rows = torch.arange(len(batch.ids)).repeat_interleave(sampling.n_sequences)
    if sampling.n_sequences > 1:
        reading.keep(rows.to(batch.ids.device))
    texts = texts_of(batch)

    def choose(scores: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
        return draw(sampling.log_probs(scores), generator)

    steps = write(
        reading,
        logits[rows.to(logits.device)],
        [texts[row] for row in rows.tolist()],
        n_tokens,
        choose,
        rules,
    )
    return collect(steps, len(rows))


def draw(log_probs: Float[Tensor, "*B V"], generator: torch.Generator) -> Int[Tensor, "*B"]:
    """Draw one token from each distribution.

    Args:
        log_probs: Normalised.
        generator: Source of the random draws; on the CPU, wherever the model is, so that a seed
            gives the same text everywhere.
    """
    probs = log_probs.float().cpu().exp()
    tokens = torch.multinomial(probs.flatten(0, -2), 1, generator=generator)
    return tokens.view(probs.shape[:-1]).to(log_probs.device)
