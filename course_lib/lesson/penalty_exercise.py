"""The exercise of lesson 06 on making repetition less likely.

Letters: V = vocab_size.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.recognising import (
    agrees_with,
    right_but_for_the_arguments,
    right_but_for_the_error,
)

Penalty = Callable[[Tensor, Sequence[int], float], Tensor]


def _penalising(change: Penalty) -> Penalty:
    """Make a twin of `penalise_repetition` from what it does with a good penalty."""

    def twin(logits: Tensor, ids: Sequence[int], penalty: float) -> Tensor:
        if not penalty > 0:
            raise ValueError("penalty must be > 0")
        return change(logits, ids, penalty)

    return twin


def _each(
    ids_of: Callable[[Tensor, Sequence[int]], Iterator[int]],
    score: Callable[[float, float], float],
) -> Penalty:
    """Make a twin that changes some scores, one after the other."""

    def twin(logits: Tensor, ids: Sequence[int], penalty: float) -> Tensor:
        changed = logits.clone()
        for token in ids_of(logits, ids):
            changed[token] = score(float(changed[token]), penalty)
        return changed

    return _penalising(twin)


def _seen(logits: Tensor, ids: Sequence[int]) -> Iterator[int]:
    return iter(set(ids))


def _right(score: float, penalty: float) -> float:
    return score * penalty if score < 0 else score / penalty


def _by_probability(score: float, penalty: float) -> float:
    return score - math.log(penalty)


PENALISE_REPETITION = Exercise(
    key="06:penalise_repetition",
    target="course_lib.generation.penalties:penalise_repetition",
    level="core",
    cases=(
        Case(
            why="scores 2, -2 and 1", args=lambda: (torch.tensor([2.0, -2.0, 1.0]), [0, 1, 0], 2.0)
        ),
        Case(
            why="a token that came three times",
            args=lambda: (torch.tensor([0.5, 3.0, -1.0, 4.0, -0.25]), [3, 2, 3, 3], 1.5),
        ),
        Case(
            why="log-probabilities",
            args=lambda: (torch.tensor([0.5, 0.25, 0.125, 0.125]).log(), [0, 3], 1.3),
        ),
        Case(why="a text without tokens", args=lambda: (torch.tensor([1.0, -1.0, 3.0]), [], 2.0)),
        Case(
            why="a text that is a tuple",
            args=lambda: (torch.tensor([2.0, -1.0, 3.0]), (2, 0, 2), 1.5),
        ),
        Case(why="a score of 0", args=lambda: (torch.tensor([0.0, 6.0, -6.0]), [0, 2], 3.0)),
        Case(
            why="a token that is ruled out",
            args=lambda: (torch.tensor([-math.inf, 2.0, -4.0, 1.0]), [0, 1, 2], 2.0),
        ),
        Case(
            why="a penalty below 1, which rewards",
            args=lambda: (torch.tensor([2.0, -2.0, 1.0, 5.0]), [1, 3, 1], 0.5),
        ),
        Case(
            why="a penalty of 0",
            args=lambda: (torch.tensor([1.0, 2.0]), [0], 0.0),
            raises=ValueError,
        ),
        Case(
            why="a penalty below 0",
            args=lambda: (torch.tensor([1.0, 2.0]), [0], -1.5),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="negative-scores-divided",
            twin=_each(_seen, lambda score, penalty: score / penalty),
            hint="You divide every score. A score of -4 becomes -2: *likelier* than before. What "
            "must be done to a negative one? (The paper has this slip, too.)",
        ),
        Mistake(
            name="positive-scores-multiplied",
            twin=_each(_seen, lambda score, penalty: score * penalty),
            hint="You multiply every score. A score of 2 becomes 4: likelier than before.",
        ),
        Mistake(
            name="rewarded",
            twin=_each(_seen, lambda s, penalty: s / penalty if s < 0 else s * penalty),
            hint="You have the two cases the wrong way round: what came before becomes likelier.",
        ),
        Mistake(
            name="punished-each-time",
            twin=_each(lambda logits, ids: iter(ids), _right),
            hint="A token that came three times is penalised three times by you. Here it counts "
            "once, whether it came once or often. (Others do it your way and call it a frequency "
            "penalty.)",
        ),
        Mistake(
            name="all-tokens",
            twin=_each(lambda logits, ids: iter(range(len(logits))), _right),
            hint="You change every token's score. Only those that came before.",
        ),
        Mistake(
            name="new-tokens-punished",
            twin=_each(lambda logits, ids: iter(set(range(len(logits))) - set(ids)), _right),
            hint="You penalise exactly the tokens that have *not* come yet.",
        ),
        Mistake(
            name="only-the-last-token",
            twin=_each(lambda logits, ids: iter(ids[-1:]), _right),
            hint="You look at the last token only. All of the text counts.",
        ),
        Mistake(
            name="subtracted",
            twin=_each(_seen, lambda score, penalty: score - penalty),
            hint="You subtract the penalty. It is a factor, and 1 must change nothing.",
        ),
        Mistake(
            name="probability-divided",
            twin=_each(_seen, _by_probability),
            hint="You divide the *probability* by the penalty, that is, you subtract its "
            "logarithm. Sensible, but not this penalty: here the score itself is the thing.",
        ),
        Mistake(
            name="ruled-out",
            twin=_each(_seen, lambda score, penalty: -math.inf),
            hint="You rule repetition out. A penalty makes it less likely.",
        ),
        Mistake(
            name="made-probabilities",
            twin=_penalising(
                lambda logits, ids, p: _each(_seen, _right)(logits, ids, p).softmax(-1)
            ),
            hint="The scores were right, and then you took the softmax. Give the scores back.",
        ),
        Mistake(
            name="changed-in-place",
            seen=right_but_for_the_arguments,
            in_arguments=True,
            hint="The result is right, but you have written into `logits`. Whoever gave them to "
            "you still needs them: work on a copy.",
        ),
        Mistake(
            name="accepts-any-penalty",
            seen=right_but_for_the_error,
            hint="The scores are right. Raise a ValueError if the penalty is not above 0.",
        ),
        Mistake(
            name="zero-made-negative",
            seen=agrees_with(_each(_seen, lambda s, p: s - 1 if s == 0 else _right(s, p))),
            hint="A score of 0 stays 0: whether multiplied or divided, it is 0.",
        ),
    ),
    nudge="Less likely means a lower score. Which of multiplying and dividing lowers a positive "
    "number, and which a negative one?",
    shapes="In: scores (V,), the ids of the text, and a number. Out: scores (V,), a new tensor.",
    pseudocode="if the penalty is not above 0: raise a ValueError\n"
    "seen ← the ids of the text, each once\n"
    "for these: a negative score times the penalty, any other divided by it\n"
    "return all scores, the others as they were",
)
