"""The exercises of lesson A1, in the order of the lesson."""

import math
import statistics
from collections.abc import Callable, Sequence

from course_lib.lesson.adamw_exercise import ADAMW_STEP
from course_lib.lesson.backward_exercise import MLP_BACKWARD
from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.loss_exercises import CROSS_ENTROPY, SOFTMAX
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error


def _moments(values: Sequence[float]) -> tuple[float, float]:
    return statistics.fmean(values), statistics.stdev(values)


def _spread_twin(
    spread: Callable[[Sequence[float]], float],
    centre: Callable[[Sequence[float]], float] = statistics.fmean,
) -> Callable[[Sequence[float]], tuple[float, float]]:
    return lambda values: (centre(values), spread(values))


MEAN_AND_SD = Exercise(
    key="a1:mean_and_sd",
    target="course_lib.evaluation.spread:mean_and_sd",
    level="easy",
    cases=(
        Case(why="the scores 0.7, 0.5 and 0.9", args=lambda: ([0.7, 0.5, 0.9],)),
        Case(why="two scores", args=lambda: ([0.61, 0.58],)),
        Case(why="five uneven scores", args=lambda: ([3.1, 2.7, 2.9, 4.8, 2.5],)),
        Case(why="a single score", args=lambda: ([0.8],), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="single-run-accepted",
            seen=right_but_for_the_error,
            hint="Right for two scores and more. But one run says nothing about spread: 0 would be "
            "a claim, and 0/0 is an accident. The docstring says what to raise.",
        ),
        Mistake(
            name="divided-by-n",
            seen=agrees_with(_spread_twin(statistics.pstdev)),
            hint="You divide by n. The mean was taken from these same values, so they lie closer "
            "to it than to the true one; dividing by n - 1 makes up for that.",
        ),
        Mistake(
            name="variance-returned",
            seen=agrees_with(_spread_twin(statistics.variance)),
            hint="That is the variance: its unit is score². What brings it back to the unit of the "
            "scores?",
        ),
        Mistake(
            name="standard-error",
            seen=agrees_with(
                _spread_twin(lambda values: statistics.stdev(values) / math.sqrt(len(values)))
            ),
            hint="You divided by √n once more: that is the uncertainty of the mean. The standard "
            "deviation says how far apart single runs lie.",
        ),
        Mistake(
            name="mean-distance",
            seen=agrees_with(
                _spread_twin(
                    lambda values: statistics.fmean(
                        abs(v - statistics.fmean(values)) for v in values
                    )
                )
            ),
            hint="You average the distances. The standard deviation averages their squares, over "
            "n - 1, and takes the root at the end.",
        ),
        Mistake(
            name="root-before-the-division",
            seen=agrees_with(
                _spread_twin(
                    lambda values: (
                        math.sqrt(statistics.variance(values) * (len(values) - 1))
                        / (len(values) - 1)
                    )
                )
            ),
            hint="You take the root of the sum of squares and divide afterwards. Divide first, "
            "then take the root.",
        ),
        Mistake(
            name="range",
            seen=agrees_with(_spread_twin(lambda values: max(values) - min(values))),
            hint="Highest minus lowest grows with every run you add. Use all distances from the "
            "mean, squared.",
        ),
        Mistake(
            name="median",
            seen=agrees_with(_spread_twin(statistics.stdev, statistics.median)),
            hint="The first number is the median; the mean is the sum over n.",
        ),
        Mistake(
            name="order-swapped",
            seen=agrees_with(lambda values: _moments(values)[::-1]),
            hint="Both numbers are right, but the mean comes first.",
        ),
    ),
    nudge="How far is each score from the mean, squared? Average that (over n - 1), and take the "
    "root so that the unit is the score's own again.",
    shapes="In: a list of n numbers. Out: a tuple of two numbers, (mean, sd).",
    pseudocode="if there are fewer than 2 values: raise ValueError\n"
    "mean ← sum of values / n\n"
    "variance ← sum of (value - mean)² / (n - 1)\n"
    "return mean and √variance",
)

EXERCISES = (SOFTMAX, CROSS_ENTROPY, MLP_BACKWARD, ADAMW_STEP, MEAN_AND_SD)
