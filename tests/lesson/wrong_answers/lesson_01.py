"""Wrong answers to the exercises of lesson 01, as a learner might write them."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

# --- cosine_similarity ---------------------------------------------------------------------------


def dot_product_only(a, b):
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += float(x) * float(y)
    return total


def forgot_the_square_root(a, b):
    return float(np.dot(a, b)) / (float(np.sum(a**2)) * float(np.sum(b**2)))


def normalised_only_a(a, b):
    return float(np.dot(a / np.linalg.norm(a), b))


def normalised_only_b(a, b):
    unit = b / np.sqrt((b**2).sum())
    return float((a * unit).sum())


def added_the_lengths(a, b):
    return float(a.dot(b) / (np.linalg.norm(a) + np.linalg.norm(b)))


def distance_like_scipy(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return float(1 - a @ b)


def returned_the_angle(a, b):
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.arccos(min(1.0, max(-1.0, cosine))))


def absolute_value(a, b):
    return float(np.abs(a @ b) / np.sqrt((a @ a) * (b @ b)))


def centred_first(a, b):
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def mean_of_products(a, b):
    return float(np.mean(a * b))


def euclidean(a, b):
    return float(np.linalg.norm(a - b))


# --- skip_gram_pairs -----------------------------------------------------------------------------


def includes_itself(ids, window):
    pairs = []
    for i, center in enumerate(ids):
        for context in ids[max(0, i - window) : i + window + 1]:
            pairs.append((center, context))
    return pairs


def looks_right_only(ids, window):
    return [(ids[i], c) for i in range(len(ids)) for c in ids[i + 1 : i + 1 + window]]


def looks_left_only(ids, window):
    return [(ids[i], c) for i in range(len(ids)) for c in ids[max(0, i - window) : i]]


def range_stops_early(ids, window):
    pairs = []
    for i in range(len(ids)):
        for j in range(i - window, i + window):
            if 0 <= j < len(ids) and j != i:
                pairs.append((ids[i], ids[j]))
    return pairs


def negative_slice_start(ids, window):
    pairs = []
    for i in range(len(ids)):
        left, right = ids[i - window : i], ids[i + 1 : i + window + 1]
        pairs += [(ids[i], word) for word in left + right]
    return pairs


def ignores_the_window(ids, window):
    return [(c, o) for i, c in enumerate(ids) for j, o in enumerate(ids) if i != j]


def only_the_ends(ids, window):
    pairs = []
    for i in range(len(ids)):
        if i - window >= 0:
            pairs.append((ids[i], ids[i - window]))
        if i + window < len(ids):
            pairs.append((ids[i], ids[i + window]))
    return pairs


def gives_positions(ids, window):
    n = len(ids)
    return [(i, j) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]


def compares_ids(ids, window):
    pairs = []
    for i, center in enumerate(ids):
        for context in ids[max(0, i - window) : i + window + 1]:
            if context != center:
                pairs.append((center, context))
    return pairs


def context_first(ids, window):
    n = len(ids)
    return [(ids[j], ids[i]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]


def by_distance(ids, window):
    pairs = []
    for i in range(len(ids)):
        for distance in range(1, window + 1):
            for j in (i - distance, i + distance):
                if 0 <= j < len(ids):
                    pairs.append((ids[i], ids[j]))
    return pairs


def crashes_at_the_end(ids, window):
    return [
        (ids[i], ids[i + k])
        for i in range(len(ids))
        for k in range(-window, window + 1)
        if k != 0 and i + k >= 0
    ]


# --- negative_weights ----------------------------------------------------------------------------


def never_scaled(counts, power=0.75):
    return counts.double() ** power


def plain_frequencies(counts, power=0.75):
    return counts / counts.sum()


def scaled_then_powered(counts, power=0.75):
    frequency = counts / counts.sum()
    return frequency.pow(power)


def power_written_in(counts, power=0.75):
    weights = counts**0.75
    return weights / weights.sum()


def divided_by_the_counts(counts, power=0.75):
    return counts.pow(power) / counts.sum()


def multiplied(counts, power=0.75):
    weights = power * counts
    return weights / weights.sum()


def soft_maximum(counts, power=0.75):
    return torch.softmax(counts**power, dim=-1)


def inverse(counts, power=0.75):
    weights = 1 / counts**power
    return weights / weights.sum()


def all_alike(counts, power=0.75):
    return torch.ones_like(counts) / len(counts)


# --- sgns_loss -----------------------------------------------------------------------------------


def scores(center, context, negatives):
    return (center * context).sum(dim=1), torch.einsum("bd,bkd->bk", center, negatives)


def naive_logarithm(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    per_pair = torch.log(torch.sigmoid(positive)) + torch.log(torch.sigmoid(-negative)).sum(dim=1)
    return -per_pair.mean()


def rewards_negatives(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return -(F.logsigmoid(positive) + F.logsigmoid(negative).sum(dim=1)).mean()


def log_likelihood(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return (F.logsigmoid(positive) + F.logsigmoid(-negative).sum(dim=1)).mean()


def without_negatives(center, context, negatives):
    return F.softplus(-(center * context).sum(dim=1)).mean()


def without_the_pair(center, context, negatives):
    return F.softplus(torch.einsum("bd,bkd->bk", center, negatives)).sum(dim=1).mean()


def averaged_negatives(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return (F.softplus(-positive) + F.softplus(negative).mean(dim=1)).mean()


def summed_batch(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return F.softplus(-positive).sum() + F.softplus(negative).sum()


def minus_outside(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return -(F.logsigmoid(positive) - F.logsigmoid(negative).sum(dim=1)).mean()


def one_minus_log(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return -(F.logsigmoid(positive) + (1 - F.logsigmoid(negative)).sum(dim=1)).mean()


def no_logarithm(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return -(torch.sigmoid(positive) + torch.sigmoid(-negative).sum(dim=1)).mean()


def cross_entropy_of_candidates(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    logits = torch.cat([positive.unsqueeze(1), negative], dim=1)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


def one_value_a_pair(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(dim=1))


def divided_by_d(center, context, negatives):
    positive, negative = scores(center, context, negatives)
    scale = center.shape[1] ** 0.5
    return (F.softplus(-positive / scale) + F.softplus(negative / scale).sum(dim=1)).mean()


# --- sgns_gradients ------------------------------------------------------------------------------


def gradient_of_the_sum(center, context, negatives):
    positive, negative = (s.sigmoid() for s in scores(center, context, negatives))
    e, m = (positive - 1).unsqueeze(1), negative.unsqueeze(2)
    return e * context + (m * negatives).sum(1), e * center, m * center.unsqueeze(1)


def divided_twice(center, context, negatives):
    n_scores = negatives.shape[0] * negatives.shape[1]
    return tuple(g / n_scores for g in gradient_of_the_sum(center, context, negatives))


def update_direction(center, context, negatives):
    return tuple(-g / len(center) for g in gradient_of_the_sum(center, context, negatives))


def label_forgotten(center, context, negatives):
    positive, negative = (s.sigmoid() / len(center) for s in scores(center, context, negatives))
    e, m = positive.unsqueeze(1), negative.unsqueeze(2)
    return e * context + (m * negatives).sum(1), e * center, m * center.unsqueeze(1)


def label_one_for_all(center, context, negatives):
    positive, negative = (s.sigmoid() - 1 for s in scores(center, context, negatives))
    e, m = positive.unsqueeze(1) / len(center), negative.unsqueeze(2) / len(center)
    return e * context + (m * negatives).sum(1), e * center, m * center.unsqueeze(1)


def centre_from_the_pair_only(center, context, negatives):
    positive, negative = (s.sigmoid() for s in scores(center, context, negatives))
    e, m = (positive - 1).unsqueeze(1) / len(center), negative.unsqueeze(2) / len(center)
    return e * context, e * center, m * center.unsqueeze(1)


def own_vector(center, context, negatives):
    positive, negative = (s.sigmoid() for s in scores(center, context, negatives))
    e, m = (positive - 1).unsqueeze(1) / len(center), negative.unsqueeze(2) / len(center)
    return e * center + (m * center.unsqueeze(1)).sum(1), e * context, m * negatives


def derivative_of_sigmoid(center, context, negatives):
    p, q = (s.sigmoid() for s in scores(center, context, negatives))
    e, m = -(p * (1 - p)).unsqueeze(1), (q * (1 - q)).unsqueeze(2)
    grads = e * context + (m * negatives).sum(1), e * center, m * center.unsqueeze(1)
    return tuple(g / len(center) for g in grads)


def wrong_order(center, context, negatives):
    d_center, d_context, d_negatives = gradient_of_the_sum(center, context, negatives)
    return d_context / len(center), d_center / len(center), d_negatives / len(center)


def moves_the_centre_first(center, context, negatives):
    d_center = gradient_of_the_sum(center, context, negatives)[0] / len(center)
    moved = center - d_center
    _, d_context, d_negatives = gradient_of_the_sum(moved, context, negatives)
    return d_center, d_context / len(center), d_negatives / len(center)


def forgets_the_third(center, context, negatives):
    return tuple(g / len(center) for g in gradient_of_the_sum(center, context, negatives)[:2])


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "01:cosine_similarity": [
        ("only-the-dot-product", dot_product_only),
        ("divided-by-squared-lengths", forgot_the_square_root),
        ("divided-by-one-length", normalised_only_a),
        ("divided-by-the-other-length", normalised_only_b),
        ("divided-by-the-sum-of-lengths", added_the_lengths),
        ("cosine-distance", distance_like_scipy),
        ("angle-itself", returned_the_angle),
        ("lost-the-sign", absolute_value),
        ("pearson-correlation", centred_first),
        ("any", mean_of_products),
        ("any", euclidean),
    ],
    "01:skip_gram_pairs": [
        ("paired-with-itself", includes_itself),
        ("only-to-the-right", looks_right_only),
        ("only-to-the-left", looks_left_only),
        ("right-end-off-by-one", range_stops_early),
        ("wraps-around-at-the-start", negative_slice_start),
        ("whole-sentence", ignores_the_window),
        ("only-at-distance-window", only_the_ends),
        ("positions-instead-of-ids", gives_positions),
        ("skips-equal-words", compares_ids),
        ("centre-and-context-swapped", context_first),
        ("another-order", by_distance),
        ("any", crashes_at_the_end),
    ],
    "01:negative_weights": [
        ("not-scaled-to-one", never_scaled),
        ("power-forgotten", plain_frequencies),
        ("power-after-scaling", scaled_then_powered),
        ("power-fixed-at-075", power_written_in),
        ("sum-before-power", divided_by_the_counts),
        ("multiplied-by-the-power", multiplied),
        ("softmax", soft_maximum),
        ("upside-down", inverse),
        ("any", all_alike),
    ],
    "01:sgns_loss": [
        ("log-of-zero", naive_logarithm),
        ("negatives-not-turned-round", rewards_negatives),
        ("sign-flipped", log_likelihood),
        ("only-the-true-pairs", without_negatives),
        ("only-the-negatives", without_the_pair),
        ("mean-over-negatives", averaged_negatives),
        ("sum-over-pairs", summed_batch),
        ("subtracted-instead-of-negated", minus_outside),
        ("one-minus-in-the-wrong-place", one_minus_log),
        ("logarithm-forgotten", no_logarithm),
        ("softmax-instead-of-sigmoid", cross_entropy_of_candidates),
        ("one-number-a-pair", one_value_a_pair),
        ("any", divided_by_d),
    ],
    "01:sgns_gradients": [
        ("not-divided-by-the-batch", gradient_of_the_sum),
        ("divided-by-all-scores", divided_twice),
        ("downhill", update_direction),
        ("label-of-the-true-pair-missing", label_forgotten),
        ("negatives-treated-as-true", label_one_for_all),
        ("negatives-missing-in-the-centre", centre_from_the_pair_only),
        ("multiplied-by-its-own-vector", own_vector),
        ("slope-of-the-sigmoid", derivative_of_sigmoid),
        ("centre-and-context-swapped", wrong_order),
        ("updated-in-between", moves_the_centre_first),
        ("any", forgets_the_third),
    ],
}
