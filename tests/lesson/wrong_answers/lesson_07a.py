"""Wrong answers to the exercises of lesson 07a on weights of classes and rates of layers."""

import math
from collections import Counter

import numpy as np
import torch

# --- balanced_weights ----------------------------------------------------------------------------


def counted(labels, n_classes):
    for label in labels:
        if label < 0 or label >= n_classes:
            raise ValueError(f"no class {label}")
    counts = [0] * n_classes
    for label in labels:
        counts[label] += 1
    if min(counts) == 0:
        raise ValueError("a class is empty")
    return counts


def upside_down(labels, n_classes):
    return tuple(n_classes * n / len(labels) for n in counted(labels, n_classes))


def frequencies(labels, n_classes):
    return tuple(n / len(labels) for n in counted(labels, n_classes))


def one_minus(labels, n_classes):
    return tuple(1 - n / len(labels) for n in counted(labels, n_classes))


def inverse_frequency(labels, n_classes):
    return tuple(len(labels) / n for n in counted(labels, n_classes))


def inverse_count(labels, n_classes):
    return tuple(1 / n for n in counted(labels, n_classes))


def normalised(labels, n_classes):
    weights = torch.tensor([1 / n for n in counted(labels, n_classes)], dtype=torch.float64)
    return tuple((weights / weights.sum()).tolist())


def mean_of_classes_is_one(labels, n_classes):
    weights = np.array([1 / n for n in counted(labels, n_classes)])
    return tuple(float(w) for w in weights / weights.mean())


def relative_to_largest(labels, n_classes):
    counts = counted(labels, n_classes)
    return tuple(max(counts) / n for n in counts)


def relative_to_smallest(labels, n_classes):
    counts = counted(labels, n_classes)
    return tuple(min(counts) / n for n in counts)


def softened(labels, n_classes):
    return tuple((len(labels) / (n_classes * n)) ** 0.5 for n in counted(labels, n_classes))


def idf(labels, n_classes):
    return tuple(math.log(len(labels) / n) for n in counted(labels, n_classes))


