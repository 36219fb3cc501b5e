"""The exercises of lesson 05b on masked tokens and on windows that slide over a text.

Letters: B = sequences, T = tokens.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.evaluation.sliding import Window
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_arguments
from course_lib.seeding import make_generator

MASK_ID = 1


def _masking(seed: int, n_rows: int, n_tokens: int, share: float) -> tuple[Any, ...]:
    generator = make_generator(seed)
    ids = torch.randint(2, 53, (n_rows, n_tokens), generator=generator)
    chosen = torch.rand(ids.shape, generator=generator) < share
    draws = torch.rand(ids.shape, generator=generator)
    others = torch.randint(2, 53, ids.shape, generator=generator)
    return ids, chosen, draws, others, MASK_ID


def _by_hand() -> tuple[Any, ...]:
    draws = torch.tensor([[0.3, 0.85, 0.95, 0.1, 0.85, 0.79, 0.8, 0.9]])
    chosen = torch.tensor([[True, True, True, False, False, True, True, True]])
    return 5 + torch.arange(8)[None], chosen, draws, 20 + torch.arange(8)[None], MASK_ID


def _twin(
    below: float, until: float, *, everywhere: bool = False
) -> Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]:
    """Make a twin of `mask_tokens` with other shares."""

    def twin(ids: Tensor, chosen: Tensor, draws: Tensor, others: Tensor, mask_id: int) -> Tensor:
        chosen = torch.ones_like(chosen) if everywhere else chosen
        hidden = torch.where(chosen & (draws < below), mask_id, ids)
        return torch.where(chosen & (draws >= below) & (draws < until), others, hidden)

    return twin


def _replaced_first(
    ids: Tensor, chosen: Tensor, draws: Tensor, others: Tensor, mask_id: int
) -> Tensor:
    """The token comes in for the first tenth of the draws, the mask for the next eight."""
    replaced = torch.where(chosen & (draws < 0.1), others, ids)
    return torch.where(chosen & (draws >= 0.1) & (draws < 0.9), mask_id, replaced)


def _not_chosen(ids: Tensor, chosen: Tensor, draws: Tensor, others: Tensor, mask_id: int) -> Tensor:
    return _twin(0.8, 0.9)(ids, ~chosen, draws, others, mask_id)


MASK_TOKENS = Exercise(
    key="05b:mask_tokens",
    target="course_lib.training.masked:mask_tokens",
    level="core",
    cases=(
        Case(why="eight tokens, six of them chosen", args=_by_hand),
        Case(why="3 texts of 41 tokens", args=lambda: _masking(1, 3, 41, 0.5)),
        Case(why="every token chosen", args=lambda: _masking(2, 2, 61, 1.0)),
        Case(why="no token chosen", args=lambda: _masking(3, 2, 7, 0.0)),
    ),
    mistakes=(
        Mistake(
            name="all-masked",
            twin=_twin(1.0, 1.0),
            hint="You replace every chosen token by the mask. Only 80 % are; the model will later "
            "read texts without a single mask.",
        ),
        Mistake(
            name="none-stays",
            twin=_twin(0.8, 1.0),
            hint="The chosen tokens that should stay as they are get another token from you. Which "
            "draws belong to them?",
        ),
        Mistake(
            name="none-replaced",
            twin=_twin(0.8, 0.8),
            hint="No token of yours is replaced by another one. What becomes of draws from 0.8 to "
            "below 0.9?",
        ),
        Mistake(
            name="only-ten-in-a-hundred-masked",
            twin=_twin(0.1, 0.2),
            hint="You mask only the draws below 0.1. The mask takes 80 %.",
        ),
        Mistake(
            name="limits-included",
            twin=_twin(0.8 + 1e-6, 0.9 + 1e-6),
            hint="A draw of exactly 0.8 or 0.9 goes the wrong way: the mask takes draws *below* "
            "0.8, another token those from 0.8 to *below* 0.9.",
        ),
        Mistake(
            name="replaced-by-the-first-draws",
            twin=_replaced_first,
            hint="Your shares are right, but other draws belong to them: below 0.8 the mask, from "
            "there to below 0.9 another token.",
        ),
        Mistake(
            name="chosen-ignored",
            twin=_twin(0.8, 0.9, everywhere=True),
            hint="You change tokens that nobody has chosen. Combine each condition with `chosen`.",
        ),
        Mistake(
            name="chosen-upside-down",
            twin=_not_chosen,
            hint="You change exactly the tokens that are *not* chosen.",
        ),
        Mistake(
            name="changed-in-place",
            seen=right_but_for_the_arguments,
            in_arguments=True,
            hint="The result is right, but you have written into `ids`. They are still needed: "
            "they hold the answers. Work on a copy.",
        ),
    ),
    nudge="Each place has its own draw. Which draws lead to the mask, which to another token, and "
    "where does nothing change?",
    shapes="In: ids, chosen, draws and others, all of shape (B, T), and one id. Out: ids of shape "
    "(B, T), a new tensor.",
    pseudocode="masked ← chosen and draw below 0.8\n"
    "replaced ← chosen and draw from 0.8 to below 0.9\n"
    "return mask_id where masked, others where replaced, ids everywhere else",
)


def _cut(
    *,
    count: Callable[[int, int, int], int] = lambda start, end, before: before,
    first: int = 1,
    step: Callable[[int, int], int] = lambda stride, max_len: stride,
    short_end: bool = True,
) -> Callable[[int, int, int], list[Window]]:
    """Make a twin of `sliding_windows`; the cases with wrong arguments do not reach it."""

    def twin(n_ids: int, max_len: int, stride: int) -> list[Window]:
        if n_ids < 2 or max_len < 2 or not 1 <= stride < max_len:
            raise ValueError
        end = min(max_len, n_ids)
        windows = [Window(0, first, end)]
        while end < n_ids:
            before, end = end, end + step(stride, max_len)
            if end > n_ids and not short_end:
                break
            end = min(end, n_ids)
            start = end - max_len
            windows.append(Window(start, count(start, end, before), end))
        return windows

    return twin


def _late_starts(n_ids: int, max_len: int, stride: int) -> list[Window]:
    """Windows that begin every `stride` ids, also the last one, which is then short."""
    right = _cut()(n_ids, max_len, stride)
    return [Window(i * stride, window.counted_from, window.end) for i, window in enumerate(right)]


def _side_by_side(n_ids: int, max_len: int, stride: int) -> list[Window]:
    """Windows that do not overlap: each begins where the one before ended."""
    first, *others = _cut()(n_ids, max_len, stride)
    return [first, *(window._replace(start=window.counted_from) for window in others)]


def _lists(observations: tuple[Observation, ...]) -> bool:
    return all(
        one.error is None and [tuple(w) for w in one.value] == [tuple(w) for w in one.expected]
        for one in observations
        if one.case.raises is None
    )


SLIDING_WINDOWS = Exercise(
    key="05b:sliding_windows",
    target="course_lib.evaluation.sliding:sliding_windows",
    level="core",
    cases=(
        Case(why="9 ids, windows of 4, a stride of 2", args=lambda: (9, 4, 2)),
        Case(why="a stride that leaves nothing over", args=lambda: (13, 5, 4)),
        Case(why="a stride of 1", args=lambda: (7, 3, 1)),
        Case(why="the longest stride", args=lambda: (23, 7, 6)),
        Case(why="a text that fills one window exactly", args=lambda: (5, 5, 3)),
        Case(why="a text shorter than a window", args=lambda: (3, 11, 2)),
        Case(why="a stride of 0", args=lambda: (9, 4, 0), raises=ValueError),
        Case(why="a stride as long as the window", args=lambda: (9, 4, 4), raises=ValueError),
        Case(why="a text of one id", args=lambda: (1, 4, 2), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="counted-again",
            twin=_cut(count=lambda start, end, before: start + 1),
            hint="Your windows overlap, and each asks for all its ids: those in the overlap are "
            "counted twice or more. Only the ids that no window asked for before are new.",
        ),
        Mistake(
            name="first-id-asked-for",
            twin=_cut(first=0),
            hint="Your first window asks for id 0. Nothing stands before it, so no model can be "
            "asked for it.",
        ),
        Mistake(
            name="one-lost-at-each-border",
            twin=_cut(count=lambda start, end, before: before + 1),
            hint="Between two windows an id is lost: the first new one. `end` is not part of a "
            "window, so the next window begins to count *at* it.",
        ),
        Mistake(
            name="stride-ignored",
            twin=_cut(step=lambda stride, max_len: max_len - 1),
            hint="Your windows always move by a whole window. By how many ids should they move?",
        ),
        Mistake(
            name="end-dropped",
            twin=_cut(short_end=False),
            hint="The last ids of some texts are asked for by nobody. The last window may ask for "
            "fewer than `stride`.",
        ),
        Mistake(
            name="last-window-begins-late",
            twin=_late_starts,
            hint="Your last window is shorter than the others, so its ids have less context. Let "
            "it end with the text, and begin `max_len` before.",
        ),
        Mistake(
            name="no-overlap",
            twin=_side_by_side,
            hint="Each of your windows begins where the one before ended, so its first ids are "
            "asked for with nothing before them. Let it read again what stands before: it may be "
            "`max_len` long.",
        ),
        Mistake(
            name="plain-tuples",
            seen=_lists,
            hint="The numbers are right. Return a list of `Window`s, so that they have names.",
        ),
    ),
    nudge="The first window is special: it asks for everything but id 0. Where does each further "
    "one end, and which of its ids has nobody asked for yet?",
    shapes="In: three whole numbers. Out: a list of Window(start, counted_from, end).",
    pseudocode="check the arguments\n"
    "end ← max_len, or n_ids if that is less; the first window is (0, 1, end)\n"
    "while end < n_ids:\n"
    "    the next window counts from the old end; its end is stride later, at most n_ids\n"
    "    it starts max_len before its end",
)
