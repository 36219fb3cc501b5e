"""The exercises of lesson 03, attention: cases, mistakes known by name, hints.

Letters in shapes: B sequences, T queries or positions, S keys, H heads, K = d_head, D = d_model.
Those about attention itself are in `attention_exercises`, `multi_head_exercise` and
`attention_gradients_exercise`.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from course_lib.lesson.attention_exercises import SCALED_DOT_PRODUCT_ATTENTION
from course_lib.lesson.attention_gradients_exercise import ATTENTION_GRADIENTS
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.multi_head_exercise import MULTI_HEAD_ATTENTION
from course_lib.lesson.recognising import agrees_with, right_except_on
from course_lib.seeding import make_generator


def _grid(allowed: Callable[[Tensor, Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """Make a twin of `causal_mask` from a rule on query, key and the number of extra keys."""

    def twin(n_queries: int, n_keys: int | None = None) -> Tensor:
        n_keys = n_queries if n_keys is None else n_keys
        query, key = torch.arange(n_queries)[:, None], torch.arange(n_keys)[None]
        return allowed(query, key, n_keys - n_queries)

    return twin


def _is_past(query: Tensor, key: Tensor, extra: int) -> Tensor:
    return key <= query + extra


def _not_bool(seen: tuple[Observation, ...]) -> bool:
    return all(
        isinstance(one.value, Tensor)
        and one.value.dtype != torch.bool
        and torch.equal(one.value == 1, one.expected)
        for one in seen
    )


def _for_adding(seen: tuple[Observation, ...]) -> bool:
    return all(
        one.value.dtype.is_floating_point and torch.equal(one.value == 0, one.expected)
        for one in seen
    ) and any(bool((one.value < 0).any()) for one in seen)


CAUSAL_MASK = Exercise(
    key="03:causal_mask",
    target="course_lib.nn.masks:causal_mask",
    level="easy",
    cases=(
        Case(why="3 tokens", args=lambda: (3,)),
        Case(why="5 tokens", args=lambda: (5,)),
        Case(why="a single token", args=lambda: (1,)),
        Case(why="2 queries, 5 keys", args=lambda: (2, 5)),
        Case(why="3 queries, 4 keys", args=lambda: (3, 4)),
        Case(why="more queries than keys, 4 and 2", args=lambda: (4, 2)),
    ),
    mistakes=(
        Mistake(
            name="added-to-the-scores",
            seen=_for_adding,
            hint="Yours is a mask of 0 and -∞, to be *added* to the scores. Here masks are bool: "
            "True where a query may attend.",
        ),
        Mistake(
            name="ones-and-zeros",
            seen=_not_bool,
            hint="The pattern is right, but your mask holds numbers. It must be bool.",
        ),
        Mistake(
            name="inverted",
            twin=_grid(lambda q, k, extra: ~_is_past(q, k, extra)),
            hint="Your True means “hidden”. Here True means “may attend”. (In "
            "torch.nn.MultiheadAttention it means hidden; that is worth knowing.)",
        ),
        Mistake(
            name="not-itself",
            twin=_grid(lambda q, k, extra: k < q + extra),
            hint="Your tokens do not see themselves, so the first one sees nothing at all. Is the "
            "diagonal in?",
        ),
        Mistake(
            name="one-token-of-the-future",
            twin=_grid(lambda q, k, extra: k <= q + extra + 1),
            hint="Each token sees the one after it, which is just the one it must guess. One "
            "diagonal too many.",
        ),
        Mistake(
            name="only-the-future",
            twin=_grid(lambda q, k, extra: k >= q + extra),
            hint="Your tokens see what comes *after* them. Rows are the tokens that look, columns "
            "those that are looked at: is it the upper or the lower triangle?",
        ),
        Mistake(
            name="aligned-at-the-start",
            twin=_grid(lambda q, k, extra: k <= q),
            hint="For equally many queries and keys yours is right. With more keys, the queries "
            "are the *last* ones (the others are remembered from before), so the last one sees "
            "all keys. By how much must the diagonal move?",
        ),
        Mistake(
            name="number-of-keys-ignored",
            twin=lambda n_queries, n_keys=None: _grid(_is_past)(n_queries),
            hint="`n_keys` changes nothing in your version. The mask has a column for each key.",
        ),
        Mistake(
            name="everything",
            twin=_grid(lambda q, k, extra: k >= 0 * q),
            hint="Everyone sees everything in your version, the future included.",
        ),
    ),
    nudge="A table of query by key. For which keys is the answer yes? Begin with as many keys as "
    "queries.",
    shapes="In: one or two numbers. Out: a bool tensor of shape (T, S). torch.ones(…, "
    "dtype=torch.bool) and `.tril(diagonal=…)` help.",
    pseudocode="if n_keys is not given: it is n_queries\n"
    "the queries are the last n_queries of the n_keys tokens, so query i is token i + n_keys - "
    "n_queries\n"
    "allowed where the key's number is not above the query's token number",
)


def _tokens(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def _cut_off(x: Tensor, n_heads: int) -> Tensor:
    d_head = x.shape[-1] // n_heads
    return x[..., : n_heads * d_head].unflatten(-1, (n_heads, d_head)).transpose(1, 2)


def _right_but_never_refuses(seen: tuple[Observation, ...]) -> bool:
    """Recognise an answer that is right wherever the width can be cut, and else says nothing."""
    plain = [one for one in seen if one.case.raises is None]
    right = all(
        isinstance(one.value, Tensor)
        and one.value.shape == one.expected.shape
        and torch.equal(one.value, one.expected)
        for one in plain
    )
    return right and any(one.case.raises and one.error is None for one in seen)


SPLIT_HEADS = Exercise(
    key="03:split_heads",
    target="course_lib.nn.attention:split_heads",
    level="core",
    cases=(
        Case(why="2 times 5 tokens, width 6, 3 heads", args=lambda: (_tokens(1, 2, 5, 6), 3)),
        Case(why="7 tokens, width 8, 2 heads", args=lambda: (_tokens(2, 3, 7, 8), 2)),
        Case(why="as many tokens as heads", args=lambda: (_tokens(3, 2, 4, 12), 4)),
        Case(why="one head", args=lambda: (_tokens(4, 1, 3, 5), 1)),
        Case(why="width 7 and 2 heads", args=lambda: (_tokens(5, 1, 3, 7), 2), raises=ValueError),
        Case(why="no heads at all", args=lambda: (_tokens(6, 1, 3, 6), 0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="width-not-checked",
            seen=_right_but_never_refuses,
            hint="All is right, but a width of 7 cannot be cut into 2 equal pieces, and yours does "
            "it without a word. Raise a ValueError that says what must hold and what was given.",
        ),
        Mistake(
            name="cut-without-moving",
            twin=lambda x, n: x.reshape(x.shape[0], n, x.shape[1], -1),
            hint="The shape is right and the numbers are mixed up: `reshape` to (B, H, T, K) reads "
            "on through the tokens, so a head gets whole tokens instead of a piece of each. Cut "
            "the last axis in two first, then *swap* axes.",
        ),
        Mistake(
            name="heads-stay-behind",
            twin=lambda x, n: x.reshape(*x.shape[:2], n, -1),
            hint="You return (B, T, H, K). Attention works on the last two axes, tokens and width, "
            "so the heads must come before the tokens.",
        ),
        Mistake(
            name="width-before-tokens",
            twin=lambda x, n: x.reshape(*x.shape[:2], n, -1).permute(0, 2, 3, 1),
            hint="You return (B, H, K, T): the last two axes are swapped.",
        ),
        Mistake(
            name="every-other-number",
            twin=lambda x, n: x.reshape(*x.shape[:2], -1, n).permute(0, 3, 1, 2),
            hint="Each head gets every n-th number of the vector. A head owns one block: "
            "the first d_head numbers, the next d_head numbers, …",
        ),
        Mistake(
            name="full-width-for-all",
            twin=lambda x, n: x.unsqueeze(1).repeat(1, n, 1, 1),
            hint="Each head gets the whole vector. It should get its piece, d_model / n_heads "
            "numbers.",
        ),
        Mistake(
            name="heads-first-of-all",
            twin=lambda x, n: x.reshape(*x.shape[:2], n, -1).permute(2, 0, 1, 3),
            hint="The heads come first in your result, before the sequences: (H, B, T, K). Keep "
            "the sequences in front.",
        ),
    ),
    nudge="Cut the last axis in two, then bring one of the new axes forward.",
    shapes="In: x of shape (B, T, D), and H. Out: (B, H, T, K) with K = D / H. "
    "`x.unflatten(-1, …)` cuts an axis, `.transpose(a, b)` swaps two.",
    pseudocode="if H is below 1 or does not divide D: raise a ValueError\n"
    "(B, T, D) → (B, T, H, K): cut the last axis\n"
    "(B, T, H, K) → (B, H, T, K): swap the axes of tokens and heads",
)


_LONG = "9,000 positions"
# Whoever computes in float32 may have made another mistake as well.
_like = partial(agrees_with, except_on=_LONG)


def _waves(
    angle: Callable[[Tensor, Tensor, int], Tensor],
) -> Callable[[int, int], Tensor]:
    """Make a twin of `sinusoidal_positions` from the angle at position t in pair i."""

    def twin(n_positions: int, d_model: int) -> Tensor:
        t = torch.arange(n_positions, dtype=torch.float64)[:, None]
        angles = angle(t, torch.arange((d_model + 1) // 2, dtype=torch.float64), d_model)
        return _interleave(angles.sin(), angles.cos(), d_model)

    return twin


def _interleave(even: Tensor, odd: Tensor, d_model: int) -> Tensor:
    return torch.stack((even, odd), dim=-1).flatten(1)[:, :d_model].float()


def _angles(n_positions: int, d_model: int) -> Tensor:
    t = torch.arange(n_positions, dtype=torch.float64)[:, None]
    return t / 10000 ** (2 * torch.arange((d_model + 1) // 2, dtype=torch.float64) / d_model)


def _printed(n_positions: int, d_model: int) -> Tensor:
    t = torch.arange(n_positions) / 10000
    return (t.sin() + t.cos() ** 2)[:, None].repeat(1, d_model)


def _halves(n_positions: int, d_model: int) -> Tensor:
    angles = _angles(n_positions, d_model)
    return torch.cat((angles.sin(), angles.cos()), dim=1)[:, :d_model].float()


def _swapped(n_positions: int, d_model: int) -> Tensor:
    angles = _angles(n_positions, d_model)
    return _interleave(angles.cos(), angles.sin(), d_model)


def _each_its_own(n_positions: int, d_model: int) -> Tensor:
    t = torch.arange(n_positions, dtype=torch.float64)[:, None]
    angles = t / 10000 ** (torch.arange(d_model, dtype=torch.float64) / d_model)
    is_even = torch.arange(d_model) % 2 == 0
    return torch.where(is_even, angles.sin(), angles.cos()).float()


def _fails_at_odd_width(seen: tuple[Observation, ...]) -> bool:
    odd = [one for one in seen if one.case.args()[1] % 2]
    even = [one for one in seen if one not in odd]
    return all(
        isinstance(one.value, Tensor) and torch.allclose(one.value, one.expected, atol=1e-5)
        for one in even
        if one.case.why != _LONG
    ) and all(one.error is not None or one.value.shape != one.expected.shape for one in odd)


SINUSOIDAL_POSITIONS = Exercise(
    key="03:sinusoidal_positions",
    target="course_lib.nn.positions:sinusoidal_positions",
    level="core",
    cases=(
        Case(why="4 positions, width 2", args=lambda: (4, 2)),
        Case(why="7 positions, width 6", args=lambda: (7, 6)),
        Case(why="50 positions, width 16", args=lambda: (50, 16)),
        Case(why="an odd width, 5", args=lambda: (6, 5)),
        Case(why=_LONG, args=lambda: (9000, 6)),
    ),
    mistakes=(
        Mistake(
            name="odd-width-forgotten",
            seen=_fails_at_odd_width,
            hint="All is right where d_model is even. With an odd width there is one sine more "
            "than there are cosines: how many columns do `[:, 0::2]` and `[:, 1::2]` have?",
        ),
        Mistake(
            name="computed-in-float32",
            seen=right_except_on(_LONG),
            hint="All is right for few positions. Far back the angles are large, and 32 bits are "
            "too few for them. Compute in torch.float64, and round once, at the end: `.to(dtype)`.",
        ),
        Mistake(
            name="the-misprinted-formula",
            seen=_like(_printed),
            hint="This is sin(t/10000) + cos²(t/10000), as some tutorials print it: one number for "
            "all columns, and nearly the same for all positions. Each pair of columns needs an "
            "angle of its own.",
        ),
        Mistake(
            name="exponent-without-the-2",
            seen=_like(_waves(lambda t, i, d: t / 10000 ** (i / d))),
            hint="Your waves slow down only half as much from pair to pair. In the exponent stands "
            "2i / d_model, with i the number of the *pair*.",
        ),
        Mistake(
            name="each-column-its-own-angle",
            seen=_like(_each_its_own),
            hint="Columns 2i and 2i + 1 share one angle: the sine and the cosine of the *same* "
            "number. Yours have different ones.",
        ),
        Mistake(
            name="all-sines-first",
            seen=_like(_halves),
            hint="All your sines stand before all your cosines. (Some libraries do that.) Here "
            "they take turns: sine, cosine, sine, cosine, …",
        ),
        Mistake(
            name="sine-and-cosine-swapped",
            seen=_like(_swapped),
            hint="You begin with a cosine. Column 0 is a sine, so position 0 begins with a 0.",
        ),
        Mistake(
            name="counts-from-one",
            seen=_like(_waves(lambda t, i, d: (t + 1) / 10000 ** (2 * i / d))),
            hint="Your first row belongs to position 1. Positions are counted from 0.",
        ),
        Mistake(
            name="multiplied-instead-of-divided",
            seen=_like(_waves(lambda t, i, d: t * 10000 ** (2 * i / d))),
            hint="Your waves get faster from pair to pair. The power stands *below* the line.",
        ),
        Mistake(
            name="exponent-not-divided-by-the-width",
            seen=_like(_waves(lambda t, i, d: t / 10000 ** (2 * i))),
            hint="The exponent is 2i / d_model; yours is 2i, so that from the second pair on all "
            "positions look alike.",
        ),
        Mistake(
            name="divided-by-10000-only",
            seen=_like(_waves(lambda t, i, d: t / 10000 + 0 * i)),
            hint="All your pairs turn at the same, very slow speed. What depends on i?",
        ),
        Mistake(
            name="in-degrees",
            seen=_like(_waves(lambda t, i, d: t / 10000 ** (2 * i / d) * math.pi / 180)),
            hint="Sine and cosine take radians; there is nothing to convert.",
        ),
    ),
    nudge="First the table of angles, one row a position, one column a *pair*. Then sine and "
    "cosine of it, into every other column.",
    shapes="In: two numbers, T and D. Angles: (T, D / 2, rounded up). Out: (T, D), float32. "
    "`table[:, 0::2] = …` fills the even columns.",
    pseudocode="compute in float64, round to `dtype` at the end\n"
    "for each position t and each pair i: angle ← t / 10000^(2i / D)\n"
    "column 2i ← sine of angle i\n"
    "column 2i + 1 ← cosine of the same angle, where that column exists",
)


EXERCISES: tuple[Exercise, ...] = (
    SCALED_DOT_PRODUCT_ATTENTION,
    CAUSAL_MASK,
    SPLIT_HEADS,
    MULTI_HEAD_ATTENTION,
    SINUSOIDAL_POSITIONS,
    ATTENTION_GRADIENTS,
)
