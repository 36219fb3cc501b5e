"""The loop under greedy decoding, sampling and streaming: score, choose, append, ask again.

Letters: B = sequences, T = tokens of the longest prompt, V = vocab_size.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.data.batches import TokenBatch
from course_lib.generation.reading import AnyModel, Reading, adapt
from course_lib.generation.rules import Rules

Prompts = Int[Tensor, "B T"] | TokenBatch
"""The ids of prompts of one length, or of several as `course_lib.data.batches.pad_left` gives."""

Choice = Callable[[Float[Tensor, "B V"]], Int[Tensor, " B"]]


def as_batch(prompts: Prompts) -> TokenBatch:
    """Give prompts a mask, and refuse empty ones.

    Args:
        prompts: See `Prompts`.

    Raises:
        ValueError: If there is no prompt, or one has no token.
    """
    if isinstance(prompts, Tensor):
        prompts = TokenBatch(prompts, torch.ones_like(prompts, dtype=torch.bool))
    ids, mask = prompts
    if ids.ndim != 2 or not ids.numel() or not bool(mask.any(dim=1).all()):
        raise ValueError(
            "prompts must hold at least one token each, in the shape (sequences, tokens); "
            f"got the shape {tuple(ids.shape)}. A model with an end-of-text token can begin there."
        )
    return prompts


def begin(
    model: AnyModel, prompts: TokenBatch, n_tokens: int
) -> tuple[Reading, Float[Tensor, "B V"]]:
    """Let a model read the prompts, with room for what will be written.

    Args:
        model: As for `adapt`.
        prompts: At least one token each.
        n_tokens: How many tokens will be written at most.

    Raises:
        ValueError: If `n_tokens` is below 1, or the model cannot place so many.
    """
    require_count("n_tokens", n_tokens)
    n_sequences, n_read = prompts.ids.shape
    reading = adapt(model).begin(n_sequences, n_read + n_tokens - 1)
    return reading, reading.read(*prompts)


def require_count(name: str, count: int) -> None:
    """Refuse a number below 1, by name.

    Args:
        name: As the caller calls it.
        count: The number.

    Raises:
        ValueError: If it is below 1.
    """
    if count < 1:
        raise ValueError(f"{name} must be ≥ 1; got {name}={count}.")


def texts_of(batch: TokenBatch) -> list[list[int]]:
    """List the ids of each text, without padding.

    Args:
        batch: Padded at either end.
    """
    return [ids[mask].tolist() for ids, mask in zip(*batch, strict=True)]


def write(
    reading: Reading,
    logits: Float[Tensor, "B V"],
    prompts: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Choice,
    rules: Rules,
) -> Iterator[list[int | None]]:
    """Write tokens; yield, for each, the new token of every text, None where a text has ended.

    Args:
        reading: Has read the prompts.
        logits: What the model said after them.
        prompts: Their ids.
        n_tokens: How many tokens to write at most (≥ 1).
        choose: Takes the next token of each text from its scores.
        rules: When a text ends, and what it may not repeat.
    """
    texts = [list(prompt) for prompt in prompts]
    starts = [len(prompt) for prompt in prompts]
    is_open = [True] * len(texts)
    for step in range(n_tokens):
        newest = choose(rules.apply(logits, texts))
        yielded: list[int | None] = []
        for row, token in enumerate(newest.tolist()):
            if is_open[row] and token == rules.end_id:
                is_open[row] = False
            yielded.append(token if is_open[row] else None)
            texts[row].append(token)
            if is_open[row] and rules.stop is not None:
                is_open[row] = not rules.stop(texts[row][starts[row] :])
        yield yielded
        if step == n_tokens - 1 or not any(is_open):
            return
        logits = reading.read(newest[:, None])


def collect(steps: Iterator[list[int | None]], n_texts: int) -> list[list[int]]:
    """Gather what `write` yields: the new ids of each text.

    Args:
        steps: From `write`.
        n_texts: How many texts there are.
    """
    written: list[list[int]] = [[] for _ in range(n_texts)]
    for newest in steps:
        for text, token in zip(written, newest, strict=True):
            if token is not None:
                text.append(token)
    return written
