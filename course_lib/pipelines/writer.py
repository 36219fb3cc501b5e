"""A language model with its tokenizer, ready to go on with a text."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch

from course_lib.data.batches import pad_left
from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.framing_files import load_framing
from course_lib.generation import (
    Rules,
    Sampling,
    Sliding,
    StopStrings,
    adapt,
    cut_at_stop,
    greedy,
    sample,
    stream,
)
from course_lib.models import GPT, Llama, checkpoint_names, load_checkpoint
from course_lib.models.loading import SETTINGS, pretrained_folder, weight_files
from course_lib.seeding import make_generator
from course_lib.training.objectives import device_of

END = "<|endoftext|>"
OURS = {"gpt2": GPT, "llama": Llama}
"""Our models by Hugging Face's `model_type`."""


class GenerationSettings(TypedDict, total=False):
    """How a text is gone on with, under the names of transformers.

    Attributes:
        max_new_tokens: How many tokens are written at most (≥ 1); 50 if not given.
        do_sample: Whether tokens are drawn; else the likeliest is taken, and no other setting of
            chance may be given.
        temperature: See `Sampling`, as all that follow up to `typical_p`.
        top_k: See there.
        top_p: See there.
        min_p: See there.
        typical_p: See there.
        num_return_sequences: How many texts are written for each prompt (≥ 1).
        repetition_penalty: See `Rules`.
        no_repeat_ngram_size: See `Rules`.
        stop_strings: Before which of these strings a text ends.
        seed: Of the draws (≥ 0); the same gives the same texts. 0 if not given.
    """

    max_new_tokens: int
    do_sample: bool
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    typical_p: float
    num_return_sequences: int
    repetition_penalty: float
    no_repeat_ngram_size: int
    stop_strings: str | Sequence[str]
    seed: int


OF_CHANCE = ("temperature", "top_k", "top_p", "min_p", "typical_p")


