"""The exercises of lesson 00 that make an n-gram model: counts, and two ways to smooth them.

Letters in shapes: V outcomes.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.lesson.comparing import agree
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error

ROSE = ["a", "rose", "is", "a", "rose"]
LETTERS = list("abracadabra")


def _runs(tokens: Sequence[str], order: int, places: range) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[place : place + order]) for place in places)


def _plain_dictionary(observations: tuple[Observation, ...]) -> bool:
    plain = [o for o in observations if o.case.raises is None]
    return all(
        isinstance(o.value, dict)
        and not isinstance(o.value, Counter)
        and dict(o.value) == dict(o.expected)
        for o in plain
    )


def _keys_are_strings(observations: tuple[Observation, ...]) -> bool:
    keys = [k for o in observations if isinstance(o.value, dict) for k in o.value]
    return bool(keys) and all(isinstance(key, str) for key in keys)


def _unhashable(observations: tuple[Observation, ...]) -> bool:
    return any(
        isinstance(o.error, TypeError) and "unhashable" in str(o.error) for o in observations
    )


COUNT_NGRAMS = Exercise(
    key="00:count_ngrams",
    target="course_lib.models.ngram:count_ngrams",
    level="easy",
    cases=(
        Case(why="the pairs of 'a rose is a rose'", args=lambda: (list(ROSE), 2)),
        Case(why="the single words of 'a rose is a rose'", args=lambda: (list(ROSE), 1)),
        Case(why="the runs of three letters of 'abracadabra'", args=lambda: (list(LETTERS), 3)),
        Case(why="five words, runs of five", args=lambda: (list(ROSE), 5)),
        Case(why="two words, runs of three", args=lambda: (["a", "rose"], 3)),
        Case(why="numbers instead of words", args=lambda: ([4, 4, 4, 7], 2)),
        Case(why="order 0", args=lambda: (list(ROSE), 0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="plain-dictionary",
            seen=_plain_dictionary,
            hint="All counts are right, but they lie in a plain `dict`. Return a "
            "`collections.Counter`: it answers 0 for what it never saw, and that is what the "
            "lesson asks it later.",
        ),
        Mistake(
            name="runs-are-strings",
            seen=_keys_are_strings,
            hint="Your keys are strings. With words glued together, ('a', 'rose') and "
            "('arose',) can become the same key, and numbers cannot be glued at all. Which "
            "Python type holds several tokens and can still be a key?",
        ),
        Mistake(
            name="runs-are-lists",
            seen=_unhashable,
            hint="A list cannot be a key, because it can change. Which kind of sequence cannot?",
        ),
        Mistake(
            name="missed-the-last-run",
            seen=agrees_with(lambda t, n: _runs(t, n, range(len(t) - n))),
            hint="The last run is missing. In five tokens, at which places can a run of two "
            "begin? Count them, and compare with 5 - 2.",
        ),
        Mistake(
            name="runs-past-the-end",
            seen=agrees_with(lambda t, n: _runs(t, n, range(len(t)))),
            hint="At the end you count runs that are too short: a slice that goes past the end "
            "is cut, without an error. Where must the last run of `order` tokens begin?",
        ),
        Mistake(
            name="runs-side-by-side",
            seen=agrees_with(lambda t, n: _runs(t, n, range(0, len(t) - n + 1, n))),
            hint="You jump from one run to the next. Runs overlap: in 'a rose is', both "
            "('a', 'rose') and ('rose', 'is') count.",
        ),
        Mistake(
            name="one-token-too-many",
            seen=agrees_with(lambda t, n: _runs(t, n + 1, range(len(t) - n))),
            hint="Your runs are one token too long. A bigram (order 2) has two tokens in all: "
            "one of context and the one to predict.",
        ),
        Mistake(
            name="shorter-runs-too",
            seen=agrees_with(
                lambda t, n: Counter(
                    tuple(t[i : i + k]) for k in range(1, n + 1) for i in range(len(t) - k + 1)
                )
            ),
            hint="You count the runs of every length up to `order`. Only those of exactly "
            "`order` tokens are asked for.",
        ),
        Mistake(
            name="each-counted-once",
            seen=agrees_with(lambda t, n: Counter(set(_runs(t, n, range(len(t) - n + 1))))),
            hint="Every run has the count 1, so a repetition got lost on the way: perhaps in a "
            "set, or because the count is set to 1 instead of raised by 1.",
        ),
        Mistake(
            name="order-below-one-accepted",
            seen=right_but_for_the_error,
            hint="The counts are right. But what is a run of 0 tokens? The docstring promises "
            "a ValueError for an order below 1.",
        ),
    ),
    nudge="Slide a window of `order` tokens over the text, one token at a time, and count what "
    "you see in it.",
    shapes="In: a list of tokens, and a whole number. Out: a Counter whose keys are tuples of "
    "`order` tokens. A text of N tokens has N - order + 1 windows (none if it is shorter).",
    pseudocode="if order < 1: raise ValueError\n"
    "for every place where a window can begin:\n"
    "    the run ← the tokens in the window, as a tuple\n"
    "    raise its count by 1\n"
    "return the counts",
)


def _floats(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def _add_to_unseen(counts: Tensor, add_k: float) -> Tensor:
    raised = torch.where(counts == 0, add_k, counts)
    return raised / raised.sum()


ADD_K_PROBABILITIES = Exercise(
    key="00:add_k_probabilities",
    target="course_lib.models.ngram:add_k_probabilities",
    level="easy",
    cases=(
        Case(why="counts 3, 1, 0 and k = 1", args=lambda: (_floats(3, 1, 0), 1.0)),
        Case(why="counts 3, 1, 0 and k = 0", args=lambda: (_floats(3, 1, 0), 0.0)),
        Case(why="seven outcomes and k = 0.01", args=lambda: (_floats(5, 0, 0, 2, 0, 1, 0), 0.01)),
        Case(why="a context that was never seen", args=lambda: (_floats(0, 0, 0, 0, 0), 0.5)),
        Case(why="numbers of 32 bits", args=lambda: (torch.tensor([2.0, 2.0, 1.0]), 2.0)),
    ),
    mistakes=(
        Mistake(
            name="k-missing-below-the-line",
            twin=lambda c, k: (c + k) / c.sum(),
            hint="Above the line every count has grown by k; below it the total is still the old "
            "one, so your probabilities sum to more than 1. By how much have V counts grown "
            "together?",
        ),
        Mistake(
            name="k-once-below-the-line",
            twin=lambda c, k: (c + k) / (c.sum() + k),
            hint="You add k to the total once. But each of the V counts has grown by k.",
        ),
        Mistake(
            name="only-the-unseen-got-k",
            twin=_add_to_unseen,
            hint="Only the outcomes with count 0 got k. Then something seen once may end up less "
            "likely than something never seen. *Every* outcome gets k.",
        ),
        Mistake(
            name="k-added-to-the-shares",
            twin=lambda c, k: c / c.sum() + k,
            hint="You divide first and then add k to each share. Then they no longer sum to 1. "
            "Add to the counts, then divide.",
        ),
        Mistake(
            name="divided-by-the-number-of-outcomes",
            twin=lambda c, k: (c + k) / len(c),
            hint="You divide by V, the number of outcomes: that is for a mean. What must all the "
            "raised counts be divided by, so that they sum to 1?",
        ),
        Mistake(
            name="k-has-no-effect",
            twin=lambda c, k: c / c.sum(),
            hint="These are the plain shares; k has no effect. Where in the formula is it added?",
        ),
        Mistake(
            name="softmax-of-the-counts",
            twin=lambda c, k: (c + k).softmax(dim=-1),
            hint="A softmax takes e to the power of each count: 3 against 1 becomes 20 against "
            "2.7. Counts are already positive; just divide by their sum.",
        ),
        Mistake(
            name="logarithms-returned",
            twin=lambda c, k: ((c + k) / (c.sum() + k * len(c))).log(),
            hint="Right, and then you took the logarithm. The probabilities themselves are asked "
            "for.",
        ),
    ),
    nudge="Pretend that every outcome was seen `add_k` times more often. Then do what you would "
    "do with any counts.",
    shapes="In: a tensor of V counts and a number. Out: a tensor of V probabilities, of the same "
    "dtype, with sum 1.",
    pseudocode="raised counts ← counts + add_k\nreturn raised counts / their sum",
)


def _freed(counts: Tensor, discount: float) -> Tensor:
    return discount * (counts > 0).sum()


def _or_fallback(twin: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """Give the fallback where the context was never seen, else what `twin` gives."""
    return lambda c, f, d: f if c.sum() == 0 else twin(c, f, d)


def _kept(counts: Tensor, discount: float) -> Tensor:
    return (counts - discount).clamp(min=0)


def _undefined_when_unseen(observations: tuple[Observation, ...]) -> bool:
    unseen = [o for o in observations if float(o.case.args()[0].sum()) == 0]
    others = [o for o in observations if o not in unseen]
    return all(agree(o.value, o.expected, 1e-5) for o in others) and any(
        isinstance(o.value, Tensor) and bool(o.value.isnan().any()) for o in unseen
    )


def _only_to_unseen(counts: Tensor, fallback: Tensor, discount: float) -> Tensor:
    share = torch.where(counts == 0, fallback, 0.0)
    share = share / share.sum() if share.sum() > 0 else share
    return (_kept(counts, discount) + _freed(counts, discount) * share) / counts.sum()


DISCOUNTED_PROBABILITIES = Exercise(
    key="00:discounted_probabilities",
    target="course_lib.models.kneser_ney:discounted_probabilities",
    level="stretch",
    cases=(
        Case(
            why="counts 5, 2, 0 and discount 0.5",
            args=lambda: (_floats(5, 2, 0), _floats(0.1, 0.2, 0.7), 0.5),
        ),
        Case(
            why="a context that was never seen",
            args=lambda: (_floats(0, 0, 0), _floats(0.1, 0.2, 0.7), 0.5),
        ),
        Case(
            why="a context in which every outcome was seen",
            args=lambda: (_floats(4, 1, 2), _floats(0.5, 0.25, 0.25), 0.75),
        ),
        Case(
            why="seven outcomes, three of them unseen, two with the same count",
            args=lambda: (
                _floats(1, 0, 0, 6, 0, 2, 1),
                _floats(0.3, 0.1, 0.1, 0.2, 0.1, 0.15, 0.05),
                0.9,
            ),
        ),
    ),
    mistakes=(
        Mistake(
            name="undefined-for-an-unseen-context",
            seen=_undefined_when_unseen,
            hint="Right wherever the context was seen. Where it was not, the total is 0, and 0/0 "
            "is not a number. What shall the model believe when this context tells it nothing?",
        ),
        Mistake(
            name="freed-mass-is-lost",
            twin=_or_fallback(lambda c, f, d: _kept(c, d) / c.sum()),
            hint="You take the discount away, but nobody gets it: your probabilities sum to less "
            "than 1. How much did you take in all, and how does the fallback share it out?",
        ),
        Mistake(
            name="freed-mass-in-equal-parts",
            twin=_or_fallback(lambda c, f, d: (_kept(c, d) + _freed(c, d) / len(c)) / c.sum()),
            hint="You share the freed counts out in equal parts. The shorter context knows "
            "better: outcome i gets the share `fallback[i]`.",
        ),
        Mistake(
            name="freed-mass-only-to-the-unseen",
            twin=_or_fallback(_only_to_unseen),
            hint="Only unseen outcomes get a part of the freed counts. That is another method, "
            "called backing-off. In the interpolated form the fallback speaks for *every* "
            "outcome, seen or not.",
        ),
        Mistake(
            name="discount-counted-once",
            twin=_or_fallback(lambda c, f, d: (_kept(c, d) + d * f) / c.sum()),
            hint="You hand on the discount once. But you took it from every outcome that was "
            "seen: how many are there?",
        ),
        Mistake(
            name="discount-counted-for-every-outcome",
            twin=_or_fallback(lambda c, f, d: (_kept(c, d) + d * len(c) * f) / c.sum()),
            hint="You hand on the discount V times. From outcomes with count 0 there was nothing "
            "to take: count only those that were seen.",
        ),
        Mistake(
            name="equal-counts-counted-once",
            twin=_or_fallback(
                lambda c, f, d: (_kept(c, d) + d * len(c[c > 0].unique()) * f) / c.sum()
            ),
            hint="You count how many different *counts* there are. Two outcomes seen once each "
            "give two discounts: count the outcomes.",
        ),
        Mistake(
            name="discount-counted-per-occurrence",
            twin=_or_fallback(lambda c, f, d: (_kept(c, d) + d * c.sum() * f) / c.sum()),
            hint="You hand on one discount per occurrence. It was taken once from each *kind* of "
            "outcome seen, however often.",
        ),
        Mistake(
            name="took-from-the-unseen",
            twin=_or_fallback(lambda c, f, d: (c - d + _freed(c, d) * f) / c.sum()),
            hint="You take the discount from counts of 0 as well, and they become negative. "
            "Nothing can be taken from nothing.",
        ),
        Mistake(
            name="mixed-by-the-discount",
            twin=_or_fallback(lambda c, f, d: (1 - d) * c / c.sum() + d * f),
            hint="You mix the two distributions in the proportion (1 - discount) : discount. That "
            "is a method too, but here the discount is taken from each *count*. So a context "
            "seen often leans less on the fallback.",
        ),
    ),
    nudge="Nothing is lost: what you take from the seen outcomes is exactly what you hand out, in "
    "the proportions of the fallback.",
    shapes="In: a tensor of V counts, a tensor of V probabilities, and a number between 0 and 1. "
    "Out: a tensor of V probabilities with sum 1.",
    pseudocode="total ← the sum of the counts\n"
    "if total is 0: return the fallback\n"
    "kept ← counts - discount, but never below 0\n"
    "freed ← discount · number of outcomes with a count above 0\n"
    "return (kept + freed · fallback) / total",
)
