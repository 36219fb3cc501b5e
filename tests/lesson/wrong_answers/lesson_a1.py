"""Wrong answers to the exercises of lesson A1, as a learner might write them."""

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

# --- softmax -------------------------------------------------------------------------------------


def textbook_softmax(logits):
    e = torch.exp(logits)
    return e / e.sum(-1, keepdim=True)


def softmax_over_columns(logits):
    e = torch.exp(logits - logits.max(dim=0).values)
    return e / e.sum(dim=0)


def softmax_over_axis_one(logits):
    e = torch.exp(logits - logits.max(dim=1, keepdim=True).values)
    return e / e.sum(dim=1, keepdim=True)


def one_total_for_all(logits):
    shifted = logits - torch.max(logits)
    return shifted.exp() / shifted.exp().sum()


def log_probabilities(logits):
    return logits - torch.logsumexp(logits, dim=-1, keepdim=True)


def share_of_the_scores(logits):
    return logits / logits.sum(-1, keepdim=True)


def base_two_softmax(logits):
    powers = 2 ** (logits - logits.amax(-1, keepdim=True))
    return powers / powers.sum(-1, keepdim=True)


def one_sigmoid_each(logits):
    return 1 / (1 + torch.exp(-logits))


def exponentials_only(logits):
    return (logits - logits.max(dim=-1, keepdim=True)[0]).exp()


def divided_by_the_largest_too(logits):
    e = (logits - logits.max(dim=-1, keepdim=True)[0]).exp()
    return e / (e.sum(-1, keepdim=True) + 1)


def mean_instead_of_sum(logits):
    e = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return e / e.mean(dim=-1, keepdim=True)


def shifted_by_the_mean(logits):
    e = (logits - logits.mean(dim=-1, keepdim=True)).exp()
    return e / e.sum(dim=-1, keepdim=True) ** 2


def total_without_its_axis(logits):
    e = torch.exp(logits)
    return e / e.sum(-1)


def clipped(logits):
    e = torch.exp(logits.clamp(-50, 50))
    return e / e.sum(-1, keepdim=True)


def one_hot_of_the_best(logits):
    return F.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)


