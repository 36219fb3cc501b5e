"""Wrong answers to the exercises of lesson 05c on costs and power laws."""

import math

import numpy as np

from course_lib.compute.scaling import PowerLaw

# --- training_flops ------------------------------------------------------------------------------


def refuse(*numbers):
    if min(numbers) <= 0:
        raise ValueError(f"all numbers must be > 0; got {numbers}.")


def forward(n_parameters, n_tokens):
    refuse(n_parameters, n_tokens)
    return 2 * n_parameters * n_tokens


def backward(n_parameters, n_tokens):
    refuse(n_parameters, n_tokens)
    return 4 * n_tokens * n_parameters


def products(n_parameters, n_tokens):
    refuse(n_parameters, n_tokens)
    return 3 * n_parameters * n_tokens


def plain_product(n_parameters, n_tokens):
    refuse(n_parameters, n_tokens)
    return n_parameters * n_tokens


def recomputed(n_parameters, n_tokens):
    refuse(n_parameters, n_tokens)
    return 2 * forward(n_parameters, n_tokens) + backward(n_parameters, n_tokens)


def unchecked(n_parameters, n_tokens):
    return 6 * n_parameters * n_tokens


def tokens_unchecked(n_parameters, n_tokens):
    refuse(n_parameters)
    return 6 * n_parameters * n_tokens


# --- fit_power_law -------------------------------------------------------------------------------


def logs(x, y):
    if len(x) != len(y):
        raise ValueError("not as many y as x")
    if min(x) <= 0 or min(y) <= 0:
        raise ValueError("no logarithm")
    if min(x) == max(x):
        raise ValueError("one size only")
    return np.log(x), np.log(y)


def rising(x, y):
    slope, height = np.polyfit(*logs(x, y), 1)
    return PowerLaw(float(np.exp(height)), float(slope))


def log_factor(x, y):
    slope, height = np.polyfit(*logs(x, y), 1)
    return PowerLaw(float(height), float(-slope))


def half_logarithmic(x, y):
    log_x, _ = logs(x, y)
    slope, height = np.polyfit(log_x, y, 1)
    return PowerLaw(float(height), -float(slope))


def straight(x, y):
    logs(x, y)
    slope, height = np.polyfit(x, y, 1)
    return PowerLaw(float(height), -float(slope))


def base_ten(x, y):
    log_x, log_y = logs(x, y)
    slope, height = np.polyfit(log_x / math.log(10), log_y / math.log(10), 1)
    return PowerLaw(math.exp(height), -float(slope))


def swapped(x, y):
    log_x, log_y = logs(x, y)
    slope, height = np.polyfit(log_y, log_x, 1)
    return PowerLaw(math.exp(height), -float(slope))


def ends(x, y):
    logs(x, y)
    exponent = math.log(y[0] / y[-1]) / math.log(x[-1] / x[0])
    return PowerLaw(y[0] * x[0] ** exponent, exponent)


def no_offset(x, y):
    log_x, log_y = logs(x, y)
    return PowerLaw(1.0, -float((log_x * log_y).sum() / (log_x**2).sum()))


def size_to_loss(x, y):
    logs(x, y)
    loss_of = dict(zip(x, y, strict=True))
    slope, height = np.polyfit(np.log(list(loss_of)), np.log(list(loss_of.values())), 1)
    return PowerLaw(float(np.exp(height)), float(-slope))


def bare(x, y):
    slope, height = np.polyfit(*logs(x, y), 1)
    return math.exp(height), -float(slope)


def any_input(x, y):
    n = min(len(x), len(y))
    with np.errstate(all="ignore"):
        log_x, log_y = np.log(x[:n]), np.log(y[:n])
        u = log_x - log_x.mean()
        slope = (u * log_y).sum() / (u * u).sum()
        return PowerLaw(float(np.exp(log_y.mean() - slope * log_x.mean())), -float(slope))


WRONG = {
    "05c:training_flops": [
        ("only-forward", forward),
        ("only-backward", backward),
        ("multiplications-only", products),
        ("one-per-parameter", plain_product),
        ("backward-as-forward", recomputed),
        ("accepts-nothing", unchecked),
        ("accepts-nothing", tokens_unchecked),
    ],
    "05c:fit_power_law": [
        ("sign-of-the-exponent", rising),
        ("factor-left-as-logarithm", log_factor),
        ("only-x-in-logarithms", half_logarithmic),
        ("no-logarithms", straight),
        ("two-kinds-of-logarithms", base_ten),
        ("axes-swapped", swapped),
        ("only-the-ends", ends),
        ("line-through-the-origin", no_offset),
        ("one-run-per-size", size_to_loss),
        ("plain-tuple", bare),
        ("accepts-anything", any_input),
    ],
}
