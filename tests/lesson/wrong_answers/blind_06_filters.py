"""Wrong answers to `keep_top_p` of lesson 06, written by someone who had not seen the checks."""

import math
from collections.abc import Callable

import torch

from course_lib.generation import keep_min_p, keep_top_k, keep_top_p


def refuse_share(p):
    if not 0 < p <= 1:
        raise ValueError(f"p must be > 0 and ≤ 1; got p={p}.")


def ranked(log_probs):
    probs = log_probs.softmax(-1)
    places = (-probs).argsort(dim=-1, stable=True)
    return places, probs.gather(-1, places)


def put_back(log_probs, places, is_out):
    is_out = torch.zeros_like(is_out).scatter(-1, places, is_out)
    return log_probs.masked_fill(is_out, -math.inf)


def cut_without_shift(log_probs, p):
    """Drop the token with which the sum goes beyond p."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    return put_back(log_probs, places, probs.cumsum(-1) > p)


def cut_but_not_the_first(log_probs, p):
    """Drop it too, but never the likeliest."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    is_out = probs.cumsum(-1) > p
    is_out[..., 0] = False
    return put_back(log_probs, places, is_out)


def one_more_at_the_boundary(log_probs, p):
    """Go on where the sum is p exactly."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    return put_back(log_probs, places, probs.cumsum(-1) - probs > p)


def no_softmax(log_probs, p):
    """Take the scores for log-probabilities."""
    refuse_share(p)
    probs = log_probs.exp()
    places = (-probs).argsort(dim=-1, stable=True)
    probs = probs.gather(-1, places)
    return put_back(log_probs, places, probs.cumsum(-1) - probs >= p)


def stays_sorted(log_probs, p):
    """Give the values back from the likeliest on."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    kept = log_probs.gather(-1, places)
    return kept.masked_fill(probs.cumsum(-1) - probs >= p, -math.inf)


def gather_for_scatter(log_probs, p):
    """Go back into the old order the wrong way round."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    is_out = (probs.cumsum(-1) - probs >= p).gather(-1, places)
    return log_probs.masked_fill(is_out, -math.inf)


def nought_for_infinity(log_probs, p):
    """Write 0 where minus infinity belongs."""
    return keep_top_p(log_probs, p).nan_to_num(neginf=0.0)


def a_large_number(log_probs, p):
    """Write -1e9 where minus infinity belongs."""
    return keep_top_p(log_probs, p).clamp(min=-1e9)


def made_to_sum_to_one(log_probs, p):
    """Make what is left sum to 1 again, at once."""
    return keep_top_p(log_probs, p).log_softmax(-1)


def probabilities_come_back(log_probs, p):
    """Give probabilities back."""
    return keep_top_p(log_probs, p).exp()


def softmax_over_rows(log_probs, p):
    """Make the softmax over the first axis."""
    refuse_share(p)
    probs = log_probs.softmax(0)
    places = (-probs).argsort(dim=-1, stable=True)
    probs = probs.gather(-1, places)
    return put_back(log_probs, places, probs.cumsum(-1) - probs >= p)


def summed_over_rows(log_probs, p):
    """Sum along the first axis."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    return put_back(log_probs, places, probs.cumsum(0) - probs >= p)


def one_nucleus_for_all(log_probs, p):
    """Rank the tokens of all sequences together."""
    refuse_share(p)
    return keep_top_p(log_probs.flatten(), p).view(log_probs.shape)


def size_of_the_first_row(log_probs, p):
    """Count the nucleus of the first sequence, and keep as many in all."""
    flat = log_probs.view(-1, log_probs.shape[-1])
    size = int(keep_top_p(flat[0], p).isfinite().sum())
    return keep_top_k(log_probs, size)


def rows_one_by_one(log_probs, p):
    """Know one axis or two, and no more."""
    if log_probs.ndim == 1:
        return keep_top_p(log_probs, p)
    refuse_share(p)
    out = log_probs.clone()
    for row, scores in enumerate(log_probs):
        _, places = scores.sort(descending=True)
        reached = scores.softmax(-1)[places].cumsum(-1)
        size = int((reached < p).sum()) + 1
        out[row, places[size:]] = -math.inf
    return out


def down_to_the_least(log_probs, p):
    """Keep all that are as likely as the last one."""
    kept = keep_top_p(log_probs, p)
    least = kept.masked_fill(kept.isinf(), math.inf).amin(-1, keepdim=True)
    return log_probs.masked_fill(log_probs < least, -math.inf)


def in_the_callers_tensor(log_probs, p):
    """Write into what was handed in."""
    return log_probs.copy_(keep_top_p(log_probs, p))


def as_they_come(log_probs, p):
    """Sum in the order of the vocabulary."""
    refuse_share(p)
    probs = log_probs.softmax(-1)
    return log_probs.masked_fill(probs.cumsum(-1) - probs >= p, -math.inf)


def from_the_unlikeliest(log_probs, p):
    """Sort upwards, and keep the tail."""
    refuse_share(p)
    probs, places = log_probs.softmax(-1).sort(-1)
    return put_back(log_probs, places, probs.cumsum(-1) - probs >= p)


def share_of_the_vocabulary(log_probs, p):
    """Keep a share p of the tokens."""
    refuse_share(p)
    return keep_top_k(log_probs, math.ceil(p * log_probs.shape[-1]))


def share_of_the_favourite(log_probs, p):
    """Mix it up with min-p."""
    return keep_min_p(log_probs, p)


def likelier_than_the_rest(log_probs, p):
    """Keep tokens whose own probability is at least 1 - p."""
    refuse_share(p)
    probs = log_probs.softmax(-1)
    out = probs < 1 - p
    out &= probs < probs.amax(-1, keepdim=True)
    return log_probs.masked_fill(out, -math.inf)


def no_share_is_refused(log_probs, p):
    """Take any p."""
    places, probs = ranked(log_probs)
    is_out = probs.cumsum(-1) - probs >= p
    is_out[..., 0] = False
    return put_back(log_probs, places, is_out)


def one_is_refused(log_probs, p):
    """Refuse a p of 1."""
    if not 0 < p < 1:
        raise ValueError("p must be between 0 and 1")
    return keep_top_p(log_probs, p)


def two_at_least(log_probs, p):
    """Keep two tokens whatever p is."""
    refuse_share(p)
    places, probs = ranked(log_probs)
    is_out = probs.cumsum(-1) - probs >= p
    is_out[..., :2] = False
    return put_back(log_probs, places, is_out)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:keep_top_p", answer)
    for answer in (
        cut_without_shift,
        cut_but_not_the_first,
        one_more_at_the_boundary,
        no_softmax,
        stays_sorted,
        gather_for_scatter,
        nought_for_infinity,
        a_large_number,
        made_to_sum_to_one,
        probabilities_come_back,
        softmax_over_rows,
        summed_over_rows,
        one_nucleus_for_all,
        size_of_the_first_row,
        rows_one_by_one,
        down_to_the_least,
        in_the_callers_tensor,
        as_they_come,
        from_the_unlikeliest,
        share_of_the_vocabulary,
        share_of_the_favourite,
        likelier_than_the_rest,
        no_share_is_refused,
        one_is_refused,
        two_at_least,
    )
]
