"""The exercise of lesson 04 on the Transformer block.

Letters in shapes: T tokens, D = d_model.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.seeding import make_generator

Part = Callable[[Tensor], Tensor]


def _gathers(x: Tensor) -> Tensor:
    return x.cumsum(dim=-2) * 0.3 + 0.1


def _thinks(x: Tensor) -> Tensor:
    return (2.0 * x - 0.5).relu()


def _centres(x: Tensor) -> Tensor:
    return x - x.mean(dim=-1, keepdim=True)


def _scales(x: Tensor) -> Tensor:
    return x / (x.square().mean(dim=-1, keepdim=True) + 0.1).sqrt()


def _block_arguments(seed: int, *shape: int) -> tuple[Tensor | Part, ...]:
    x = torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)
    return x, _gathers, _thinks, _centres, _scales


def _post_norm(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = norm(x + attention(x))
    return other(x + think(x))


def _no_skip(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    return think(other(attention(norm(x))))


def _second_skip_only(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = attention(norm(x))
    return x + think(other(x))


def _first_skip_only(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    return think(other(x + attention(norm(x))))


def _overwritten(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = norm(x)
    x = x + attention(x)
    x = other(x)
    return x + think(x)


def _side_by_side(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    return x + attention(norm(x)) + think(other(x))


def _from_the_start(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    return x + think(other(x + attention(norm(x))))


def _never_normed(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = x + attention(x)
    return x + think(x)


def _branch_normed(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = x + norm(attention(x))
    return x + other(think(x))


def _norms_swapped(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = x + attention(other(x))
    return x + think(norm(x))


def _think_first(x: Tensor, attention: Part, think: Part, norm: Part, other: Part) -> Tensor:
    x = x + think(other(x))
    return x + attention(norm(x))


PRE_NORM_BLOCK = Exercise(
    key="04:pre_norm_block",
    target="course_lib.nn.blocks:pre_norm_block",
    level="core",
    cases=(
        Case(why="3 tokens of 5 numbers", args=lambda: _block_arguments(1, 3, 5)),
        Case(why="2 texts of 4 tokens", args=lambda: _block_arguments(2, 2, 4, 7)),
        Case(why="a single token", args=lambda: _block_arguments(3, 1, 6)),
    ),
    mistakes=(
        Mistake(
            name="norm-after",
            twin=_post_norm,
            hint="You normalise the sum: that is post-norm, as in the paper of 2017. Here each "
            "part *reads* a normalised copy, and the stream itself is never normalised.",
        ),
        Mistake(
            name="no-residual",
            twin=_no_skip,
            hint="What a part says takes the place of x. It should be added to it: x + …",
        ),
        Mistake(
            name="first-residual-forgotten",
            twin=_second_skip_only,
            hint="What attention says takes the place of x. It should be added to it.",
        ),
        Mistake(
            name="second-residual-forgotten",
            twin=_first_skip_only,
            hint="The first half is right. In the second, what the feed-forward layer says takes "
            "the place of the stream. It should be added to it.",
        ),
        Mistake(
            name="stream-overwritten",
            twin=_overwritten,
            hint="You write `x = norm(x)`, so the normalised copy becomes the stream. Only the "
            "part "
            "reads the copy; the sum starts from x as it was.",
        ),
        Mistake(
            name="halves-side-by-side",
            twin=_side_by_side,
            hint="Both halves read the same x. The second must read what the first has written. "
            "(Some models do run them side by side; GPT-2 does not.)",
        ),
        Mistake(
            name="added-to-the-old-stream",
            twin=_from_the_start,
            hint="The second half reads the new stream but is added to the old one, so what "
            "attention wrote is lost on the way.",
        ),
        Mistake(
            name="norms-unused",
            twin=_never_normed,
            hint="Your parts read the raw stream. Where do the two norms come in?",
        ),
        Mistake(
            name="norm-on-the-branch-s-end",
            twin=_branch_normed,
            hint="You normalise what a part *says*. Normalise what it *reads*.",
        ),
        Mistake(
            name="norms-swapped",
            twin=_norms_swapped,
            hint="Attention reads through the norm of the feed-forward layer, and the other way "
            "round.",
        ),
        Mistake(
            name="feedforward-first",
            twin=_think_first,
            hint="First gather, then think: attention comes first.",
        ),
    ),
    nudge="Twice the same: stream = stream + part(norm(stream)).",
    shapes="In: x of shape (…, T, D) and four functions from such a tensor to another. Out: the "
    "shape of x.",
    pseudocode="read ← attention_norm of x; x ← x + what attention says to it\n"
    "read ← feedforward_norm of the new x; return x + what feedforward says to it",
)
