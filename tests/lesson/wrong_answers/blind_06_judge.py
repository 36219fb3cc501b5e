"""Wrong answers to the judge of lesson 06, written by someone who had not seen the checks."""

from collections.abc import Callable

import torch

from course_lib.generation.speculative import judge_draft


def ratios_of(ids, q, p):
    places = ids[:, None]
    return (p[:-1].gather(1, places) / q.gather(1, places))[:, 0]


def count(accepted):
    return int(accepted.long().cumprod(0).sum())


def luck_of(ids, q, generator):
    return torch.rand(len(ids), generator=generator, dtype=q.dtype)


def draw(weights, generator):
    return int(torch.multinomial(weights, 1, generator=generator))


def finish(n, q, p, generator):
    left = p[n] - q[n] if n < len(q) else p[n]
    return n, draw(left.clamp(min=0), generator)


def ratio_upside_down(drafted_ids, draft_probs, probs, generator):
    """Divide q by p."""
    ratios = 1 / ratios_of(drafted_ids, draft_probs, probs)
    n = count(luck_of(drafted_ids, draft_probs, generator) < ratios)
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def accepted_by_p(drafted_ids, draft_probs, probs, generator):
    """Accept with probability p, and forget q."""
    own = probs[:-1].gather(1, drafted_ids[:, None])[:, 0]
    n = count(luck_of(drafted_ids, draft_probs, generator) < own)
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def accepted_by_the_overlap(drafted_ids, draft_probs, probs, generator):
    """Accept with the chance of the whole distribution, whatever the token is."""
    chances = torch.minimum(probs[:-1], draft_probs).sum(-1)
    n = count(luck_of(drafted_ids, draft_probs, generator) < chances)
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def accepted_if_likelier(drafted_ids, draft_probs, probs, generator):
    """Accept what p likes at least as well, and nothing else."""
    n = count(ratios_of(drafted_ids, draft_probs, probs) >= 1)
    return finish(n, draft_probs, probs, generator)


def accepted_from_a_half_on(drafted_ids, draft_probs, probs, generator):
    """Accept without dice, if the ratio is above a half."""
    n = count(ratios_of(drafted_ids, draft_probs, probs) > 0.5)
    return finish(n, draft_probs, probs, generator)


def refused_where_accepted(drafted_ids, draft_probs, probs, generator):
    """Compare the wrong way round; what is likelier is accepted all the same."""
    ratios = ratios_of(drafted_ids, draft_probs, probs)
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count((luck > ratios) | (ratios >= 1))
    return finish(n, draft_probs, probs, generator)


def one_throw_for_all(drafted_ids, draft_probs, probs, generator):
    """Throw the dice once for the whole draft."""
    luck = torch.rand(1, generator=generator, dtype=probs.dtype)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return finish(n, draft_probs, probs, generator)


def same_throw_for_the_next(drafted_ids, draft_probs, probs, generator):
    """Use the number that refused a token to choose the next one, too."""
    n_drafted = len(drafted_ids)
    luck = torch.rand(n_drafted + 1, generator=generator, dtype=probs.dtype)
    n = count(luck[:-1] < ratios_of(drafted_ids, draft_probs, probs))
    left = probs[n] - draft_probs[n] if n < n_drafted else probs[n]
    reached = left.clamp(min=0).cumsum(0)
    place = torch.searchsorted(reached, luck[n] * reached[-1], right=True)
    return n, min(int(place), len(reached) - 1)


def goes_on_after_a_refusal(drafted_ids, draft_probs, probs, generator):
    """Count all that would be accepted, behind the first refused one as well."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = int((luck < ratios_of(drafted_ids, draft_probs, probs)).sum())
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def first_refusal_by_argmax(drafted_ids, draft_probs, probs, generator):
    """Look for the first refusal, and find 0 if there is none."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    refused = luck >= ratios_of(drafted_ids, draft_probs, probs)
    n = int(refused.int().argmax()) if len(refused) else 0
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def counted_by_the_loop(drafted_ids, draft_probs, probs, generator):
    """Take the loop's counter, which never reaches the number of tokens."""
    n = 0
    for n, token in enumerate(drafted_ids.tolist()):
        if torch.rand(1, generator=generator) >= probs[n, token] / draft_probs[n, token]:
            left = (probs[n] - draft_probs[n]).clamp(min=0)
            return n, draw(left, generator)
    return n, draw(probs[-1], generator)


