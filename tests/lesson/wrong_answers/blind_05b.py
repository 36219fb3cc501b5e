"""Wrong answers to the exercises of lesson 05b, written by someone who had not seen the checks."""

import copy
import math
from collections.abc import Callable

import torch

from course_lib.evaluation.sliding import Window, sliding_windows
from course_lib.training import accumulate_gradients, clip_by_norm, mask_tokens


def mask_whatever_was_drawn(ids, chosen, draws, others, mask_id):
    """Forget that a masked token must have been chosen."""
    hidden = torch.where(draws < 0.8, mask_id, ids)
    return torch.where(chosen & (draws >= 0.8) & (draws < 0.9), others, hidden)


def others_over_masks(ids, chosen, draws, others, mask_id):
    """Replace below 0.9 after masking below 0.8, so that no mask is left."""
    hidden = ids.masked_fill(chosen & (draws < 0.8), mask_id)
    return torch.where(chosen & (draws < 0.9), others, hidden)


def masks_in_the_callers_ids(ids, chosen, draws, others, mask_id):
    """Write the masks into the tensor that was handed in."""
    ids[chosen & (draws < 0.8)] = mask_id
    return torch.where(chosen & (draws >= 0.8) & (draws < 0.9), others, ids)


def boundary_is_masked(ids, chosen, draws, others, mask_id):
    """Take 0.8 itself for the mask."""
    hidden = ids.masked_fill(chosen & (draws <= 0.8), mask_id)
    return torch.where(chosen & (draws > 0.8) & (draws < 0.9), others, hidden)


def own_draws(ids, chosen, draws, others, mask_id):
    """Draw anew, and leave the numbers that were handed in unused."""
    return mask_tokens(ids, chosen, torch.rand(ids.shape), others, mask_id)


def last_tenth_is_replaced(ids, chosen, draws, others, mask_id):
    """Swap the two tenths: the middle one stays."""
    hidden = ids.masked_fill(chosen & (draws < 0.8), mask_id)
    return torch.where(chosen & (draws >= 0.9), others, hidden)


def masked_by_multiplying(ids, chosen, draws, others, mask_id):
    """Set masked ids to 0 by a product: right if the mask has the id 0."""
    hidden = ids * ~(chosen & (draws < 0.8))
    return torch.where(chosen & (draws >= 0.8) & (draws < 0.9), others, hidden)


def eighty_per_cent_by_place(ids, chosen, draws, others, mask_id):
    """Mask the first 80 % of the chosen places, as they come."""
    rank = chosen.flatten().cumsum(0).view(ids.shape) / max(1, int(chosen.sum()))
    return mask_tokens(ids, chosen, rank - 1e-6, others, mask_id)


def one_draw_for_a_text(ids, chosen, draws, others, mask_id):
    """Use the first draw of each text for all of its tokens."""
    return mask_tokens(ids, chosen, draws[:, :1].expand_as(draws), others, mask_id)


def windows_from_starts(n_ids, max_len, stride):
    """Count starts in strides, as on Hugging Face's page: the last window is shorter."""
    if n_ids < 2 or max_len < 2 or not 1 <= stride < max_len:
        raise ValueError("out of range")
    windows, asked = [], 1
    for start in range(0, n_ids, stride):
        end = min(start + max_len, n_ids)
        windows.append(Window(start, asked, end))
        asked = end
        if end == n_ids:
            break
    return windows


def first_id_is_asked(n_ids, max_len, stride):
    """Ask for id 0, before which nothing stands."""
    first, *rest = sliding_windows(n_ids, max_len, stride)
    return [first._replace(counted_from=0), *rest]


def rest_is_dropped(n_ids, max_len, stride):
    """Leave out what does not fill a stride."""
    return [w for w in sliding_windows(n_ids, max_len, stride) if (w.end - max_len) % stride == 0]


def nothing_read_again(n_ids, max_len, stride):
    """Begin each window where the asking begins."""
    windows = sliding_windows(n_ids, max_len, stride)
    return [windows[0], *(w._replace(start=w.counted_from) for w in windows[1:])]


