"""What `course generate` prints behind the prompt, piece by piece."""

from collections.abc import Iterator

import torch

from course_lib.cli.model_folder import END
from course_lib.errors import CourseError
from course_lib.generation import Rules, Sampling, Sliding, stream
from course_lib.models import GPT, Llama
from course_lib.tokenizers import BPETokenizer


def stream_text(
    model: GPT | Llama,
    tokenizer: BPETokenizer,
    prompt: str,
    n_tokens: int,
    *,
    generator: torch.Generator,
    temperature: float = 0.8,
    top: int = 0,
) -> Iterator[str]:
    """Go on writing after a prompt; yield the new text in pieces of whole characters.

    Where the model's length is used up, it forgets the older half of what it has read.

    Args:
        model: In evaluation mode.
        tokenizer: The model's.
        prompt: At least one character.
        n_tokens: How many tokens to write (≥ 1); fewer if the model ends the text.
        generator: Source of the random draws; on the CPU.
        temperature: See `apply_temperature`; 0 takes the likeliest token.
        top: Only so many of the likeliest tokens are drawn from; 0: all.

    Raises:
        CourseError: If the prompt is empty.
    """
    if not prompt:
        raise CourseError("--prompt must hold at least one character.")
    sampling = Sampling(temperature=temperature, top_k=top or None) if temperature else None
    return stream(
        Sliding(model),
        tokenizer,
        prompt,
        n_tokens,
        generator=generator,
        sampling=sampling,
        rules=Rules(end_id=tokenizer.special_tokens.get(END)),
    )
