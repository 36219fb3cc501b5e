"""Wrong answers to the exercises of lesson 00, written by someone who had not seen the checks."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise, zip_longest

import numpy as np
import torch


def misses_last_run(tokens, order):
    """Stop one run too early."""
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens) - order))


def keeps_short_tails(tokens, order):
    """Start a run at every token, so the last ones are shorter than `order`."""
    return Counter(tuple(tokens[i : i + order]) for i in range(len(tokens)))


def short_text_is_a_run(tokens, order):
    """Count a text shorter than `order` as one (shorter) run instead of none."""
    n_runs = max(1, len(tokens) - order + 1)
    return Counter(tuple(tokens[i : i + order]) for i in range(n_runs))


def bare_tokens_for_order_one(tokens, order):
    """Give unigrams as bare tokens, not as tuples of one."""
    if order == 1:
        return Counter(tokens)
    return Counter(zip(*(tokens[i:] for i in range(order)), strict=False))


def drops_runs_with_zero(tokens, order):
    """Filter the padding of zip_longest by truth, so runs with the id 0 (or "") go as well."""
    runs = zip_longest(*(tokens[i:] for i in range(order)))
    return Counter(run for run in runs if all(run))


def runs_do_not_overlap(tokens, order):
    """Count a repeated run only where it does not overlap its last occurrence, like str.count."""
    counts, free_from = Counter(), {}
    for i in range(len(tokens) - order + 1):
        run = tuple(tokens[i : i + order])
        if i >= free_from.get(run, 0):
            counts[run] += 1
            free_from[run] = i + order
    return counts


def position_by_index(tokens, order):
    """Look each token's place up with `index`, which always finds the first one."""
    tokens = list(tokens)
    counts = Counter()
    for token in tokens[: len(tokens) - order + 1]:
        start = tokens.index(token)
        counts[tuple(tokens[start : start + order])] += 1
    return counts


def at_most_trigrams(tokens, order):
    """Have a branch for orders 1 and 2; everything longer is counted as trigrams."""
    if order == 1:
        return Counter((token,) for token in tokens)
    if order == 2:
        return Counter(pairwise(tokens))
    return Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))


def all_orders_up_to(tokens, order):
    """Count the shorter runs too."""
    counts = Counter()
    for n in range(1, order + 1):
        counts.update(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))
    return counts


def temperature_multiplies(log_probs, temperature):
    """Multiply where the docstring divides."""
    return torch.log_softmax(log_probs * temperature, dim=-1)


def normalises_before_dividing(log_probs, temperature):
    """Divide last, so the exponentials no longer sum to 1."""
    return torch.log_softmax(log_probs, dim=-1) / temperature


def tempered_probabilities(log_probs, temperature):
    """Return probabilities, not their logarithms."""
    return torch.softmax(log_probs / temperature, dim=-1)


def only_sharpens(log_probs, temperature):
    """Do nothing above 1."""
    if temperature >= 1:
        return log_probs
    return torch.log_softmax(log_probs / temperature, dim=-1)


def powers_underflow(log_probs, temperature):
    """Take powers of probabilities: small ones become 0 before a high temperature helps them."""
    powers = log_probs.exp() ** (1 / temperature)
    return (powers / powers.sum()).log()


def impossible_becomes_possible(log_probs, temperature):
    """Guard the logarithm with a small number, so minus infinity does not stay."""
    return (torch.softmax(log_probs / temperature, dim=-1) + 1e-9).log()


def forgets_log_of_sum(log_probs, temperature):
    """Subtract the sum of the exponentials instead of its logarithm."""
    scaled = log_probs / temperature
    return scaled - scaled.exp().sum()


def mean_of_document_means(log_probs):
    """Let every document count the same, short or long."""
    return -float(np.mean([np.mean(document) for document in log_probs]))


def nats_per_document(log_probs):
    """Divide by the number of documents."""
    return -float(sum(document.sum() for document in log_probs)) / len(log_probs)


def forgets_impossible_tokens(log_probs):
    """Leave infinite surprise out of the mean."""
    values = np.concatenate(log_probs)
    return -float(values[np.isfinite(values)].mean())


def caps_the_surprise(log_probs):
    """Let no token cost more than 100 nats, not even an impossible one."""
    return -float(np.maximum(np.concatenate(log_probs), -100.0).mean())


def certain_tokens_do_not_count(log_probs):
    """Count tokens as non-zero entries; a token with probability 1 has log-probability 0."""
    values = np.concatenate(log_probs)
    return -float(values.sum()) / np.count_nonzero(values)


def empty_document_spoils_all(log_probs):
    """Weight the means by length, but the mean of an empty document is nan."""
    with np.errstate(invalid="ignore"):
        total = sum(
            len(document) * (np.sum(document) / np.float64(len(document))) for document in log_probs
        )
    return -float(total) / sum(len(document) for document in log_probs)


def log_of_mean_probability(log_probs):
    """Average the probabilities, then take the logarithm."""
    return -math.log(np.mean(np.exp(np.concatenate(log_probs))))


def bits_per_token(log_probs):
    """Convert to bits."""
    return -float(np.concatenate(log_probs).mean()) / math.log(2)


def forgets_vocabulary_size(counts, add_k):
    """Add k once, not V times, to the total."""
    return (counts + add_k) / (counts.sum() + add_k)


def adds_k_twice(counts, add_k):
    """Overwrite the counts, and then enlarge their (already larger) sum again."""
    counts = counts + add_k
    return counts / (counts.sum() + add_k * len(counts))


def adds_k_to_unseen_only(counts, add_k):
    """Smooth only the zeros."""
    smoothed = torch.where(counts == 0, add_k, counts)
    return smoothed / smoothed.sum()


