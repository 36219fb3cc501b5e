"""The exercises of lesson 00, start here: cases, mistakes known by name, hints.

Letters in shapes: V outcomes, N tokens of a document. The exercises that make an n-gram model are
in `ngram_exercises`.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.ngram_exercises import (
    ADD_K_PROBABILITIES,
    COUNT_NGRAMS,
    DISCOUNTED_PROBABILITIES,
)
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error


def _documents(*probabilities: Sequence[float]) -> list[np.ndarray]:
    with np.errstate(divide="ignore"):
        return [np.log(np.array(document, dtype=np.float64)) for document in probabilities]


def _all(documents: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(documents)


def _mean_of_means(documents: list[np.ndarray]) -> float:
    with np.errstate(invalid="ignore"):  # 0/0 for a document without tokens
        return -float(np.mean([x.sum() / np.float64(len(x)) for x in documents]))


def _log_of_log(documents: list[np.ndarray]) -> float:
    with np.errstate(divide="ignore"):
        return -float(np.log(-_all(documents)).mean())


def _without_the_certain(documents: list[np.ndarray]) -> float:
    tokens = _all(documents)
    return -float(tokens.sum()) / int((tokens != 0).sum())


NATS_PER_TOKEN = Exercise(
    key="00:nats_per_token",
    target="course_lib.evaluation.perplexity:nats_per_token",
    level="core",
    cases=(
        Case(
            why="two documents: probabilities 1/2, 1/4 and 1/2",
            args=lambda: (_documents([0.5, 0.25], [0.5]),),
        ),
        Case(why="a single document", args=lambda: (_documents([0.1, 0.9, 0.3, 0.7]),)),
        Case(
            why="a short document and a long one",
            args=lambda: (_documents([0.9], [0.01] * 9, [0.2, 0.5]),),
        ),
        Case(
            why="a document with an impossible token",
            args=lambda: (_documents([0.5, 0.0], [0.25]),),
        ),
        Case(
            why="tokens that the model was certain of",
            args=lambda: (_documents([1.0, 0.5, 1.0], [0.25, 1.0]),),
        ),
        Case(why="a document without tokens", args=lambda: (_documents([0.5, 0.25], []),)),
        Case(why="no document", args=lambda: ([],), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="mean-of-means",
            seen=agrees_with(_mean_of_means),
            hint="You average each document, then the averages. So a token of a short document "
            "weighs more than one of a long document. Here every *token* shall count the same: "
            "put all of them together before you divide.",
        ),
        Mistake(
            name="lost-the-minus",
            seen=agrees_with(lambda d: float(_all(d).mean())),
            hint="The size is right, the sign is not. Logarithms of probabilities are never "
            "positive; surprise is never negative.",
        ),
        Mistake(
            name="total-instead-of-mean",
            seen=agrees_with(lambda d: -float(_all(d).sum())),
            hint="This is the surprise of all tokens together. A longer text would always look "
            "worse. Per *token*, please.",
        ),
        Mistake(
            name="divided-by-documents",
            seen=agrees_with(lambda d: -float(_all(d).sum()) / len(d)),
            hint="You divide by the number of documents; divide by the number of tokens.",
        ),
        Mistake(
            name="certain-tokens-left-out",
            seen=agrees_with(_without_the_certain),
            hint="You divide by the tokens with some surprise only. A token that the model was "
            "certain of adds 0 to the sum, but it is a token like any other: count it.",
        ),
        Mistake(
            name="bits-instead-of-nats",
            seen=agrees_with(lambda d: -float(_all(d).mean()) / math.log(2)),
            hint="Your numbers are 1/ln 2 = 1.44 times too large: these are bits per token, from "
            "logarithms to the base 2. The input is in nats already: nothing to convert.",
        ),
        Mistake(
            name="perplexity-instead",
            seen=agrees_with(lambda d: math.exp(-_all(d).mean())),
            hint="You return e to the power of the answer: that is the perplexity, which comes "
            "right after this exercise.",
        ),
        Mistake(
            name="logarithm-of-the-mean",
            seen=agrees_with(lambda d: -float(np.log(np.exp(_all(d)).mean()))),
            hint="You average the probabilities and take the logarithm of that. One impossible "
            "token then hardly shows. Average the logarithms: a sentence's probability is a "
            "product, and its logarithm a sum.",
        ),
        Mistake(
            name="logarithm-taken-twice",
            seen=agrees_with(_log_of_log),
            hint="The input holds log-probabilities already. You take another logarithm.",
        ),
        Mistake(
            name="nothing-accepted",
            seen=right_but_for_the_error,
            hint="All values are right. But the mean of no tokens at all is not defined: the "
            "docstring promises a ValueError.",
        ),
    ),
    nudge="How many tokens are there in all documents together? How surprising are they together?",
    shapes="In: a list of NumPy arrays, one a document, each with one log-probability per token. "
    "Out: one float, zero or positive.",
    pseudocode="number ← the tokens of all documents together\n"
    "if number is 0: raise ValueError\n"
    "total ← the sum of all log-probabilities\n"
    "return minus total / number",
)

UNEQUAL = (0.1, 0.2, 0.7)


def _logs(*probabilities: float) -> Tensor:
    return torch.tensor(probabilities, dtype=torch.float64).log()


APPLY_TEMPERATURE = Exercise(
    key="00:apply_temperature",
    target="course_lib.generation.sampling:apply_temperature",
    level="core",
    cases=(
        Case(why="probabilities 0.8 and 0.2, temperature 1/2", args=lambda: (_logs(0.8, 0.2), 0.5)),
        Case(why="three outcomes, temperature 2", args=lambda: (_logs(*UNEQUAL), 2.0)),
        Case(why="temperature 1, which changes nothing", args=lambda: (_logs(*UNEQUAL), 1.0)),
        Case(why="an impossible outcome", args=lambda: (_logs(0.3, 0.0, 0.6, 0.1), 3.0)),
        Case(why="temperature 0", args=lambda: (_logs(*UNEQUAL), 0.0), raises=ValueError),
        Case(why="a temperature below 0", args=lambda: (_logs(*UNEQUAL), -1.0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="not-made-to-sum-to-one",
            seen=agrees_with(lambda lp, t: lp / t),
            hint="You divide by the temperature, and that is the heart of it. But e to the power "
            "of your results does not sum to 1: 0.8² + 0.2² is 0.68. Which function turns any "
            "numbers into log-probabilities?",
        ),
        Mistake(
            name="multiplied-by-the-temperature",
            seen=agrees_with(lambda lp, t: (lp * t).log_softmax(-1)),
            hint="You multiply by the temperature, so a high one sharpens and a low one flattens: "
            "the other way round.",
        ),
        Mistake(
            name="probabilities-returned",
            seen=agrees_with(lambda lp, t: (lp / t).softmax(-1)),
            hint="These are the right probabilities. Their logarithms are asked for, as the input "
            "is in logarithms too.",
        ),
        Mistake(
            name="temperature-has-no-effect",
            seen=agrees_with(lambda lp, t: lp.log_softmax(-1)),
            hint="Your result does not depend on the temperature. If you divided the "
            "*probabilities* by it, making them sum to 1 has undone that. Divide the logarithms.",
        ),
        Mistake(
            name="divided-the-probabilities",
            seen=agrees_with(lambda lp, t: (lp.exp() / t).log()),
            hint="You divide the probabilities by the temperature. All shrink alike, so their "
            "proportions stay. Divide the logarithms.",
        ),
        Mistake(
            name="softmax-of-the-probabilities",
            seen=agrees_with(lambda lp, t: (lp.exp() / t).log_softmax(-1)),
            hint="You apply the softmax to the probabilities, but it takes logarithms: it raises "
            "e to their power. An impossible outcome would become possible that way.",
        ),
        Mistake(
            name="sum-of-logarithms",
            seen=agrees_with(lambda lp, t: (lp / t) / (lp / t).sum()),
            hint="You divide the logarithms by their sum. It is the probabilities that must sum to "
            "1, not their logarithms.",
        ),
        Mistake(
            name="temperature-not-checked",
            seen=right_but_for_the_error,
            hint="For temperatures above 0 all is right. At 0 you would divide by zero, and below "
            "0 the likely becomes unlikely: the docstring promises a ValueError for both.",
        ),
    ),
    nudge="Dividing a logarithm by T is the same as raising the probability to the power 1/T. "
    "After that, make the probabilities sum to 1 again.",
    shapes="In: a tensor of V log-probabilities and a number above 0. Out: a tensor of V "
    "log-probabilities.",
    pseudocode="if temperature is not above 0: raise ValueError\n"
    "scaled ← log-probabilities / temperature\n"
    "return scaled minus the logarithm of the sum of e to the power of scaled\n"
    "(torch: scaled.log_softmax(dim=-1))",
)


EXERCISES: tuple[Exercise, ...] = (
    COUNT_NGRAMS,
    APPLY_TEMPERATURE,
    NATS_PER_TOKEN,
    ADD_K_PROBABILITIES,
    DISCOUNTED_PROBABILITIES,
)
