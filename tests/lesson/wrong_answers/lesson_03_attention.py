"""Wrong answers to the exercises of lesson 03 on attention itself and its gradients."""

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F

# --- scaled_dot_product_attention ----------------------------------------------------------------


def nan_for_nothing(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = F.softmax(scores, dim=-1)
    return weights @ value, weights


def minus_a_billion(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    weights = torch.softmax(scores, dim=-1)
    return weights @ value, weights


def root_of_embed_size(query, key, value, mask=None):
    heads = query.shape[-3] if query.dim() > 3 else 1
    embed_size = heads * query.shape[-1]
    scores = torch.einsum("...qd,...kd->...qk", query, key) / embed_size ** (1 / 2)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.softmax(scores, dim=-1).nan_to_num(0.0)
    return weights @ value, weights


def weights_of(scores, mask):
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(dim=-1).nan_to_num(0.0)


def forgot_to_scale(query, key, value, mask=None):
    weights = weights_of(torch.einsum("...qd,...kd->...qk", query, key), mask)
    return weights @ value, weights


def forgot_the_root(query, key, value, mask=None):
    weights = weights_of(query @ key.mT / query.size(-1), mask)
    return weights @ value, weights


def root_of_the_length(query, key, value, mask=None):
    weights = weights_of(query @ key.mT / math.sqrt(key.size(-2)), mask)
    return weights @ value, weights


def zero_to_one_first(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    lowest = scores.min(dim=-1, keepdim=True).values
    highest = scores.max(dim=-1, keepdim=True).values
    weights = weights_of((scores - lowest) / (highest - lowest), mask)
    return weights @ value, weights


def masked_too_late(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.size(-1))).softmax(dim=-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def multiplied_scores(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores * mask
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def no_mask(query, key, value, mask=None):
    weights = weights_of(query @ key.mT / math.sqrt(query.size(-1)), None)
    return weights @ value, weights


def true_is_blocked(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def other_axis(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = scores.softmax(dim=-2)
    return weights @ value, weights


def raw_scores(query, key, value, mask=None):
    weights = query @ key.mT / math.sqrt(query.size(-1))
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def independent_gates(query, key, value, mask=None):
    weights = torch.sigmoid(query @ key.mT / math.sqrt(query.size(-1)))
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def renormalised(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.size(-1))).softmax(dim=-1)
    if mask is not None:
        weights = weights * mask
    weights = F.normalize(weights, p=1, dim=-1)
    return weights @ value, weights


def exponentials_written_out(query, key, value, mask=None):
    powers = torch.exp(query @ key.mT / math.sqrt(query.size(-1)))
    if mask is not None:
        powers = torch.where(mask, powers, 0.0)
    total = powers.sum(-1, keepdim=True)
    weights = powers / torch.where(total == 0, 1.0, total)
    return weights @ value, weights


def only_the_mixture(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def weights_first(query, key, value, mask=None):
    weights = weights_of(query @ key.mT / math.sqrt(query.size(-1)), mask)
    return weights, weights @ value


def softmax_twice(query, key, value, mask=None):
    weights = weights_of(query @ key.mT / math.sqrt(query.size(-1)), mask).softmax(dim=-1)
    return weights @ value, weights


# --- attention_gradients -------------------------------------------------------------------------


def forward(query, key):
    return torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), dim=-1)


def back_through_scores(query, key, d_scores):
    scale = math.sqrt(query.shape[-1])
    return d_scores @ key / scale, d_scores.mT @ query / scale


def slopes(query, key, value, d_mixed):
    weights = forward(query, key)
    d_weights = torch.einsum("...tv,...sv->...ts", d_mixed, value)
    shared = (weights * d_weights).sum(-1, keepdim=True)
    return weights, weights * (d_weights - shared)


def weights_by_exp(query, key, value, d_mixed):
    powers = torch.exp(query @ key.mT / math.sqrt(query.shape[-1]))
    weights = powers / powers.sum(-1, keepdim=True)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdim=True))
    return *back_through_scores(query, key, d_scores), weights.mT @ d_mixed


def diagonal_only(query, key, value, d_mixed):
    weights = forward(query, key)
    d_scores = weights * (1 - weights) * (d_mixed @ value.mT)
    return *back_through_scores(query, key, d_scores), weights.mT @ d_mixed


def no_competition(query, key, value, d_mixed):
    weights = forward(query, key)
    d_scores = weights * (d_mixed @ value.mT)
    return *back_through_scores(query, key, d_scores), weights.mT @ d_mixed


def unweighted_mean(query, key, value, d_mixed):
    weights = forward(query, key)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - d_weights.mean(-1).unsqueeze(-1))
    return *back_through_scores(query, key, d_scores), weights.mT @ d_mixed


def sums_over_queries(query, key, value, d_mixed):
    weights = forward(query, key)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(-2, keepdim=True))
    return *back_through_scores(query, key, d_scores), weights.mT @ d_mixed


