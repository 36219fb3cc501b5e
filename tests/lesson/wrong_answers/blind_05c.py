"""Wrong answers to the exercises of lesson 05c, thought up from the texts of the exercises."""

import math
from itertools import combinations
from statistics import NormalDist, median

import numpy as np

from course_lib.compute.scaling import PowerLaw


def refuse(*numbers):
    if any(number <= 0 for number in numbers):
        raise ValueError(f"must be > 0; got {numbers}.")


# --- training_flops ------------------------------------------------------------------------------


def refuses_by_assertion(n_parameters, n_tokens):
    """Stop wrong numbers with an assertion instead of an error."""
    assert n_parameters > 0
    assert n_tokens > 0
    return 6 * n_parameters * n_tokens


def refuses_only_if_both_are_wrong(n_parameters, n_tokens):
    """Join the two conditions the wrong way."""
    if n_parameters <= 0 and n_tokens <= 0:
        raise ValueError("both must be > 0")
    return 6 * n_parameters * n_tokens


def nothing_is_refused_but_nought(n_parameters, n_tokens):
    """Think of 0 but not of what lies below."""
    if not n_parameters or not n_tokens:
        raise ValueError("must not be 0")
    return 6 * n_parameters * n_tokens


def in_tera(n_parameters, n_tokens):
    """Answer in units of 10^12, as GPUs are advertised."""
    refuse(n_parameters, n_tokens)
    return 6 * n_parameters * n_tokens / 1e12


def forward_per_token_backward_once(n_parameters, n_tokens):
    """Go backwards once for the whole text."""
    refuse(n_parameters, n_tokens)
    return 2 * n_parameters * n_tokens + 4 * n_parameters


def returns_what_is_bad(n_parameters, n_tokens):
    """Answer 0 instead of an error."""
    if n_parameters <= 0 or n_tokens <= 0:
        return 0.0
    return 6 * n_parameters * n_tokens


# --- seeds_needed --------------------------------------------------------------------------------


def check_seeds(difference, sd, confidence, power):
    if difference == 0 or sd < 0 or not 0 < confidence < 1 or not 0 < power < 1:
        raise ValueError("out of range")


def z(share):
    return NormalDist().inv_cdf(share)


def numbers_of_the_text(difference, sd, *, confidence=0.95, power=0.8):
    """Take 1.960 and 0.842 for all confidences and powers."""
    check_seeds(difference, sd, confidence, power)
    return max(2, math.ceil(2 * ((1.960 + 0.842) * sd / difference) ** 2))


def power_on_both_sides(difference, sd, *, confidence=0.95, power=0.8):
    """Share the power out to two sides, as the confidence."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z((1 + power) / 2)
    return max(2, math.ceil(2 * (both * sd / difference) ** 2))


def squares_are_added(difference, sd, *, confidence=0.95, power=0.8):
    """Square each quantile and add then."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) ** 2 + z(power) ** 2
    return max(2, math.ceil(2 * both * (sd / difference) ** 2))


def power_is_what_is_missed(difference, sd, *, confidence=0.95, power=0.8):
    """Take the quantile of the share that is overlooked."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(1 - power)
    return max(2, math.ceil(2 * (both * sd / difference) ** 2))


def both_recipes_together(difference, sd, *, confidence=0.95, power=0.8):
    """Count the seeds of both recipes."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(power)
    return 2 * max(2, math.ceil(2 * (both * sd / difference) ** 2))


def doubled_after_rounding(difference, sd, *, confidence=0.95, power=0.8):
    """Round up first and double then."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(power)
    return max(2, 2 * math.ceil((both * sd / difference) ** 2))


def rounded_to_the_nearest(difference, sd, *, confidence=0.95, power=0.8):
    """Round to the nearest whole number."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(power)
    return max(2, round(2 * (both * sd / difference) ** 2))


def not_rounded(difference, sd, *, confidence=0.95, power=0.8):
    """Answer with a fraction of a seed."""
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(power)
    return max(2.0, 2 * (both * sd / difference) ** 2)


def only_better_recipes(difference, sd, *, confidence=0.95, power=0.8):
    """Refuse a difference below 0."""
    if difference <= 0:
        raise ValueError("difference must be > 0")
    check_seeds(difference, sd, confidence, power)
    both = z((1 + confidence) / 2) + z(power)
    return max(2, math.ceil(2 * (both * sd / difference) ** 2))


def no_spread_is_refused(difference, sd, *, confidence=0.95, power=0.8):
    """Refuse runs that all end alike."""
    check_seeds(difference, sd, confidence, power)
    if sd == 0:
        raise ValueError("sd must be > 0")
    both = z((1 + confidence) / 2) + z(power)
    return max(2, math.ceil(2 * (both * sd / difference) ** 2))


def shares_left_to_the_quantile(difference, sd, *, confidence=0.95, power=0.8):
    """Trust `inv_cdf` to refuse wrong shares; it sees only (1 + confidence) / 2."""
    if difference == 0 or sd < 0:
        raise ValueError("out of range")
    both = z((1 + confidence) / 2) + z(power)
    return max(2, math.ceil(2 * (both * sd / difference) ** 2))


# --- fit_power_law -------------------------------------------------------------------------------


def logs(x, y):
    if len(x) != len(y) or len(set(x)) < 2:
        raise ValueError("x and y do not fit")
    refuse(*x, *y)
    return np.log(x), np.log(y)


