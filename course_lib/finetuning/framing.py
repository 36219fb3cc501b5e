"""From texts to what an encoder reads: ids with its marks around them, cut to its length."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer
from course_lib.tokenizers.bert_text import is_cjk

END = "<|endoftext|>"
PROBE = "a"
"""A text that shows where a tokenizer of transformers puts its marks."""


Offsets = tuple[int, int]
"""Where in a text the characters of a token begin and end, as `text[start:end]`."""


class Window(NamedTuple):
    """A question and a part of a passage, as a model reads them.

    Attributes:
        ids: With all marks.
        segment_ids: 0 for the question, 1 for the passage.
        offsets: Where each id stands in the passage, blanks at its ends left out; None for marks,
            for the question, and for nothing but blanks.
        first: How many tokens of the passage came before this window.
    """

    ids: list[int]
    segment_ids: list[int]
    offsets: list[Offsets | None]
    first: int


@dataclass(frozen=True, kw_only=True)
class Framing:
    """A tokenizer, and the marks that a model expects around texts.

    Attributes:
        tokenizer: Ours or transformers'.
        encode: Turns a text into ids without any mark.
        encode_with_offsets: The same, and says where in the text each id stands.
        start: Stands before the first text: [CLS] for an encoder.
        between: Stands between two texts; what is before it and itself are segment 0.
        end: Stands after the last text: [SEP], or a decoder's end token.
        pad_id: Fills the ends of shorter texts.
    """

    tokenizer: Any
    encode: Callable[[str], list[int]]
    encode_with_offsets: Callable[[str], tuple[list[int], list[Offsets]]]
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
        _require_tokens("text", text, ids)
        room = self._room(max_len, (*self.start, *self.end))
        return [*self.start, *ids[:room], *self.end], max(0, len(ids) - room)

    def frame_all(self, texts: Sequence[str], max_len: int, name: str = "texts") -> list[list[int]]:
        """Turn texts into ids with their marks; they are not yet padded.

        Args:
            texts: Any texts; those that are too long lose their ends.
            max_len: How many ids a text may have, marks included.
            name: What they are, for the messages.

        Raises:
            TypeError: If `texts` is one string.
            ValueError: If a text is empty.

        Warns:
            UserWarning: Once, if texts were cut; says how many.
        """
        if isinstance(texts, str):
            raise TypeError(f"{name} must be several strings; got {texts!r}. Try [text].")
        framed: list[list[int]] = []
        n_cut = 0
        for row, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} must not be empty; got {text!r} in row {row}.")
            ids, n_lost = self.frame(text, max_len)
            framed.append(ids)
            n_cut += n_lost > 0
        tell_of_cuts(n_cut, len(framed), max_len, name)
        return framed

    def frame_words(
        self, words: Sequence[str], max_len: int
    ) -> tuple[list[int], list[int | None], int]:
        """Turn the words of a sentence into ids with their marks.

        Each word is cut into pieces as it would be in the running sentence, with a blank before
        it, but for the first word and between Chinese characters.

        Args:
            words: At least one.
            max_len: How many ids the model takes; the sentence loses its end, never the marks.

        Returns:
            The ids; where each word's first piece stands among them, None for a word that was cut
            off or has no piece; and how many words were cut off.
        """
        room = self._room(max_len, (*self.start, *self.end))
        ids = list(self.start)
        places: list[int | None] = []
        n_cut = 0
        for word in _as_in_running_text(words):
            pieces = self.encode(word)
            n_read = len(ids) - len(self.start)
            is_cut = n_read >= room and bool(pieces)
            places.append(len(ids) if pieces and not is_cut else None)
            ids += pieces[: room - n_read]
            n_cut += is_cut
        return [*ids, *self.end], places, n_cut

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
            _require_tokens(name, text, ids)
        room = self._room(max_len, (*self.start, *self.between, *self.end), n_texts=2)
        n_cut = max(0, len(texts[0]) + len(texts[1]) - room)
        for _ in range(n_cut):
            texts[len(texts[1]) > len(texts[0])].pop()
        head = [*self.start, *texts[0], *self.between]
        tail = [*texts[1], *self.end]
        return head + tail, [0] * len(head) + [1] * len(tail), n_cut

    def frame_windows(
        self, question: str, passage: str, max_len: int, stride_tokens: int | None = None
    ) -> tuple[list[Window], int]:
        """Put a question before each of the windows that a passage is read in.

        Args:
            question: Segment 0. It may take half of the room, more only if the passage is short.
            passage: Segment 1; all of it is in some window.
            max_len: How many ids the model takes.
            stride_tokens: By how many tokens the window moves on (≥ 1); None: by half of what it
                holds of the passage.

        Returns:
            The windows, and how many tokens the question lost. A pair that `max_len` has room for
            is one window, as `frame_pair` gives it.

        Raises:
            ValueError: If a text is empty, or tokens would be left out between two windows.
        """
        asked, (ids, offsets) = self.encode(question), self.encode_with_offsets(passage)
        _require_tokens("question", question, asked)
        _require_tokens("passage", passage, ids)
        room = self._room(max_len, (*self.start, *self.between, *self.end), n_texts=2)
        n_asked = min(len(asked), max(room // 2, room - len(ids)))
        n_each = room - n_asked
        step = max(1, n_each // 2) if stride_tokens is None else stride_tokens
        if step < 1 or step > n_each < len(ids):
            raise ValueError(
                f"stride_tokens must be from 1 to {n_each}, the tokens of the passage that a "
                f"window holds; got stride_tokens={step}."
            )
        head = [*self.start, *asked[:n_asked], *self.between]
        places = [_without_blanks(passage, offset) for offset in offsets]
        windows = []
        for first in range(0, max(1, len(ids) - n_each + step), step):
            here = slice(first, first + n_each)
            window = Window(
                ids=[*head, *ids[here], *self.end],
                segment_ids=[0] * len(head) + [1] * (len(ids[here]) + len(self.end)),
                offsets=[None] * len(head) + places[here] + [None] * len(self.end),
                first=first,
            )
            windows.append(window)
        return windows, len(asked) - n_asked

    @staticmethod
    def _room(max_len: int, marks: tuple[int, ...], n_texts: int = 1) -> int:
        """Count the ids that marks leave for texts, at least one for each."""
        most = len(marks) + n_texts - 1
        if max_len <= most:
            around = "a text" if n_texts == 1 else "two texts and a token of one"
            raise ValueError(
                f"max_len must be above {most}, the marks around {around}; got {max_len}."
            )
        return max_len - len(marks)


def tell_of_cuts(n_cut: int, n_texts: int, max_len: int, name: str = "texts") -> None:
    """Warn of texts that were cut, if there are any.

    Args:
        n_cut: How many were cut.
        n_texts: How many there are.
        max_len: How many ids a text may have.
        name: What they are.

    Warns:
        UserWarning: If there are any.
    """
    if n_cut:
        warnings.warn(
            f"{n_cut} of {n_texts} {name} had more than {max_len} tokens and lost their ends.",
            stacklevel=4,
        )


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
        encode_with_offsets=tokenizer.encode_with_offsets,
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
        encode_with_offsets=tokenizer.encode_with_offsets,
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
        encode_with_offsets=lambda text: _offsets_of_hugging_face(tokenizer, text),
        start=start,
        between=between,
        end=end,
        pad_id=(end or (0,))[0] if pad_id is None else pad_id,
    )


def _require_tokens(name: str, text: str, ids: list[int]) -> None:
    if not ids:
        raise ValueError(f"{name} must hold at least one token; got {text!r}.")


def _as_in_running_text(words: Sequence[str]) -> Iterator[str]:
    before = ""
    for word in words:
        is_joined = not before or (is_cjk(before[-1]) and is_cjk(word[0]))
        yield word if is_joined else f" {word}"
        before = word


def _without_blanks(text: str, place: Offsets) -> Offsets | None:
    start, end = place
    covered = text[start:end]
    start += len(covered) - len(covered.lstrip())
    end = start + len(covered.strip())
    return (start, end) if start < end else None


def _offsets_of_hugging_face(tokenizer: Any, text: str) -> tuple[list[int], list[Offsets]]:
    if not tokenizer.is_fast:
        raise ValueError(
            "the tokenizer must be a fast one, which knows where its tokens stand; got "
            f"{type(tokenizer).__name__}. Give the model a tokenizer.json."
        )
    coded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return coded["input_ids"], [(start, end) for start, end in coded["offset_mapping"]]