def short_text_is_stretched(n_ids, max_len, stride):
    """Let the first window end at `max_len`, whatever the text has."""
    windows = sliding_windows(n_ids, max_len, stride)
    return [Window(0, 1, max_len), *windows[1:]]


def counted_within_the_window(n_ids, max_len, stride):
    """Give the place in the window, not in the text."""
    windows = sliding_windows(n_ids, max_len, stride)
    return [Window(w.start, w.counted_from - w.start, w.end) for w in windows]


def stride_is_the_overlap(n_ids, max_len, stride):
    """Read `stride` ids again: right when it is half a window."""
    return sliding_windows(n_ids, max_len, max_len - stride)


def one_window_too_many(n_ids, max_len, stride):
    """Compare before cutting off: a full text gets an empty window at its end."""
    windows = sliding_windows(n_ids, max_len, stride)
    return [*windows, Window(max(0, n_ids - max_len), n_ids, n_ids)]


def first_of_every_window_skipped(n_ids, max_len, stride):
    """Think that no window can ask for its first new id."""
    windows = sliding_windows(n_ids, max_len, stride)
    return [windows[0], *(w._replace(counted_from=w.counted_from + 1) for w in windows[1:])]


def first_window_asks_for_a_stride(n_ids, max_len, stride):
    """Ask the first window for its last `stride` ids only."""
    first, *rest = sliding_windows(n_ids, max_len, stride)
    return [first._replace(counted_from=max(1, first.end - stride)), *rest]


def refuse(n_counted):
    """Do what the docstring asks where no token counts."""
    if n_counted == 0:
        raise ValueError("nothing counts")


def gradients_of(model, divisor=1):
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    for gradient in gradients:
        gradient /= divisor
    return gradients


def accumulate(model, batches, compute_sum, *, clear="once", weigh=lambda total, n: total):
    """Go through the micro-batches, and give back the sums that backward was called on."""
    nats, counts = [], []
    for i, batch in enumerate(batches):
        if clear == "each" or (clear == "once" and i == 0):
            model.zero_grad()
        total, n = compute_sum(model, batch)
        weigh(total, n).backward()
        nats.append(total.item())
        counts.append(n)
    refuse(sum(counts))
    return nats, counts


def mean_of_gradients(model, batches, compute_sum):
    """Divide each micro-batch by its own count, and all by their number."""
    nats, counts = accumulate(model, batches, compute_sum, weigh=lambda x, n: x / max(1, n))
    return sum(nats) / sum(counts), gradients_of(model, len(counts))


def loss_is_the_mean_of_means(model, batches, compute_sum):
    """Take the right gradients and the wrong loss."""
    nats, counts = accumulate(model, batches, compute_sum)
    means = [a / max(1, n) for a, n in zip(nats, counts, strict=True)]
    return sum(means) / len(means), gradients_of(model, sum(counts))


def old_gradients_stay(model, batches, compute_sum):
    """Do not clear what stood in `grad`."""
    nats, counts = accumulate(model, batches, compute_sum, clear="never")
    return sum(nats) / sum(counts), gradients_of(model, sum(counts))


def never_divided(model, batches, compute_sum):
    """Divide the loss but not the gradients."""
    nats, counts = accumulate(model, batches, compute_sum)
    return sum(nats) / sum(counts), gradients_of(model)


def cleared_each_time(model, batches, compute_sum):
    """Clear inside the loop, so only the last micro-batch is left."""
    nats, counts = accumulate(model, batches, compute_sum, clear="each")
    return sum(nats) / sum(counts), gradients_of(model, sum(counts))


def divided_by_batches(model, batches, compute_sum):
    """Divide the gradients by the number of micro-batches."""
    nats, counts = accumulate(model, batches, compute_sum)
    return sum(nats) / sum(counts), gradients_of(model, len(counts))


