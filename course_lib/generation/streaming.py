"""Text while it is being written: pieces of whole characters, as soon as they are certain.

Letters: B = sequences, V = vocab_size.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.generation.drawing import draw
from course_lib.generation.one_text import check_drawing
from course_lib.generation.reading import AnyModel
from course_lib.generation.rules import Rules, Sampling
from course_lib.generation.stopping import StopStrings, stop_at
from course_lib.generation.writing import Choice, as_batch, begin, write

UNFINISHED = "\ufffd"
"""What `decode` gives for bytes that are no character, such as the first bytes of one: �."""


@runtime_checkable
class TextCoder(Protocol):
    """Turns text into ids and back: any tokenizer of ours or of Hugging Face's."""

    def encode(self, text: str) -> list[int]:
        """Turn text into ids."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Turn ids into text."""
        ...


def stream(
    model: AnyModel,
    tokenizer: TextCoder,
    prompt: str,
    n_tokens: int,
    *,
    generator: torch.Generator | None = None,
    sampling: Sampling | None = None,
    rules: Rules | None = None,
) -> Iterator[str]:
    """Go on writing after a prompt; hand out the new text in pieces while it is written.

    Joined, the pieces are the text of the ids that `sample` or `greedy` would give, up to the
    first stop string if `rules.stop` is a `StopStrings`, and without � at its end, a character
    that stays unfinished.

    Args:
        model: As for `adapt`; `Sliding(model)` for texts longer than the model can place.
        tokenizer: The model's.
        prompt: At least one token.
        n_tokens: How many tokens to write at most (≥ 1).
        generator: Source of the random draws, on the CPU; None only without `sampling`.
        sampling: How tokens are drawn; None takes the likeliest.
        rules: When the text ends, and what it may not repeat.

    Raises:
        ValueError: At once, if the prompt is empty, `sampling` asks for several texts or has no
            generator, `n_tokens` is below 1, or the model cannot place so many.

    Example:
        >>> from course_lib.tokenizers import ByteTokenizer
        >>> def next_letter(ids):
        ...     return nn.functional.one_hot(ids + 1, 256).float()
        >>> list(stream(next_letter, ByteTokenizer(), "a", n_tokens=3))
        ['b', 'c', 'd']
    """
    rules = Rules() if rules is None else rules
    choose = _make_choice(sampling, generator)
    ids = tokenizer.encode(prompt)
    prompts = as_batch(torch.tensor([ids], dtype=torch.long, device=_device_of(model)))
    reading, logits = begin(model, prompts, n_tokens)
    steps = write(reading, logits, [ids], n_tokens, choose, rules)
    tokens = (token for (token,) in steps if token is not None)
    pieces = whole_characters(tokens, tokenizer.decode, before=ids)
    return stop_at(pieces, rules.stop.strings) if isinstance(rules.stop, StopStrings) else pieces


def whole_characters(
    ids: Iterable[int], decode: Callable[[list[int]], str], before: Sequence[int] = ()
) -> Iterator[str]:
    """Turn tokens into text, each character as soon as it is certain.

    A token may hold only a part of a character, so every � at the end of the text waits for the
    next token. Those that still wait when the tokens end are left out.

    Args:
        ids: Tokens, one after the other.
        decode: Turns ids into text. A further id may change nothing before it, but for � at the
            end, and may depend on no more than the id before it.
        before: Tokens in front, which are not shown. With some tokenizers they decide whether a
            blank comes next.

    Example:
        >>> def decode(ids):
        ...     return bytes(ids).decode("utf-8", "replace")
        >>> list(whole_characters("été".encode(), decode))
        ['é', 't', 'é']
    """
    window = list(before)  # tokens that are shown, for context; behind them those that wait
    n_context, n_shown = len(window), len(decode(window))
    for token in ids:
        window.append(token)
        text = decode(window)
        certain = text.rstrip(UNFINISHED)
        if len(certain) > n_shown:
            yield certain[n_shown:]
            n_shown = len(certain)
        if certain == text:
            window = window[n_context:]
            n_context, n_shown = len(window), len(decode(window))


def _make_choice(sampling: Sampling | None, generator: torch.Generator | None) -> Choice:
    check_drawing(sampling, generator)

    def choose(scores: Float[Tensor, "B V"]) -> Int[Tensor, " B"]:
        if sampling is None or generator is None:
            return scores.argmax(dim=-1)
        return draw(sampling.log_probs(scores), generator)

    return choose


def _device_of(model: Any) -> torch.device:
    """Find where a model's parameters are, behind wrappers such as `Sliding`."""
    while not isinstance(model, nn.Module) and hasattr(model, "model"):
        model = model.model
    weights = model.parameters() if isinstance(model, nn.Module) else iter(())
    return next((weight.device for weight in weights), torch.device("cpu"))
