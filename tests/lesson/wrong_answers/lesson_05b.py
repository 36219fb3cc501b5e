"""Wrong answers to the exercises of lesson 05b on schedules, masks and windows."""

import math
from itertools import pairwise

import torch

from course_lib.evaluation.sliding import Window

# --- warmup_cosine -------------------------------------------------------------------------------


def wave(step, n_steps, n_warmup, final):
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * fallen))


def from_zero(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return step / n_warmup
    return wave(step, n_steps, n_warmup, final)


def only_cosine(step, n_steps, n_warmup, final):
    return wave(step, n_steps, n_warmup, final)


def plateau(step, n_steps, n_warmup, final):
    return 1.0 if step < n_warmup else wave(step, n_steps, n_warmup, final)


def whole_run(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return final + (1 - final) * (1 + math.cos(math.pi * step / n_steps)) / 2


def ends_at_the_last(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return wave(step, n_steps - 1, n_warmup, final)


def line(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (1 + step) / n_warmup
    left = (n_steps - step) / (n_steps - n_warmup)
    return final + (1 - final) * left


def quarter(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return final + (1 - final) * math.cos(0.5 * math.pi * (step - n_warmup) / (n_steps - n_warmup))


def to_zero(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return (1 + math.cos(math.pi * (step - n_warmup) / (n_steps - n_warmup))) / 2


def cut_off(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return max(final, to_zero(step, n_steps, n_warmup, final))


def too_high(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    return final + to_zero(step, n_steps, n_warmup, final)


def in_degrees(step, n_steps, n_warmup, final):
    if step < n_warmup:
        return (step + 1) / n_warmup
    angle = 180 * ((step - n_warmup) / (n_steps - n_warmup))
    return final + (1 - final) * (1 + math.cos(angle)) / 2


# --- mask_tokens ---------------------------------------------------------------------------------


def masks_all(ids, chosen, draws, others, mask_id):
    hidden = ids.clone()
    hidden[chosen] = mask_id
    return hidden


def two_ways(ids, chosen, draws, others, mask_id):
    hidden = ids.clone()
    hidden[chosen & (draws < 0.8)] = mask_id
    rest = chosen & (draws >= 0.8)
    hidden[rest] = others[rest]
    return hidden


def mask_or_stay(ids, chosen, draws, others, mask_id):
    return torch.where(chosen & (draws < 0.8), mask_id, ids)


def ten_ten(ids, chosen, draws, others, mask_id):
    hidden = ids.masked_fill(chosen & (draws < 0.1), mask_id)
    return torch.where(chosen & (draws >= 0.1) & (draws < 0.2), others, hidden)


def up_to_and_with(ids, chosen, draws, others, mask_id):
    ids = ids.clone()
    ids[chosen & (draws <= 0.8)] = mask_id
    return torch.where(chosen & (draws > 0.8) & (draws <= 0.9), others, ids)


def others_first(ids, chosen, draws, others, mask_id):
    hidden = torch.where(chosen & (draws < 0.1), others, ids)
    return hidden.masked_fill(chosen & (draws >= 0.1) & (draws < 0.9), mask_id)


def everywhere(ids, chosen, draws, others, mask_id):
    hidden = ids.masked_fill(draws < 0.8, mask_id)
    return torch.where((draws >= 0.8) & (draws < 0.9), others, hidden)


def the_rest(ids, chosen, draws, others, mask_id):
    return everywhere_but(ids, ~chosen, draws, others, mask_id)


def everywhere_but(ids, keep, draws, others, mask_id):
    return torch.where(keep, everywhere(ids, keep, draws, others, mask_id), ids)


def writes_into_ids(ids, chosen, draws, others, mask_id):
    replaced = chosen & (draws >= 0.8) & (draws < 0.9)
    ids[chosen & (draws < 0.8)] = mask_id
    ids[replaced] = others[replaced]
    return ids


# --- sliding_windows -----------------------------------------------------------------------------


def refuse(n_ids, max_len, stride):
    if min(n_ids, max_len) < 2 or stride < 1 or stride >= max_len:
        raise ValueError("out of range")


def right(n_ids, max_len, stride):
    refuse(n_ids, max_len, stride)
    ends = [min(max_len, n_ids)]
    while ends[-1] < n_ids:
        ends.append(min(ends[-1] + stride, n_ids))
    first = Window(0, 1, ends[0])
    return [first, *(Window(end - max_len, before, end) for before, end in pairwise(ends))]


def counts_again(n_ids, max_len, stride):
    return [Window(w.start, w.start + 1, w.end) for w in right(n_ids, max_len, stride)]


def asks_for_the_first(n_ids, max_len, stride):
    first, *others = right(n_ids, max_len, stride)
    return [Window(0, 0, first.end), *others]


def loses_one(n_ids, max_len, stride):
    first, *others = right(n_ids, max_len, stride)
    return [first, *(Window(w.start, w.counted_from + 1, w.end) for w in others)]


def whole_windows(n_ids, max_len, stride):
    refuse(n_ids, max_len, stride)
    return right(n_ids, max_len, max_len - 1)


def drops_the_end(n_ids, max_len, stride):
    first, *others = right(n_ids, max_len, stride)
    return [first, *(w for w in others if w.end - w.counted_from == stride)]


def starts_by_stride(n_ids, max_len, stride):
    windows = right(n_ids, max_len, stride)
    return [Window(stride * i, w.counted_from, w.end) for i, w in enumerate(windows)]


def begins_at_the_end(n_ids, max_len, stride):
    first, *others = right(n_ids, max_len, stride)
    return [first, *(Window(w.counted_from, w.counted_from, w.end) for w in others)]


def tuples(n_ids, max_len, stride):
    return [(w.start, w.counted_from, w.end) for w in right(n_ids, max_len, stride)]


WRONG = {
    "05b:warmup_cosine": [
        ("first-step-lost", from_zero),
        ("no-warm-up", only_cosine),
        ("no-warm-up-but-a-plateau", plateau),
        ("fall-counted-from-the-start", whole_run),
        ("over-one-step-too-early", ends_at_the_last),
        ("straight-fall", line),
        ("quarter-wave", quarter),
        ("final-forgotten", to_zero),
        ("final-cut-off", cut_off),
        ("final-added", too_high),
        ("degrees", in_degrees),
    ],
    "05b:mask_tokens": [
        ("all-masked", masks_all),
        ("none-stays", two_ways),
        ("none-replaced", mask_or_stay),
        ("only-ten-in-a-hundred-masked", ten_ten),
        ("limits-included", up_to_and_with),
        ("replaced-by-the-first-draws", others_first),
        ("chosen-ignored", everywhere),
        ("chosen-upside-down", the_rest),
        ("changed-in-place", writes_into_ids),
    ],
    "05b:sliding_windows": [
        ("counted-again", counts_again),
        ("first-id-asked-for", asks_for_the_first),
        ("one-lost-at-each-border", loses_one),
        ("stride-ignored", whole_windows),
        ("end-dropped", drops_the_end),
        ("last-window-begins-late", starts_by_stride),
        ("no-overlap", begins_at_the_end),
        ("plain-tuples", tuples),
    ],
}