def adds_k_to_frequencies(counts, add_k):
    """Divide first and add k afterwards; it still sums to 1."""
    return (counts / counts.sum() + add_k) / (1 + add_k * len(counts))


def zero_k_means_one(counts, add_k):
    """Take k = 0 for "not given", and use 1."""
    add_k = add_k or 1.0
    return (counts + add_k) / (counts.sum() + add_k * len(counts))


def nothing_seen_gives_zeros(counts, add_k):
    """Return zeros for an unseen context, although k > 0 would make all outcomes equal."""
    if counts.sum() == 0:
        return torch.zeros_like(counts)
    return (counts + add_k) / (counts.sum() + add_k * len(counts))


def counts_seen_outcomes_only(counts, add_k):
    """Take V to be the number of outcomes that were seen."""
    return (counts + add_k) / (counts.sum() + add_k * (counts > 0).sum())


def unseen_context_is_nan(counts, fallback, discount):
    """Forget the context that was never seen: 0 / 0."""
    total = counts.sum()
    freed = discount * (counts > 0).sum()
    return ((counts - discount).clamp(min=0) + freed * fallback) / total


def unseen_context_is_uniform(counts, fallback, discount):
    """Call all outcomes equal, instead of asking the shorter context."""
    total = counts.sum()
    if total == 0:
        return torch.full_like(fallback, 1 / len(fallback))
    freed = discount * (counts > 0).sum()
    return ((counts - discount).clamp(min=0) + freed * fallback) / total


def discounts_unseen_too(counts, fallback, discount):
    """Take the discount from zeros as well, and free it V times; it still sums to 1."""
    total = counts.sum()
    if total == 0:
        return fallback
    return (counts - discount + discount * len(counts) * fallback) / total


def linear_interpolation(counts, fallback, discount):
    """Take a share of each count, not the same amount from each; it still sums to 1."""
    total = counts.sum()
    if total == 0:
        return fallback
    return (1 - discount) * counts / total + discount * fallback


def different_counts_not_outcomes(counts, fallback, discount):
    """Read "different outcomes" as different values among the counts."""
    total = counts.sum()
    if total == 0:
        return fallback
    freed = discount * len(counts[counts > 0].unique())
    return ((counts - discount).clamp(min=0) + freed * fallback) / total


def gives_only_to_unseen(counts, fallback, discount):
    """Hand what was freed to unseen outcomes alone (Katz's way); it still sums to 1."""
    total = counts.sum()
    if total == 0:
        return fallback
    freed = discount * (counts > 0).sum()
    rest = torch.where(counts == 0, fallback, 0.0)
    return ((counts - discount).clamp(min=0) + freed * rest / rest.sum()) / total


def total_after_discount(counts, fallback, discount):
    """Divide by what is left after discounting."""
    kept = (counts - discount).clamp(min=0)
    if kept.sum() == 0:
        return fallback
    return (kept + discount * (counts > 0).sum() * fallback) / kept.sum()


def singletons_keep_their_count(counts, fallback, discount):
    """Call an outcome seen only if it was seen more than once."""
    total = counts.sum()
    if total == 0:
        return fallback
    seen = counts > 1
    kept = torch.where(seen, counts - discount, counts)
    return (kept + discount * seen.sum() * fallback) / total


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("00:count_ngrams", misses_last_run),
    ("00:count_ngrams", keeps_short_tails),
    ("00:count_ngrams", short_text_is_a_run),
    ("00:count_ngrams", bare_tokens_for_order_one),
    ("00:count_ngrams", drops_runs_with_zero),
    ("00:count_ngrams", runs_do_not_overlap),
    ("00:count_ngrams", position_by_index),
    ("00:count_ngrams", at_most_trigrams),
    ("00:count_ngrams", all_orders_up_to),
    ("00:apply_temperature", temperature_multiplies),
    ("00:apply_temperature", normalises_before_dividing),
    ("00:apply_temperature", tempered_probabilities),
    ("00:apply_temperature", only_sharpens),
    ("00:apply_temperature", powers_underflow),
    ("00:apply_temperature", impossible_becomes_possible),
    ("00:apply_temperature", forgets_log_of_sum),
    ("00:nats_per_token", mean_of_document_means),
    ("00:nats_per_token", nats_per_document),
    ("00:nats_per_token", forgets_impossible_tokens),
    ("00:nats_per_token", caps_the_surprise),
    ("00:nats_per_token", certain_tokens_do_not_count),
    ("00:nats_per_token", empty_document_spoils_all),
    ("00:nats_per_token", log_of_mean_probability),
    ("00:nats_per_token", bits_per_token),
    ("00:add_k_probabilities", forgets_vocabulary_size),
    ("00:add_k_probabilities", adds_k_twice),
    ("00:add_k_probabilities", adds_k_to_unseen_only),
    ("00:add_k_probabilities", adds_k_to_frequencies),
    ("00:add_k_probabilities", zero_k_means_one),
    ("00:add_k_probabilities", nothing_seen_gives_zeros),
    ("00:add_k_probabilities", counts_seen_outcomes_only),
    ("00:discounted_probabilities", unseen_context_is_nan),
    ("00:discounted_probabilities", unseen_context_is_uniform),
    ("00:discounted_probabilities", discounts_unseen_too),
    ("00:discounted_probabilities", linear_interpolation),
    ("00:discounted_probabilities", different_counts_not_outcomes),
    ("00:discounted_probabilities", gives_only_to_unseen),
    ("00:discounted_probabilities", total_after_discount),
    ("00:discounted_probabilities", singletons_keep_their_count),
]
