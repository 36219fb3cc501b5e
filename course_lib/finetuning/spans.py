"""Answers in characters, and the same in tokens of the windows that a passage is read in.

Letters: B = windows, T = tokens of the longest of them.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.finetuning.framing import Window
from course_lib.finetuning.heads import best_spans


class Answer(NamedTuple):
    """What a passage says to a question.

    Attributes:
        text: The answer, `passage[start:end]`; "" if there is none.
        start: Where it begins in the passage, in characters; 0 if there is none.
        end: Where it ends, not included; 0 if there is none.
        score: How likely the best piece of the passage is, be it the answer or not: the chance of
            its first token times that of its last one.
        no_answer_score: The same for "no answer". The text is "" unless `score` is above it.
        best_start: Where the best piece begins, be it the answer or not.
        best_end: Where it ends, not included.
    """

    text: str
    start: int
    end: int
    score: float
    no_answer_score: float
    best_start: int
    best_end: int


class Piece(NamedTuple):
    """The best piece of a passage in one window.

    Attributes:
        start: Where it begins in the passage, in characters.
        end: Where it ends, not included.
        log_chance: Of its first token and its last one; -inf if the window has no piece.
        log_chance_of_none: Of "no answer".
    """

    start: int
    end: int
    log_chance: float
    log_chance_of_none: float

    @property
    def lead(self) -> float:
        """How far it is ahead of "no answer" in its window."""
        return self.log_chance - self.log_chance_of_none

    def as_answer(self, passage: str) -> Answer:
        """Give it as an answer if it is ahead of "no answer".

        Args:
            passage: What it is a piece of.
        """
        start, end = (self.start, self.end) if self.lead > 0 else (0, 0)
        scores = math.exp(self.log_chance), math.exp(self.log_chance_of_none)
        return Answer(passage[start:end], start, end, *scores, self.start, self.end)


def find_spans(windows: Sequence[Window], start: int, end: int) -> list[tuple[int, int] | None]:
    """Say between which tokens of each window an answer stands.

    Args:
        windows: All those of a passage.
        start: Where the answer begins in the passage, in characters.
        end: Where it ends, not included.

    Returns:
        For each window the first and the last token that share a character with the answer; None
        if the window does not hold all such tokens of the passage, or there is none.

    Example:
        >>> tokens = [None, (0, 3), (4, 7), None]
        >>> find_spans([Window([2, 8, 9, 3], [0, 1, 1, 1], tokens, first=0)], start=4, end=6)
        [(2, 2)]
    """
    touched = [
        [
            place
            for place, offset in enumerate(window.offsets)
            if offset is not None and offset[0] < end and offset[1] > start
        ]
        for window in windows
    ]
    # Windows of a passage begin with the same question, so this numbers its tokens.
    numbers = [
        window.first + place
        for window, places in zip(windows, touched, strict=True)
        for place in places
    ]
    spans: list[tuple[int, int] | None] = []
    for window, places in zip(windows, touched, strict=True):
        is_whole = bool(places) and (
            window.first + places[0] == min(numbers) and window.first + places[-1] == max(numbers)
        )
        spans.append((places[0], places[-1]) if is_whole else None)
    return spans


def best_pieces(
    start_logits: Float[Tensor, "B T"],
    end_logits: Float[Tensor, "B T"],
    windows: Sequence[Window],
    max_tokens: int,
) -> list[Piece]:
    """Find the best piece of the passage in each window, be it ahead of "no answer" or not.

    Args:
        start_logits: Scores as the answer's first token; -inf for padding.
        end_logits: Scores as the answer's last token.
        windows: What was scored.
        max_tokens: How long a piece may be (≥ 1).
    """
    start, end = (logits.double().log_softmax(dim=1).cpu() for logits in (start_logits, end_logits))
    allowed = torch.zeros_like(start, dtype=torch.bool)
    for row, window in enumerate(windows):
        allowed[row, : len(window.offsets)] = torch.tensor([o is not None for o in window.offsets])
    nones = (start[:, 0] + end[:, 0]).tolist()
    is_first = torch.arange(start.shape[1]) == 0
    pieces = []
    hidden = start.masked_fill(is_first, -torch.inf), end.masked_fill(is_first, -torch.inf)
    spans = best_spans(*hidden, allowed, max_tokens).tolist()
    for row, (window, (first, last)) in enumerate(zip(windows, spans, strict=True)):
        ends = window.offsets[first], window.offsets[last]
        if ends[0] is None or ends[1] is None:
            pieces.append(Piece(0, 0, -math.inf, nones[row]))
        else:
            chance = (start[row, first] + end[row, last]).item()
            pieces.append(Piece(ends[0][0], ends[1][1], chance, nones[row]))
    return pieces
