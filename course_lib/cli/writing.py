"""Text from a model, piece by piece, while it is being written.

Letters: V = vocab_size.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.cli.model_folder import END
from course_lib.errors import CourseError
from course_lib.generation import apply_temperature
from course_lib.models import GPT, Llama
from course_lib.tokenizers import BPETokenizer
from course_lib.tokenizers.pretokens import bytes_of


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        generator: Source of the random draws; on the CPU.
        temperature: See `apply_temperature`; 0 takes the likeliest token.
        top: Only so many of the likeliest tokens are drawn from; 0: all.
    """

    generator: torch.Generator
    temperature: float = 0.8
    top: int = 0

    def choose(self, logits: Float[Tensor, " V"]) -> int:
        """Choose a token.

        Args:
            logits: Of all tokens.
        """
        if self.temperature == 0:
            return int(logits.argmax())
        if self.top:
            least = logits.topk(min(self.top, len(logits))).values[-1]
            logits = logits.masked_fill(logits < least, -torch.inf)
        chances = apply_temperature(logits, self.temperature).exp()
        return int(torch.multinomial(chances, 1, generator=self.generator))


def stream_text(
    model: GPT | Llama, tokenizer: BPETokenizer, prompt: str, n_tokens: int, sampling: Sampling
) -> Iterator[str]:
    """Go on writing after a prompt; yield the new text in pieces of whole characters.

    Args:
        model: In evaluation mode.
        tokenizer: The model's.
        prompt: At least one character.
        n_tokens: How many tokens to write; fewer if the model ends the text.
        sampling: How they are chosen.

    Raises:
        CourseError: If the prompt is empty.
    """
    ids = tokenizer.encode(prompt)
    if not ids:
        raise CourseError("--prompt must hold at least one character.")
    end_id = tokenizer.special_tokens.get(END)
    tokens = stream_ids(model, ids, n_tokens, sampling, end_id)
    return whole_characters(bytes_of(tokenizer.token_of(token)) for token in tokens)


@torch.no_grad()
def stream_ids(
    model: GPT | Llama,
    prompt_ids: Iterable[int],
    n_tokens: int,
    sampling: Sampling,
    end_id: int | None,
) -> Iterator[int]:
    """Write tokens one after the other.

    Where the model's length is used up, it forgets the older half of what it has read.

    Args:
        model: In evaluation mode.
        prompt_ids: At least one.
        n_tokens: How many tokens to write (≥ 0).
        sampling: How they are chosen.
        end_id: Ends the text and is not yielded; None if there is no such token.
    """
    ids = list(prompt_ids)
    device = model.tokens.weight.device
    room = min(model.config.max_len, len(ids) + n_tokens)
    cache, unread = model.make_cache(1, room), ids
    for _ in range(n_tokens):
        if cache.n_tokens + len(unread) > room:
            cache, unread = model.make_cache(1, room), ids[-((room + 1) // 2) :]
        logits = model(torch.tensor([unread], device=device), cache=cache)[0, -1]
        newest = sampling.choose(logits.float().cpu())
        if newest == end_id:
            return
        unread = [newest]
        ids.append(newest)
        yield newest


def whole_characters(pieces: Iterable[bytes]) -> Iterator[str]:
    """Turn pieces of UTF-8 into text, each character as soon as all its bytes are there.

    Bytes that are no character become �; those of a last character that stays unfinished are left
    out.

    Args:
        pieces: Cut anywhere.

    Example:
        >>> list(whole_characters(["é".encode()[:1], "é".encode()[1:] + b"t"]))
        ['ét']
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return (text for piece in pieces if (text := decoder.decode(piece)))
