"""Wrong answers to the exercises of lesson 01, written by someone who had not seen the checks."""

import math
from collections.abc import Callable
from itertools import permutations

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, normalize


def divides_by_squared_lengths(a, b):
    """Forget the roots: right for unit vectors only."""
    a, b = np.asarray(a), np.asarray(b)
    return float(a @ b / ((a @ a) * (b @ b)))


def divides_by_one_length(a, b):
    """Divide by the length of the second vector only."""
    a, b = np.asarray(a), np.asarray(b)
    return float(a @ b / np.linalg.norm(b))


def never_negative(a, b):
    """Cut opposite directions off at 0."""
    a, b = np.asarray(a), np.asarray(b)
    return max(0.0, float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))


def whole_numbers_only(a, b):
    """Make the vectors integers, as they are in the example."""
    a, b = np.asarray(a).astype(int), np.asarray(b).astype(int)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def length_of_two_coordinates(a, b):
    """Take the length from the first two coordinates, as in the plane."""
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return float(product / (math.hypot(a[0], a[1]) * math.hypot(b[0], b[1])))


def short_vectors_suffer(a, b):
    """Guard the division with a number that is not small beside short vectors."""
    a, b = np.asarray(a), np.asarray(b)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


def correlation(a, b):
    """Subtract the means first: Pearson's correlation."""
    a, b = np.asarray(a) - np.mean(a), np.asarray(b) - np.mean(b)
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12))


def window_one_short_on_the_right(ids, window):
    """Forget that `range` leaves its end out."""
    return [
        (center, ids[j])
        for i, center in enumerate(ids)
        for j in range(max(0, i - window), min(len(ids), i + window))
        if j != i
    ]


def wraps_around(ids, window):
    """Let negative positions count from the end of the sentence."""
    return [
        (center, ids[j])
        for i, center in enumerate(ids)
        for j in range(i - window, min(len(ids), i + window + 1))
        if j != i
    ]


def skips_equal_words(ids, window):
    """Compare words, not positions: a word beside itself is no pair any more."""
    return [
        (center, context)
        for i, center in enumerate(ids)
        for context in ids[max(0, i - window) : i + window + 1]
        if context != center
    ]


def each_pair_once(ids, window):
    """Throw repeated pairs away."""
    pairs = []
    for i, center in enumerate(ids):
        for j in range(max(0, i - window), min(len(ids), i + window + 1)):
            if j != i and (center, ids[j]) not in pairs:
                pairs.append((center, ids[j]))
    return pairs


def nearest_context_first(ids, window):
    """Go outwards from the centre: left, right, left, right; the same only for window 1."""
    pairs = []
    for i, center in enumerate(ids):
        for distance in range(1, window + 1):
            if i - distance >= 0:
                pairs.append((center, ids[i - distance]))
            if i + distance < len(ids):
                pairs.append((center, ids[i + distance]))
    return pairs


def context_comes_first(ids, window):
    """Swap the two members of each pair."""
    return [
        (ids[j], center)
        for i, center in enumerate(ids)
        for j in range(max(0, i - window), min(len(ids), i + window + 1))
        if j != i
    ]


def place_by_index(ids, window):
    """Look the centre's place up with `index`, which always finds the first one."""
    ids = list(ids)
    pairs = []
    for center in ids:
        i = ids.index(center)
        left, right = ids[max(0, i - window) : i], ids[i + 1 : i + window + 1]
        pairs += [(center, context) for context in left + right]
    return pairs


def only_full_windows(ids, window):
    """Skip the centres near both ends."""
    return [
        (ids[i], ids[j])
        for i in range(window, len(ids) - window)
        for j in range(i - window, i + window + 1)
        if j != i
    ]


def whole_sentence(ids, window):
    """Pair every word with every other: the window plays no part."""
    return list(permutations(ids, 2))


def _scores(center, context, negatives):
    return (center * context).sum(-1), torch.einsum("bkd,bd->bk", negatives, center)


def mean_over_negatives(center, context, negatives):
    """Average over the K negatives instead of adding them up: right for K = 1."""
    positive, negative = _scores(center, context, negatives)
    return -(logsigmoid(positive) + logsigmoid(-negative).mean(-1)).mean()