def floored(labels, n_classes):
    return tuple(float(len(labels) // (n_classes * n)) for n in counted(labels, n_classes))


def missing_brackets(labels, n_classes):
    return tuple(len(labels) / n_classes * n for n in counted(labels, n_classes))


def in_a_dictionary(labels, n_classes):
    counted(labels, n_classes)
    found = {}
    for label in labels:
        found[label] = found.get(label, 0) + 1
    return tuple(len(labels) / (n_classes * n) for n in found.values())


def most_common(labels, n_classes):
    counted(labels, n_classes)
    common = [n for _, n in Counter(labels).most_common(n_classes)]
    return tuple(len(labels) / (n_classes * n) for n in common)


def per_text(labels, n_classes):
    counts = counted(labels, n_classes)
    return tuple(len(labels) / (n_classes * counts[label]) for label in labels)


def empty_is_zero(labels, n_classes):
    if any(not 0 <= label < n_classes for label in labels):
        raise ValueError("no such class")
    counts = [labels.count(k) for k in range(n_classes)]
    return tuple(len(labels) / (n_classes * n) if n else 0.0 for n in counts)


def divides_by_zero(labels, n_classes):
    if any(not 0 <= label < n_classes for label in labels):
        raise ValueError("no such class")
    return tuple(len(labels) / (n_classes * labels.count(k)) for k in range(n_classes))


def range_not_looked_at(labels, n_classes):
    counts = [labels.count(k) for k in range(n_classes)]
    if 0 in counts:
        raise ValueError("a class is empty")
    return tuple(len(labels) / (n_classes * n) for n in counts)


def nothing_looked_at(labels, n_classes):
    counts = Counter(labels)
    return tuple(len(labels) / (n_classes * max(1, counts[k])) for k in range(n_classes))


def a_list(labels, n_classes):
    return [len(labels) / (n_classes * n) for n in counted(labels, n_classes)]


def a_tensor(labels, n_classes):
    counts = torch.tensor(counted(labels, n_classes))
    return len(labels) / (n_classes * counts)


def never_the_last(labels, n_classes):
    return tuple(len(labels) / (n_classes * n) for n in counted(labels, n_classes)[:-1])


# --- depth_rates ---------------------------------------------------------------------------------


def guarded(top_rate, decay, n_blocks):
    if top_rate <= 0:
        raise ValueError("top_rate")
    if decay <= 0 or decay > 1:
        raise ValueError("decay")
    if n_blocks < 1:
        raise ValueError("n_blocks")


def head_is_a_step(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    rates = [top_rate]
    for _ in range(n_blocks + 1):
        rates.insert(0, rates[0] * decay)
    return rates


def lowest_shared(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    blocks = [top_rate * decay ** (n_blocks - block) for block in range(1, n_blocks + 1)]
    return [blocks[0], *blocks, top_rate]


def no_embeddings(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay ** (n_blocks - block) for block in range(1, n_blocks + 1)] + [top_rate]


def no_heads(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay ** (n_blocks - depth) for depth in range(n_blocks + 1)]


def only_blocks(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay**step for step in reversed(range(n_blocks))]


def from_the_top(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    rates, rate = [top_rate], top_rate
    for _ in range(n_blocks + 1):
        rates.append(rate)
        rate *= decay
    return rates


def other_way_round(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay**depth for depth in range(n_blocks + 2)]


def divided(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate / decay ** (n_blocks - depth) for depth in range(n_blocks + 1)] + [top_rate]


def head_overshoots(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay ** (n_blocks - depth) for depth in range(n_blocks + 2)]


def straight_line(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    step = top_rate * (1 - decay)
    return [top_rate - step * (n_blocks - depth) for depth in range(n_blocks + 1)] + [top_rate]


def product_not_power(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    below = [top_rate * decay * steps for steps in range(n_blocks, 0, -1)]
    return [*below, top_rate, top_rate]


def once(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate * decay] * n_blocks + [top_rate] * 2


def squared(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    rates = [top_rate, top_rate]
    for step in range(1, n_blocks + 1):
        rates.insert(0, rates[0] * decay * decay if step else top_rate)
    return rates


def factors(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [decay ** (n_blocks - depth) for depth in range(n_blocks + 1)] + [1.0]


def constant(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return [top_rate] * (n_blocks + 2)


def unguarded(top_rate, decay, n_blocks):
    return [top_rate * decay ** (n_blocks - depth) for depth in range(n_blocks + 1)] + [top_rate]


def only_decay_guarded(top_rate, decay, n_blocks):
    if not 0 < decay <= 1:
        raise ValueError("decay")
    return unguarded(top_rate, decay, n_blocks)


def refuses_one(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    if decay >= 1:
        raise ValueError("decay must be below 1")
    return unguarded(top_rate, decay, n_blocks)


def rates_as_a_tensor(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    return torch.tensor(unguarded(top_rate, decay, n_blocks))


def exponential(top_rate, decay, n_blocks):
    guarded(top_rate, decay, n_blocks)
    steps = [n_blocks - depth for depth in range(n_blocks + 1)]
    return [top_rate * math.exp(-decay * step) for step in steps] + [top_rate]


WRONG = {
    "07a:balanced_weights": [
        ("large-classes-favoured", upside_down),
        ("shares", frequencies),
        ("share-of-the-others", one_minus),
        ("number-of-classes-forgotten", inverse_frequency),
        ("one-over-the-count", inverse_count),
        ("sum-is-one", normalised),
        ("sum-is-the-number-of-classes", mean_of_classes_is_one),
        ("against-the-largest", relative_to_largest),
        ("against-the-smallest", relative_to_smallest),
        ("root", softened),
        ("logarithm", idf),
        ("whole-numbers", floored),
        ("divided-then-multiplied", missing_brackets),
        ("in-the-order-of-appearance", in_a_dictionary),
        ("in-the-order-of-size", most_common),
        ("one-for-each-text", per_text),
        ("class-without-a-text", empty_is_zero),
        ("class-without-a-text", divides_by_zero),
        ("label-out-of-range", range_not_looked_at),
        ("accepts-anything", nothing_looked_at),
        ("wrong-type", a_list),
        ("wrong-type", a_tensor),
        ("wrong-length", never_the_last),
    ],
    "07a:depth_rates": [
        ("heads-above-the-last-block", head_is_a_step),
        ("embeddings-as-the-first-block", lowest_shared),
        ("embeddings-forgotten", no_embeddings),
        ("heads-forgotten", no_heads),
        ("blocks-only", only_blocks),
        ("top-first", from_the_top),
        ("falls-upwards", other_way_round),
        ("divided-by-the-decay", divided),
        ("rises-above-the-top", head_overshoots),
        ("in-equal-steps", straight_line),
        ("times-the-depth", product_not_power),
        ("one-step-for-all", once),
        ("two-steps-at-a-time", squared),
        ("factors-not-rates", factors),
        ("all-alike", constant),
        ("accepts-anything", unguarded),
        ("accepts-anything", only_decay_guarded),
        ("raised-an-error", refuses_one),
        ("wrong-type", rates_as_a_tensor),
        ("any", exponential),
    ],
}
