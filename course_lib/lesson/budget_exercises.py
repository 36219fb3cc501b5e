"""The exercises of lesson 05c on budgets: of seeds, of parameters and tokens."""

import math
from collections.abc import Callable
from statistics import NormalDist

from course_lib.compute.scaling import (
    LossLaw,
    ModelAndData,
    besiroglu_law,
    compute_optimal,
    hoffmann_law,
)
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error, right_except_on

ROUND_LAW = LossLaw(
    floor=1.0, size_factor=8.0, size_exponent=0.5, data_factor=27.0, data_exponent=1.0
)
MANY_TOKENS_LAW = LossLaw(
    floor=0.25, size_factor=3.0, size_exponent=0.7, data_factor=900.0, data_exponent=0.3
)
FEWEST = "a difference many times the spread"
NO_SPREAD = "runs that all end alike"


def _seeds(
    *,
    groups: float = 2,
    one_sided: bool = False,
    with_power: bool = True,
    square: bool = True,
    least: int = 2,
) -> Callable[..., int]:
    """Make a twin of `seeds_needed` that leaves something out."""

    def twin(difference: float, sd: float, *, confidence: float = 0.95, power: float = 0.8) -> int:
        if difference == 0 or sd < 0 or not 0 < confidence < 1 or not 0 < power < 1:
            raise ValueError("out of range")
        normal = NormalDist()
        z = normal.inv_cdf(confidence if one_sided else (1 + confidence) / 2)
        ratio = (z + with_power * normal.inv_cdf(power)) * sd / abs(difference)
        return max(least, math.ceil(groups * (ratio**2 if square else ratio)))

    return twin


def _rounded_down(
    difference: float, sd: float, *, confidence: float = 0.95, power: float = 0.8
) -> int:
    normal = NormalDist()
    z = normal.inv_cdf((1 + confidence) / 2) + normal.inv_cdf(power)
    return max(2, math.floor(2 * (z * sd / difference) ** 2))


SEEDS_NEEDED = Exercise(
    key="05c:seeds_needed",
    target="course_lib.compute.scaling:seeds_needed",
    level="core",
    cases=(
        Case(why="a difference as large as the spread", args=lambda: (0.05, 0.05)),
        Case(why="a fifth of the spread", args=lambda: (0.01, 0.05)),
        Case(why="a recipe that is worse", args=lambda: (-0.02, 0.05)),
        Case(
            why="99 % confidence, seen nine times in ten",
            args=lambda: (0.3, 0.7),
            options=dict(confidence=0.99, power=0.9),
        ),
        Case(why=FEWEST, args=lambda: (2.0, 0.05)),
        Case(why=NO_SPREAD, args=lambda: (0.1, 0.0)),
        Case(why="no difference", args=lambda: (0.0, 0.05), raises=ValueError),
        Case(why="a negative spread", args=lambda: (0.1, -0.05), raises=ValueError),
        Case(
            why="a confidence of 100 %",
            args=lambda: (0.1, 0.05),
            options=dict(confidence=1.0),
            raises=ValueError,
        ),
        Case(
            why="a confidence below 0",
            args=lambda: (0.1, 0.05),
            options=dict(confidence=-0.5),
            raises=ValueError,
        ),
        Case(
            why="a power of 0",
            args=lambda: (0.1, 0.05),
            options=dict(power=0.0),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="one-group-only",
            seen=agrees_with(_seeds(groups=1), except_on=FEWEST),
            hint="You count the noise of one recipe. Both are noisy: what is the variance of a "
            "difference of two independent means?",
        ),
        Mistake(
            name="one-sided",
            seen=agrees_with(_seeds(one_sided=True), except_on=FEWEST),
            hint="An interval of 95 % leaves out 2.5 % on *each* side. Which quantile of the "
            "normal distribution is that?",
        ),
        Mistake(
            name="power-forgotten",
            seen=agrees_with(_seeds(with_power=False), except_on=FEWEST),
            hint="You left the power out. Then a true difference lies at the edge of the interval, "
            "and you see it only every second time.",
        ),
        Mistake(
            name="not-squared",
            seen=agrees_with(_seeds(square=False), except_on=FEWEST),
            hint="A mean of n seeds is only √n times as sure as one seed. What does half the "
            "difference cost, then?",
        ),
        Mistake(
            name="rounded-down",
            seen=agrees_with(_rounded_down, except_on=FEWEST),
            hint="You round down, and the last seed is missing. Round up.",
        ),
        Mistake(
            name="refuses-no-spread",
            seen=right_except_on(NO_SPREAD),
            hint="A spread of 0 is unusual, but it is no error: two seeds of each are enough. "
            "Only a spread below 0 is impossible.",
        ),
        Mistake(
            name="one-run-is-enough",
            seen=right_except_on(FEWEST, NO_SPREAD),
            hint="Where the difference is many times the spread you return 1 or 0. One run tells "
            "nothing of the spread: return at least 2.",
        ),
        Mistake(
            name="accepts-anything",
            seen=right_but_for_the_error,
            hint="The numbers are right. Raise a ValueError for a difference of 0, a negative "
            "spread, and for a confidence or power that is not between 0 and 1.",
        ),
    ),
    nudge="The difference of two means of n seeds has the standard deviation sd · √(2/n). How many "
    "of those must fit into the difference? Solve for n.",
    shapes="In: two numbers (and two shares). Out: a whole number, at least 2. "
    "`NormalDist().inv_cdf(p)` gives a quantile.",
    pseudocode="if a number is out of range: raise a ValueError\n"
    "z ← quantile that leaves (1 - confidence) / 2 above it, plus the quantile of the power\n"
    "n ← twice the square of z · sd / difference, rounded up\n"
    "return n, or 2 if that is more",
)


