"""The exercises of lesson 05c, scaling: what a run costs, and laws of what it buys.

Those on sharing a budget out are in `budget_exercises`.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from course_lib.compute.scaling import PowerLaw
from course_lib.lesson.budget_exercises import COMPUTE_OPTIMAL, PREDICTED_LOSS, SEEDS_NEEDED
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import right_but_for_the_error


def _operations(factor: float) -> Callable[[float, float], float]:
    """Make a twin of `training_flops` that counts `factor` per parameter and token."""

    def twin(n_parameters: float, n_tokens: float) -> float:
        if n_parameters <= 0 or n_tokens <= 0:
            raise ValueError("both must be > 0")
        return factor * n_parameters * n_tokens

    return twin


TRAINING_FLOPS = Exercise(
    key="05c:training_flops",
    target="course_lib.compute.scaling:training_flops",
    level="easy",
    cases=(
        Case(why="a matrix of 3 × 5 and 7 tokens", args=lambda: (15.0, 7.0)),
        Case(why="a small model", args=lambda: (30_272.0, 99_255.0)),
        Case(why="GPT-3", args=lambda: (175e9, 300e9)),
        Case(why="no tokens", args=lambda: (3.0, 0.0), raises=ValueError),
        Case(why="less than no parameters", args=lambda: (-3.0, 2.0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="only-forward",
            twin=_operations(2),
            hint="That is the forward pass alone. How many products of the same size does the "
            "backward pass take, for each matrix?",
        ),
        Mistake(
            name="only-backward",
            twin=_operations(4),
            hint="That is the backward pass alone. Before it, each token goes forward.",
        ),
        Mistake(
            name="multiplications-only",
            twin=_operations(3),
            hint="You count multiplications. Each comes with an addition, which is an operation, "
            "too.",
        ),
        Mistake(
            name="one-per-parameter",
            twin=_operations(1),
            hint="You count one operation per parameter and token. Multiplying and adding are "
            "two, and there is a backward pass.",
        ),
        Mistake(
            name="backward-as-forward",
            twin=_operations(8),
            hint="You count the forward pass twice, as if activations were computed again. That "
            "is right for recomputed activations, but not for the plain run.",
        ),
        Mistake(
            name="accepts-nothing",
            seen=right_but_for_the_error,
            hint="The numbers are right. Raise a ValueError if one of them is not above 0.",
        ),
    ),
    nudge="One weight and one token: which operations does the weight take part in, forwards? And "
    "backwards, for which two gradients?",
    shapes="In: two numbers, parameters and tokens. Out: one number.",
    pseudocode="if a number is not above 0: raise a ValueError\n"
    "forwards: a multiplication and an addition per parameter and token\n"
    "backwards: the same twice\n"
    "return all three together, times parameters, times tokens",
)


Fit = Callable[[np.ndarray, np.ndarray], tuple[float, float]]


def _checked(fit: Fit) -> Callable[[Sequence[float], Sequence[float]], PowerLaw]:
    """Make a twin of `fit_power_law` from what it does with good numbers."""

    def twin(x: Sequence[float], y: Sequence[float]) -> PowerLaw:
        if len(x) != len(y) or min(*x, *y) <= 0 or len(set(x)) < 2:
            raise ValueError("x and y must be > 0 and of one length")
        return PowerLaw(*fit(np.asarray(x), np.asarray(y)))

    return twin


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return offset and slope of the straight line through the points."""
    slope, offset = np.polyfit(x, y, 1)
    return float(offset), float(slope)


