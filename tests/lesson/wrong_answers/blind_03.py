"""Wrong answers to the exercises of lesson 03, written by someone who had not seen the checks."""

import math
from collections.abc import Callable

import torch

from course_lib.nn.attention import scaled_dot_product_attention


def divides_by_value_width(query, key, value, mask=None):
    """Take the root of the values' width: right where it equals the keys'."""
    scores = query @ key.mT / math.sqrt(value.shape[-1])
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1).masked_fill(~mask, 0.0)
    return weights @ value, weights


def softmax_over_axis_one(query, key, value, mask=None):
    """Apply softmax to axis 1: the rows of one matrix, but the queries of a batch."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is None:
        weights = scores.softmax(dim=1)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=1).masked_fill(~mask, 0.0)
    return weights @ value, weights


def hides_with_a_large_number(query, key, value, mask=None):
    """Fill in -1e9: a query that may attend to nothing gets equal weights."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(dim=-1)
    return weights @ value, weights


def hides_weights_and_rescales(query, key, value, mask=None):
    """Hide after the softmax, and make the rest sum to 1: a huge hidden score leaves no rest."""
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(dim=-1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-9)
    return weights @ value, weights


def overflows(query, key, value, mask=None):
    """Write softmax without subtracting the maximum."""
    powers = (query @ key.mT / math.sqrt(query.shape[-1])).exp()
    if mask is not None:
        powers = powers * mask
    weights = powers / powers.sum(dim=-1, keepdim=True).clamp(min=1e-30)
    return weights @ value, weights


def repairs_only_the_output(query, key, value, mask=None):
    """Turn NaN into 0 in the mixed values, and leave it in the weights."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    return (weights @ value).nan_to_num(), weights


def zeros_only_if_all_is_hidden(query, key, value, mask=None):
    """Ask whether the whole mask is empty, as in the example; one empty row gives NaN."""
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is None:
        weights = scores.softmax(dim=-1)
    elif not mask.any():
        weights = torch.zeros_like(scores)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1)
    return weights @ value, weights


def scales_the_callers_query(query, key, value, mask=None):
    """Divide the query in place: the result is right, the caller's tensor is not."""
    query /= math.sqrt(query.shape[-1])
    scores = query @ key.mT
    if mask is None:
        weights = scores.softmax(dim=-1)
    else:
        weights = scores.masked_fill(~mask, -math.inf).softmax(dim=-1).masked_fill(~mask, 0.0)
    return weights @ value, weights


def queries_are_the_first(n_queries, n_keys=None, *, device=None):
    """Align the first query with the first key, as torch's `is_causal` does."""
    n_keys = n_queries if n_keys is None else n_keys
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril()


def hides_itself(n_queries, n_keys=None, *, device=None):
    """Leave the diagonal out: a token sees only what came before it."""
    n_keys = n_queries if n_keys is None else n_keys
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=n_keys - n_queries - 1)


def true_means_hidden(n_queries, n_keys=None, *, device=None):
    """Use the other convention, that of `torch.nn.MultiheadAttention`."""
    n_keys = n_queries if n_keys is None else n_keys
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return everything.triu(diagonal=n_keys - n_queries + 1)


def ones_and_zeros(n_queries, n_keys=None, *, device=None):
    """Give floats, where `~` is an error and torch's function adds them to the scores."""
    n_keys = n_queries if n_keys is None else n_keys
    return torch.ones(n_queries, n_keys, device=device).tril(diagonal=n_keys - n_queries)


def ready_to_be_added(n_queries, n_keys=None, *, device=None):
    """Give 0 and minus infinity, as many tutorials do."""
    n_keys = n_queries if n_keys is None else n_keys
    hidden = torch.full((n_queries, n_keys), -math.inf, device=device)
    return hidden.triu(diagonal=n_keys - n_queries + 1)


def cached_keys_are_all_past(n_queries, n_keys=None, *, device=None):
    """Let all queries see all keys if there are more keys: right for one new word only."""
    if n_keys is not None and n_keys > n_queries:
        return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return torch.ones(n_queries, n_queries, dtype=torch.bool, device=device).tril()


def one_too_many_after_a_cache(n_queries, n_keys=None, *, device=None):
    """Let each query see one key of the future if `n_keys` is given."""
    if n_keys is None:
        return torch.ones(n_queries, n_queries, dtype=torch.bool, device=device).tril()
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=n_keys - n_queries + 1)


def with_axes_for_batch_and_heads(n_queries, n_keys=None, *, device=None):
    """Put two axes in front, of shape (1, 1, T, S)."""
    n_keys = n_queries if n_keys is None else n_keys
    everything = torch.ones(1, 1, n_queries, n_keys, dtype=torch.bool, device=device)
    return everything.tril(diagonal=n_keys - n_queries)


def require_divisor(x, n_heads):
    """Refuse a number of heads that does not divide the width, as the lesson wants."""
    if n_heads < 1 or x.shape[-1] % n_heads:
        raise ValueError(f"n_heads must be a divisor of {x.shape[-1]}; got n_heads={n_heads}.")


