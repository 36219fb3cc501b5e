"""Wrong answers to the exercises of lesson 05b on gradients."""

import torch

# --- accumulate_gradients ------------------------------------------------------------------------


def count(model, batches, compute_sum):
    n = sum(compute_sum(model, batch).n_counted for batch in batches)
    if n == 0:
        raise ValueError("nothing counts")
    return n


def grads(model, divisor=1):
    return [parameter.grad / divisor for parameter in model.parameters()]


def means_of_batches(model, batches, compute_sum):
    count(model, batches, compute_sum)
    model.zero_grad()
    reported = 0.0
    for batch in batches:
        total, n = compute_sum(model, batch)
        loss = total / max(n, 1) / len(batches)
        loss.backward()
        reported += loss.item()
    return reported, grads(model)


def honest_report(model, batches, compute_sum):
    n_all = count(model, batches, compute_sum)
    nats = sum(compute_sum(model, batch).total.item() for batch in batches)
    return nats / n_all, means_of_batches(model, batches, compute_sum)[1]


def adds_means(model, batches, compute_sum):
    loss, gradients = honest_report(model, batches, compute_sum)
    return loss, [gradient * len(batches) for gradient in gradients]


def run(model, batches, compute_sum, zero=True):
    if zero:
        model.zero_grad()
    nats, n_all = 0.0, 0
    for batch in batches:
        total, n = compute_sum(model, batch)
        total.backward()
        nats, n_all = nats + total.item(), n_all + n
    if not n_all:
        raise ValueError("nothing counts")
    return nats, n_all


def sum_of_all(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    return nats / n_all, grads(model)


def by_batches(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    return nats / n_all, grads(model, len(batches))


def by_the_last(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    return nats / n_all, grads(model, compute_sum(model, batches[-1]).n_counted)


def zeroes_in_the_loop(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    run(model, batches[-1:], compute_sum)
    return nats / n_all, grads(model, n_all)


def never_zeroes(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum, zero=False)
    return nats / n_all, grads(model, n_all)


def returns_the_sum(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    return nats, grads(model, n_all)


def adds_the_losses(model, batches, compute_sum):
    model.zero_grad()
    total, n_all = 0.0, 0
    for batch in batches:
        loss = compute_sum(model, batch)
        total, n_all = total + loss.total, n_all + loss.n_counted
    if not n_all:
        raise ValueError("nothing counts")
    (total / n_all).backward()
    return total.item() / n_all, grads(model)


def divides_outside(model, batches, compute_sum):
    nats, n_all = run(model, batches, compute_sum)
    return nats / n_all, grads(model, n_all)


# --- clip_by_norm --------------------------------------------------------------------------------


def check(max_norm):
    if max_norm <= 0:
        raise ValueError("max_norm must be > 0")


def total_norm(gradients):
    return sum(float((gradient**2).sum()) for gradient in gradients) ** 0.5


def one_by_one(gradients, max_norm):
    check(max_norm)
    clipped = []
    for gradient in gradients:
        norm = float(gradient.norm())
        clipped.append(gradient * (max_norm / norm) if norm > max_norm else gradient)
    return clipped


def single_numbers(gradients, max_norm):
    check(max_norm)
    return [torch.clip(gradient, -max_norm, max_norm) for gradient in gradients]


def always_scaled(gradients, max_norm):
    check(max_norm)
    norm = total_norm(gradients)
    return [gradient * max_norm / norm if norm else gradient for gradient in gradients]


def added_norms(gradients, max_norm):
    check(max_norm)
    norm = sum(float(gradient.norm()) for gradient in gradients)
    return [gradient * (max_norm / norm) if norm > max_norm else gradient for gradient in gradients]


def squared(gradients, max_norm):
    check(max_norm)
    norm = total_norm(gradients) ** 2
    return [gradient * (max_norm / norm) if norm > max_norm else gradient for gradient in gradients]


def to_length_one(gradients, max_norm):
    check(max_norm)
    norm = total_norm(gradients)
    return [gradient / norm if norm > max_norm else gradient for gradient in gradients]


def as_they_are(gradients, max_norm):
    check(max_norm)
    return list(gradients)


def divides_by_zero(gradients, max_norm):
    check(max_norm)
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    factor = max_norm / norm
    return [
        gradient * factor if norm == 0 else gradient * min(1.0, float(factor))
        for gradient in gradients
    ]


WRONG = {
    "05b:accumulate_gradients": [
        ("mean-of-means", means_of_batches),
        ("mean-of-means-but-the-right-loss", honest_report),
        ("means-added", adds_means),
        ("not-divided", sum_of_all),
        ("divided-by-batches", by_batches),
        ("divided-by-the-last-count", by_the_last),
        ("zeroed-for-each-batch", zeroes_in_the_loop),
        ("never-zeroed", never_zeroes),
        ("loss-not-divided", returns_the_sum),
        ("all-batches-kept", adds_the_losses),
        ("not-in-grad", divides_outside),
    ],
    "05b:clip_by_norm": [
        ("each-alone", one_by_one),
        ("by-value", single_numbers),
        ("short-ones-stretched", always_scaled),
        ("norms-added", added_norms),
        ("root-forgotten", squared),
        ("not-times-the-limit", to_length_one),
        ("unchanged", as_they_are),
        ("zero-by-zero", divides_by_zero),
    ],
}