def numpy_softmax(logits):
    e = np.exp(logits.numpy() - logits.numpy().max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# --- cross_entropy -------------------------------------------------------------------------------


def never_refuses(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if keep.sum() == 0:
        return torch.tensor(0.0)
    return F.cross_entropy(logits[keep], targets[keep])


def torch_does_it(logits, targets, ignore_id=-100):
    logits, targets = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    return F.cross_entropy(logits, targets, ignore_index=ignore_id)


def log_of_softmax(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError("nothing counts")
    p = torch.softmax(logits[keep], -1)
    return -torch.log(p[torch.arange(len(p)), targets[keep]]).mean()


def forgot_to_ignore(logits, targets, ignore_id=-100):
    log_probs = torch.log_softmax(logits, -1)
    return -log_probs.gather(-1, targets.unsqueeze(-1)).mean()


def ignores_minus_hundred(logits, targets, ignore_id=-100):
    keep = targets != -100
    return F.cross_entropy(logits[keep], targets[keep])


def thinks_logits_are_probabilities(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    rows = logits[keep]
    return -torch.log(rows[torch.arange(len(rows)), targets[keep]]).mean()


def divides_by_all_rows(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError
    log_probs = torch.log_softmax(logits[keep], -1)
    picked = log_probs.gather(-1, targets[keep].unsqueeze(-1))
    return -picked.sum() / targets.numel()


def averages_every_sequence(logits, targets, ignore_id=-100):
    if logits.dim() == 2:
        return torch_does_it(logits, targets, ignore_id)
    losses = [torch_does_it(a, b, ignore_id) for a, b in zip(logits, targets, strict=True)]
    return sum(losses) / len(losses)


def mean_log_probability(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError("no target counts")
    log_probs = logits[keep].log_softmax(-1)
    return log_probs[torch.arange(keep.sum()), targets[keep]].mean()


def summed_surprise(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    return F.cross_entropy(logits[keep], targets[keep], reduction="sum")


def in_powers_of_ten(logits, targets, ignore_id=-100):
    return torch_does_it(logits, targets, ignore_id) / math.log(10)


def in_bits(logits, targets, ignore_id=-100):
    return torch_does_it(logits, targets, ignore_id) * math.log2(math.e)


def in_bits_with_a_check(logits, targets, ignore_id=-100):
    if (targets == ignore_id).all():
        raise ValueError("no target counts")
    return torch_does_it(logits, targets, ignore_id) / math.log(2)


def per_class(logits, targets, ignore_id=-100):
    return torch_does_it(logits, targets, ignore_id) / logits.shape[-1]


def averages_all_classes(logits, targets, ignore_id=-100):
    return -torch.log_softmax(logits[targets != ignore_id], dim=-1).mean()


def raw_score_of_the_target(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    return -logits[keep].gather(-1, targets[keep][:, None]).mean()


def one_minus_probability(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    p = logits[keep].softmax(-1).gather(-1, targets[keep][:, None])
    return (1 - p).mean()


def squared_error(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError("no target counts")
    right = F.one_hot(targets[keep], logits.shape[-1])
    return ((logits[keep].softmax(-1) - right) ** 2).sum(-1).mean()


def softmax_twice(logits, targets, ignore_id=-100):
    return torch_does_it(logits.softmax(-1), targets, ignore_id)


def perplexity_instead(logits, targets, ignore_id=-100):
    return torch_does_it(logits, targets, ignore_id).exp()


def a_little_epsilon(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError("no target counts")
    p = logits[keep].softmax(-1).gather(-1, targets[keep][:, None])
    return -torch.log(p + 1e-8).mean()


def one_loss_a_row(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    return F.cross_entropy(logits[keep], targets[keep], reduction="none")


def plain_number(logits, targets, ignore_id=-100):
    keep = targets != ignore_id
    if not keep.any():
        raise ValueError("no target counts")
    return F.cross_entropy(logits[keep], targets[keep]).item()


# --- mean_and_sd ---------------------------------------------------------------------------------


def zero_for_one_run(values):
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, 0.0
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def numpy_default(values):
    return float(np.mean(values)), float(np.std(values))


def numpy_default_with_a_check(values):
    if len(values) < 2:
        raise ValueError("one run has no spread")
    return float(np.mean(values)), float(np.std(values))


def variance_by_numpy(values):
    return float(np.mean(values)), float(np.var(values, ddof=1))


def error_of_the_mean(values):
    if len(values) < 2:
        raise ValueError("one run has no spread")
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def mean_absolute_deviation(values):
    mean = sum(values) / len(values)
    return mean, sum(abs(v - mean) for v in values) / len(values)


def root_first(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values)) / (len(values) - 1)


def top_minus_bottom(values):
    return float(np.mean(values)), max(values) - min(values)


def median_and_sd(values):
    return float(np.median(values)), float(np.std(values, ddof=1))


def sd_and_mean(values):
    return float(np.std(values, ddof=1)), float(np.mean(values))


def forgot_the_square(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(abs(sum(v - mean for v in values)) / (len(values) - 1))


def mean_only(values):
    return sum(values) / len(values)


def in_a_dictionary(values):
    return {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1))}


def two_decimals(values):
    return round(float(np.mean(values)), 2), round(float(np.std(values, ddof=1)), 2)


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "a1:softmax": [
        ("exponential-overflows", textbook_softmax),
        ("first-axis", softmax_over_columns),
        ("fixed-axis", softmax_over_axis_one),
        ("sum-over-everything", one_total_for_all),
        ("logarithms-returned", log_probabilities),
        ("no-exponential", share_of_the_scores),
        ("powers-of-two", base_two_softmax),
        ("sigmoid", one_sigmoid_each),
        ("rows-do-not-sum-to-one", exponentials_only),
        ("rows-do-not-sum-to-one", divided_by_the_largest_too),
        ("rows-do-not-sum-to-one", mean_instead_of_sum),
        ("rows-do-not-sum-to-one", shifted_by_the_mean),
        ("any", total_without_its_axis),
        ("any", clipped),
        ("any", one_hot_of_the_best),
        ("any", numpy_softmax),
    ],
    "a1:cross_entropy": [
        ("nothing-counted-accepted", never_refuses),
        ("nothing-counted-accepted", torch_does_it),
        ("log-of-zero", log_of_softmax),
        ("ignored-id-used-as-a-class", forgot_to_ignore),
        ("ignore-id-fixed", ignores_minus_hundred),
        ("logits-taken-as-probabilities", thinks_logits_are_probabilities),
        ("ignored-rows-in-the-count", divides_by_all_rows),
        ("mean-of-sequence-means", averages_every_sequence),
        ("sign-flipped", mean_log_probability),
        ("sum-instead-of-mean", summed_surprise),
        ("base-ten", in_powers_of_ten),
        ("base-two", in_bits),
        ("base-two", in_bits_with_a_check),
        ("divided-by-the-classes-too", per_class),
        ("mean-over-every-class", averages_all_classes),
        ("normaliser-forgotten", raw_score_of_the_target),
        ("no-logarithm", one_minus_probability),
        ("any", squared_error),
        ("any", softmax_twice),
        ("any", perplexity_instead),
        ("any", a_little_epsilon),
        ("any", one_loss_a_row),
        ("any", plain_number),
    ],
    "a1:mean_and_sd": [
        ("single-run-accepted", zero_for_one_run),
        ("divided-by-n", numpy_default),
        ("divided-by-n", numpy_default_with_a_check),
        ("variance-returned", variance_by_numpy),
        ("standard-error", error_of_the_mean),
        ("mean-distance", mean_absolute_deviation),
        ("root-before-the-division", root_first),
        ("range", top_minus_bottom),
        ("median", median_and_sd),
        ("order-swapped", sd_and_mean),
        ("any", forgot_the_square),
        ("any", mean_only),
        ("any", in_a_dictionary),
        ("any", two_decimals),
    ],
}