def mean_over_all_answers(center, context, negatives):
    """Let the ready-made loss average over all K + 1 answers."""
    positive, negative = _scores(center, context, negatives)
    scores = torch.cat([positive[:, None], negative], dim=1)
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1
    return binary_cross_entropy_with_logits(scores, labels)


def sum_over_pairs(center, context, negatives):
    """Add the pairs up: right for B = 1."""
    positive, negative = _scores(center, context, negatives)
    return -(logsigmoid(positive) + logsigmoid(-negative).sum(-1)).sum()


def negatives_should_score_high(center, context, negatives):
    """Forget the minus sign before the negatives' scores."""
    positive, negative = _scores(center, context, negatives)
    return -(logsigmoid(positive) + logsigmoid(negative).sum(-1)).mean()


def negatives_meet_the_context(center, context, negatives):
    """Score the negatives against the context instead of the centre."""
    positive = (center * context).sum(-1)
    negative = (negatives @ context.unsqueeze(-1)).squeeze(-1)
    return -(logsigmoid(positive) + logsigmoid(-negative).sum(-1)).mean()


def all_centres_with_all_contexts(center, context, negatives):
    """Multiply the matrices, so every centre meets the contexts of other pairs too."""
    positive = center @ context.T
    negative = (negatives @ center.unsqueeze(-1)).squeeze(-1)
    return (-logsigmoid(positive)).mean() - logsigmoid(-negative).sum(-1).mean()


def all_centres_with_all_negatives(center, context, negatives):
    """Score each pair's negatives against all centres, and average: right for B = 1."""
    positive = (center * context).sum(-1)
    negative = negatives @ center.T
    return -(logsigmoid(positive).mean() + logsigmoid(-negative).sum(1).mean())


def logarithm_is_cut_off(center, context, negatives):
    """Keep the probabilities above 1e-6, so no surprise exceeds 14 nats."""
    positive, negative = _scores(center, context, negatives)
    right = positive.sigmoid().clamp(min=1e-6).log()
    return -(right + (-negative).sigmoid().clamp(min=1e-6).log().sum(-1)).mean()


def unit_vectors(center, context, negatives):
    """Score with cosines instead of dot products."""
    positive, negative = _scores(
        normalize(center, dim=-1), normalize(context, dim=-1), normalize(negatives, dim=-1)
    )
    return -(logsigmoid(positive) + logsigmoid(-negative).sum(-1)).mean()


def _errors(center, context, negatives):
    positive, negative = _scores(center, context, negatives)
    return positive.sigmoid()[:, None] - 1, negative.sigmoid()[:, :, None]


def gradient_of_the_sum(center, context, negatives):
    """Forget that the loss is a mean over the pairs."""
    true, false = _errors(center, context, negatives)
    d_center = true * context + (false * negatives).sum(1)
    return d_center, true * center, false * center[:, None]


def only_the_centre_divided(center, context, negatives):
    """Divide one of the three gradients by the number of pairs."""
    true, false = _errors(center, context, negatives)
    d_center = (true * context + (false * negatives).sum(1)) / len(center)
    return d_center, true * center, false * center[:, None]


def centre_feels_mean_negative(center, context, negatives):
    """Average the push of the negatives on the centre: right for K = 1."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = true * context + (false * negatives).mean(1)
    return d_center / n, true * center / n, false * center[:, None] / n


def divided_by_negatives_too(center, context, negatives):
    """Divide the negatives' gradient by B times K, the number of its rows: right for K = 1."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = (true * context + (false * negatives).sum(1)) / n
    return d_center, true * center / n, false * center[:, None] / (n * negatives.shape[1])


def multiplies_by_the_same_vector(center, context, negatives):
    """Multiply each error by the vector itself, not by the other one."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = (true + false.sum(1)) * center
    return d_center / n, true * context / n, false * negatives / n


def downhill_direction(center, context, negatives):
    """Return the step that lowers the loss: label minus prediction."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = -(true * context + (false * negatives).sum(1))
    return d_center / n, -true * center / n, -false * center[:, None] / n