def one_backward_at_the_end(model, batches, compute_sum):
    """Add up the losses first: the right numbers, and no memory saved."""
    model.zero_grad()
    losses = [compute_sum(model, batch) for batch in batches]
    n_counted = sum(loss.n_counted for loss in losses)
    refuse(n_counted)
    mean = sum(loss.total for loss in losses) / n_counted
    mean.backward()
    return mean.item(), gradients_of(model)


def divides_a_copy(model, batches, compute_sum):
    """Return new, divided tensors, and leave the sums where the optimiser reads."""
    nats, counts = accumulate(model, batches, compute_sum)
    divided = [p.grad / sum(counts) for p in model.parameters() if p.grad is not None]
    return sum(nats) / sum(counts), divided


def parameters_get_nothing(model, batches, compute_sum):
    """Work on a copy: the list is right, the model's own parameters have no gradient."""
    return accumulate_gradients(copy.deepcopy(model), batches, compute_sum)


def nothing_counted_is_nought(model, batches, compute_sum):
    """Give a loss of 0 where no token counts."""
    try:
        return accumulate_gradients(model, batches, compute_sum)
    except ValueError:
        return 0.0, gradients_of(model)


def wave_over_all_steps(step, n_steps, n_warmup, final):
    """Let the wave run over the whole run, the rise included."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    return final + (1 - final) * (1 + math.cos(math.pi * step / n_steps)) / 2


def falls_to_nought(step, n_steps, n_warmup, final):
    """Leave `final` unused."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    return (1 + math.cos(math.pi * (step - n_warmup) / (n_steps - n_warmup))) / 2


def final_on_top(step, n_steps, n_warmup, final):
    """Add `final` without making the fall smaller."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return final + (1 + math.cos(math.pi * fallen)) / 2


def never_below_final(step, n_steps, n_warmup, final):
    """Fall to 0 and cut off at `final`."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return max(final, (1 + math.cos(math.pi * fallen)) / 2)


def last_step_is_final(step, n_steps, n_warmup, final):
    """Reach `final` at the last step, not after it."""
    if step < n_warmup:
        return (step + 1) / n_warmup
    fallen = (step - n_warmup) / max(1, n_steps - 1 - n_warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * fallen)) / 2


def rises_from_final(step, n_steps, n_warmup, final):
    """Begin the rise at `final`."""
    if step < n_warmup:
        return final + (1 - final) * (step + 1) / n_warmup
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * fallen)) / 2


def rise_one_step_longer(step, n_steps, n_warmup, final):
    """Write <= for <: the top is reached a step too late, and 0 of warm-up divides by 0."""
    if step <= n_warmup:
        return (step + 1) / (n_warmup + 1)
    fallen = (step - n_warmup) / (n_steps - n_warmup)
    return final + (1 - final) * (1 + math.cos(math.pi * fallen)) / 2


def length_of(gradients, max_norm):
    """Measure all gradients as one vector, and refuse a limit of 0 or below."""
    if not max_norm > 0:
        raise ValueError("max_norm must be > 0")
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()


def each_by_itself(gradients, max_norm):
    """Clip every parameter's gradient by its own length."""
    return [clip_by_norm([gradient], max_norm)[0] for gradient in gradients]


def cut_each_number(gradients, max_norm):
    """Cut off every number at the limit."""
    length_of(gradients, max_norm)
    return [gradient.clamp(-max_norm, max_norm) for gradient in gradients]


def always_to_the_limit(gradients, max_norm):
    """Make short gradients longer as well."""
    norm = length_of(gradients, max_norm)
    return [gradient * max_norm / norm if norm else gradient for gradient in gradients]


def lengths_added(gradients, max_norm):
    """Add the lengths up, as if they pointed the same way."""
    length_of(gradients, max_norm)
    norm = torch.stack([gradient.norm() for gradient in gradients]).sum()
    return [g * max_norm / norm if norm > max_norm else g for g in gradients]


def in_the_callers_gradients(gradients, max_norm):
    """Shorten in place, as torch's function with the underscore does."""
    norm = length_of(gradients, max_norm)
    for gradient in gradients:
        gradient *= (max_norm / norm).clamp(max=1.0) if norm else 1.0
    return list(gradients)