def reshapes_at_once(x, n_heads):
    """Reshape to the right shape without swapping axes, which mixes tokens and heads."""
    require_divisor(x, n_heads)
    return x.reshape(x.shape[0], n_heads, x.shape[1], -1)


def every_nth_number(x, n_heads):
    """Deal the numbers out like cards: head 0 gets numbers 0, H, 2H."""
    require_divisor(x, n_heads)
    return x.unflatten(-1, (-1, n_heads)).permute(0, 3, 1, 2)


def drops_what_is_left(x, n_heads):
    """Round the width down and drop the last numbers, instead of refusing."""
    d_head = x.shape[-1] // n_heads
    return x[..., : n_heads * d_head].unflatten(-1, (n_heads, d_head)).transpose(1, 2)


def heads_before_sentences(x, n_heads):
    """Stack the heads in front and reshape: right for one sentence only."""
    require_divisor(x, n_heads)
    stacked = torch.stack(x.split(x.shape[-1] // n_heads, dim=-1))
    return stacked.reshape(x.shape[0], n_heads, x.shape[1], -1)


def forgets_the_swap(x, n_heads):
    """Leave the heads behind the tokens, in the shape (B, T, H, K)."""
    require_divisor(x, n_heads)
    return x.unflatten(-1, (n_heads, -1))


def heads_of_width_n_heads(x, n_heads):
    """Take `n_heads` for the width of a head: right where both are equal."""
    require_divisor(x, n_heads)
    return x.unflatten(-1, (-1, n_heads)).transpose(1, 2)


def chunks_may_be_fewer(x, n_heads):
    """Trust `chunk`, which makes 3 chunks of 6 numbers when asked for 4, without an error."""
    return torch.stack(x.chunk(n_heads, dim=-1), dim=1)


def one_head_has_no_axis(x, n_heads):
    """Return the input as it is if there is one head."""
    require_divisor(x, n_heads)
    if n_heads == 1:
        return x
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def waves(n_positions, exponents):
    """Compute angles in float64: position by 10000 to some power."""
    positions = torch.arange(n_positions, dtype=torch.float64)[:, None]
    return positions / 10000.0 ** exponents.double()


def forgets_the_two(n_positions, d_model, *, dtype=torch.float32):
    """Count pairs, but forget the 2 in 2i / D: the waves slow down half as fast."""
    angles = waves(n_positions, torch.arange((d_model + 1) // 2) / d_model)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :d_model].to(dtype)


def each_column_its_own_angle(n_positions, d_model, *, dtype=torch.float32):
    """Use the column's number as exponent, also in the cosines."""
    angles = waves(n_positions, torch.arange(d_model).double() / d_model)
    is_even = torch.arange(d_model) % 2 == 0
    return torch.where(is_even, angles.sin(), angles.cos()).to(dtype)


def all_sines_first(n_positions, d_model, *, dtype=torch.float32):
    """Put the sines into the left half and the cosines into the right one."""
    angles = waves(n_positions, torch.arange(0, d_model, 2).double() / d_model)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[:, :d_model].to(dtype)


def computes_in_the_final_dtype(n_positions, d_model, *, dtype=torch.float32):
    """Compute in `dtype`: in bfloat16 position 257 is 256."""
    positions = torch.arange(n_positions).to(dtype)[:, None]
    angles = positions / 10000.0 ** (torch.arange(0, d_model, 2).to(dtype) / d_model)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :d_model]


def slowest_wave_is_exact(n_positions, d_model, *, dtype=torch.float32):
    """Divide by D / 2 - 1, so the last pair has exactly 10000, as in some libraries."""
    n_pairs = (d_model + 1) // 2
    angles = waves(n_positions, torch.arange(n_pairs).double() / max(n_pairs - 1, 1))
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :d_model].to(dtype)


def odd_width_is_rounded_up(n_positions, d_model, *, dtype=torch.float32):
    """Build the table for the next even width and cut a column off: other angles."""
    width = d_model + d_model % 2
    angles = waves(n_positions, torch.arange(0, width, 2).double() / width)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :d_model].to(dtype)


def odd_column_stays_zero(n_positions, d_model, *, dtype=torch.float32):
    """Fill complete pairs only: the last column of an odd width is 0."""
    angles = waves(n_positions, torch.arange(0, d_model - 1, 2).double() / d_model)
    table = torch.zeros(n_positions, d_model, dtype=torch.float64)
    table[:, : d_model // 2 * 2] = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    return table.to(dtype)


def counts_from_one(n_positions, d_model, *, dtype=torch.float32):
    """Begin with position 1."""
    angles = waves(n_positions + 1, torch.arange(0, d_model, 2).double() / d_model)[1:]
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[:, :d_model].to(dtype)


def from_d_scores(query, key, weights, d_scores, d_mixed):
    """Do the last, easy steps of the way back, rightly."""
    scale = 1 / math.sqrt(query.shape[-1])
    return d_scores @ key * scale, d_scores.mT @ query * scale, weights.mT @ d_mixed


def plain_average(query, key, value, d_mixed):
    """Compare with the plain average of a row, not with the one by the weights."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - d_weights.mean(dim=-1, keepdim=True))
    return from_d_scores(query, key, weights, d_scores, d_mixed)


def each_weight_by_itself(query, key, value, d_mixed):
    """Use w (1 - w), the diagonal only: each score moves its own weight."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_scores = weights * (1 - weights) * (d_mixed @ value.mT)
    return from_d_scores(query, key, weights, d_scores, d_mixed)


def averages_over_queries(query, key, value, d_mixed):
    """Take the average down the columns."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-2, keepdim=True))
    return from_d_scores(query, key, weights, d_scores, d_mixed)


def keys_are_scaled_twice(query, key, value, d_mixed):
    """Scale the queries first, and their product once more."""
    scale = 1 / math.sqrt(query.shape[-1])
    scaled = query * scale
    weights = (scaled @ key.mT).softmax(dim=-1)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))
    return d_scores @ key * scale, d_scores.mT @ scaled * scale, weights.mT @ d_mixed


def scale_of_the_values(query, key, value, d_mixed):
    """Divide by the root of the values' width on the way back."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))
    scale = 1 / math.sqrt(value.shape[-1])
    return d_scores @ key * scale, d_scores.mT @ query * scale, weights.mT @ d_mixed


def weights_overflow(query, key, value, d_mixed):
    """Recompute the softmax without subtracting the maximum."""
    powers = (query @ key.mT / math.sqrt(query.shape[-1])).exp()
    weights = powers / powers.sum(dim=-1, keepdim=True)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))
    return from_d_scores(query, key, weights, d_scores, d_mixed)