def _rising(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(np.log(x), np.log(y))
    return math.exp(offset), slope


def _offset_left_as_log(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(np.log(x), np.log(y))
    return offset, -slope


def _logs_of_x_only(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(np.log(x), y)
    return offset, -slope


def _without_logs(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(x, y)
    return offset, -slope


def _mixed_bases(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(np.log10(x), np.log10(y))
    return math.exp(offset), -slope


def _axes_swapped(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    offset, slope = _line(np.log(y), np.log(x))
    return math.exp(offset), -slope


def _two_ends(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    exponent = -float(np.log(y[-1] / y[0]) / np.log(x[-1] / x[0]))
    return float(y[0] * x[0] ** exponent), exponent


def _through_one(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    log_x, log_y = np.log(x), np.log(y)
    return 1.0, -float(log_x @ log_y / (log_x @ log_x))


def _one_run_per_size(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    runs = dict(zip(x.tolist(), y.tolist(), strict=True))
    offset, slope = _line(np.log(list(runs)), np.log(list(runs.values())))
    return math.exp(offset), -slope


def _plain_tuples(observations: tuple[Observation, ...]) -> bool:
    plain = [one for one in observations if one.case.raises is None]
    return all(
        type(one.value) in (tuple, list)
        and len(one.value) == 2
        and np.allclose(one.value, one.expected, rtol=1e-5)
        for one in plain
    )


NOISE = (1.1, 0.8, 1.05, 1.2, 0.9)

FIT_POWER_LAW = Exercise(
    key="05c:fit_power_law",
    target="course_lib.compute.scaling:fit_power_law",
    level="core",
    cases=(
        Case(
            why="an exact law: 100 times the size, a tenth",
            args=lambda: ([1.0, 100.0, 10_000.0], [4.0, 0.4, 0.04]),
        ),
        Case(
            why="noisy losses",
            args=lambda: (
                [1e4, 3e4, 1e5, 3e5, 1e6],
                [
                    n * 30 * size**-0.3
                    for n, size in zip(NOISE, (1e4, 3e4, 1e5, 3e5, 1e6), strict=True)
                ],
            ),
        ),
        Case(
            why="sizes in no order",
            args=lambda: ([700.0, 20.0, 150.0, 3.0], [0.5, 3.0, 1.5, 6.0]),
        ),
        Case(why="something that grows", args=lambda: ([2.0, 4.0, 9.0], [1.0, 2.2, 4.0])),
        Case(
            why="two runs of one size",
            args=lambda: ([5.0, 5.0, 40.0, 300.0], [3.0, 2.0, 1.25, 0.5]),
        ),
        Case(why="a loss at the floor", args=lambda: ([1.0, 2.0], [1.0, 0.0]), raises=ValueError),
        Case(
            why="a loss below the floor", args=lambda: ([1.0, 2.0], [1.0, -0.1]), raises=ValueError
        ),
        Case(why="a model of no size", args=lambda: ([0.0, 2.0], [1.0, 0.5]), raises=ValueError),
        Case(why="one size only", args=lambda: ([2.0, 2.0], [1.0, 3.0]), raises=ValueError),
        Case(why="a loss too few", args=lambda: ([1.0, 2.0, 3.0], [3.0, 2.0]), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="sign-of-the-exponent",
            twin=_checked(_rising),
            hint="You return the slope itself. The law says x to the power of *minus* the "
            "exponent.",
        ),
        Mistake(
            name="factor-left-as-logarithm",
            twin=_checked(_offset_left_as_log),
            hint="Your factor is still a logarithm: the line's height where log x is 0. Which "
            "function undoes the logarithm?",
        ),
        Mistake(
            name="only-x-in-logarithms",
            twin=_checked(_logs_of_x_only),
            hint="You took the logarithm of x alone. A power law is a straight line only if both "
            "axes are logarithmic.",
        ),
        Mistake(
            name="no-logarithms",
            twin=_checked(_without_logs),
            hint="You fitted a straight line to the numbers as they are. What must be done to "
            "both, so that a power becomes a slope?",
        ),
        Mistake(
            name="two-kinds-of-logarithms",
            twin=_checked(_mixed_bases),
            hint="You took logarithms to base 10 and undid them to base e. The slope does not "
            "mind; the factor does.",
        ),
        Mistake(
            name="axes-swapped",
            twin=_checked(_axes_swapped),
            hint="You fitted x to y. Which of the two is measured with an error, and should be "
            "explained?",
        ),
        Mistake(
            name="only-the-ends",
            twin=_checked(_two_ends),
            hint="You used the first and the last point only. Each carries its noise into the "
            "law: use all points (least squares).",
        ),
        Mistake(
            name="line-through-the-origin",
            twin=_checked(_through_one),
            hint="You forced the line through (0, 0) in logarithms, that is y = 1 at x = 1. The "
            "line has a height of its own.",
        ),
        Mistake(
            name="one-run-per-size",
            twin=_checked(_one_run_per_size),
            hint="Of several runs of one size you keep only the last. Each run is a point of its "
            "own.",
        ),
        Mistake(
            name="plain-tuple",
            seen=_plain_tuples,
            hint="The two numbers are right. Return them as `PowerLaw(factor, exponent)`, so that "
            "nobody mixes them up.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The fits are right. Raise a ValueError where there is no law to fit: other "
            "lengths, numbers that are not above 0, or all sizes the same.",
        ),
    ),
    nudge="Take the logarithm of both sides of y = factor · x^(-exponent). What is the slope of "
    "the line now, and what its height at log x = 0?",
    shapes="In: two lists of numbers, equally long. Out: a `PowerLaw` of two plain numbers.",
    pseudocode="if lengths differ, a number is not above 0, or all x are the same: ValueError\n"
    "u, v ← the logarithms of x and of y, minus their means\n"
    "slope ← sum of u · v / sum of u · u\n"
    "height ← mean log y - slope · mean log x\n"
    "return PowerLaw(e to the height, minus the slope)",
)


EXERCISES: tuple[Exercise, ...] = (
    TRAINING_FLOPS,
    SEEDS_NEEDED,
    FIT_POWER_LAW,
    PREDICTED_LOSS,
    COMPUTE_OPTIMAL,
)
