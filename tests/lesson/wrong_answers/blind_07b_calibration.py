"""Wrong answers to the calibration error of lesson 07b, by someone who had not seen the checks."""

from collections.abc import Callable

import numpy as np

from course_lib.evaluation.calibration import expected_calibration_error, reliability_bins


def mean_of_the_bins(probabilities, labels, n_bins=15):
    """Let each bin count as much as every other."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    return sum(abs(b.accuracy - b.confidence) for b in filled) / len(filled)


def empty_bins_counted(probabilities, labels, n_bins=15):
    """Divide by the number of bins, the empty ones too."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    return sum(abs(b.accuracy - b.confidence) for b in filled) / n_bins


def without_bins(probabilities, labels, n_bins=15):
    """Compare the mean confidence of all with the accuracy of all."""
    expected_calibration_error(probabilities, labels, n_bins)  # refuses what must be refused
    return expected_calibration_error(probabilities, labels, 1)


def signs_kept(probabilities, labels, n_bins=15):
    """Let bins that are too sure and bins that are too modest cancel out."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    total = sum(b.n * (b.accuracy - b.confidence) for b in filled)
    return abs(total) / sum(b.n for b in filled)


def worst_bin(probabilities, labels, n_bins=15):
    """Give the largest distance, which is the maximum calibration error."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    return max(abs(b.accuracy - b.confidence) for b in filled)


def squared_distances(probabilities, labels, n_bins=15):
    """Average squares and take the root."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    total = sum(b.n * (b.accuracy - b.confidence) ** 2 for b in filled)
    return (total / sum(b.n for b in filled)) ** 0.5


def middle_of_the_bin(probabilities, labels, n_bins=15):
    """Take the middle of a bin for the confidence of its items."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    total = sum(b.n * abs(b.accuracy - (b.low + b.high) / 2) for b in filled)
    return total / sum(b.n for b in filled)


def distance_of_each_item(probabilities, labels, n_bins=15):
    """Take the distance of each item, not of each bin."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    correct = table.argmax(axis=1) == right
    return float(np.abs(correct - table.max(axis=1)).mean())


def calibration_in_bins(confidence, correct, number):
    total = 0.0
    for i in np.unique(number):
        inside = number == i
        total += inside.sum() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(total / len(confidence))


def quite_sure_falls_out(probabilities, labels, n_bins=15):
    """Let bins end before their upper edge, so that a confidence of 1 is in none."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    confidence, correct = table.max(axis=1), table.argmax(axis=1) == right
    total = 0.0
    for i in range(n_bins):
        inside = (confidence >= i / n_bins) & (confidence < (i + 1) / n_bins)
        if inside.any():
            total += inside.sum() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(total / len(table))


def bins_of_equal_size(probabilities, labels, n_bins=15):
    """Make bins of equally many items, not of equal width."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    confidence, correct = table.max(axis=1), table.argmax(axis=1) == right
    number = np.empty(len(table), dtype=int)
    number[confidence.argsort()] = np.arange(len(table)) * n_bins // len(table)
    return calibration_in_bins(confidence, correct, number)


def last_column_is_confidence(probabilities, labels, n_bins=15):
    """Bin by the probability of class 1, and count how often class 1 is right."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    number = np.ceil(table[:, 1] * n_bins).clip(1)
    return calibration_in_bins(table[:, 1], right == 1, number)


def right_class_is_confidence(probabilities, labels, n_bins=15):
    """Take the probability of the right class, not of the chosen one."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    confidence = table[np.arange(len(table)), right]
    number = np.ceil(confidence * n_bins).clip(1)
    return calibration_in_bins(confidence, table.argmax(axis=1) == right, number)


def only_fifteen_bins(probabilities, labels, n_bins=15):
    """Take 15 bins always."""
    if n_bins < 1:
        raise ValueError(f"n_bins must be ≥ 1; got {n_bins}")
    return expected_calibration_error(probabilities, labels, 15)


def ten_bins_unless_told(probabilities, labels, n_bins=10):
    """Take 10 bins if nothing is said."""
    return expected_calibration_error(probabilities, labels, n_bins)


def each_column_for_itself(probabilities, labels, n_bins=15):
    """Measure each class against the rest, and average."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    errors = []
    for column in range(table.shape[1]):
        number = np.ceil(table[:, column] * n_bins).clip(1)
        errors.append(calibration_in_bins(table[:, column], right == column, number))
    return float(np.mean(errors))


