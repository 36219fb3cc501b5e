"""From texts to what an encoder reads: ids with its marks around them, cut to its length."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.errors import WeightsNotFoundError
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

END = "<|endoftext|>"
TOKENIZER, TOKENIZER_SETTINGS, VOCABULARY = "tokenizer.json", "tokenizer_config.json", "vocab.txt"
GPT2_FILES = ("vocab.json", "merges.txt")
PROBE = "a"
"""A text that shows where a tokenizer of transformers puts its marks."""


@dataclass(frozen=True, kw_only=True)
class Framing:
    """A tokenizer, and the marks that a model expects around texts.

    Attributes:
        tokenizer: Ours or transformers'.
        encode: Turns a text into ids without any mark.
        start: Stands before the first text: [CLS] for an encoder.
        between: Stands between two texts; what is before it and itself are segment 0.
        end: Stands after the last text: [SEP], or a decoder's end token.
        pad_id: Fills the ends of shorter texts.
    """

    tokenizer: Any
    encode: Callable[[str], list[int]]
    start: tuple[int, ...]
    between: tuple[int, ...]
    end: tuple[int, ...]
    pad_id: int

    def frame(self, text: str, max_len: int) -> tuple[list[int], int]:
        """Turn a text into ids with its marks.

        Args:
            text: Any text with a token in it.
            max_len: How many ids the model takes; the text loses its end, never the marks.

        Returns:
            The ids, and how many were cut off.

        Raises:
            ValueError: If the text is empty.
        """
        ids = self.encode(text)
        if not ids:
            raise ValueError(f"text must hold at least one token; got {text!r}.")
        room = self._room(max_len, (*self.start, *self.end))
        return [*self.start, *ids[:room], *self.end], max(0, len(ids) - room)

    def frame_pair(self, first: str, second: str, max_len: int) -> tuple[list[int], list[int], int]:
        """Turn two texts into ids with their marks.

        Args:
            first: The text whose tokens, and the marks around it, are segment 0.
            second: The text whose tokens, and the mark after it, are segment 1.
            max_len: How many ids the model takes; the longer text loses its end first.

        Returns:
            The ids, the segment of each, and how many ids were cut off.

        Raises:
            ValueError: If a text is empty.
        """
        texts = [self.encode(first), self.encode(second)]
        for name, text, ids in zip(("first", "second"), (first, second), texts, strict=True):
            if not ids:
                raise ValueError(f"{name} must hold at least one token; got {text!r}.")
        room = self._room(max_len, (*self.start, *self.between, *self.end))
        n_cut = max(0, len(texts[0]) + len(texts[1]) - room)
        for _ in range(n_cut):
            texts[len(texts[1]) > len(texts[0])].pop()
        head = [*self.start, *texts[0], *self.between]
        tail = [*texts[1], *self.end]
        return head + tail, [0] * len(head) + [1] * len(tail), n_cut

    @staticmethod
    def _room(max_len: int, marks: tuple[int, ...]) -> int:
        if max_len <= len(marks):
            raise ValueError(
                f"max_len must be above {len(marks)}, the marks around a text; got {max_len}."
            )
        return max_len - len(marks)


def frame_for_encoder(tokenizer: BPETokenizer | WordPieceTokenizer) -> Framing:
    """Put texts between [CLS] and [SEP], as BERT reads them.

    Args:
        tokenizer: Has these tokens and [PAD].

    Raises:
        ValueError: If it lacks one of them.

    Example:
        >>> marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        >>> framing = frame_for_encoder(WordPieceTokenizer([*marks, "a", "b"]))
        >>> framing.frame("a b a", max_len=4)
        ([2, 5, 6, 3], 1)
    """
    special = tokenizer.special_tokens
    if missing := [mark for mark in ("[PAD]", "[CLS]", "[SEP]") if mark not in special]:
        raise ValueError(
            f"the tokenizer of an encoder must have [PAD], [CLS] and [SEP]; it lacks {missing}."
        )
    end = (special["[SEP]"],)
    return Framing(
        tokenizer=tokenizer,
        encode=tokenizer.encode,
        start=(special["[CLS]"],),
        between=end,
        end=end,
        pad_id=special["[PAD]"],
    )


def frame_for_decoder(tokenizer: BPETokenizer, end_token: str = END) -> Framing:
    """Put an end token after each text: the only place from which a decoder has seen all of it.

    Args:
        tokenizer: Of a decoder.
        end_token: Special token; a tokenizer without it puts nothing after a text.
    """
    found = tokenizer.special_tokens.get(end_token)
    end = () if found is None else (found,)
    return Framing(
        tokenizer=tokenizer,
        encode=tokenizer.encode,
        start=(),
        between=end,
        end=end,
        pad_id=0 if found is None else found,
    )


def frame_for_hugging_face(tokenizer: Any, *, is_decoder: bool) -> Framing:
    """Take the marks that a tokenizer of transformers puts around texts.

    Args:
        tokenizer: Of transformers.
        is_decoder: Whether an end token shall stand after each text.

    Raises:
        ValueError: If an encoder's tokenizer puts no mark around a text.
    """
    end = () if tokenizer.eos_token_id is None else (tokenizer.eos_token_id,)
    inside = tokenizer.encode(PROBE, add_special_tokens=False)
    alone = tokenizer(PROBE)["input_ids"]
    place = alone.index(inside[0])
    start, between = tuple(alone[:place]), end
    if not is_decoder:
        end = tuple(alone[place + len(inside) :])
        if not start or not end:
            raise ValueError(
                f"the tokenizer of an encoder must put marks around texts; got {start} and {end}."
            )
        pair = tokenizer(PROBE, PROBE)["input_ids"]
        between = tuple(pair[place + len(inside) : len(pair) - len(inside) - len(end)])
    pad_id = tokenizer.pad_token_id
    return Framing(
        tokenizer=tokenizer,
        encode=lambda text: tokenizer.encode(text, add_special_tokens=False),
        start=start,
        between=between,
        end=end,
        pad_id=(end or (0,))[0] if pad_id is None else pad_id,
    )


def load_framing(folder: Path, model_type: str, *, is_decoder: bool) -> Framing:
    """Read the tokenizer of a model, ours where it gives the same ids, else transformers'.

    Args:
        folder: In Hugging Face's format.
        model_type: As `config.json` says.
        is_decoder: Whether each token sees only those before it.

    Raises:
        WeightsNotFoundError: If the folder holds no tokenizer.
        ValueError: If its tokenizer lacks a mark that is needed.
    """
    files = (TOKENIZER, VOCABULARY, GPT2_FILES[0])
    if not any((folder / name).is_file() for name in files):
        raise WeightsNotFoundError(
            f"{folder} must hold the model's tokenizer, too: {TOKENIZER} or {VOCABULARY}; got "
            f"{sorted(path.name for path in folder.iterdir())}. Copy it there from where the "
            "weights came from."
        )
    settings = _read_settings(folder)
    tokenizer = _load_ours(folder, model_type, settings)
    if tokenizer is None:
        from transformers import AutoTokenizer

        theirs = AutoTokenizer.from_pretrained(folder)
        return frame_for_hugging_face(theirs, is_decoder=is_decoder)
    if isinstance(tokenizer, WordPieceTokenizer) or not is_decoder:
        return frame_for_encoder(tokenizer)
    return frame_for_decoder(tokenizer, settings.get("eos_token") or END)


def save_framing(framing: Framing, folder: Path) -> None:
    """Write a tokenizer so that `load_framing` reads it.

    Args:
        framing: With a tokenizer of ours or of transformers.
        folder: Must exist.
    """
    if not isinstance(framing.tokenizer, BPETokenizer | WordPieceTokenizer):
        framing.tokenizer.save_pretrained(folder)
        return
    framing.tokenizer.save(folder / TOKENIZER)
    if not framing.start and framing.end:
        settings = {"eos_token": framing.tokenizer.token_of(framing.end[0])}
        (folder / TOKENIZER_SETTINGS).write_text(json.dumps(settings), encoding="utf-8")


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / TOKENIZER_SETTINGS
    settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if isinstance(settings.get("eos_token"), dict):  # older files describe tokens at length
        settings["eos_token"] = settings["eos_token"]["content"]
    return settings


def _load_ours(
    folder: Path, model_type: str, settings: dict[str, Any]
) -> BPETokenizer | WordPieceTokenizer | None:
    """Read a tokenizer of BERT's or GPT-2's kind; None if the files describe another kind."""
    lower = settings.get("do_lower_case", True)
    if model_type == "bert" and (folder / VOCABULARY).is_file():
        if settings.get("strip_accents") in {None, lower}:
            return WordPieceTokenizer.from_vocab(folder / VOCABULARY, lower=lower)
        return None
    if model_type not in OUR_KINDS:
        return None
    if not (folder / TOKENIZER).is_file():
        return BPETokenizer.from_gpt2_files(*(folder / name for name in GPT2_FILES))
    for kind in (WordPieceTokenizer, BPETokenizer):
        try:
            return kind.load(folder / TOKENIZER)
        except ValueError:  # it would give other ids
            continue
    return None


OUR_KINDS = ("bert", "gpt2", "llama")
"""Whose tokenizers may be ours."""