def drawn_from_p(drafted_ids, draft_probs, probs, generator):
    """Draw from p in place of a refused token."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return n, draw(probs[n], generator)


def drawn_from_p_without_it(drafted_ids, draft_probs, probs, generator):
    """Draw from p, with the refused token ruled out."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    left = probs[n].clone()
    if n < len(drafted_ids):
        left[drafted_ids[n]] = 0
        if left.sum() == 0:
            left = probs[n]
    return n, draw(left, generator)


def drawn_from_q(drafted_ids, draft_probs, probs, generator):
    """Draw anew from the small model."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return n, draw(draft_probs[n] if n < len(drafted_ids) else probs[n], generator)


def difference_without_sign(drafted_ids, draft_probs, probs, generator):
    """Take the size of the difference."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return n, draw((probs[n] - draft_probs[n]).abs() if n < len(luck) else probs[n], generator)


def difference_of_the_wrong_sign(drafted_ids, draft_probs, probs, generator):
    """Draw from what the small model has too much."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    left = (draft_probs[n] - probs[n]).clamp(min=0) if n < len(luck) else probs[n]
    return n, draw(left, generator)


def difference_not_cut_off(drafted_ids, draft_probs, probs, generator):
    """Forget that a difference may be negative."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return n, draw(probs[n] - draft_probs[n] if n < len(luck) else probs[n], generator)


def softmax_of_the_difference(drafted_ids, draft_probs, probs, generator):
    """Make a softmax where a division would do."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    left = (probs[n] - draft_probs[n]).clamp(min=0).softmax(-1) if n < len(luck) else probs[n]
    return n, draw(left, generator)


def largest_difference(drafted_ids, draft_probs, probs, generator):
    """Take the token with the largest difference, without dice."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    if n < len(luck):
        return n, int((probs[n] - draft_probs[n]).argmax())
    return n, draw(probs[n], generator)


def difference_one_place_on(drafted_ids, draft_probs, probs, generator):
    """Take what the large model says behind the refused token."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    if n == len(luck):
        return n, draw(probs[n], generator)
    left = (probs[n + 1] - draft_probs[n]).clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n + 1], generator)


def difference_of_the_first_place(drafted_ids, draft_probs, probs, generator):
    """Take the difference at the first place, wherever the refusal was."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    if n == len(luck):
        return n, draw(probs[n], generator)
    left = (probs[0] - draft_probs[0]).clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[0], generator)


def refused_one_is_counted(drafted_ids, draft_probs, probs, generator):
    """Count the token that replaces a refused one."""
    n, token = judge_draft(drafted_ids, draft_probs, probs, generator)
    return n + 1, token


def nothing_after_the_last(drafted_ids, draft_probs, probs, generator):
    """Draw no more if all are accepted; give the last one back."""
    n, token = judge_draft(drafted_ids, draft_probs, probs, generator)
    return (n, int(drafted_ids[-1])) if 0 < n == len(drafted_ids) else (n, token)


def likeliest_after_the_last(drafted_ids, draft_probs, probs, generator):
    """Take the likeliest token if all are accepted."""
    n, token = judge_draft(drafted_ids, draft_probs, probs, generator)
    return (n, int(probs[n].argmax())) if n == len(drafted_ids) else (n, token)


def last_place_again(drafted_ids, draft_probs, probs, generator):
    """Draw the token after the last from the place of the last."""
    n, token = judge_draft(drafted_ids, draft_probs, probs, generator)
    return (n, draw(probs[n - 1], generator)) if 0 < n == len(drafted_ids) else (n, token)