def polyfit_the_wrong_way_round(x, y):
    """Take what polyfit returns in the wrong order."""
    offset, slope = np.polyfit(*logs(x, y), 1)
    return PowerLaw(float(math.exp(offset)), float(-slope))


def two_kinds_of_variance(x, y):
    """Divide a covariance by n - 1 through a variance by n."""
    u, v = logs(x, y)
    slope = np.cov(u, v)[0, 1] / np.var(u)
    return PowerLaw(float(np.exp(v.mean() - slope * u.mean())), float(-slope))


def ratio_of_spreads(x, y):
    """Take the ratio of the standard deviations for the slope."""
    u, v = logs(x, y)
    slope = -v.std() / u.std()
    return PowerLaw(float(np.exp(v.mean() - slope * u.mean())), float(-slope))


def median_of_slopes(x, y):
    """Take the median slope of all pairs of points."""
    u, v = logs(x, y)
    slope = median(
        (v[j] - v[i]) / (u[j] - u[i]) for i, j in combinations(range(len(u)), 2) if u[i] != u[j]
    )
    return PowerLaw(float(np.exp(np.mean(v) - slope * np.mean(u))), float(-slope))


def each_sorted_by_itself(x, y):
    """Sort the sizes, and the losses, too."""
    u, v = logs(sorted(x), sorted(y, reverse=True))
    slope, offset = np.polyfit(u, v, 1)
    return PowerLaw(float(math.exp(offset)), float(-slope))


def one_run_for_each_size(x, y):
    """Collect the runs in a dictionary, so that only the last of each size counts."""
    logs(x, y)
    runs = dict(zip(x, y, strict=True))
    slope, offset = np.polyfit(np.log(list(runs)), np.log(list(runs.values())), 1)
    return PowerLaw(float(math.exp(offset)), float(-slope))


def one_added_before_the_logarithm(x, y):
    """Add 1, so that no logarithm is below 0."""
    logs(x, y)
    slope, offset = np.polyfit(np.log1p(x), np.log1p(y), 1)
    return PowerLaw(float(math.exp(offset)), float(-slope))


def mean_as_the_factor(x, y):
    """Take the mean of the losses for the factor."""
    slope, _ = np.polyfit(*logs(x, y), 1)
    return PowerLaw(float(np.mean(y)), float(-slope))


def losses_checked_only(x, y):
    """Forget that a size may be 0, too."""
    if len(x) != len(y) or len(set(x)) < 2 or min(y) <= 0:
        raise ValueError("x and y do not fit")
    with np.errstate(all="ignore"):
        u, v = np.log(x), np.log(y)
        slope = ((u - u.mean()) @ v) / ((u - u.mean()) @ (u - u.mean()))
        return PowerLaw(float(np.exp(v.mean() - slope * u.mean())), float(-slope))


def nought_refused_only(x, y):
    """Refuse 0 but nothing below it."""
    if len(x) != len(y) or len(set(x)) < 2 or 0 in x or 0 in y:
        raise ValueError("x and y do not fit")
    with np.errstate(all="ignore"):
        u, v = np.log(x), np.log(y)
        slope = ((u - u.mean()) @ v) / ((u - u.mean()) @ (u - u.mean()))
        return PowerLaw(float(np.exp(v.mean() - slope * u.mean())), float(-slope))


def two_points_needed_only(x, y):
    """Ask for two points, not for two sizes."""
    if len(x) != len(y) or len(x) < 2:
        raise ValueError("x and y do not fit")
    refuse(*x, *y)
    with np.errstate(all="ignore"):
        u, v = np.log(x), np.log(y)
        slope = ((u - u.mean()) @ v) / ((u - u.mean()) @ (u - u.mean()))
        return PowerLaw(float(np.exp(v.mean() - slope * u.mean())), float(-slope))


BLIND = [
    ("05c:training_flops", refuses_by_assertion),
    ("05c:training_flops", refuses_only_if_both_are_wrong),
    ("05c:training_flops", nothing_is_refused_but_nought),
    ("05c:training_flops", in_tera),
    ("05c:training_flops", forward_per_token_backward_once),
    ("05c:training_flops", returns_what_is_bad),
    ("05c:seeds_needed", numbers_of_the_text),
    ("05c:seeds_needed", power_on_both_sides),
    ("05c:seeds_needed", squares_are_added),
    ("05c:seeds_needed", power_is_what_is_missed),
    ("05c:seeds_needed", both_recipes_together),
    ("05c:seeds_needed", doubled_after_rounding),
    ("05c:seeds_needed", rounded_to_the_nearest),
    ("05c:seeds_needed", not_rounded),
    ("05c:seeds_needed", only_better_recipes),
    ("05c:seeds_needed", no_spread_is_refused),
    ("05c:seeds_needed", shares_left_to_the_quantile),
    ("05c:fit_power_law", polyfit_the_wrong_way_round),
    ("05c:fit_power_law", two_kinds_of_variance),
    ("05c:fit_power_law", ratio_of_spreads),
    ("05c:fit_power_law", median_of_slopes),
    ("05c:fit_power_law", each_sorted_by_itself),
    ("05c:fit_power_law", one_run_for_each_size),
    ("05c:fit_power_law", one_added_before_the_logarithm),
    ("05c:fit_power_law", mean_as_the_factor),
    ("05c:fit_power_law", losses_checked_only),
    ("05c:fit_power_law", nought_refused_only),
    ("05c:fit_power_law", two_points_needed_only),
]
