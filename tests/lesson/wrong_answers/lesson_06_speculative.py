"""Wrong answers to the exercise of lesson 06 on speculative decoding."""

import random

import torch


def judged(
    drafted,
    q,
    p,
    generator,
    accept=lambda p_x, q_x: p_x / q_x,
    rest=lambda p_row, q_row: torch.clamp(p_row - q_row, min=0),
):
    """A loop as a learner would write it; returns how many were accepted, and the weights left."""
    for i, token in enumerate(drafted.tolist()):
        luck = torch.rand(1, generator=generator).item()
        if luck >= accept(p[i, token].item(), q[i, token].item()):
            weights = rest(p[i], q[i])
            return i, weights if weights.sum() > 0 else p[i]
    return len(drafted), p[-1]


def draw(weights, generator):
    return torch.multinomial(weights, 1, generator=generator).item()


def finish(found, generator):
    n_accepted, weights = found
    return n_accepted, draw(weights, generator)


def q_over_p(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return q_x / p_x if p_x > 0 else 1.0

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def likelier_only(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return 1.0 if p_x >= q_x else 0.0

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def p_alone(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return p_x

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def anything_possible(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return float(p_x > 0)

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def luck_above(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return 1.0 if p_x >= q_x else 1 - p_x / q_x

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def rounded(drafted_ids, draft_probs, probs, generator):
    def accept(p_x, q_x):
        return float(p_x / q_x >= 0.5)

    return finish(judged(drafted_ids, draft_probs, probs, generator, accept), generator)


def from_p(drafted_ids, draft_probs, probs, generator):
    found = judged(drafted_ids, draft_probs, probs, generator, rest=lambda p, q: p)
    return finish(found, generator)


def distance(drafted_ids, draft_probs, probs, generator):
    found = judged(drafted_ids, draft_probs, probs, generator, rest=lambda p, q: abs(p - q))
    return finish(found, generator)


def other_way_round(drafted_ids, draft_probs, probs, generator):
    found = judged(
        drafted_ids, draft_probs, probs, generator, rest=lambda p, q: torch.clamp(q - p, min=0)
    )
    return finish(found, generator)


def always_the_first_row(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    if n_accepted < len(drafted_ids):
        weights = torch.clamp(probs[0] - draft_probs[0], min=0)
        if weights.sum() == 0:
            weights = probs[0]
    return n_accepted, draw(weights, generator)


def best_of_the_rest(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    if n_accepted < len(drafted_ids):
        return n_accepted, weights.argmax().item()
    return n_accepted, draw(weights, generator)


def all_that_pass(drafted_ids, draft_probs, probs, generator):
    rows = torch.arange(len(drafted_ids))
    ratios = probs[rows, drafted_ids] / draft_probs[rows, drafted_ids]
    passed = torch.rand(len(drafted_ids), generator=generator) < ratios
    n_accepted = passed.sum().item()
    if n_accepted == len(drafted_ids):
        return n_accepted, draw(probs[-1], generator)
    weights = torch.clamp(probs[n_accepted] - draft_probs[n_accepted], min=0)
    return n_accepted, draw(weights if weights.sum() > 0 else probs[n_accepted], generator)


def one_too_high(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    return n_accepted + 1, draw(weights, generator)


def token_first(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    return draw(weights, generator), n_accepted


def best_behind(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    if n_accepted == len(drafted_ids):
        return n_accepted, weights.argmax().item()
    return n_accepted, draw(weights, generator)


def one_throw(drafted_ids, draft_probs, probs, generator):
    luck = torch.rand(1, generator=generator).item()
    for i, token in enumerate(drafted_ids.tolist()):
        if luck >= probs[i, token] / draft_probs[i, token]:
            return i, draw(torch.clamp(probs[i] - draft_probs[i], min=0), generator)
    return len(drafted_ids), draw(probs[-1], generator)


def number_used_twice(drafted_ids, draft_probs, probs, generator):
    for i, token in enumerate(drafted_ids.tolist()):
        luck = torch.rand(1, generator=generator).item()
        if luck >= probs[i, token] / draft_probs[i, token]:
            weights = torch.clamp(probs[i] - draft_probs[i], min=0)
            shares = (weights / weights.sum()).cumsum(0)
            return i, int((shares <= luck).sum())
    return len(drafted_ids), draw(probs[-1], generator)


def row_too_far(drafted_ids, draft_probs, probs, generator):
    later = torch.cat([probs[1:], probs[-1:]])
    return finish(judged(drafted_ids, draft_probs, later, generator), generator)


def spoils_the_probabilities(drafted_ids, draft_probs, probs, generator):
    done = finish(judged(drafted_ids, draft_probs, probs, generator), generator)
    probs[-1] = 0.0
    return done


def own_dice(drafted_ids, draft_probs, probs, generator):
    for i, token in enumerate(drafted_ids.tolist()):
        if random.random() >= probs[i, token] / draft_probs[i, token]:
            return i, draw(torch.clamp(probs[i] - draft_probs[i], min=0), generator)
    return len(drafted_ids), draw(probs[-1], generator)


def numbers_as_tensors(drafted_ids, draft_probs, probs, generator):
    n_accepted, weights = judged(drafted_ids, draft_probs, probs, generator)
    return n_accepted, torch.multinomial(weights, 1, generator=generator)


WRONG = {
    "06:judge_draft": [
        ("ratio-upside-down", q_over_p),
        ("only-if-likelier", likelier_only),
        ("accepted-by-p-alone", p_alone),
        ("accepted-if-p-is-above-0", anything_possible),
        ("refused-where-accepted", luck_above),
        ("accepted-without-dice", rounded),
        ("drawn-from-p-after-a-refusal", from_p),
        ("drawn-from-the-difference-without-sign", distance),
        ("drawn-from-what-the-draft-has-more", other_way_round),
        ("first-row-after-a-refusal", always_the_first_row),
        ("likeliest-after-a-refusal", best_of_the_rest),
        ("accepted-behind-a-refusal", all_that_pass),
        ("refused-one-counted", one_too_high),
        ("token-first", token_first),
        ("likeliest-behind-the-draft", best_behind),
        ("one-draw-for-all", one_throw),
        ("one-number-for-two-things", number_used_twice),
        ("wrong-row-of-p", row_too_far),
        ("generator-unused", own_dice),
        ("probabilities-changed", spoils_the_probabilities),
        ("no-pair-of-numbers", numbers_as_tensors),
    ],
}