def keys_shared_by_the_batch(query, key, value, d_mixed):
    """Add the slopes of the keys up over the batch: right for one sentence only."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))
    d_query, d_key, d_value = from_d_scores(query, key, weights, d_scores, d_mixed)
    if d_key.ndim > 2:
        d_key = d_key.sum(dim=0, keepdim=True).expand_as(d_key)
    return d_query, d_key, d_value


def scales_the_slopes_in_place(query, key, value, d_mixed):
    """Multiply `d_mixed` in place by 1 / √K once all else is done with it."""
    _, weights = scaled_dot_product_attention(query, key, value)
    d_value = weights.mT @ d_mixed
    d_mixed *= 1 / math.sqrt(query.shape[-1])
    d_weights = d_mixed @ value.mT
    d_scores = weights * (d_weights - (weights * d_weights).sum(dim=-1, keepdim=True))
    return d_scores @ key, d_scores.mT @ query, d_value


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("03:scaled_dot_product_attention", divides_by_value_width),
    ("03:scaled_dot_product_attention", softmax_over_axis_one),
    ("03:scaled_dot_product_attention", hides_with_a_large_number),
    ("03:scaled_dot_product_attention", hides_weights_and_rescales),
    ("03:scaled_dot_product_attention", overflows),
    ("03:scaled_dot_product_attention", repairs_only_the_output),
    ("03:scaled_dot_product_attention", zeros_only_if_all_is_hidden),
    ("03:scaled_dot_product_attention", scales_the_callers_query),
    ("03:causal_mask", queries_are_the_first),
    ("03:causal_mask", hides_itself),
    ("03:causal_mask", true_means_hidden),
    ("03:causal_mask", ones_and_zeros),
    ("03:causal_mask", ready_to_be_added),
    ("03:causal_mask", cached_keys_are_all_past),
    ("03:causal_mask", one_too_many_after_a_cache),
    ("03:causal_mask", with_axes_for_batch_and_heads),
    ("03:split_heads", reshapes_at_once),
    ("03:split_heads", every_nth_number),
    ("03:split_heads", drops_what_is_left),
    ("03:split_heads", heads_before_sentences),
    ("03:split_heads", forgets_the_swap),
    ("03:split_heads", heads_of_width_n_heads),
    ("03:split_heads", chunks_may_be_fewer),
    ("03:split_heads", one_head_has_no_axis),
    ("03:sinusoidal_positions", forgets_the_two),
    ("03:sinusoidal_positions", each_column_its_own_angle),
    ("03:sinusoidal_positions", all_sines_first),
    ("03:sinusoidal_positions", computes_in_the_final_dtype),
    ("03:sinusoidal_positions", slowest_wave_is_exact),
    ("03:sinusoidal_positions", odd_width_is_rounded_up),
    ("03:sinusoidal_positions", odd_column_stays_zero),
    ("03:sinusoidal_positions", counts_from_one),
    ("03:attention_gradients", plain_average),
    ("03:attention_gradients", each_weight_by_itself),
    ("03:attention_gradients", averages_over_queries),
    ("03:attention_gradients", keys_are_scaled_twice),
    ("03:attention_gradients", scale_of_the_values),
    ("03:attention_gradients", weights_overflow),
    ("03:attention_gradients", keys_shared_by_the_batch),
    ("03:attention_gradients", scales_the_slopes_in_place),
]
