"""Wrong answers to the exercise of lesson 07b on calibration."""

import numpy as np

from course_lib.evaluation import reliability_bins


def bins_of(probabilities, labels, n_bins):
    return [b for b in reliability_bins(probabilities, labels, n_bins) if b.n]


def empty_ones_too(probabilities, labels, n_bins=15):
    bins = reliability_bins(probabilities, labels, n_bins)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / sum(b.n for b in bins)


def mean_of_bins(probabilities, labels, n_bins=15):
    return float(
        np.mean([abs(b.accuracy - b.confidence) for b in bins_of(probabilities, labels, n_bins)])
    )


def over_all_bins(probabilities, labels, n_bins=15):
    gaps = [abs(b.accuracy - b.confidence) for b in bins_of(probabilities, labels, n_bins)]
    return sum(gaps) / n_bins


def not_divided(probabilities, labels, n_bins=15):
    total = 0
    for b in bins_of(probabilities, labels, n_bins):
        total += b.n * abs(b.accuracy - b.confidence)
    return total


def just_added(probabilities, labels, n_bins=15):
    return sum(abs(b.accuracy - b.confidence) for b in bins_of(probabilities, labels, n_bins))


def with_sign(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * (b.accuracy - b.confidence) for b in bins) / len(labels)


def other_sign(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * (b.confidence - b.accuracy) for b in bins) / len(labels)


def all_together(probabilities, labels, n_bins=15):
    reliability_bins(probabilities, labels, n_bins)
    table = np.asarray(probabilities)
    return float(abs(table.max(1).mean() - (table.argmax(1) == np.asarray(labels)).mean()))


def squares(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * (b.accuracy - b.confidence) ** 2 for b in bins) / len(labels)


def root(probabilities, labels, n_bins=15):
    return squares(probabilities, labels, n_bins) ** 0.5


def worst(probabilities, labels, n_bins=15):
    return max(abs(b.accuracy - b.confidence) for b in bins_of(probabilities, labels, n_bins))


def share_wrong(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * abs((1 - b.accuracy) - b.confidence) for b in bins) / len(labels)


def upper_edge(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * abs(b.accuracy - b.high) for b in bins) / len(labels)


def middle(probabilities, labels, n_bins=15):
    bins = bins_of(probabilities, labels, n_bins)
    return sum(b.n * abs(b.accuracy - (b.low + b.high) / 2) for b in bins) / len(labels)


def each_text(probabilities, labels, n_bins=15):
    reliability_bins(probabilities, labels, n_bins)
    table = np.asarray(probabilities)
    is_right = table.argmax(1) == np.asarray(labels)
    return float(np.mean(abs(is_right - table.max(1))))


def own_bins(confidence, is_right, n_bins):
    edges = np.linspace(0, 1, n_bins + 1)
    total = 0.0
    for i in range(n_bins):
        low, high = edges[i], edges[i + 1]
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            total += inside.mean() * abs(is_right[inside].mean() - confidence[inside].mean())
    return float(total)


def positive_column(probabilities, labels, n_bins=15):
    reliability_bins(probabilities, labels, n_bins)
    table = np.asarray(probabilities)
    return own_bins(table[:, -1], table.argmax(1) == np.asarray(labels), n_bins)


def of_the_label(probabilities, labels, n_bins=15):
    reliability_bins(probabilities, labels, n_bins)
    table, numbers = np.asarray(probabilities), np.asarray(labels)
    return own_bins(table[range(len(table)), numbers], table.argmax(1) == numbers, n_bins)


def fifteen(probabilities, labels, n_bins=15):
    if n_bins < 1:
        raise ValueError("n_bins must be 1 or more")
    bins = bins_of(probabilities, labels, 15)
    return sum(b.n * abs(b.accuracy - b.confidence) for b in bins) / len(labels)


def floors(probabilities, labels, n_bins=15):
    reliability_bins(probabilities, labels, n_bins)
    table = np.asarray(probabilities)
    sure, is_right = table.max(1), table.argmax(1) == np.asarray(labels)
    number = np.minimum((sure * n_bins).astype(int), n_bins - 1)
    total = 0.0
    for i in range(n_bins):
        inside = number == i
        if inside.any():
            total += inside.sum() * abs(is_right[inside].mean() - sure[inside].mean())
    return total / len(table)


def unchecked(probabilities, labels, n_bins=15):
    table = np.asarray(probabilities)
    return own_bins(table.max(1), table.argmax(1) == np.asarray(labels), max(1, n_bins))


WRONG = {
    "07b:expected_calibration_error": [
        ("empty-bins-are-nan", empty_ones_too),
        ("bins-count-alike", mean_of_bins),
        ("empty-bins-counted", over_all_bins),
        ("not-divided", not_divided),
        ("no-weights", just_added),
        ("too-sure-and-too-modest-cancel", with_sign),
        ("confidence-minus-accuracy", other_sign),
        ("one-bin-for-all", all_together),
        ("squared", squares),
        ("root-of-the-squares", root),
        ("the-worst-bin", worst),
        ("errors-for-accuracy", share_wrong),
        ("accuracy-against-the-edge", upper_edge),
        ("accuracy-against-the-middle", middle),
        ("item-by-item", each_text),
        ("last-column-as-confidence", positive_column),
        ("probability-of-the-right-class", of_the_label),
        ("n-bins-ignored", fifteen),
        ("edge-in-the-upper-bin", floors),
        ("accepts-anything", unchecked),
    ],
}