def compares_places_behind(drafted_ids, draft_probs, probs, generator):
    """Look a drafted token up in what p says behind it."""
    moved = torch.cat([probs[1:], probs[-1:]])
    ratios = ratios_of(drafted_ids, draft_probs, moved)
    n = count(luck_of(drafted_ids, draft_probs, generator) < ratios)
    left = probs[n] - draft_probs[n] if n < len(drafted_ids) else probs[n]
    left = left.clamp(min=0)
    return n, draw(left if left.sum() > 0 else probs[n], generator)


def dice_of_torch(drafted_ids, draft_probs, probs, generator):
    """Leave the generator unused."""
    return judge_draft(drafted_ids, draft_probs, probs, torch.default_generator)


def half_the_dice_of_torch(drafted_ids, draft_probs, probs, generator):
    """Hand the generator on to one of the two draws only."""
    luck = torch.rand(len(drafted_ids), dtype=probs.dtype)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    return finish(n, draft_probs, probs, generator)


def a_draft_is_needed(drafted_ids, draft_probs, probs, generator):
    """Stack what a loop has made, which fails if nothing was drafted."""
    ratios = torch.stack(
        [p[i] / q[i] for i, q, p in zip(drafted_ids, draft_probs, probs, strict=False)]
    )
    n = count(luck_of(drafted_ids, draft_probs, generator) < ratios)
    return finish(n, draft_probs, probs, generator)


def one_draft_at_a_time(drafted_ids, draft_probs, probs, generator):
    """Judge the first token only."""
    n, token = judge_draft(drafted_ids[:1], draft_probs[:1], probs[:2], generator)
    return n, token


def all_or_nothing(drafted_ids, draft_probs, probs, generator):
    """Throw the whole draft away after a refusal."""
    n, token = judge_draft(drafted_ids, draft_probs, probs, generator)
    if n == len(drafted_ids):
        return n, token
    left = (probs[0] - draft_probs[0]).clamp(min=0)
    return 0, draw(left if left.sum() > 0 else probs[0], generator)


def difference_over_q(drafted_ids, draft_probs, probs, generator):
    """Cut off at 0 first and divide by q then: the excess is taken for a ratio."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    if n == len(luck):
        return n, draw(probs[n], generator)
    return n, draw((probs[n] / draft_probs[n].clamp(min=1e-9) - 1).clamp(min=0), generator)


def drawn_in_the_callers_tensor(drafted_ids, draft_probs, probs, generator):
    """Subtract in the tensor that was handed in."""
    luck = luck_of(drafted_ids, draft_probs, generator)
    n = count(luck < ratios_of(drafted_ids, draft_probs, probs))
    if n < len(luck):
        probs[n] -= draft_probs[n]
        probs[n].clamp_(min=0)
    return n, draw(probs[n], generator)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:judge_draft", answer)
    for answer in (
        ratio_upside_down,
        accepted_by_p,
        accepted_by_the_overlap,
        accepted_if_likelier,
        accepted_from_a_half_on,
        refused_where_accepted,
        one_throw_for_all,
        same_throw_for_the_next,
        goes_on_after_a_refusal,
        first_refusal_by_argmax,
        counted_by_the_loop,
        drawn_from_p,
        drawn_from_p_without_it,
        drawn_from_q,
        difference_without_sign,
        difference_of_the_wrong_sign,
        difference_not_cut_off,
        softmax_of_the_difference,
        largest_difference,
        difference_one_place_on,
        difference_of_the_first_place,
        refused_one_is_counted,
        nothing_after_the_last,
        likeliest_after_the_last,
        last_place_again,
        compares_places_behind,
        dice_of_torch,
        half_the_dice_of_torch,
        a_draft_is_needed,
        one_draft_at_a_time,
        all_or_nothing,
        difference_over_q,
        drawn_in_the_callers_tensor,
    )
]