@dataclass(frozen=True, kw_only=True)
class Writing:
    """How a text is gone on with, in the terms of `course_lib.generation`.

    Attributes:
        max_new_tokens: How many tokens are written at most (≥ 1).
        sampling: How tokens are drawn; None: always the likeliest.
        seed: Of the draws (≥ 0).
        stop: Strings before which a text ends.
        repetition_penalty: See `Rules`.
        no_repeat_ngram_size: See `Rules`.
        end_id: The token that ends a text; None: the model's usual one.
    """

    max_new_tokens: int = 50
    sampling: Sampling | None = None
    seed: int = 0
    stop: tuple[str, ...] = ()
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    end_id: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("max_new_tokens", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be ≥ {least}; got {name}={getattr(self, name)}.")


def read_settings(settings: GenerationSettings) -> Writing:
    """Translate the settings of transformers into ours.

    Args:
        settings: Those that were given.

    Raises:
        TypeError: If there is no setting of such a name.
        ValueError: If one is out of range, or means nothing without `do_sample=True`.

    Example:
        >>> read_settings({"do_sample": True, "top_p": 0.9}).sampling
        Sampling(temperature=1.0, top_k=None, top_p=0.9, min_p=None, typical_p=None, n_sequences=1)
    """
    known = GenerationSettings.__annotations__
    if unknown := [name for name in settings if name not in known]:
        raise TypeError(f"settings must be among {', '.join(known)}; got {', '.join(unknown)}.")
    given: dict[str, Any] = dict(settings)
    of_chance = {name: given[name] for name in OF_CHANCE if given.get(name) is not None}
    n_sequences = settings.get("num_return_sequences", 1)
    sampling = None
    if settings.get("do_sample"):
        sampling = Sampling(**of_chance, n_sequences=n_sequences)
    elif of_chance or n_sequences != 1:
        names = ", ".join([*of_chance, *["num_return_sequences"] * (n_sequences != 1)])
        raise ValueError(f"do_sample must be True for {names}; else the likeliest token is taken.")
    stop = settings.get("stop_strings", ())
    return Writing(
        max_new_tokens=settings.get("max_new_tokens", 50),
        sampling=sampling,
        seed=settings.get("seed", 0),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        repetition_penalty=settings.get("repetition_penalty", 1.0),
        no_repeat_ngram_size=settings.get("no_repeat_ngram_size", 0),
    )


class Coder(Protocol):
    """Any tokenizer of ours: plain text never gives its special tokens."""

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Special tokens with their ids."""
        ...

    def encode(self, text: str) -> list[int]:
        """Turn text into ids."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Turn ids into text."""
        ...


class HuggingFaceCoder:
    """A tokenizer of transformers with the surface of ours: plain text gives no special token.

    Args:
        tokenizer: Of transformers.

    Attributes:
        special_tokens: Special tokens with their ids.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.special_tokens: dict[str, int] = {
            str(token): number for number, token in tokenizer.added_tokens_decoder.items()
        }

    def encode(self, text: str) -> list[int]:
        """Turn text into ids.

        Args:
            text: Any; what looks like a special token is text, too.
        """
        return self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    def decode(self, ids: list[int]) -> str:
        """Turn ids into text.

        Args:
            ids: Any of the tokenizer's.
        """
        return self._tokenizer.decode(ids, clean_up_tokenization_spaces=False)


class Writer:
    """A language model with its tokenizer; it goes on with texts, also with very long ones.

    Where the model's length is used up, it forgets the older half of what it has read.

    Args:
        model: `GPT` or `Llama` of ours, or a causal language model of transformers; in
            evaluation mode.
        tokenizer: Ours or transformers'.
        start_ids: What stands before every text.
        end_id: The token that ends a text; None if there is none.

    Attributes:
        model: As above.
        coder: The tokenizer; plain text never gives its special tokens.
        start_ids: As above.
        end_id: As above.
        max_len: How many tokens the model can place; None if it has no limit.
    """

    def __init__(
        self, model: Any, tokenizer: Any, *, start_ids: Sequence[int], end_id: int | None
    ) -> None:
        self.model = model
        is_theirs = hasattr(tokenizer, "added_tokens_decoder")
        self.coder: Coder = HuggingFaceCoder(tokenizer) if is_theirs else tokenizer
        self.end_id = end_id
        self.start_ids = list(start_ids)
        readable = adapt(model)
        self.max_len: int | None = getattr(readable, "max_len", None)
        self._readable = readable if self.max_len is None else Sliding(model)

    def encode(self, prompt: str) -> list[int]:
        """Turn the beginning of a text into ids, with what stands before every text.

        Args:
            prompt: Any text; "" where something stands before every text.

        Raises:
            ValueError: If nothing is left to go on with.
        """
        ids = [*self.start_ids, *self.coder.encode(prompt)]
        if not ids:
            raise ValueError(
                "the prompt must hold at least one token, for nothing stands before a text with "
                f"this tokenizer; got {prompt!r}."
            )
        return ids

    def write(self, prompts: Sequence[str], writing: Writing) -> list[list[str]]:
        """Go on with each prompt.

        Args:
            prompts: Beginnings of texts; of one too long for the model only the end is read.
            writing: How.

        Returns:
            For each prompt the new texts, as many as `writing.sampling` says, else one.

        Raises:
            ValueError: If nothing is left of a prompt.

        Warns:
            UserWarning: If prompts were cut; says how many.
        """
        ids = self._fit([self.encode(prompt) for prompt in prompts])
        batch = pad_left(ids, 0 if self.end_id is None else self.end_id)
        device = device_of(self.model)
        batch = type(batch)(batch.ids.to(device), batch.mask.to(device))
        rules, n_tokens, sampling = self._rules(writing), writing.max_new_tokens, writing.sampling
        if sampling is None:
            found = greedy(self._readable, batch, n_tokens, rules=rules)
        else:
            generator = make_generator(writing.seed)
            found = sample(
                self._readable, batch, n_tokens, generator=generator, sampling=sampling, rules=rules
            )
        each = 1 if sampling is None else sampling.n_sequences
        prompt_ids = [of_one for of_one in ids for _ in range(each)]
        texts = [self._new_text(*pair) for pair in zip(prompt_ids, found, strict=True)]
        if writing.stop:
            texts = [cut_at_stop(text, writing.stop) for text in texts]
        return [texts[first : first + each] for first in range(0, len(texts), each)]

    def stream(self, ids: Sequence[int], writing: Writing) -> Iterator[str]:
        """Go on with one text; hand out what is new in pieces while it is written.

        Args:
            ids: What `encode` or a chat format gives.
            writing: How; one text at a time.

        Raises:
            ValueError: At once, if there are no ids, or several texts are asked for.

        Warns:
            UserWarning: If the text was cut.
        """
        (fitting,) = self._fit([list(ids)])
        return stream(
            self._readable,
            _Given(self.coder, fitting),
            "",
            writing.max_new_tokens,
            generator=None if writing.sampling is None else make_generator(writing.seed),
            sampling=writing.sampling,
            rules=self._rules(writing),
        )

    def _new_text(self, prompt_ids: list[int], new_ids: list[int]) -> str:
        """Decode behind the prompt: with some tokenizers it decides whether a blank comes next."""
        before = self.coder.decode(prompt_ids)
        return self.coder.decode([*prompt_ids, *new_ids])[len(before) :]

    def _fit(self, prompts: list[list[int]]) -> list[list[int]]:
        """Leave room for the new tokens, where the model has a limit."""
        if self.max_len is None:
            return prompts
        longest = self.max_len
        n_cut = sum(len(ids) > longest for ids in prompts)
        if n_cut:
            warnings.warn(
                f"{n_cut} of {len(prompts)} prompts had more than {longest} tokens; only their "
                "ends were read.",
                stacklevel=3,
            )
        return [ids[-longest:] for ids in prompts]

    def _rules(self, writing: Writing) -> Rules:
        stop = StopStrings(self.coder.decode, writing.stop) if writing.stop else None
        return Rules(
            end_id=self.end_id if writing.end_id is None else writing.end_id,
            stop=stop,
            repetition_penalty=writing.repetition_penalty,
            no_repeat_ngram_size=writing.no_repeat_ngram_size,
        )


class _Given:
    """A coder whose prompt is already encoded."""

    def __init__(self, coder: Coder, ids: list[int]) -> None:
        self._ids = ids
        self.decode = coder.decode

    def encode(self, text: str) -> list[int]:
        """Return the ids that were given, whatever the text."""
        return self._ids


def load_writer(name: str | Path = "mini-gpt") -> Writer:
    """Load a language model and its tokenizer, ready to write.

    Args:
        name: A model that comes with the course, such as "mini-gpt" or "story-gpt"; a folder in
            Hugging Face's format; or a name on the hub, in the cache or reachable.

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        DigestMismatchError: If a file of the course's own has been changed.
        ValueError: If it cannot go on with a text, has no safetensors or is damaged.
    """
    if name in checkpoint_names():
        shipped = load_checkpoint(str(name))
        if not isinstance(shipped.model, GPT | Llama):
            raise ValueError(
                f"model must be able to go on with a text; got {name!r}, a "
                f"{type(shipped.model).__name__}. Take 'mini-gpt' or 'story-gpt'."
            )
        end_id = shipped.tokenizer.id_of(END)
        return Writer(shipped.model, shipped.tokenizer, start_ids=[end_id], end_id=end_id)
    try:
        folder = pretrained_folder(name)
    except WeightsNotFoundError as error:
        there = ", ".join(checkpoint_names())
        raise WeightsNotFoundError(
            f"model must be one that comes with the course ({there}), a folder, or a name on the "
            f"hub; got {str(name)!r}. {error}"
        ) from error
    weight_files(folder)  # refuses pickles
    kind = json.loads((folder / SETTINGS).read_text("utf-8"))["model_type"]
    framing = load_framing(folder, kind, is_decoder=True)
    if kind in OURS:
        model: Any = OURS[kind].from_pretrained(folder)
    else:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    end_id = framing.end[0] if framing.end else None
    return Writer(model, framing.tokenizer, start_ids=framing.start, end_id=end_id)