def nan_for_nought(gradients, max_norm):
    """Divide by the length whatever it is: 0/0 where all gradients are 0."""
    norm = length_of(gradients, max_norm)
    return [gradient / norm * min(float(norm), max_norm) for gradient in gradients]


def largest_stretch_of_a_matrix(gradients, max_norm):
    """Take a matrix's largest singular value for its length."""
    length_of(gradients, max_norm)
    lengths = [torch.linalg.norm(g, 2 if g.ndim == 2 else None) for g in gradients]
    norm = torch.stack(lengths).square().sum().sqrt()
    return [g * max_norm / norm if norm > max_norm else g for g in gradients]


def root_of_the_mean(gradients, max_norm):
    """Take the mean of the squares, not their sum."""
    length_of(gradients, max_norm)
    norm = torch.cat([gradient.flatten() for gradient in gradients]).square().mean().sqrt()
    return [g * max_norm / norm if norm > max_norm else g for g in gradients]


def any_limit_goes(gradients, max_norm):
    """Do not refuse a limit of 0 or below."""
    norm = length_of(gradients, 1.0)
    return [g * max_norm / norm if norm > max_norm else g.clone() for g in gradients]


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("05b:mask_tokens", mask_whatever_was_drawn),
    ("05b:mask_tokens", others_over_masks),
    ("05b:mask_tokens", masks_in_the_callers_ids),
    ("05b:mask_tokens", boundary_is_masked),
    ("05b:mask_tokens", own_draws),
    ("05b:mask_tokens", last_tenth_is_replaced),
    ("05b:mask_tokens", masked_by_multiplying),
    ("05b:mask_tokens", eighty_per_cent_by_place),
    ("05b:mask_tokens", one_draw_for_a_text),
    ("05b:sliding_windows", windows_from_starts),
    ("05b:sliding_windows", first_id_is_asked),
    ("05b:sliding_windows", rest_is_dropped),
    ("05b:sliding_windows", nothing_read_again),
    ("05b:sliding_windows", short_text_is_stretched),
    ("05b:sliding_windows", counted_within_the_window),
    ("05b:sliding_windows", stride_is_the_overlap),
    ("05b:sliding_windows", one_window_too_many),
    ("05b:sliding_windows", first_of_every_window_skipped),
    ("05b:sliding_windows", first_window_asks_for_a_stride),
    ("05b:accumulate_gradients", mean_of_gradients),
    ("05b:accumulate_gradients", loss_is_the_mean_of_means),
    ("05b:accumulate_gradients", old_gradients_stay),
    ("05b:accumulate_gradients", never_divided),
    ("05b:accumulate_gradients", cleared_each_time),
    ("05b:accumulate_gradients", divided_by_batches),
    ("05b:accumulate_gradients", one_backward_at_the_end),
    ("05b:accumulate_gradients", divides_a_copy),
    ("05b:accumulate_gradients", parameters_get_nothing),
    ("05b:accumulate_gradients", nothing_counted_is_nought),
    ("05b:warmup_cosine", wave_over_all_steps),
    ("05b:warmup_cosine", falls_to_nought),
    ("05b:warmup_cosine", final_on_top),
    ("05b:warmup_cosine", never_below_final),
    ("05b:warmup_cosine", last_step_is_final),
    ("05b:warmup_cosine", rises_from_final),
    ("05b:warmup_cosine", rise_one_step_longer),
    ("05b:clip_by_norm", each_by_itself),
    ("05b:clip_by_norm", cut_each_number),
    ("05b:clip_by_norm", always_to_the_limit),
    ("05b:clip_by_norm", lengths_added),
    ("05b:clip_by_norm", in_the_callers_gradients),
    ("05b:clip_by_norm", nan_for_nought),
    ("05b:clip_by_norm", largest_stretch_of_a_matrix),
    ("05b:clip_by_norm", root_of_the_mean),
    ("05b:clip_by_norm", any_limit_goes),
]
