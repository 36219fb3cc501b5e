"""Wrong answers to the exercise of lesson 07a on the likeliest tokens at a gap."""

import math

import torch


def checked(logits, mask_place, n_best):
    if mask_place < 0 or mask_place >= logits.shape[0]:
        raise ValueError("no such place")
    if n_best < 1 or n_best > logits.shape[1]:
        raise ValueError("not so many tokens")


def ranked(numbers, n_best):
    order = sorted(range(len(numbers)), key=lambda token: -float(numbers[token]))
    return [(token, float(numbers[token])) for token in order[:n_best]]


def of_tensors(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances, ids = logits[mask_place].softmax(-1).topk(n_best)
    return list(zip(ids, chances, strict=True))


def two_tensors(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances, ids = logits[mask_place].softmax(-1).topk(n_best)
    return ids, chances


def two_plain_lists(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances, ids = logits[mask_place].softmax(-1).topk(n_best)
    return [ids.tolist(), chances.tolist()]


def wrong_axis(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(torch.softmax(logits, dim=0)[mask_place], n_best)


def over_all(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    shifted = (logits - logits.max()).exp()
    return ranked(shifted[mask_place] / shifted.sum(), n_best)


def best_then_softmax(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    best = logits[mask_place].topk(n_best)
    chances = best.values.softmax(dim=-1)
    return list(zip(best.indices.tolist(), chances.tolist(), strict=True))


def plain_logits(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[mask_place], n_best)


def logarithms(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[mask_place] - logits[mask_place].logsumexp(0), n_best)


def yes_or_no(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(1 / (1 + (-logits[mask_place]).exp()), n_best)


def proportional(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    row = logits[mask_place]
    return ranked(row / row.sum(), n_best)


def as_a_decoder(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[mask_place - 1].softmax(-1), n_best)


def row_zero(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[0].softmax(-1), n_best)


def row_at_the_end(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[-1].softmax(-1), n_best)


def averaged(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits.mean(0).softmax(-1), n_best)


def sorted_upwards(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances = logits[mask_place].softmax(-1)
    order = chances.argsort()[:n_best].tolist()
    return [(token, chances[token].item()) for token in order]


def end_of_the_sorted(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances = logits[mask_place].softmax(-1)
    order = chances.argsort()[-n_best:].tolist()
    return [(token, chances[token].item()) for token in order]


def in_the_order_of_the_vocabulary(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances = logits[mask_place].softmax(-1)
    least = chances.sort(descending=True).values[n_best - 1]
    return [(token, p) for token, p in enumerate(chances.tolist()) if p >= least.item()]


def ranks(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances = logits[mask_place].softmax(-1).sort(descending=True).values.tolist()
    return [(rank, chances[rank]) for rank in range(n_best)]


def turned_round(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances, ids = logits[mask_place].softmax(-1).topk(n_best)
    return list(zip(chances.tolist(), ids.tolist(), strict=True))


def just_ids(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return logits[mask_place].topk(n_best).indices.tolist()


def single(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances = logits[mask_place].softmax(-1)
    best = int(chances.argmax())
    return [(best, chances[best].item())]


def everything(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    chances, ids = logits[mask_place].softmax(-1).sort(descending=True)
    return list(zip(ids.tolist(), chances.tolist(), strict=True))


def with_math_exp(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    powers = [math.exp(score) for score in logits[mask_place].tolist()]
    return ranked([power / sum(powers) for power in powers], n_best)


def with_torch_exp(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    powers = logits[mask_place].exp()
    best = (powers / powers.sum()).topk(n_best)
    return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def nothing_checked(logits, mask_place, n_best):
    return ranked(logits[mask_place].softmax(-1), n_best)


def only_the_number_checked(logits, mask_place, n_best):
    if not 0 < n_best <= logits.shape[1]:
        raise ValueError("n_best")
    return ranked(logits[mask_place].softmax(-1), n_best)


def column(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[:, mask_place].softmax(-1), n_best)


def one_too_few(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(logits[mask_place].softmax(-1), n_best - 1)


def in_percent(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return ranked(100 * logits[mask_place].softmax(-1), n_best)


def a_dictionary(logits, mask_place, n_best):
    checked(logits, mask_place, n_best)
    return dict(ranked(logits[mask_place].softmax(-1), n_best))


WRONG = {
    "07a:likeliest_fillings": [
        ("tensors-not-numbers", of_tensors),
        ("two-lists", two_tensors),
        ("two-lists", two_plain_lists),
        ("softmax-over-the-places", wrong_axis),
        ("softmax-over-everything", over_all),
        ("softmax-of-the-best", best_then_softmax),
        ("logits-returned", plain_logits),
        ("logarithms-returned", logarithms),
        ("sigmoid", yes_or_no),
        ("logits-shared-out", proportional),
        ("place-before", as_a_decoder),
        ("first-place", row_zero),
        ("last-place", row_at_the_end),
        ("mean-of-the-places", averaged),
        ("unlikeliest", sorted_upwards),
        ("likeliest-last", end_of_the_sorted),
        ("in-the-order-of-ids", in_the_order_of_the_vocabulary),
        ("ranks-not-ids", ranks),
        ("pairs-turned-round", turned_round),
        ("ids-only", just_ids),
        ("only-the-best", single),
        ("all-tokens", everything),
        ("overflow", with_math_exp),
        ("overflow", with_torch_exp),
        ("accepts-anything", nothing_checked),
        ("accepts-anything", only_the_number_checked),
        ("any", column),
        ("any", one_too_few),
        ("any", in_percent),
        ("wrong-type", a_dictionary),
    ],
}
