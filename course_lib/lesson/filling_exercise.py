"""The exercise of lesson 07a on filling a gap: the likeliest tokens at one place.

Letters: T = tokens of the text, V = vocab_size.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_error, right_except_on
from course_lib.seeding import make_generator

Chances = Callable[[Tensor, int], Tensor]
"""Makes the numbers of all tokens (V,) from all logits (T, V) and the place."""

Pairs = list[tuple[int, float]]


def _probabilities(logits: Tensor, place: int) -> Tensor:
    return logits[place].softmax(dim=-1)


def _best(numbers: Tensor, n_best: int) -> Pairs:
    found = numbers.topk(n_best)
    return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def _worst(numbers: Tensor, n_best: int) -> Pairs:
    found = numbers.topk(n_best, largest=False)
    return list(zip(found.indices.tolist(), found.values.tolist(), strict=True))


def _best_made_one(numbers: Tensor, n_best: int) -> Pairs:
    pairs = _best(numbers, n_best)
    total = sum(chance for _, chance in pairs)
    return [(token, chance / total) for token, chance in pairs]


def _twin(
    numbers: Chances = _probabilities, choose: Callable[[Tensor, int], object] = _best
) -> Callable[[Tensor, int, int], object]:
    """Make a twin of `likeliest_fillings` from the numbers it ranks, and how it ranks them."""

    def twin(logits: Tensor, mask_place: int, n_best: int) -> object:
        n_places, vocab_size = logits.shape
        if not 0 <= mask_place < n_places or not 1 <= n_best <= vocab_size:
            raise ValueError("no such place, or not so many tokens")
        return choose(numbers(logits, mask_place), n_best)

    return twin


def _at_place(place: Callable[[int], int]) -> Chances:
    return lambda logits, mask_place: _probabilities(logits, place(mask_place))


def _holds_tensors(observations: tuple[Observation, ...]) -> bool:
    pairs = [pair for one in observations if one.case.raises is None for pair in one.value]
    return any(isinstance(part, Tensor) for pair in pairs for part in pair)


def _two_lists(observations: tuple[Observation, ...]) -> bool:
    plain = [one for one in observations if one.case.raises is None]
    return all(
        isinstance(one.value, tuple | list)
        and len(one.value) == 2
        and all(isinstance(part, Sequence | Tensor) for part in one.value)
        and len(one.value[0]) == len(one.value[1]) == len(one.expected)
        for one in plain
    )


def _logits(seed: int, n_places: int, vocab_size: int) -> Tensor:
    generator = make_generator(seed)
    return 2 * torch.randn(n_places, vocab_size, generator=generator, dtype=torch.float64)


_LARGE = "scores in the thousands"

LIKELIEST_FILLINGS = Exercise(
    key="07a:likeliest_fillings",
    target="course_lib.generation.filling:likeliest_fillings",
    level="core",
    cases=(
        Case(
            why="scores 2, 0 and 1 at the gap",
            args=lambda: (torch.tensor([[9.0, 0.0, 0.0], [2.0, 0.0, 1.0]]), 1, 2),
        ),
        Case(why="a gap in the middle", args=lambda: (_logits(1, 5, 7), 2, 3)),
        Case(why="a gap at the first place", args=lambda: (_logits(2, 4, 11), 0, 4)),
        Case(why="a gap at the last place", args=lambda: (_logits(3, 3, 5), 2, 3)),
        Case(why="only the best", args=lambda: (_logits(4, 5, 13), 3, 1)),
        Case(why="the whole vocabulary", args=lambda: (_logits(5, 2, 6), 1, 6)),
        Case(why="more places than tokens", args=lambda: (_logits(6, 9, 4), 4, 3)),
        Case(
            why=_LARGE,
            args=lambda: (
                torch.tensor([[0.0, 1.0, 2.0], [5001.0, 5000.0, 4998.0]], dtype=torch.float64),
                1,
                2,
            ),
        ),
        Case(
            why="a place before the first",
            args=lambda: (_logits(1, 5, 7), -1, 2),
            raises=ValueError,
        ),
        Case(
            why="a place behind the last", args=lambda: (_logits(1, 5, 7), 5, 2), raises=ValueError
        ),
        Case(why="no token wanted", args=lambda: (_logits(1, 5, 7), 2, 0), raises=ValueError),
        Case(
            why="more tokens wanted than there are",
            args=lambda: (_logits(1, 5, 7), 2, 8),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="two-lists",
            seen=_two_lists,
            hint="You give back ids and probabilities side by side, in two parts. Wanted is one "
            "list of pairs: `zip` puts them together.",
        ),
        Mistake(
            name="tensors-not-numbers",
            seen=_holds_tensors,
            hint="Your pairs hold tensors. `tolist()` makes plain numbers of them.",
        ),
        Mistake(
            name="softmax-over-the-places",
            twin=_twin(lambda logits, place: logits.softmax(dim=0)[place]),
            hint="Your softmax runs over the places of the text. At *one* place, the tokens of the "
            "vocabulary compete: which axis is that?",
        ),
        Mistake(
            name="softmax-over-everything",
            twin=_twin(lambda logits, place: logits.flatten().softmax(0).view_as(logits)[place]),
            hint="Your probabilities have the sum 1 over the whole text. They must have it at the "
            "gap alone.",
        ),
        Mistake(
            name="softmax-of-the-best",
            twin=_twin(choose=_best_made_one),
            hint="You choose the best first, and let only these share the probability. Their sum "
            "is 1 then, however unsure the model is. First the softmax, over all tokens.",
        ),
        Mistake(
            name="logits-returned",
            twin=_twin(lambda logits, place: logits[place]),
            hint="The tokens are right. Those are their logits: turn them into probabilities.",
        ),
        Mistake(
            name="logarithms-returned",
            twin=_twin(lambda logits, place: logits[place].log_softmax(dim=-1)),
            hint="The tokens are right. Those are logarithms of probabilities.",
        ),
        Mistake(
            name="sigmoid",
            twin=_twin(lambda logits, place: logits[place].sigmoid()),
            hint="A sigmoid asks of each token for itself: yes or no? Here one of them must be in "
            "the gap, so their probabilities have the sum 1.",
        ),
        Mistake(
            name="logits-shared-out",
            twin=_twin(lambda logits, place: logits[place] / logits[place].sum()),
            hint="You divide the logits by their sum. Some are negative: take e to each of them "
            "first.",
        ),
        Mistake(
            name="place-before",
            twin=_twin(_at_place(lambda place: place - 1)),
            hint="You read the place *before* the gap, as a decoder would. A masked model answers "
            "at the gap itself.",
        ),
        Mistake(
            name="first-place",
            twin=_twin(_at_place(lambda place: 0)),
            hint="You read the first place of the text, wherever the gap is.",
        ),
        Mistake(
            name="last-place",
            twin=_twin(_at_place(lambda place: -1)),
            hint="You read the last place of the text, as a decoder would. The gap may be "
            "anywhere, and its row answers.",
        ),
        Mistake(
            name="mean-of-the-places",
            twin=_twin(lambda logits, place: logits.mean(dim=0).softmax(dim=-1)),
            hint="You take the mean of all places. Only the gap was asked.",
        ),
        Mistake(
            name="unlikeliest",
            twin=_twin(choose=_worst),
            hint="Those are the *un*likeliest tokens. Sorting goes upwards unless told otherwise.",
        ),
        Mistake(
            name="likeliest-last",
            twin=_twin(choose=lambda numbers, n_best: _best(numbers, n_best)[::-1]),
            hint="The right tokens, the likeliest at the end. It comes first.",
        ),
        Mistake(
            name="in-the-order-of-ids",
            twin=_twin(choose=lambda numbers, n_best: sorted(_best(numbers, n_best))),
            hint="The right tokens, in the order of their ids. Wanted is the order of their "
            "probabilities.",
        ),
        Mistake(
            name="ranks-not-ids",
            twin=_twin(
                choose=lambda numbers, n_best: list(
                    enumerate(chance for _, chance in _best(numbers, n_best))
                )
            ),
            hint="You number the best ones 0, 1, 2, … Which tokens are they? Sorting must bring "
            "the ids along (`indices`).",
        ),
        Mistake(
            name="pairs-turned-round",
            twin=_twin(
                choose=lambda numbers, n_best: [
                    (chance, token) for token, chance in _best(numbers, n_best)
                ]
            ),
            hint="Your pairs are the wrong way round: first the id, then the probability.",
        ),
        Mistake(
            name="ids-only",
            twin=_twin(
                choose=lambda numbers, n_best: [token for token, _ in _best(numbers, n_best)]
            ),
            hint="The tokens are right. With each of them belongs its probability.",
        ),
        Mistake(
            name="only-the-best",
            twin=_twin(choose=lambda numbers, n_best: _best(numbers, 1)),
            hint="You give one token. `n_best` says how many.",
        ),
        Mistake(
            name="all-tokens",
            twin=_twin(choose=lambda numbers, n_best: _best(numbers, len(numbers))),
            hint="You give all tokens of the vocabulary. `n_best` says how many are wanted.",
        ),
        Mistake(
            name="overflow",
            seen=right_except_on(_LARGE),
            hint="All is right for small scores. e to the power of 5,000 is too large for any "
            "number format: take off the largest score first, or use torch's softmax, which does.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The pairs are right. Raise a ValueError if there is no such place (a negative "
            "one counts from the end, which nobody meant), or if `n_best` is below 1 or above V.",
        ),
    ),
    nudge="At the gap, all tokens of the vocabulary compete. Which row of the logits is that, and "
    "what makes probabilities of scores?",
    shapes="In: logits (T, V), a place from 0 to T - 1, a number from 1 to V. Out: a list of pairs "
    "(id, probability), an int and a float.",
    pseudocode="if there is no such place, or not so many tokens: raise a ValueError\n"
    "row ← the logits at the place, V of them\n"
    "probabilities ← softmax of the row, over the whole vocabulary\n"
    "return the n_best largest with their ids, the largest first, as plain numbers",
)
