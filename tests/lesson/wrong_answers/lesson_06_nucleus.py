"""Wrong answers to the exercise of lesson 06 on the nucleus."""

import torch


def refuse_share(p):
    if p <= 0 or p > 1:
        raise ValueError("p must be above 0 and at most 1")


def nucleus(log_probs, p):
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    before = torch.cumsum(probs, dim=-1) - probs
    return torch.zeros_like(probs, dtype=torch.bool).scatter(-1, places, before < p)


def cut(log_probs, kept):
    return torch.where(kept, log_probs, torch.tensor(float("-inf")))


def below_p(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    kept = torch.cumsum(probs, dim=-1) <= p
    return cut(log_probs, torch.zeros_like(kept).scatter(-1, places, kept))


def below_p_but_the_first(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    kept = torch.cumsum(probs, dim=-1) <= p
    kept[..., 0] = True
    return cut(log_probs, torch.zeros_like(kept).scatter(-1, places, kept))


def and_the_next(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    reached = torch.cumsum(probs, dim=-1) - probs < p
    kept = torch.cat([reached[..., :1], reached[..., :-1]], dim=-1)
    kept = kept | reached
    return cut(log_probs, torch.zeros_like(kept).scatter(-1, places, kept))


def until_above_p(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    kept = torch.cumsum(probs, dim=-1) - probs <= p
    return cut(log_probs, torch.zeros_like(kept).scatter(-1, places, kept))


def places_as_index(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1, descending=True)
    kept = torch.cumsum(probs, dim=-1) - probs < p
    return cut(log_probs, torch.take_along_dim(kept, places, dim=-1))


def in_order_of_ids(log_probs, p):
    refuse_share(p)
    probs = log_probs.softmax(-1)
    return cut(log_probs, torch.cumsum(probs, dim=-1) - probs < p)


def softmax_down(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(0), dim=-1, descending=True)
    kept = torch.cumsum(probs, dim=-1) - probs < p
    return cut(log_probs, torch.zeros_like(kept).scatter(-1, places, kept))


def and_its_equals(log_probs, p):
    refuse_share(p)
    probs = log_probs.softmax(-1)
    least = torch.where(nucleus(log_probs, p), probs, torch.ones_like(probs)).amin(-1, keepdim=True)
    return cut(log_probs, probs >= least)


def ascending(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.softmax(-1), dim=-1)
    before = torch.cumsum(probs, dim=-1) - probs
    return cut(
        log_probs, torch.zeros_like(before, dtype=torch.bool).scatter(-1, places, before < p)
    )


def not_taken_back(log_probs, p):
    refuse_share(p)
    probs = torch.sort(log_probs.softmax(-1), dim=-1, descending=True).values
    before = torch.cumsum(probs, dim=-1) - probs
    return cut(log_probs, before < p)


def sorted_scores(log_probs, p):
    refuse_share(p)
    ordered = torch.sort(log_probs, dim=-1, descending=True).values
    probs = ordered.softmax(-1)
    return cut(ordered, torch.cumsum(probs, dim=-1) - probs < p)


def each_above_p(log_probs, p):
    refuse_share(p)
    return cut(log_probs, log_probs.softmax(-1) >= p)


def each_above_the_rest(log_probs, p):
    refuse_share(p)
    return cut(log_probs, log_probs.softmax(-1) >= 1 - p)


def first_and_each_above_the_rest(log_probs, p):
    refuse_share(p)
    probs = log_probs.softmax(-1)
    kept = probs >= 1 - p
    kept |= probs == probs.amax(-1, keepdim=True)
    return cut(log_probs, kept)


def minimum(log_probs, p):
    refuse_share(p)
    probs = log_probs.softmax(-1)
    return cut(log_probs, probs >= p * probs.max(dim=-1, keepdim=True).values)


def just_exp(log_probs, p):
    refuse_share(p)
    probs, places = torch.sort(log_probs.exp(), dim=-1, descending=True)
    before = torch.cumsum(probs, dim=-1) - probs
    return cut(
        log_probs, torch.zeros_like(before, dtype=torch.bool).scatter(-1, places, before < p)
    )


def flattened(log_probs, p):
    refuse_share(p)
    return cut(log_probs, nucleus(log_probs.reshape(-1), p).reshape(log_probs.shape))


def first_text_only(log_probs, p):
    refuse_share(p)
    kept = nucleus(log_probs.reshape(-1, log_probs.shape[-1])[0], p)
    return cut(log_probs, kept.expand(log_probs.shape))


def zeros(log_probs, p):
    refuse_share(p)
    return torch.where(nucleus(log_probs, p), log_probs, torch.zeros_like(log_probs))


def as_probabilities(log_probs, p):
    refuse_share(p)
    return cut(log_probs, nucleus(log_probs, p)).softmax(-1)


def normalised_again(log_probs, p):
    refuse_share(p)
    return cut(log_probs, nucleus(log_probs, p)).log_softmax(-1)


def written_into(log_probs, p):
    refuse_share(p)
    log_probs[~nucleus(log_probs, p)] = float("-inf")
    return log_probs


def any_share(log_probs, p):
    return cut(log_probs, nucleus(log_probs, p))


WRONG = {
    "06:keep_top_p": [
        ("nothing-is-left", below_p),
        ("last-token-missing", below_p_but_the_first),
        ("one-too-many", and_the_next),
        ("goes-on-at-p", until_above_p),
        ("equals-kept-together", and_its_equals),
        ("least-likely-kept", ascending),
        ("mask-in-sorted-order", not_taken_back),
        ("taken-back-the-wrong-way", places_as_index),
        ("not-sorted", in_order_of_ids),
        ("softmax-over-the-texts", softmax_down),
        ("returned-sorted", sorted_scores),
        ("at-least-p", each_above_p),
        ("at-least-what-is-left", each_above_the_rest),
        ("at-least-what-is-left", first_and_each_above_the_rest),
        ("ratio-to-the-likeliest", minimum),
        ("not-normalised", just_exp),
        ("whole-batch-at-once", flattened),
        ("first-row-for-all", first_text_only),
        ("zeros-for-minus-infinity", zeros),
        ("probabilities-returned", as_probabilities),
        ("made-to-sum-to-one", normalised_again),
        ("changed-in-place", written_into),
        ("accepts-any-share", any_share),
    ],
}
