"""The exercise of lesson 06 on the nucleus: which tokens may be drawn.

Letters: B = sequences, V = vocab_size.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_arguments, right_but_for_the_error
from course_lib.seeding import make_generator


def try_cutting(
    answer: Callable[[Tensor, float], Tensor], log_probs: Tensor, p: float, n_only: bool = False
) -> Any:
    """Cut a distribution with an answer.

    Args:
        answer: The library's `keep_top_p` or a learner's.
        log_probs: As in its signature.
        p: As in its signature.
        n_only: Whether it matters only how many tokens are kept: of equally likely ones, any.
    """
    kept = answer(log_probs, p)
    return int(kept.isfinite().sum()) if n_only else kept


def _share_kept(
    keep: Callable[[Tensor, float], Tensor], fill: float = -math.inf
) -> Callable[[Tensor, float], Tensor]:
    """Make a twin of `keep_top_p` from the tokens that it keeps."""

    def twin(log_probs: Tensor, p: float) -> Tensor:
        _refuse(p)
        return log_probs.masked_fill(~keep(log_probs, p), fill)

    return twin


def _refuse(p: float) -> None:
    if not 0 < p <= 1:
        raise ValueError("p must be > 0 and ≤ 1")


def _nucleus(
    log_probs: Tensor,
    p: float,
    *,
    is_in: Callable[[Tensor, Tensor, float], Tensor] = lambda before, reached, p: before < p,
    descending: bool = True,
    normalised: bool = True,
) -> Tensor:
    probs = log_probs.softmax(-1) if normalised else log_probs.exp()
    ordered, places = probs.sort(dim=-1, descending=descending)
    reached = ordered.cumsum(-1)
    kept = is_in(reached - ordered, reached, p)
    return torch.zeros_like(kept).scatter(-1, places, kept)


def _crossing_left_out(log_probs: Tensor, p: float) -> Tensor:
    return _nucleus(log_probs, p, is_in=lambda before, reached, p: reached <= p)


def _crossing_left_out_but_one(log_probs: Tensor, p: float) -> Tensor:
    best = torch.zeros_like(log_probs, dtype=torch.bool)
    best.scatter_(-1, log_probs.argmax(-1, keepdim=True), True)
    return _crossing_left_out(log_probs, p) | best


def _one_too_many(log_probs: Tensor, p: float) -> Tensor:
    kept = _nucleus(log_probs, p).sum(-1, keepdim=True)
    ranks = log_probs.argsort(-1, descending=True).argsort(-1)
    return ranks <= kept


def _with_equals(log_probs: Tensor, p: float) -> Tensor:
    kept = log_probs.masked_fill(~_nucleus(log_probs, p), math.inf)
    return log_probs >= kept.amin(-1, keepdim=True)


def _in_sorted_order(log_probs: Tensor, p: float) -> Tensor:
    kept = _nucleus(log_probs, p).sum(-1, keepdim=True)
    return torch.arange(log_probs.shape[-1]).expand_as(log_probs) < kept


def _gathered(log_probs: Tensor, p: float) -> Tensor:
    ordered, places = log_probs.softmax(-1).sort(dim=-1, descending=True)
    return (ordered.cumsum(-1) - ordered < p).gather(-1, places)


def _unsorted(log_probs: Tensor, p: float) -> Tensor:
    probs = log_probs.softmax(-1)
    return probs.cumsum(-1) - probs < p


def _each_above_the_rest(observations: tuple[Observation, ...]) -> bool:
    """Recognise answers that keep what has 1 - p itself, with the likeliest in any case or not."""
    own = _share_kept(lambda x, p: x.softmax(-1) >= 1 - p)
    first_too = _share_kept(lambda x, p: (x.softmax(-1) >= 1 - p) | (x == x.amax(-1, keepdim=True)))
    plain = [one for one in observations if one.case.raises is None]
    return any(
        all(agree(one.value, try_cutting(twin, *one.case.args()), 1e-5) for one in plain)
        for twin in (own, first_too)
    )


def _over_the_batch(log_probs: Tensor, p: float) -> Tensor:
    return _nucleus(log_probs.flatten(), p).view_as(log_probs)


def _first_row_for_all(log_probs: Tensor, p: float) -> Tensor:
    flat = log_probs.flatten(0, -2) if log_probs.ndim > 1 else log_probs[None]
    return _nucleus(flat[0], p).expand_as(log_probs)


def _sorted_back(log_probs: Tensor, p: float) -> Tensor:
    _refuse(p)
    kept = log_probs.masked_fill(~_nucleus(log_probs, p), -math.inf)
    return kept.sort(dim=-1, descending=True).values


def _made(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor, float], Tensor]:
    def twin(log_probs: Tensor, p: float) -> Tensor:
        _refuse(p)
        return change(log_probs.masked_fill(~_nucleus(log_probs, p), -math.inf))

    return twin


def _logits(seed: int, *shape: int) -> Tensor:
    return 2 * torch.randn(shape, generator=make_generator(seed))


KEEP_TOP_P = Exercise(
    key="06:keep_top_p",
    target="course_lib.generation.filters:keep_top_p",
    level="core",
    trial=try_cutting,
    cases=(
        Case(why="0.2, 0.5 and 0.3", args=lambda: (torch.tensor([0.2, 0.5, 0.3]).log(), 0.6)),
        Case(why="a small p", args=lambda: (torch.tensor([0.1, 0.2, 0.7]).log(), 0.05)),
        Case(
            why="probabilities in no order",
            args=lambda: (torch.tensor([0.05, 0.4, 0.15, 0.1, 0.3]).log(), 0.8),
        ),
        Case(
            why="logits that are not normalised",
            args=lambda: (torch.tensor([3.0, 5.0, 4.0, 1.0, 2.0]), 0.9),
        ),
        Case(
            why="logits far below 0",
            args=lambda: (torch.tensor([-9.0, -7.0, -8.0, -11.0, -7.5]), 0.7),
        ),
        Case(why="all of it", args=lambda: (torch.tensor([0.25, 0.5, 0.125, 0.125]).log(), 1.0)),
        Case(why="two texts", args=lambda: (_logits(1, 2, 5), 0.75)),
        Case(why="another two texts", args=lambda: (_logits(5, 2, 7), 0.5)),
        Case(why="2 × 3 texts", args=lambda: (_logits(2, 2, 3, 7), 0.6)),
        Case(
            why="a token that is ruled out already",
            args=lambda: (torch.tensor([-math.inf, 2.0, 1.0, 0.0]), 0.95),
        ),
        Case(
            why="three equally likely tokens",
            args=lambda: (torch.tensor([0.4, 0.2, 0.2, 0.2]).log(), 0.5, True),
        ),
        Case(
            why="p reached exactly, by two of four",
            args=lambda: (torch.zeros(4), 0.5, True),
        ),
        Case(why="p = 0", args=lambda: (torch.tensor([0.5, 0.5]).log(), 0.0), raises=ValueError),
        Case(why="p = 1.2", args=lambda: (torch.tensor([0.5, 0.5]).log(), 1.2), raises=ValueError),
        Case(
            why="p = -0.5", args=lambda: (torch.tensor([0.5, 0.5]).log(), -0.5), raises=ValueError
        ),
    ),
    mistakes=(
        Mistake(
            name="nothing-is-left",
            twin=_share_kept(_crossing_left_out),
            hint="You stop before the token with which p is reached. With a small p, nothing at "
            "all is left. That token belongs to the nucleus.",
        ),
        Mistake(
            name="last-token-missing",
            twin=_share_kept(_crossing_left_out_but_one),
            hint="What you keep does not sum to p: the token with which the sum *reaches* p is "
            "missing.",
        ),
        Mistake(
            name="one-too-many",
            twin=_share_kept(_one_too_many),
            hint="You keep one token too many: the first one *after* p is reached.",
        ),
        Mistake(
            name="goes-on-at-p",
            twin=_share_kept(
                lambda x, p: _nucleus(x, p, is_in=lambda before, reached, p: before <= p)
            ),
            hint="Where the sum is exactly p, you keep one more token. p is reached: stop.",
        ),
        Mistake(
            name="equals-kept-together",
            twin=_share_kept(_with_equals),
            hint="You keep every token that is as likely as the last one of the nucleus. Once the "
            "sum has reached p, no further token stays, not even an equal one.",
        ),
        Mistake(
            name="least-likely-kept",
            twin=_share_kept(lambda x, p: _nucleus(x, p, descending=False)),
            hint="You begin with the least likely token. Sort the other way.",
        ),
        Mistake(
            name="mask-in-sorted-order",
            twin=_share_kept(_in_sorted_order),
            hint="Your mask is in the order of the sorted tokens, and you lay it over the tokens "
            "as they stand. Take it back to their places (`scatter`).",
        ),
        Mistake(
            name="taken-back-the-wrong-way",
            twin=_share_kept(_gathered),
            hint="You take the mask back with `gather`, or with the places as an index: that sorts "
            "it once more. `scatter` writes each value *to* its place.",
        ),
        Mistake(
            name="not-sorted",
            twin=_share_kept(_unsorted),
            hint="You sum up in the order of the vocabulary. Begin with the likeliest token.",
        ),
        Mistake(
            name="softmax-over-the-texts",
            twin=_share_kept(lambda x, p: _nucleus(x.log_softmax(0), p, normalised=False)),
            hint="Your softmax goes along the first axis, over the texts. Those of one text's "
            "tokens sum to 1: along the last axis.",
        ),
        Mistake(
            name="returned-sorted",
            twin=_sorted_back,
            hint="You return the scores sorted. Place i must still be token i.",
        ),
        Mistake(
            name="at-least-p",
            twin=_share_kept(lambda x, p: x.softmax(-1) >= p),
            hint="You keep the tokens that have a probability of p themselves. It is their *sum* "
            "that must reach p.",
        ),
        Mistake(
            name="at-least-what-is-left",
            seen=_each_above_the_rest,
            hint="You keep the tokens with a probability of at least 1 - p. Sum up, from the "
            "likeliest one on.",
        ),
        Mistake(
            name="ratio-to-the-likeliest",
            twin=_share_kept(
                lambda x, p: x.softmax(-1) >= p * x.softmax(-1).amax(-1, keepdim=True)
            ),
            hint="That is min-p: tokens at least p times as likely as the likeliest. Top-p sums "
            "probabilities up.",
        ),
        Mistake(
            name="not-normalised",
            twin=_share_kept(lambda x, p: _nucleus(x, p, normalised=False)),
            hint="You take e to the scores as they are. Logits are no log-probabilities: softmax "
            "makes them sum to 1.",
        ),
        Mistake(
            name="whole-batch-at-once",
            twin=_share_kept(_over_the_batch),
            hint="You sum over all texts of the batch together. Each row has its own nucleus: work "
            "along the last axis.",
        ),
        Mistake(
            name="first-row-for-all",
            twin=_share_kept(_first_row_for_all),
            hint="You cut every text by the nucleus of the first. Each has its own.",
        ),
        Mistake(
            name="zeros-for-minus-infinity",
            twin=_share_kept(_nucleus, fill=0.0),
            hint="You put 0 where a token is ruled out. As a logarithm, 0 stands for a "
            "probability of 1.",
        ),
        Mistake(
            name="probabilities-returned",
            twin=_made(lambda kept: kept.softmax(-1)),
            hint="You return probabilities. What stays keeps the score it had.",
        ),
        Mistake(
            name="made-to-sum-to-one",
            twin=_made(lambda kept: kept.log_softmax(-1)),
            hint="You have made the rest sum to 1 again. What stays keeps the score it had; "
            "whoever draws will normalise.",
        ),
        Mistake(
            name="changed-in-place",
            seen=right_but_for_the_arguments,
            in_arguments=True,
            hint="The result is right, but you have written into `log_probs`: work on a copy.",
        ),
        Mistake(
            name="accepts-any-share",
            seen=right_but_for_the_error,
            hint="The cutting is right. Raise a ValueError unless p is above 0 and at most 1.",
        ),
    ),
    nudge="Sort from likely to unlikely and sum up. Whose sum *before* it is still below p?",
    shapes="In: scores of shape (…, V) and a number. Out: scores of the same shape, -inf where "
    "ruled out. `sort` gives values and places; `scatter` brings a mask back to its places.",
    pseudocode="if p is not above 0 or is above 1: raise a ValueError\n"
    "sort the probabilities, the likeliest first; remember the places\n"
    "before ← for each, the sum of those in front of it\n"
    "ruled out ← before has reached p\n"
    "bring that back to the places; return the scores, -inf where ruled out",
)