Term = Callable[[LossLaw, float, float], float]


def _predicting(predict: Term) -> Callable[[LossLaw, float, float], float]:
    """Make a twin of `predicted_loss` from its formula."""

    def twin(law: LossLaw, n_parameters: float, n_tokens: float) -> float:
        if n_parameters <= 0 or n_tokens <= 0:
            raise ValueError("both must be > 0")
        return predict(law, n_parameters, n_tokens)

    return twin


def _terms(law: LossLaw, n: float, d: float) -> tuple[float, float]:
    return law.size_factor / n**law.size_exponent, law.data_factor / d**law.data_exponent


def _grows(law: LossLaw, n: float, d: float) -> float:
    size, data = law.size_factor * n**law.size_exponent, law.data_factor * d**law.data_exponent
    return law.floor + size + data


def _factor_inside(law: LossLaw, n: float, d: float) -> float:
    size = (law.size_factor / n) ** law.size_exponent
    return law.floor + size + (law.data_factor / d) ** law.data_exponent


PREDICTED_LOSS = Exercise(
    key="05c:predicted_loss",
    target="course_lib.compute.scaling:predicted_loss",
    level="easy",
    cases=(
        Case(why="round numbers", args=lambda: (ROUND_LAW, 16.0, 9.0)),
        Case(why="other exponents", args=lambda: (MANY_TOKENS_LAW, 3e4, 2e5)),
        Case(
            why="Chinchilla: 70e9 parameters, 1.4e12 tokens",
            args=lambda: (hoffmann_law(), 70e9, 1.4e12),
        ),
        Case(why="GPT-3 by the corrected law", args=lambda: (besiroglu_law(), 175e9, 300e9)),
        Case(why="no parameters", args=lambda: (ROUND_LAW, 0.0, 9.0), raises=ValueError),
        Case(why="no tokens", args=lambda: (ROUND_LAW, 9.0, 0.0), raises=ValueError),
        Case(why="fewer than no tokens", args=lambda: (ROUND_LAW, 9.0, -4.0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="floor-forgotten",
            twin=_predicting(lambda law, n, d: sum(_terms(law, n, d))),
            hint="You left the floor out: what even an endless model with endless data cannot "
            "foresee.",
        ),
        Mistake(
            name="grows-with-size",
            twin=_predicting(_grows),
            hint="Your loss grows with the model and the data. The powers belong below the line.",
        ),
        Mistake(
            name="model-and-data-swapped",
            twin=_predicting(lambda law, n, d: law.floor + sum(_terms(law, d, n))),
            hint="You put the tokens where the parameters belong.",
        ),
        Mistake(
            name="factor-inside-the-power",
            twin=_predicting(_factor_inside),
            hint="You raise the factor to the power, too. Only N and D are raised.",
        ),
        Mistake(
            name="only-the-larger-term",
            twin=_predicting(lambda law, n, d: law.floor + max(_terms(law, n, d))),
            hint="You take only the larger of the two terms. Both are paid.",
        ),
        Mistake(
            name="accepts-nothing",
            seen=right_but_for_the_error,
            hint="The numbers are right. Raise a ValueError if a number is not above 0.",
        ),
    ),
    nudge="Three parts: what nobody can foresee, what a model of this size cannot hold, and what "
    "so few tokens cannot teach.",
    shapes="In: a `LossLaw` with the five constants, and two numbers. Out: one number.",
    pseudocode="if a number is not above 0: raise a ValueError\n"
    "too small ← A over N to the alpha\n"
    "too little ← B over D to the beta\n"
    "return the floor and both",
)


def _shared(split: Callable[[LossLaw, float], float]) -> Callable[[LossLaw, float], ModelAndData]:
    """Make a twin of `compute_optimal` from the parameters that it takes for a product N · D."""

    def twin(law: LossLaw, flops: float) -> ModelAndData:
        if flops <= 0:
            raise ValueError("flops must be > 0")
        n_parameters = split(law, flops / 6)
        return ModelAndData(n_parameters, flops / 6 / n_parameters)

    return twin


def _balance(law: LossLaw) -> float:
    total = law.size_exponent + law.data_exponent
    ratio = law.size_exponent * law.size_factor / (law.data_exponent * law.data_factor)
    return ratio ** (1 / total)


def _power(exponent: float, law: LossLaw) -> float:
    return exponent / (law.size_exponent + law.data_exponent)


def _exponents_swapped(law: LossLaw, product: float) -> float:
    return _balance(law) * product ** _power(law.size_exponent, law)


def _without_six(law: LossLaw, flops: float) -> ModelAndData:
    n_parameters = _balance(law) * flops ** _power(law.data_exponent, law)
    return ModelAndData(n_parameters, flops / n_parameters)


def _without_root(law: LossLaw, product: float) -> float:
    ratio = law.size_exponent * law.size_factor / (law.data_exponent * law.data_factor)
    return ratio * product ** _power(law.data_exponent, law)


def _exponents_not_in_balance(law: LossLaw, product: float) -> float:
    root = 1 / (law.size_exponent + law.data_exponent)
    ratio = law.size_factor / law.data_factor
    return ratio**root * product ** _power(law.data_exponent, law)


def _turned_round(observations: tuple[Observation, ...]) -> bool:
    plain = [one for one in observations if one.case.raises is None]
    return all(
        isinstance(one.value, tuple)
        and len(one.value) == 2
        and all(
            math.isclose(value, expected, rel_tol=1e-5)
            for value, expected in zip(one.value, one.expected[::-1], strict=True)
        )
        for one in plain
    )


def _plain_tuple(observations: tuple[Observation, ...]) -> bool:
    plain = [one for one in observations if one.case.raises is None]
    return all(
        type(one.value) in (tuple, list)
        and len(one.value) == 2
        and all(
            math.isclose(value, expected, rel_tol=1e-5)
            for value, expected in zip(one.value, one.expected, strict=True)
        )
        for one in plain
    )


def _does_not_spend(law: LossLaw, flops: float) -> ModelAndData:
    n_parameters, n_tokens = compute_optimal(law, flops)
    return ModelAndData(n_parameters, 6 * n_tokens)


COMPUTE_OPTIMAL = Exercise(
    key="05c:compute_optimal",
    target="course_lib.compute.scaling:compute_optimal",
    level="stretch",
    cases=(
        Case(why="round numbers", args=lambda: (ROUND_LAW, 6e6)),
        Case(why="data that helps slowly", args=lambda: (MANY_TOKENS_LAW, 1e10)),
        Case(why="Gopher's budget, the rounded law", args=lambda: (hoffmann_law(), 5.76e23)),
        Case(why="Gopher's budget, the corrected law", args=lambda: (besiroglu_law(), 5.76e23)),
        Case(why="no budget", args=lambda: (ROUND_LAW, 0.0), raises=ValueError),
        Case(why="a budget below 0", args=lambda: (ROUND_LAW, -6e6), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="exponents-swapped",
            twin=_shared(_exponents_swapped),
            hint="You raise the budget to alpha over the sum. If data helps fast (a large beta), "
            "little data is enough, and the *model* may grow: which exponent belongs to N?",
        ),
        Mistake(
            name="six-forgotten",
            twin=_without_six,
            hint="You spend the budget as if C were N · D. Each parameter costs six operations "
            "per token.",
        ),
        Mistake(
            name="six-forgotten-in-the-tokens",
            twin=_does_not_spend,
            hint="Your N is right; 6 · N · D is not the budget. Solve C = 6 · N · D for D.",
        ),
        Mistake(
            name="root-forgotten",
            twin=_shared(_without_root),
            hint="The balance G is raised to 1 / (alpha + beta). Without it, the units do not even "
            "fit.",
        ),
        Mistake(
            name="exponents-missing-in-the-balance",
            twin=_shared(_exponents_not_in_balance),
            hint="G compares alpha · A with beta · B: the *slopes* of the two terms are to be "
            "equal, not the terms themselves.",
        ),
        Mistake(
            name="half-and-half",
            twin=_shared(lambda law, product: math.sqrt(product)),
            hint="You give parameters and tokens the same number. The law says how to share out.",
        ),
        Mistake(
            name="tokens-first",
            seen=_turned_round,
            hint="Both numbers are right, in the wrong order: parameters first, then tokens.",
        ),
        Mistake(
            name="plain-tuple",
            seen=_plain_tuple,
            hint="Both numbers are right. Return them as `ModelAndData(n_parameters, n_tokens)`.",
        ),
        Mistake(
            name="accepts-no-budget",
            seen=right_but_for_the_error,
            hint="The numbers are right. Raise a ValueError for a budget that is not above 0.",
        ),
    ),
    nudge="At the optimum, moving a little of the budget from the model to the data changes "
    "nothing. So which two slopes are equal?",
    shapes="In: a `LossLaw` and one number. Out: a `ModelAndData`, parameters first.",
    pseudocode="if the budget is not above 0: raise a ValueError\n"
    "G ← (alpha · A / (beta · B)) to the power of 1 / (alpha + beta)\n"
    "N ← G · (C / 6) to the power of beta / (alpha + beta)\n"
    "D ← what is left of the budget: C / (6 · N)\n"
    "return ModelAndData(N, D)",
)