def first_two_swapped(center, context, negatives):
    """Return the context's gradient before the centre's."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = (true * context + (false * negatives).sum(1)) / n
    return true * center / n, d_center, false * center[:, None] / n


def negatives_labelled_true(center, context, negatives):
    """Subtract the label 1 from the negatives' predictions as well."""
    n, (true, false) = len(center), _errors(center, context, negatives)
    d_center = (true * context + ((false - 1) * negatives).sum(1)) / n
    return d_center, true * center / n, (false - 1) * center[:, None] / n


def usual_power_always(counts, power=0.75):
    """Hard-code the default."""
    weights = torch.as_tensor(counts).double() ** 0.75
    return weights / weights.sum()


def power_zero_is_default(counts, power=0.75):
    """Take power 0 for "not given"."""
    weights = torch.as_tensor(counts).double() ** (power or 0.75)
    return weights / weights.sum()


def power_of_shares(counts, power=0.75):
    """Scale first and take the power last, so the sum is not 1."""
    counts = torch.as_tensor(counts).double()
    return (counts / counts.sum()) ** power


def whole_powers(counts, power=0.75):
    """Cut the powers down to whole numbers, which they are in the example."""
    weights = (torch.as_tensor(counts).double() ** power).long()
    return weights.double() / weights.sum().clamp(min=1)


def unseen_counts_as_one(counts, power=0.75):
    """Raise the count 0 to 1, so a word that was never seen is drawn."""
    weights = torch.as_tensor(counts).double().clamp(min=1) ** power
    return weights / weights.sum()


def largest_count_first(counts, power=0.75):
    """Sort the counts, so the weights belong to other words."""
    weights = torch.as_tensor(counts).double().sort(descending=True).values ** power
    return weights / weights.sum()


def inverse_power(counts, power=0.75):
    """Take the root where the power is meant: frequent words gain instead of losing."""
    weights = torch.as_tensor(counts).double() ** (1 / power if power else 0.0)
    return weights / weights.sum()


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("01:cosine_similarity", divides_by_squared_lengths),
    ("01:cosine_similarity", divides_by_one_length),
    ("01:cosine_similarity", never_negative),
    ("01:cosine_similarity", whole_numbers_only),
    ("01:cosine_similarity", length_of_two_coordinates),
    ("01:cosine_similarity", short_vectors_suffer),
    ("01:cosine_similarity", correlation),
    ("01:skip_gram_pairs", window_one_short_on_the_right),
    ("01:skip_gram_pairs", wraps_around),
    ("01:skip_gram_pairs", skips_equal_words),
    ("01:skip_gram_pairs", each_pair_once),
    ("01:skip_gram_pairs", nearest_context_first),
    ("01:skip_gram_pairs", context_comes_first),
    ("01:skip_gram_pairs", place_by_index),
    ("01:skip_gram_pairs", only_full_windows),
    ("01:skip_gram_pairs", whole_sentence),
    ("01:sgns_loss", mean_over_negatives),
    ("01:sgns_loss", mean_over_all_answers),
    ("01:sgns_loss", sum_over_pairs),
    ("01:sgns_loss", negatives_should_score_high),
    ("01:sgns_loss", negatives_meet_the_context),
    ("01:sgns_loss", all_centres_with_all_contexts),
    ("01:sgns_loss", all_centres_with_all_negatives),
    ("01:sgns_loss", logarithm_is_cut_off),
    ("01:sgns_loss", unit_vectors),
    ("01:sgns_gradients", gradient_of_the_sum),
    ("01:sgns_gradients", only_the_centre_divided),
    ("01:sgns_gradients", centre_feels_mean_negative),
    ("01:sgns_gradients", divided_by_negatives_too),
    ("01:sgns_gradients", multiplies_by_the_same_vector),
    ("01:sgns_gradients", downhill_direction),
    ("01:sgns_gradients", first_two_swapped),
    ("01:sgns_gradients", negatives_labelled_true),
    ("01:negative_weights", usual_power_always),
    ("01:negative_weights", power_zero_is_default),
    ("01:negative_weights", power_of_shares),
    ("01:negative_weights", whole_powers),
    ("01:negative_weights", unseen_counts_as_one),
    ("01:negative_weights", largest_count_first),
    ("01:negative_weights", inverse_power),
]
