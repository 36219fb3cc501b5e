"""Wrong answers to `pool` of lesson 07a, by someone who had not seen the checks."""

from collections.abc import Callable

import torch

from course_lib.finetuning.heads import pool


def checked(hidden, mask, how):
    """Refuse what must be refused, and give a mask in every case."""
    pool(hidden, mask, how)
    return hidden.new_ones(hidden.shape[:2], dtype=torch.bool) if mask is None else mask


def padding_averaged(hidden, mask, how):
    """Average over all places, padding too."""
    checked(hidden, mask, how)
    return hidden.mean(dim=1) if how == "mean" else pool(hidden, mask, how)


def divided_by_the_places(hidden, mask, how):
    """Add the tokens' vectors, and divide by the number of places."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        return hidden.masked_fill(~mask[..., None], 0.0).mean(dim=1)
    return pool(hidden, mask, how)


def divided_by_all_tokens(hidden, mask, how):
    """Divide by the tokens of the whole batch."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        return hidden.masked_fill(~mask[..., None], 0.0).sum(dim=1) / mask.sum()
    return pool(hidden, mask, how)


def nought_times_padding(hidden, mask, how):
    """Multiply padding by 0, which does not help where it is NaN or infinite."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        return (hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
    return pool(hidden, mask, how)


def first_place(hidden, mask, how):
    """Take the first place, also where padding stands before the text."""
    checked(hidden, mask, how)
    return hidden[:, 0] if how == "first" else pool(hidden, mask, how)


def last_place(hidden, mask, how):
    """Take the last place, which is padding in shorter texts."""
    checked(hidden, mask, how)
    return hidden[:, -1] if how == "last" else pool(hidden, mask, how)


def counted_from_the_left(hidden, mask, how):
    """Look for the last token at the number of tokens, minus one."""
    mask = checked(hidden, mask, how)
    if how == "last":
        return hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1]
    return pool(hidden, mask, how)


def mean_from_the_left(hidden, mask, how):
    """Average as many places as there are tokens, from the left."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        return torch.stack([h[:n].mean(dim=0) for h, n in zip(hidden, mask.sum(1), strict=True)])
    return pool(hidden, mask, how)


def counted_from_the_right(hidden, mask, how):
    """Search the last token from the right, and count its place from the left."""
    mask = checked(hidden, mask, how)
    if how == "last":
        return hidden[torch.arange(len(hidden)), mask.flip(1).int().argmax(dim=1)]
    return pool(hidden, mask, how)


def before_the_first_padding(hidden, mask, how):
    """Take the token before the first padding, also where that stands in front or between."""
    mask = checked(hidden, mask, how)
    if how == "last":
        return hidden[torch.arange(len(hidden)), mask.int().argmin(dim=1) - 1]
    return pool(hidden, mask, how)


def true_is_padding(hidden, mask, how):
    """Read the mask as PyTorch's key_padding_mask."""
    if mask is None:
        return pool(hidden, mask, how)
    checked(hidden, mask, how)
    return pool(hidden, ~mask | ~(~mask).any(dim=1, keepdim=True), how)


def a_mask_is_there(hidden, mask, how):
    """Forget that the mask may be None."""
    n_tokens = mask.sum(dim=1, keepdim=True)
    if how == "mean" and (n_tokens > 0).all():
        return hidden.masked_fill(~mask[..., None], 0.0).sum(dim=1) / n_tokens
    return pool(hidden, mask, how)


def nothing_is_nought(hidden, mask, how):
    """Give noughts for a text without tokens."""
    if mask is None or how not in ("first", "mean", "last"):
        return pool(hidden, mask, how)
    filled = mask | ~mask.any(dim=1, keepdim=True)
    return pool(hidden, filled, how) * mask.any(dim=1, keepdim=True)


def refused_if_all_are_empty(hidden, mask, how):
    """Refuse a batch without any token, but not a text without any."""
    if mask is not None and mask.any():
        mask = mask | ~mask.any(dim=1, keepdim=True)
    return pool(hidden, mask, how)


def all_else_is_last(hidden, mask, how):
    """Take every word but "first" and "mean" for "last"."""
    return pool(hidden, mask, how if how in ("first", "mean") else "last")


def without_the_first(hidden, mask, how):
    """Leave [CLS] out of the mean."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        rest = mask.clone()
        rest[:, 0] = False
        return pool(hidden, torch.where(rest.any(dim=1, keepdim=True), rest, mask), how)
    return pool(hidden, mask, how)


def an_axis_too_many(hidden, mask, how):
    """Keep the axis of the tokens."""
    return pool(hidden, mask, how)[:, None]


def largest_for_mean(hidden, mask, how):
    """Take the largest number of each feature, not the mean."""
    mask = checked(hidden, mask, how)
    if how == "mean":
        return hidden.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)
    return pool(hidden, mask, how)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07a:pool", padding_averaged),
    ("07a:pool", divided_by_the_places),
    ("07a:pool", divided_by_all_tokens),
    ("07a:pool", nought_times_padding),
    ("07a:pool", first_place),
    ("07a:pool", last_place),
    ("07a:pool", counted_from_the_left),
    ("07a:pool", mean_from_the_left),
    ("07a:pool", counted_from_the_right),
    ("07a:pool", before_the_first_padding),
    ("07a:pool", true_is_padding),
    ("07a:pool", a_mask_is_there),
    ("07a:pool", nothing_is_nought),
    ("07a:pool", refused_if_all_are_empty),
    ("07a:pool", all_else_is_last),
    ("07a:pool", without_the_first),
    ("07a:pool", an_axis_too_many),
    ("07a:pool", largest_for_mean),
]
