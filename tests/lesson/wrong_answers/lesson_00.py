"""Wrong answers to the exercises of lesson 00, as a learner might write them."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch

# --- count_ngrams ---


def counted_in_a_dict(tokens, order):
    if order < 1:
        raise ValueError("order must be at least 1")
    counts = {}
    for i in range(len(tokens) - order + 1):
        run = tuple(tokens[i : i + order])
        counts[run] = counts.get(run, 0) + 1
    return counts


def glued_the_words(tokens, order):
    counts = Counter()
    for i in range(len(tokens) - order + 1):
        counts[" ".join(str(t) for t in tokens[i : i + order])] += 1
    return counts


def used_lists_as_keys(tokens, order):
    counts = Counter()
    for i in range(len(tokens) - order + 1):
        counts[tokens[i : i + order]] += 1
    return counts


def stopped_one_too_early_and_no_check(tokens, order):
    counts = Counter()
    i = 0
    while i + order < len(tokens):
        counts[tuple(tokens[i : i + order])] += 1
        i += 1
    return counts


def went_past_the_end(tokens, order):
    return Counter(tuple(tokens[i : i + order]) for i, _ in enumerate(tokens))


def stepped_by_order(tokens, order):
    if order < 1:
        raise ValueError("order")
    return Counter(tuple(tokens[i : i + order]) for i in range(0, len(tokens) - order + 1, order))


def context_of_order_tokens(tokens, order):
    counts = Counter()
    for i in range(order, len(tokens)):
        counts[(*tokens[i - order : i], tokens[i])] += 1
    return counts


def all_lengths(tokens, order):
    counts = Counter()
    for n in range(1, order + 1):
        counts.update(zip(*[tokens[k:] for k in range(n)], strict=False))
    return counts


def set_to_one(tokens, order):
    counts = Counter()
    for i in range(len(tokens) - order + 1):
        counts[tuple(tokens[i : i + order])] = 1
    return counts


def without_the_check(tokens, order):
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))


def counted_letters_of_a_string(tokens, order):
    if order < 1:
        raise ValueError
    text = " ".join(map(str, tokens))
    return Counter(tuple(text[i : i + order]) for i in range(len(text) - order + 1))


# --- add_k_probabilities ---


def old_total(counts, add_k):
    return (counts + add_k) / torch.sum(counts)


def k_only_once(counts, add_k):
    total = counts.sum() + add_k
    return (counts + add_k) / total


def only_zeros_raised(counts, add_k):
    counts = counts.clone()
    counts[counts == 0] += add_k
    return counts / counts.sum()


def added_after_dividing(counts, add_k):
    shares = counts / counts.sum()
    return shares + add_k


def took_the_mean(counts, add_k):
    return (counts + add_k) / counts.shape[0]


def forgot_k(counts, add_k):
    return counts / counts.sum()


def softmaxed(counts, add_k):
    return torch.softmax(counts + add_k, dim=0)


def logs_of_it(counts, add_k):
    raised = counts + add_k
    return torch.log(raised / raised.sum())


def unseen_context_by_hand(counts, add_k):
    if counts.sum() == 0:
        return torch.zeros_like(counts)
    return (counts + add_k) / (counts + add_k).sum()


# --- nats_per_token ---


def averaged_the_averages(log_probs):
    if not log_probs:
        raise ValueError("nothing")
    means = [document.mean() for document in log_probs]
    return -float(sum(means) / len(means))


def no_minus(log_probs):
    everything = [x for document in log_probs for x in document]
    return float(sum(everything) / len(everything))


def summed_only(log_probs):
    return float(-sum(document.sum() for document in log_probs))


def per_document(log_probs):
    return float(-sum(document.sum() for document in log_probs) / len(log_probs))


def only_surprising_tokens(log_probs):
    everything = np.concatenate(log_probs)
    return -float(everything.sum() / np.count_nonzero(everything))


def in_bits(log_probs):
    everything = np.concatenate(log_probs)
    return float(-everything.sum() / len(everything) / np.log(2))


def perplexity_already(log_probs):
    everything = np.concatenate(log_probs)
    return float(np.exp(-everything.mean()))


def mean_probability(log_probs):
    everything = np.concatenate(log_probs)
    return float(-np.log(np.mean(np.exp(everything))))


def logs_of_logs(log_probs):
    everything = np.concatenate(log_probs)
    return -float(np.mean(np.log(np.abs(everything))))


def zero_for_nothing(log_probs):
    number = sum(len(document) for document in log_probs)
    if number == 0:
        return 0.0
    return -float(sum(document.sum() for document in log_probs)) / number


def skipped_the_impossible(log_probs):
    everything = np.concatenate(log_probs) if log_probs else np.array([])
    if len(everything) == 0:
        raise ValueError
    return -float(everything[np.isfinite(everything)].mean())


# --- apply_temperature ---


def only_divided(log_probs, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be > 0")
    return log_probs / temperature


def times_temperature(log_probs, temperature):
    if not temperature > 0:
        raise ValueError
    return torch.log_softmax(log_probs * temperature, dim=-1)


def gave_probabilities(log_probs, temperature):
    weights = log_probs.exp() ** (1 / temperature) if temperature > 0 else log_probs.exp()
    return weights / weights.sum()


def divided_probabilities_and_renormalised(log_probs, temperature):
    weights = log_probs.exp() / temperature
    return (weights / weights.sum()).log()


def divided_probabilities(log_probs, temperature):
    if temperature <= 0:
        raise ValueError
    return torch.log(torch.exp(log_probs) / temperature)


def softmax_on_probabilities(log_probs, temperature):
    probabilities = log_probs.exp()
    return torch.log(torch.softmax(probabilities / temperature, dim=0))


def normalised_the_logs(log_probs, temperature):
    scaled = log_probs / temperature
    return scaled / scaled.sum()


def unchecked(log_probs, temperature):
    return torch.log_softmax(log_probs / temperature, dim=-1)


def checks_zero_only(log_probs, temperature):
    if temperature == 0:
        raise ValueError("temperature must not be 0")
    return torch.log_softmax(log_probs / temperature, dim=-1)


def subtracted_the_maximum(log_probs, temperature):
    scaled = log_probs / temperature
    return scaled - scaled.max()


# --- discounted_probabilities ---


def no_case_for_unseen(counts, fallback, discount):
    kept = torch.clamp(counts - discount, min=0)
    freed = discount * (counts > 0).sum()
    return kept / counts.sum() + freed / counts.sum() * fallback


def took_and_lost(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    return torch.relu(counts - discount) / counts.sum()


def equal_parts(counts, fallback, discount):
    total = counts.sum()
    if total == 0:
        return fallback
    freed = discount * torch.count_nonzero(counts)
    return (torch.relu(counts - discount) + freed / counts.numel()) / total


def backed_off(counts, fallback, discount):
    total = counts.sum()
    if total == 0:
        return fallback
    probabilities = torch.relu(counts - discount) / total
    unseen = counts == 0
    if unseen.any():
        left = 1 - probabilities.sum()
        probabilities[unseen] = left * fallback[unseen] / fallback[unseen].sum()
    return probabilities


def one_discount(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    return (torch.clamp(counts - discount, min=0.0) + discount * fallback) / counts.sum()


def discount_times_outcomes(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    weight = discount * len(counts) / counts.sum()
    return torch.relu(counts - discount) / counts.sum() + weight * fallback


def one_discount_per_count(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    kinds = len({float(c) for c in counts if c > 0})
    return (torch.relu(counts - discount) + discount * kinds * fallback) / counts.sum()


def discount_per_token(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    return torch.relu(counts - discount) / counts.sum() + discount * fallback


def negative_counts(counts, fallback, discount):
    total = counts.sum()
    if total == 0:
        return fallback
    return (counts - discount) / total + discount * (counts > 0).sum() / total * fallback


def plain_mixture(counts, fallback, discount):
    if counts.sum() == 0:
        return fallback
    return (1 - discount) * counts / counts.sum() + discount * fallback


def equal_chances_when_unseen(counts, fallback, discount):
    total = counts.sum()
    if total == 0:
        return torch.ones_like(counts) / len(counts)
    freed = discount * (counts > 0).sum()
    return (torch.relu(counts - discount) + freed * fallback) / total


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "00:count_ngrams": [
        ("plain-dictionary", counted_in_a_dict),
        ("runs-are-strings", glued_the_words),
        ("runs-are-lists", used_lists_as_keys),
        ("missed-the-last-run", stopped_one_too_early_and_no_check),
        ("runs-past-the-end", went_past_the_end),
        ("runs-side-by-side", stepped_by_order),
        ("one-token-too-many", context_of_order_tokens),
        ("shorter-runs-too", all_lengths),
        ("each-counted-once", set_to_one),
        ("order-below-one-accepted", without_the_check),
        ("any", counted_letters_of_a_string),
    ],
    "00:add_k_probabilities": [
        ("k-missing-below-the-line", old_total),
        ("k-once-below-the-line", k_only_once),
        ("only-the-unseen-got-k", only_zeros_raised),
        ("k-added-to-the-shares", added_after_dividing),
        ("divided-by-the-number-of-outcomes", took_the_mean),
        ("k-has-no-effect", forgot_k),
        ("softmax-of-the-counts", softmaxed),
        ("logarithms-returned", logs_of_it),
        ("any", unseen_context_by_hand),
    ],
    "00:nats_per_token": [
        ("mean-of-means", averaged_the_averages),
        ("lost-the-minus", no_minus),
        ("total-instead-of-mean", summed_only),
        ("divided-by-documents", per_document),
        ("certain-tokens-left-out", only_surprising_tokens),
        ("bits-instead-of-nats", in_bits),
        ("perplexity-instead", perplexity_already),
        ("logarithm-of-the-mean", mean_probability),
        ("logarithm-taken-twice", logs_of_logs),
        ("nothing-accepted", zero_for_nothing),
        ("any", skipped_the_impossible),
    ],
    "00:apply_temperature": [
        ("not-made-to-sum-to-one", only_divided),
        ("multiplied-by-the-temperature", times_temperature),
        ("probabilities-returned", gave_probabilities),
        ("temperature-has-no-effect", divided_probabilities_and_renormalised),
        ("divided-the-probabilities", divided_probabilities),
        ("softmax-of-the-probabilities", softmax_on_probabilities),
        ("sum-of-logarithms", normalised_the_logs),
        ("temperature-not-checked", unchecked),
        ("temperature-not-checked", checks_zero_only),
        ("any", subtracted_the_maximum),
    ],
    "00:discounted_probabilities": [
        ("undefined-for-an-unseen-context", no_case_for_unseen),
        ("freed-mass-is-lost", took_and_lost),
        ("freed-mass-in-equal-parts", equal_parts),
        ("freed-mass-only-to-the-unseen", backed_off),
        ("discount-counted-once", one_discount),
        ("discount-counted-for-every-outcome", discount_times_outcomes),
        ("equal-counts-counted-once", one_discount_per_count),
        ("discount-counted-per-occurrence", discount_per_token),
        ("took-from-the-unseen", negative_counts),
        ("mixed-by-the-discount", plain_mixture),
        ("any", equal_chances_when_unseen),
    ],
}