def linear_softmax(query, key, value, d_mixed):
    d_scores = d_mixed @ value.mT
    return *back_through_scores(query, key, d_scores), forward(query, key).mT @ d_mixed


def without_the_scale(query, key, value, d_mixed):
    weights, d_scores = slopes(query, key, value, d_mixed)
    return d_scores @ key, d_scores.mT @ query, weights.mT @ d_mixed


def scaled_up(query, key, value, d_mixed):
    weights, d_scores = slopes(query, key, value, d_mixed)
    scale = math.sqrt(query.shape[-1])
    return d_scores @ key * scale, d_scores.mT @ query * scale, weights.mT @ d_mixed


def key_first(query, key, value, d_mixed):
    weights, d_scores = slopes(query, key, value, d_mixed)
    d_query, d_key = back_through_scores(query, key, d_scores)
    return d_key, d_query, weights.mT @ d_mixed


def all_the_slope(query, key, value, d_mixed):
    _, d_scores = slopes(query, key, value, d_mixed)
    d_value = torch.ones_like(d_scores).mT @ d_mixed
    return *back_through_scores(query, key, d_scores), d_value


def steps_downhill(query, key, value, d_mixed):
    weights, d_scores = slopes(query, key, value, d_mixed)
    d_query, d_key = back_through_scores(query, key, d_scores)
    return -d_query, -d_key, -(weights.mT @ d_mixed)


def forgets_the_values(query, key, value, d_mixed):
    _, d_scores = slopes(query, key, value, d_mixed)
    return back_through_scores(query, key, d_scores)


def value_slope_from_weights(query, key, value, d_mixed):
    weights, d_scores = slopes(query, key, value, d_mixed)
    return *back_through_scores(query, key, d_scores), weights.mT @ weights @ value


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "03:scaled_dot_product_attention": [
        ("not-a-number", nan_for_nothing),
        ("empty-row-attends-to-everything", minus_a_billion),
        ("rescaled-after-softmax", renormalised),
        ("softmax-overflows", exponentials_written_out),
        ("scaled-by-the-full-width", root_of_embed_size),
        ("not-scaled", forgot_to_scale),
        ("divided-by-the-width", forgot_the_root),
        ("scaled-by-the-number-of-keys", root_of_the_length),
        ("normalised-then-softmax", zero_to_one_first),
        ("softmax-before-masking", masked_too_late),
        ("hidden-scores-set-to-zero", multiplied_scores),
        ("mask-missing", no_mask),
        ("mask-inverted", true_is_blocked),
        ("softmax-over-the-queries", other_axis),
        ("softmax-forgotten", raw_scores),
        ("sigmoid-instead-of-softmax", independent_gates),
        ("any", only_the_mixture),
        ("any", weights_first),
        ("any", softmax_twice),
    ],
    "03:attention_gradients": [
        ("softmax-like-a-sigmoid", diagonal_only),
        ("row-mean-forgotten", no_competition),
        ("plain-mean-subtracted", unweighted_mean),
        ("mean-over-the-queries", sums_over_queries),
        ("softmax-skipped", linear_softmax),
        ("scale-forgotten", without_the_scale),
        ("scale-turned-round", scaled_up),
        ("query-and-key-swapped", key_first),
        ("values-without-weights", all_the_slope),
        ("softmax-overflows", weights_by_exp),
        ("downhill", steps_downhill),
        ("any", forgets_the_values),
        ("any", value_slope_from_weights),
    ],
}