def logits_let_through(probabilities, labels, n_bins=15):
    """Turn what does not sum to 1 into probabilities instead of refusing it."""
    table = np.asarray(probabilities, dtype=float)
    if table.ndim == 2 and (table.min() < 0 or not np.allclose(table.sum(axis=1), 1)):
        table = np.exp(table - table.max(axis=1, keepdims=True))
        table = table / table.sum(axis=1, keepdims=True)
    return expected_calibration_error(table, labels, n_bins)


def unknown_label_is_wrong(probabilities, labels, n_bins=15):
    """Count a label that names no column as a mistake of the model."""
    table, right = np.asarray(probabilities, dtype=float), np.asarray(labels)
    if n_bins < 1 or table.ndim != 2 or not np.allclose(table.sum(axis=1), 1, atol=1e-3):
        raise ValueError("no table of probabilities, or no bins")
    known = (right >= 0) & (right < table.shape[1])
    other = (table.argmax(axis=1) + 1) % table.shape[1]
    return expected_calibration_error(table, np.where(known, right, other), n_bins)


def no_bins_no_error(probabilities, labels, n_bins=15):
    """Say 0 where there are no bins."""
    return expected_calibration_error(probabilities, labels, n_bins) if n_bins > 0 else 0.0


def a_half_is_needed(probabilities, labels, n_bins=15):
    """Count a class as chosen only if it has more than half of the probability."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    confidence = table.max(axis=1)
    correct = (table.argmax(axis=1) == right) & (confidence > 0.5)
    return calibration_in_bins(confidence, correct, np.ceil(confidence * n_bins))


def from_the_least_to_the_surest(probabilities, labels, n_bins=15):
    """Cut the range between the smallest and the largest confidence into bins."""
    expected_calibration_error(probabilities, labels, n_bins)
    table, right = np.asarray(probabilities), np.asarray(labels)
    confidence, correct = table.max(axis=1), table.argmax(axis=1) == right
    edges = np.histogram_bin_edges(confidence, bins=n_bins)
    return calibration_in_bins(confidence, correct, np.digitize(confidence, edges[1:-1]))


def as_often_wrong_as_sure(probabilities, labels, n_bins=15):
    """Compare the confidence with the share of mistakes."""
    filled = [b for b in reliability_bins(probabilities, labels, n_bins) if b.n > 0]
    total = sum(b.n * abs(1 - b.accuracy - b.confidence) for b in filled)
    return total / sum(b.n for b in filled)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:expected_calibration_error", mean_of_the_bins),
    ("07b:expected_calibration_error", empty_bins_counted),
    ("07b:expected_calibration_error", without_bins),
    ("07b:expected_calibration_error", signs_kept),
    ("07b:expected_calibration_error", worst_bin),
    ("07b:expected_calibration_error", squared_distances),
    ("07b:expected_calibration_error", middle_of_the_bin),
    ("07b:expected_calibration_error", distance_of_each_item),
    ("07b:expected_calibration_error", quite_sure_falls_out),
    ("07b:expected_calibration_error", bins_of_equal_size),
    ("07b:expected_calibration_error", last_column_is_confidence),
    ("07b:expected_calibration_error", right_class_is_confidence),
    ("07b:expected_calibration_error", only_fifteen_bins),
    ("07b:expected_calibration_error", ten_bins_unless_told),
    ("07b:expected_calibration_error", each_column_for_itself),
    ("07b:expected_calibration_error", logits_let_through),
    ("07b:expected_calibration_error", unknown_label_is_wrong),
    ("07b:expected_calibration_error", no_bins_no_error),
    ("07b:expected_calibration_error", a_half_is_needed),
    ("07b:expected_calibration_error", from_the_least_to_the_surest),
    ("07b:expected_calibration_error", as_often_wrong_as_sure),
]
