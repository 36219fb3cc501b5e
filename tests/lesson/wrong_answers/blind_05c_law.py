"""Wrong answers to lesson 05c's exercises on a fitted law, thought up from their texts."""

import math

import numpy as np

from course_lib.compute.scaling import ModelAndData


def refuse(*numbers):
    if any(number <= 0 for number in numbers):
        raise ValueError(f"must be > 0; got {numbers}.")


# --- predicted_loss ------------------------------------------------------------------------------


def terms_multiplied(law, n_parameters, n_tokens):
    """Multiply what the model lacks by what the text lacks."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor / n_parameters**law.size_exponent
    return law.floor + size * law.data_factor / n_tokens**law.data_exponent


def one_exponent_for_both(law, n_parameters, n_tokens):
    """Raise the tokens to the exponent of the size."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor / n_parameters**law.size_exponent
    return law.floor + size + law.data_factor / n_tokens**law.size_exponent


def in_billions(law, n_parameters, n_tokens):
    """Count parameters and tokens in billions, as papers write them."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor / (n_parameters / 1e9) ** law.size_exponent
    return law.floor + size + law.data_factor / (n_tokens / 1e9) ** law.data_exponent


def floor_as_a_limit(law, n_parameters, n_tokens):
    """Let the floor cut the loss off instead of lifting it."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor / n_parameters**law.size_exponent
    return max(law.floor, size + law.data_factor / n_tokens**law.data_exponent)


def exponential_instead_of_power(law, n_parameters, n_tokens):
    """Let the loss fall by e to the power."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor * math.exp(-law.size_exponent * n_parameters)
    return law.floor + size + law.data_factor * math.exp(-law.data_exponent * n_tokens)


def product_first(law, n_parameters, n_tokens):
    """Divide by the product of number and exponent."""
    refuse(n_parameters, n_tokens)
    size = law.size_factor / (n_parameters * law.size_exponent)
    return law.floor + size + law.data_factor / (n_tokens * law.data_exponent)


def below_nought_is_taken(law, n_parameters, n_tokens):
    """Refuse 0 only, where the division fails."""
    if 0 in (n_parameters, n_tokens):
        raise ValueError("must not be 0")
    size = law.size_factor / n_parameters**law.size_exponent
    return law.floor + size + law.data_factor / n_tokens**law.data_exponent


# --- compute_optimal -----------------------------------------------------------------------------


def parts(law):
    return law.size_exponent, law.data_exponent, law.size_factor, law.data_factor


def balance_upside_down(law, flops):
    """Turn the fraction in G round."""
    refuse(flops)
    a, b, size, data = parts(law)
    n = ((b * data) / (a * size)) ** (1 / (a + b)) * (flops / 6) ** (b / (a + b))
    return ModelAndData(n, flops / 6 / n)


def root_as_a_power(law, flops):
    """Raise G to alpha + beta."""
    refuse(flops)
    a, b, size, data = parts(law)
    n = ((a * size) / (b * data)) ** (a + b) * (flops / 6) ** (b / (a + b))
    return ModelAndData(n, flops / 6 / n)


def balance_for_the_tokens_too(law, flops):
    """Multiply the tokens by G instead of dividing."""
    refuse(flops)
    a, b, size, data = parts(law)
    g = ((a * size) / (b * data)) ** (1 / (a + b))
    return ModelAndData(g * (flops / 6) ** (b / (a + b)), g * (flops / 6) ** (a / (a + b)))


def twenty_tokens_a_parameter(law, flops):
    """Take the rule of thumb instead of the law."""
    refuse(flops)
    n = math.sqrt(flops / 120)
    return ModelAndData(n, 20 * n)


def brackets_forgotten(law, flops):
    """Divide by alpha and add beta."""
    refuse(flops)
    a, b, size, data = parts(law)
    n = ((a * size) / (b * data)) ** (1 / (a + b)) * (flops / 6) ** (b / a + b)
    return ModelAndData(n, flops / 6 / n)


def searched_on_a_grid(law, flops):
    """Try a thousand sizes and keep the best."""
    refuse(flops)
    sizes = np.geomspace(1, flops / 6, 1000)
    losses = law.size_factor / sizes**law.size_exponent
    losses += law.data_factor / (flops / 6 / sizes) ** law.data_exponent
    n = float(sizes[losses.argmin()])
    return ModelAndData(n, flops / 6 / n)


def whole_numbers(law, flops):
    """Round to whole parameters and tokens."""
    refuse(flops)
    a, b, size, data = parts(law)
    n = ((a * size) / (b * data)) ** (1 / (a + b)) * (flops / 6) ** (b / (a + b))
    return ModelAndData(int(n), int(flops / 6 / n))


def debts_are_taken(law, flops):
    """Refuse an empty budget but not a debt."""
    if flops == 0:
        raise ValueError("flops must not be 0")
    a, b, size, data = parts(law)
    n = ((a * size) / (b * data)) ** (1 / (a + b)) * (flops / 6) ** (b / (a + b))
    return ModelAndData(n, flops / 6 / n)


BLIND = [
    ("05c:predicted_loss", terms_multiplied),
    ("05c:predicted_loss", one_exponent_for_both),
    ("05c:predicted_loss", in_billions),
    ("05c:predicted_loss", floor_as_a_limit),
    ("05c:predicted_loss", exponential_instead_of_power),
    ("05c:predicted_loss", product_first),
    ("05c:predicted_loss", below_nought_is_taken),
    ("05c:compute_optimal", balance_upside_down),
    ("05c:compute_optimal", root_as_a_power),
    ("05c:compute_optimal", balance_for_the_tokens_too),
    ("05c:compute_optimal", twenty_tokens_a_parameter),
    ("05c:compute_optimal", brackets_forgotten),
    ("05c:compute_optimal", searched_on_a_grid),
    ("05c:compute_optimal", whole_numbers),
    ("05c:compute_optimal", debts_are_taken),
]
