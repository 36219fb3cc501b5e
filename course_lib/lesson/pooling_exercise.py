"""The exercise of lesson 07a on pooling: one vector of the vectors of a text's tokens.

Letters: B = texts, T = places of the longest of them, D = d_model.
"""

import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.recognising import right_but_for_the_error, right_except_on
from course_lib.seeding import make_generator

Pool = Callable[[Tensor, Tensor | None, str], Tensor]
Way = Callable[[Tensor, Tensor], Tensor]
"""Makes a vector a text of all vectors (B, T, D) and the mask (B, T)."""


def use_pool(pool: Pool, hidden: Tensor, mask: Tensor | None, how: str) -> Tensor:
    """Call an answer, past the checks of types that tests put around the library's.

    Those would refuse an unknown way before the function can.

    Args:
        pool: The library's `pool` or an answer.
        hidden: As in its signature.
        mask: As in its signature.
        how: As in its signature, or a word that is no way.
    """
    return inspect.unwrap(pool)(hidden, mask, how)


def _summed(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(~mask[..., None], 0.0).sum(dim=1)


def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return _summed(hidden, mask) / mask.sum(dim=1, keepdim=True)


def _at(place: Callable[[Tensor], Tensor]) -> Way:
    """Make a way that takes one place of each text, chosen by the mask."""

    def way(hidden: Tensor, mask: Tensor) -> Tensor:
        return hidden[torch.arange(len(hidden)), place(mask)]

    return way


def _first_place(mask: Tensor) -> Tensor:
    return mask.int().argmax(dim=1)


def _last_place(mask: Tensor) -> Tensor:
    return mask.shape[1] - 1 - mask.flip(1).int().argmax(dim=1)


_first, _last = _at(_first_place), _at(_last_place)


def _before_the_padding(mask: Tensor) -> Tensor:
    return (~mask).int().argmax(dim=1) - 1


def _everywhere(place: int) -> Way:
    return lambda hidden, mask: hidden[:, place]


def _twin(*, first: Way = _first, mean: Way = _mean, last: Way = _last) -> Pool:
    """Make a twin of `pool`, right but for the ways given."""
    ways = {"first": first, "mean": mean, "last": last}

    def twin(hidden: Tensor, mask: Tensor | None, how: str) -> Tensor:
        if mask is None:
            mask = torch.ones(hidden.shape[:2], dtype=torch.bool)
        if how not in ways or not mask.any(dim=1).all():
            raise ValueError("an unknown way, or a text without tokens")
        return ways[how](hidden, mask)

    return twin


def _over_all_places(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.mean(dim=1)


def _keeping_an_axis(way: Way) -> Way:
    return lambda hidden, mask: way(hidden, mask)[:, None]


_MASKS = {
    "padding behind two of three texts": ("xxxxx", "xxx..", "xx..."),
    "padding in front of two of three texts": ("..xxx", "xxxxx", "....x"),
    "a token left out in the middle": ("xx.xx", ".x.x.", "x.xx."),
}
_WAYS = ("first", "mean", "last")
_NO_MASK = tuple(f"{way} without a mask" for way in _WAYS)
_UNKNOWN = ("a way that is not known", "a way that is not known, without a mask")
_EMPTY = tuple(f"{way} of a text without tokens" for way in _WAYS)


def _vectors(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def _mask(rows: tuple[str, ...]) -> Tensor:
    return torch.tensor([[mark == "x" for mark in row] for row in rows])


def _by_hand(way: str) -> Case:
    hidden, mask = [[[1.0], [3.0], [100.0]]], [[True, True, False]]
    return Case(
        why=f"{way} of (1), (3) and padding",
        args=lambda: (torch.tensor(hidden), torch.tensor(mask), way),
    )


def _case(why: str, rows: tuple[str, ...], way: str) -> Case:
    return Case(why=f"{way}, {why}", args=lambda: (_vectors(1, 3, 5, 2), _mask(rows), way))


POOL = Exercise(
    key="07a:pool",
    target="course_lib.finetuning.heads:pool",
    level="easy",
    trial=use_pool,
    cases=(
        *(_by_hand(way) for way in _WAYS),
        *(_case(why, rows, way) for why, rows in _MASKS.items() for way in _WAYS),
        *(
            Case(why=why, args=lambda way=way: (_vectors(2, 2, 3, 7), None, way))
            for why, way in zip(_NO_MASK, _WAYS, strict=True)
        ),
        *(
            Case(
                why=f"{way} of one text of one token",
                args=lambda way=way: (_vectors(3, 1, 1, 4), torch.tensor([[True]]), way),
            )
            for way in _WAYS
        ),
        *(
            Case(
                why=why,
                args=lambda way=way: (_vectors(4, 2, 3, 2), _mask(("xx.", "...")), way),
                raises=ValueError,
            )
            for why, way in zip(_EMPTY, _WAYS, strict=True)
        ),
        Case(
            why=_UNKNOWN[0],
            args=lambda: (_vectors(5, 2, 3, 2), _mask(("xx.", "xxx")), "max"),
            raises=ValueError,
        ),
        Case(
            why=_UNKNOWN[1], args=lambda: (_vectors(5, 2, 3, 2), None, "[CLS]"), raises=ValueError
        ),
    ),
    mistakes=(
        Mistake(
            name="mask-ignored",
            twin=_twin(first=_everywhere(0), mean=_over_all_places, last=_everywhere(-1)),
            hint="You never look at the mask: the mean counts padding, and the first and the last "
            "*place* may be padding, too. A text's vector would change with the texts that it is "
            "batched with.",
        ),
        Mistake(
            name="mean-over-padding",
            twin=_twin(mean=_over_all_places),
            hint="Your mean counts the padding. It must not matter what stands there.",
        ),
        Mistake(
            name="divided-by-all-places",
            twin=_twin(mean=lambda hidden, mask: _summed(hidden, mask) / mask.shape[1]),
            hint="You add up the tokens only, and divide by all T places. A short text would get a "
            "short vector. How many tokens has each text?",
        ),
        Mistake(
            name="divided-by-all-tokens",
            twin=_twin(mean=lambda hidden, mask: _summed(hidden, mask) / mask.sum()),
            hint="You divide by the tokens of all texts together. Each text has its own number: "
            "along which axis must you count?",
        ),
        Mistake(
            name="sum-instead-of-mean",
            twin=_twin(mean=_summed),
            hint="That is the sum of the tokens' vectors. Divide it by how many there are.",
        ),
        Mistake(
            name="padding-added",
            twin=_twin(
                mean=lambda hidden, mask: _summed(hidden, ~mask) / mask.sum(dim=1, keepdim=True)
            ),
            hint="You add up the padding and leave the tokens out: the mask is True for a *token*.",
        ),
        Mistake(
            name="mask-inverted",
            twin=_twin(mean=lambda hidden, mask: _mean(hidden, ~mask)),
            hint="You take the mean of the padding: the mask is True for a *token*, False for "
            "padding.",
        ),
        Mistake(
            name="first-and-last-swapped",
            twin=_twin(first=_last, last=_first),
            hint="You have “first” and “last” the wrong way round.",
        ),
        Mistake(
            name="ends-are-places",
            twin=_twin(first=_everywhere(0), last=_everywhere(-1)),
            hint="The mean is right. “first” and “last” take the first and the last *place*, which "
            "may be padding. Ask the mask where the first and the last token are.",
        ),
        Mistake(
            name="last-is-padding",
            twin=_twin(last=_everywhere(-1)),
            hint="“last” takes place -1. Behind a short text that is padding. Which is the last "
            "place at which the mask is True?",
        ),
        Mistake(
            name="last-but-one",
            twin=_twin(last=_at(lambda mask: (_last_place(mask) - 1).clamp(min=0))),
            hint="“last” is one place too early. Places are counted from 0: how far is the last "
            "one from the number of places?",
        ),
        Mistake(
            name="behind-the-last",
            twin=_twin(last=_at(lambda mask: (_last_place(mask) + 1) % mask.shape[1])),
            hint="“last” takes the place *behind* the last token.",
        ),
        Mistake(
            name="first-is-place-0-last-is-counted",
            twin=_twin(first=_everywhere(0), last=_at(lambda mask: mask.sum(dim=1) - 1)),
            hint="You take for granted that tokens stand at the beginning: “first” is place 0, "
            "“last” the number of tokens minus 1. With padding in front, both are wrong.",
        ),
        Mistake(
            name="last-by-counting",
            twin=_twin(last=_at(lambda mask: mask.sum(dim=1) - 1)),
            hint="You count the tokens to find the last one. That holds only if they stand in one "
            "piece at the beginning. Look for the last *place* at which the mask is True.",
        ),
        Mistake(
            name="before-the-first-padding",
            twin=_twin(last=_at(_before_the_padding)),
            hint="You take the token before the first padding. There may be padding in front, or a "
            "token left out in the middle.",
        ),
        Mistake(
            name="first-is-place-0",
            twin=_twin(first=_everywhere(0)),
            hint="“first” takes place 0. With padding in front, the first token comes later.",
        ),
        Mistake(
            name="axis-kept",
            twin=_twin(
                first=_keeping_an_axis(_first),
                mean=_keeping_an_axis(_mean),
                last=_keeping_an_axis(_last),
            ),
            hint="The numbers are right, in an axis too many: (B, 1, D). One vector a text is "
            "(B, D).",
        ),
        Mistake(
            name="needs-a-mask",
            seen=right_except_on(*_NO_MASK),
            hint="With a mask all is right. `None` means that there is no padding: every place is "
            "a token.",
        ),
        Mistake(
            name="accepts-any-way",
            seen=right_except_on(*_UNKNOWN),
            hint="The vectors are right. Raise a ValueError if `how` is none of the three ways, "
            "instead of taking one of them, or giving back nothing.",
        ),
        Mistake(
            name="accepts-a-text-without-tokens",
            seen=right_except_on(*_EMPTY),
            hint="The vectors are right. A text without a token has none: 0/0, or a vector of "
            "padding. Raise a ValueError.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The vectors are right. Raise a ValueError if `how` is none of the three ways, "
            "and if a text has no token.",
        ),
    ),
    nudge="Each text has its own tokens. Which places are they, how many are there, and which is "
    "the first, which the last of them? Only the mask knows.",
    shapes="In: vectors (B, T, D); a mask (B, T), True for a token, or None; one of three words. "
    "Out: (B, D).",
    pseudocode="if how is unknown: raise a ValueError\n"
    "without a mask, every place is a token; if a text has no token: raise a ValueError\n"
    "mean: set the vectors of padding to 0, add up over the places, divide by the tokens of each\n"
    "first, last: the smallest, the largest place at which the mask is True; for each text, its "
    "vector there",
)
