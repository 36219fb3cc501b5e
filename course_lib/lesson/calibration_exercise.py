"""The exercise of lesson 07b on how far confidence and accuracy are apart."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from course_lib.evaluation import ReliabilityBin, reliability_bins
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_error, right_except_on

Score = Callable[[ArrayLike, ArrayLike, int], float]

ON_AN_EDGE = "a confidence on the edge of two bins"
TWO_CLASSES = [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.35, 0.65], [0.95, 0.05], [0.42, 0.58]]
THREE_CLASSES = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.2, 0.7, 0.1], [0.34, 0.33, 0.33]]
SIXTY = [[n / 101.3, 1 - n / 101.3] for n in (37 * row % 101 for row in range(60))]
BY_HAND = [[0.9, 0.1]] * 5 + [[0.6, 0.4]] * 5


def _of_bins(score: Callable[[list[ReliabilityBin]], float], *, n_bins: int = 0) -> Score:
    """Make a twin from what it does with the bins that are not empty; 0: as many as asked for."""

    def twin(probabilities: ArrayLike, labels: ArrayLike, n: int = 15) -> float:
        bins = reliability_bins(probabilities, labels, n)
        if n_bins:
            bins = reliability_bins(probabilities, labels, n_bins)
        return float(score([one for one in bins if one.n > 0]))

    return twin


def _of_items(score: Callable[[np.ndarray, np.ndarray, int], float]) -> Score:
    """Make a twin from what it does with confidence and correctness, item by item."""

    def twin(probabilities: ArrayLike, labels: ArrayLike, n: int = 15) -> float:
        reliability_bins(probabilities, labels, n)  # refuses what the library refuses
        table, right = np.asarray(probabilities, dtype=float), np.asarray(labels)
        return float(score(table, right, n))

    return twin


def _gap(one: ReliabilityBin) -> float:
    return one.accuracy - one.confidence


def _weighted(bins: list[ReliabilityBin], measure: Callable[[ReliabilityBin], float]) -> float:
    return sum(one.n * measure(one) for one in bins) / sum(one.n for one in bins)


def _mean_of_all_bins(probabilities: ArrayLike, labels: ArrayLike, n: int = 15) -> float:
    bins = reliability_bins(probabilities, labels, n)
    return sum(abs(_gap(one)) for one in bins if one.n > 0) / len(bins)


def _item_by_item(table: np.ndarray, labels: np.ndarray, n: int) -> float:
    return np.abs((table.argmax(1) == labels) - table.max(1)).mean()


def _in_bins(confidence: np.ndarray, is_right: np.ndarray, n: int) -> float:
    number = np.minimum(np.ceil(confidence * n - 1e-9).astype(int) - 1, n - 1)
    total = 0.0
    for i in set(number.tolist()):
        inside = number == i
        total += inside.sum() * abs(is_right[inside].mean() - confidence[inside].mean())
    return total / len(confidence)


def _last_column(table: np.ndarray, labels: np.ndarray, n: int) -> float:
    return _in_bins(table[:, -1], table.argmax(1) == labels, n)


def _right_class(table: np.ndarray, labels: np.ndarray, n: int) -> float:
    own = table[np.arange(len(table)), labels]
    return _in_bins(own, table.argmax(1) == labels, n)


def _is_nan(observations: tuple[Observation, ...]) -> bool:
    """Recognise answers that are no number where a bin is empty."""
    plain = [one for one in observations if one.case.raises is None]
    return any(isinstance(one.value, float) and math.isnan(one.value) for one in plain)


EXPECTED_CALIBRATION_ERROR = Exercise(
    key="07b:expected_calibration_error",
    target="course_lib.evaluation.calibration:expected_calibration_error",
    level="core",
    cases=(
        Case(why="ten texts in two bins", args=lambda: (BY_HAND, [0, 0, 0, 1, 1] * 2, 10)),
        Case(why="six texts in four bins", args=lambda: (TWO_CLASSES, [0, 0, 0, 1, 1, 1], 4)),
        Case(why="three classes", args=lambda: (THREE_CLASSES, [0, 2, 2, 1], 3)),
        Case(why="the usual 15 bins", args=lambda: (TWO_CLASSES, [0, 1, 1, 0, 0, 1])),
        Case(why="sixty texts, the usual bins", args=lambda: (SIXTY, [0, 1, 1] * 20)),
        Case(why="a single bin", args=lambda: (TWO_CLASSES, [0, 0, 0, 1, 1, 1], 1)),
        Case(
            why="too sure in one bin, too modest in another",
            args=lambda: ([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], [0, 1, 0, 0], 10),
        ),
        Case(
            why="a model that is sure and always right",
            args=lambda: ([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]], [1, 1, 1], 3),
        ),
        Case(
            why=ON_AN_EDGE,
            args=lambda: ([[0.75, 0.25], [0.25, 0.75], [0.875, 0.125]], [0, 0, 0], 4),
        ),
        Case(
            why="a table and labels of numpy",
            args=lambda: (np.array(THREE_CLASSES), np.array([1, 2, 1, 0]), 7),
        ),
        Case(why="no bin", args=lambda: (TWO_CLASSES, [0] * 6, 0), raises=ValueError),
        Case(
            why="logits in place of probabilities",
            args=lambda: ([[2.0, -1.0], [0.5, 0.1]], [0, 1], 5),
            raises=ValueError,
        ),
        Case(
            why="a label without a column",
            args=lambda: ([[0.5, 0.5], [0.4, 0.6]], [0, 2], 5),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="empty-bins-are-nan",
            seen=_is_nan,
            hint="Your answer is NaN where a bin is empty. Nobody stood there, so there is no "
            "accuracy and nothing to count.",
        ),
        Mistake(
            name="bins-count-alike",
            twin=_of_bins(lambda bins: sum(abs(_gap(one)) for one in bins) / len(bins)),
            hint="You average over the bins. A bin of one text then counts as much as a bin of a "
            "thousand. Over what does the formula average?",
        ),
        Mistake(
            name="empty-bins-counted",
            twin=_mean_of_all_bins,
            hint="You divide by the number of bins, the empty ones too. Then a finer grid makes "
            "every model look better.",
        ),
        Mistake(
            name="not-divided",
            twin=_of_bins(lambda bins: sum(one.n * abs(_gap(one)) for one in bins)),
            hint="You weigh each bin by its number of texts, and forget to divide by all of them: "
            "the answer must not exceed 1.",
        ),
        Mistake(
            name="no-weights",
            twin=_of_bins(lambda bins: sum(abs(_gap(one)) for one in bins)),
            hint="You add up the distances of the bins. How much does each count, and what do "
            "these shares sum to?",
        ),
        Mistake(
            name="too-sure-and-too-modest-cancel",
            twin=_of_bins(lambda bins: _weighted(bins, _gap)),
            hint="You keep the sign, so too sure in one bin and too modest in another cancel. "
            "Distances have none.",
        ),
        Mistake(
            name="confidence-minus-accuracy",
            twin=_of_bins(lambda bins: -_weighted(bins, _gap)),
            hint="You keep the sign, so too sure in one bin and too modest in another cancel. "
            "Distances have none.",
        ),
        Mistake(
            name="one-bin-for-all",
            twin=_of_bins(lambda bins: abs(_weighted(bins, _gap))),
            hint="You compare the mean confidence with the accuracy over all texts. That is a "
            "single bin: take the distance in each bin first, then average.",
        ),
        Mistake(
            name="squared",
            twin=_of_bins(lambda bins: _weighted(bins, lambda one: _gap(one) ** 2)),
            hint="You square the distances. Here they count as they are.",
        ),
        Mistake(
            name="root-of-the-squares",
            twin=_of_bins(lambda bins: math.sqrt(_weighted(bins, lambda one: _gap(one) ** 2))),
            hint="You take the root of the mean square: that lets large distances count for more. "
            "Here they count as they are.",
        ),
        Mistake(
            name="the-worst-bin",
            twin=_of_bins(lambda bins: max(abs(_gap(one)) for one in bins)),
            hint="That is the distance in the worst bin, another measure (the *maximum* "
            "calibration error). The expected one is a mean.",
        ),
        Mistake(
            name="errors-for-accuracy",
            twin=_of_bins(
                lambda bins: _weighted(bins, lambda one: abs(1 - one.accuracy - one.confidence))
            ),
            hint="You compare the confidence with the share that is *wrong*.",
        ),
        Mistake(
            name="accuracy-against-the-edge",
            twin=_of_bins(lambda bins: _weighted(bins, lambda one: abs(one.accuracy - one.high))),
            hint="You compare the accuracy with the upper edge of the bin. What was the mean "
            "confidence of the texts in it?",
        ),
        Mistake(
            name="accuracy-against-the-middle",
            twin=_of_bins(
                lambda bins: _weighted(
                    bins, lambda one: abs(one.accuracy - (one.low + one.high) / 2)
                )
            ),
            hint="You compare the accuracy with the middle of the bin. What was the mean "
            "confidence of the texts in it?",
        ),
        Mistake(
            name="item-by-item",
            twin=_of_items(_item_by_item),
            hint="You take the distance for each text alone. A single text is right or wrong, "
            "never 80 % right: first the bins, then the distance.",
        ),
        Mistake(
            name="last-column-as-confidence",
            twin=_of_items(_last_column),
            hint="You take the probability of the last class as the confidence. It is the "
            "probability of the class that was *chosen*.",
        ),
        Mistake(
            name="probability-of-the-right-class",
            twin=_of_items(_right_class),
            hint="You take the probability of the right class. The model does not know which that "
            "is: its confidence is the probability of the class that it chose.",
        ),
        Mistake(
            name="n-bins-ignored",
            twin=_of_bins(lambda bins: _weighted(bins, lambda b: abs(_gap(b))), n_bins=15),
            hint="You use 15 bins, whatever `n_bins` says.",
        ),
        Mistake(
            name="edge-in-the-upper-bin",
            seen=right_except_on(ON_AN_EDGE),
            hint="A confidence on the edge of two bins belongs to the lower one. "
            "`reliability_bins` does the sorting for you.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The numbers are right. What is no table of probabilities, or has a label without "
            "a column, must be a ValueError; `reliability_bins` raises it for you.",
        ),
    ),
    nudge="For each bin you get how many texts it holds, how sure the model was and how often it "
    "was right. How far are the last two apart, and how much does that bin count?",
    shapes="In: a table of N rows and K columns, N whole numbers, and a number of bins. Out: one "
    "number from 0 to 1. A bin has `.n`, `.confidence` and `.accuracy`.",
    pseudocode="bins ← sort the texts into bins, and leave the empty ones out\n"
    "for each: its number of texts, times the distance of accuracy and confidence\n"
    "return the sum of these, over the number of all texts",
)
