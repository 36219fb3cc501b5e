"""Wrong answers to the exercises of lesson 05c on budgets."""

import math
from statistics import NormalDist

from course_lib.compute.scaling import ModelAndData

# --- seeds_needed --------------------------------------------------------------------------------


def z_of(share):
    return NormalDist().inv_cdf(share)


def check_seeds(difference, sd, confidence, power):
    if difference == 0:
        raise ValueError("no difference")
    if sd < 0 or confidence <= 0 or confidence >= 1 or power <= 0 or power >= 1:
        raise ValueError("out of range")


def one_recipe(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return max(2, math.ceil((z * sd / difference) ** 2))


def one_tail(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    z = z_of(confidence) + z_of(power)
    return max(2, math.ceil(2 * (z * sd / difference) ** 2))


def no_power(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    return max(2, math.ceil(2 * (z_of(0.5 + confidence / 2) * sd / difference) ** 2))


def linear(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return max(2, math.ceil(2 * z * sd / abs(difference)))


def cut_off(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return max(2, int(2 * (z * sd / difference) ** 2))


def one_is_enough(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return math.ceil(2 * (z * sd / difference) ** 2)


def all_alike_refused(difference, sd, *, confidence=0.95, power=0.8):
    check_seeds(difference, sd, confidence, power)
    if not sd:
        raise ValueError("without a spread there is nothing to compute")
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return max(2, math.ceil(2 * (z * sd / difference) ** 2))


def never_refuses(difference, sd, *, confidence=0.95, power=0.8):
    if difference == 0 or not 0 < confidence < 1 or not 0 < power < 1:
        return 2
    z = z_of(0.5 + confidence / 2) + z_of(power)
    return max(2, math.ceil(2 * (z * sd / difference) ** 2))


# --- predicted_loss ------------------------------------------------------------------------------


def positive(*numbers):
    for number in numbers:
        if number <= 0:
            raise ValueError(f"must be > 0; got {number}.")


def no_floor(law, n_parameters, n_tokens):
    positive(n_parameters, n_tokens)
    loss = law.size_factor * n_parameters ** (-law.size_exponent)
    return loss + law.data_factor * n_tokens ** (-law.data_exponent)


def growing(law, n_parameters, n_tokens):
    positive(n_parameters, n_tokens)
    loss = law.floor + law.size_factor * n_parameters**law.size_exponent
    return loss + law.data_factor * n_tokens**law.data_exponent


def swapped(law, n_parameters, n_tokens):
    positive(n_parameters, n_tokens)
    loss = law.floor + law.size_factor / n_tokens**law.size_exponent
    return loss + law.data_factor / n_parameters**law.data_exponent


def inside(law, n_parameters, n_tokens):
    positive(n_parameters, n_tokens)
    loss = law.floor + (law.size_factor / n_parameters) ** law.size_exponent
    return loss + (law.data_factor / n_tokens) ** law.data_exponent


def bottleneck(law, n_parameters, n_tokens):
    positive(n_parameters, n_tokens)
    size = law.size_factor / n_parameters**law.size_exponent
    data = law.data_factor / n_tokens**law.data_exponent
    return law.floor + (size if size > data else data)


def lenient(law, n_parameters, n_tokens):
    loss = law.floor
    if n_parameters > 0:
        loss += law.size_factor / n_parameters**law.size_exponent
    if n_tokens > 0:
        loss += law.data_factor / n_tokens**law.data_exponent
    return loss


# --- compute_optimal -----------------------------------------------------------------------------


def balance(law):
    ratio = law.size_exponent * law.size_factor / law.data_exponent / law.data_factor
    return ratio ** (1 / (law.size_exponent + law.data_exponent))


def alpha_for_n(law, flops):
    positive(flops)
    share = law.size_exponent / (law.size_exponent + law.data_exponent)
    n = balance(law) * (flops / 6) ** share
    return ModelAndData(n, flops / 6 / n)


def no_six(law, flops):
    positive(flops)
    share = law.data_exponent / (law.size_exponent + law.data_exponent)
    n = balance(law) * flops**share
    return ModelAndData(n, flops / n)


def half_a_six(law, flops):
    positive(flops)
    share = law.data_exponent / (law.size_exponent + law.data_exponent)
    n = balance(law) * (flops / 6) ** share
    return ModelAndData(n, flops / n)


def no_root(law, flops):
    positive(flops)
    both = law.size_exponent + law.data_exponent
    ratio = law.size_exponent * law.size_factor / law.data_exponent / law.data_factor
    n = ratio * (flops / 6) ** (law.data_exponent / both)
    return ModelAndData(n, flops / 6 / n)


def terms_equal(law, flops):
    positive(flops)
    both = law.size_exponent + law.data_exponent
    g = (law.size_factor / law.data_factor) ** (1 / both)
    n = g * (flops / 6) ** (law.data_exponent / both)
    return ModelAndData(n, flops / (6 * n))


def fifty_fifty(law, flops):
    positive(flops)
    n = math.sqrt(flops / 6)
    return ModelAndData(n, n)


def right(law, flops):
    positive(flops)
    both = law.size_exponent + law.data_exponent
    n = balance(law) * (flops / 6) ** (law.data_exponent / both)
    return ModelAndData(n, flops / 6 / n)


def tokens_first(law, flops):
    n, d = right(law, flops)
    return ModelAndData(d, n)


def bare_pair(law, flops):
    return tuple(right(law, flops))


def endless_credit(law, flops):
    return right(law, flops) if flops > 0 else ModelAndData(0.0, 0.0)


WRONG = {
    "05c:seeds_needed": [
        ("one-group-only", one_recipe),
        ("one-sided", one_tail),
        ("power-forgotten", no_power),
        ("not-squared", linear),
        ("rounded-down", cut_off),
        ("refuses-no-spread", all_alike_refused),
        ("one-run-is-enough", one_is_enough),
        ("accepts-anything", never_refuses),
    ],
    "05c:predicted_loss": [
        ("floor-forgotten", no_floor),
        ("grows-with-size", growing),
        ("model-and-data-swapped", swapped),
        ("factor-inside-the-power", inside),
        ("only-the-larger-term", bottleneck),
        ("accepts-nothing", lenient),
    ],
    "05c:compute_optimal": [
        ("exponents-swapped", alpha_for_n),
        ("six-forgotten", no_six),
        ("six-forgotten-in-the-tokens", half_a_six),
        ("root-forgotten", no_root),
        ("exponents-missing-in-the-balance", terms_equal),
        ("half-and-half", fifty_fifty),
        ("tokens-first", tokens_first),
        ("plain-tuple", bare_pair),
        ("accepts-no-budget", endless_credit),
    ],
}
