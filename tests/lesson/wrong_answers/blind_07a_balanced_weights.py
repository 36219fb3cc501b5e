"""Wrong answers to `balanced_weights` of lesson 07a, by someone who had not seen the checks."""

from collections import Counter
from collections.abc import Callable

from course_lib.finetuning.losses import balanced_weights


def refuse_classes(labels, n_classes):
    balanced_weights(labels, n_classes)


def one_by_count(labels, n_classes):
    """Give 1 / texts of the class."""
    refuse_classes(labels, n_classes)
    return tuple(1 / labels.count(k) for k in range(n_classes))


def classes_forgotten(labels, n_classes):
    """Give texts / texts of the class."""
    return tuple(n_classes * weight for weight in balanced_weights(labels, n_classes))


def sum_of_one(labels, n_classes):
    """Divide the weights by their sum."""
    weights = balanced_weights(labels, n_classes)
    return tuple(weight / sum(weights) for weight in weights)


def mean_of_one(labels, n_classes):
    """Make the mean of the weights 1, over classes instead of texts."""
    weights = balanced_weights(labels, n_classes)
    return tuple(n_classes * weight / sum(weights) for weight in weights)


def largest_class_is_one(labels, n_classes):
    """Weigh against the largest class."""
    refuse_classes(labels, n_classes)
    largest = max(Counter(labels).values())
    return tuple(largest / labels.count(k) for k in range(n_classes))


def in_order_of_appearance(labels, n_classes):
    """Give the weights in the order in which the classes come."""
    refuse_classes(labels, n_classes)
    return tuple(len(labels) / (n_classes * n) for n in Counter(labels).values())


def most_frequent_first(labels, n_classes):
    """Give the weights from the most frequent class to the rarest."""
    return tuple(sorted(balanced_weights(labels, n_classes)))


def classes_that_are_there(labels, n_classes):
    """Weigh the classes that have texts, and refuse nothing."""
    there = sorted(set(labels))
    return tuple(len(labels) / (len(there) * labels.count(k)) for k in there)


def missing_class_weighs_nothing(labels, n_classes):
    """Give a class without texts the weight 0."""
    counts = [labels.count(k) for k in range(n_classes)]
    if not set(labels) <= set(range(n_classes)):
        raise ValueError("label out of range")
    return tuple(len(labels) / (n_classes * n) if n else 0.0 for n in counts)


def missing_class_counts_once(labels, n_classes):
    """Count a class without texts as if it had one."""
    if not set(labels) <= set(range(n_classes)):
        raise ValueError("label out of range")
    return tuple(len(labels) / (n_classes * max(labels.count(k), 1)) for k in range(n_classes))


def other_labels_overlooked(labels, n_classes):
    """Never look at labels that are out of range."""
    counts = [labels.count(k) for k in range(n_classes)]
    if 0 in counts:
        raise ValueError("a class has no text")
    return tuple(len(labels) / (n_classes * n) for n in counts)


def minus_one_is_the_last(labels, n_classes):
    """Count with the label as an index, so that -1 is the last class."""
    counts = [0] * n_classes
    for label in labels:
        if label >= n_classes:
            raise ValueError("label out of range")
        counts[label] += 1
    if 0 in counts:
        raise ValueError("a class has no text")
    return tuple(len(labels) / (n_classes * n) for n in counts)


def whole_numbers(labels, n_classes):
    """Divide with //."""
    refuse_classes(labels, n_classes)
    return tuple(float(len(labels) // (n_classes * labels.count(k))) for k in range(n_classes))


def two_digits(labels, n_classes):
    """Round to two digits."""
    return tuple(round(weight, 2) for weight in balanced_weights(labels, n_classes))


def what_is_not_of_the_class(labels, n_classes):
    """Give the share of texts of other classes."""
    refuse_classes(labels, n_classes)
    return tuple(1 - labels.count(k) / len(labels) for k in range(n_classes))


def upside_down(labels, n_classes):
    """Make frequent classes count more."""
    return tuple(1 / weight for weight in balanced_weights(labels, n_classes))


def softened(labels, n_classes):
    """Take the root, so that rare classes do not weigh too much."""
    return tuple(weight**0.5 for weight in balanced_weights(labels, n_classes))


def one_more_of_each(labels, n_classes):
    """Add one to each count, against a division by 0."""
    refuse_classes(labels, n_classes)
    return tuple(len(labels) / (n_classes * (labels.count(k) + 1)) for k in range(n_classes))


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07a:balanced_weights", one_by_count),
    ("07a:balanced_weights", classes_forgotten),
    ("07a:balanced_weights", sum_of_one),
    ("07a:balanced_weights", mean_of_one),
    ("07a:balanced_weights", largest_class_is_one),
    ("07a:balanced_weights", in_order_of_appearance),
    ("07a:balanced_weights", most_frequent_first),
    ("07a:balanced_weights", classes_that_are_there),
    ("07a:balanced_weights", missing_class_weighs_nothing),
    ("07a:balanced_weights", missing_class_counts_once),
    ("07a:balanced_weights", other_labels_overlooked),
    ("07a:balanced_weights", minus_one_is_the_last),
    ("07a:balanced_weights", whole_numbers),
    ("07a:balanced_weights", two_digits),
    ("07a:balanced_weights", what_is_not_of_the_class),
    ("07a:balanced_weights", upside_down),
    ("07a:balanced_weights", softened),
    ("07a:balanced_weights", one_more_of_each),
]
