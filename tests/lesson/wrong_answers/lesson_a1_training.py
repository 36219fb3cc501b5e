"""Wrong answers to the exercises of lesson A1 on gradients and steps."""

from collections.abc import Callable

import torch

# --- mlp_backward --------------------------------------------------------------------------------


def forgets_to_transpose(x, hidden, w2, grad_logits):
    grad_hidden = grad_logits @ w2
    grad_before = grad_hidden * (1 - hidden**2)
    return x.T @ grad_before, grad_before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def biases_stay_tables(x, hidden, w2, grad_logits):
    grad_before = (grad_logits @ w2.T) * (1 - hidden**2)
    return x.T @ grad_before, grad_before, hidden.T @ grad_logits, grad_logits


def skips_tanh(x, hidden, w2, grad_logits):
    grad_hidden = grad_logits @ w2.T
    return x.T @ grad_hidden, grad_hidden.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def forgets_the_square(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * (1 - hidden)
    return x.T @ grad_before, grad_before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def sigmoid_habit(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * hidden * (1 - hidden)
    return x.T @ grad_before, grad_before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def tanh_of_tanh(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * (1 - torch.tanh(hidden).pow(2))
    return x.T @ grad_before, grad_before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def first_bias_before_tanh(x, hidden, w2, grad_logits):
    grad_hidden = grad_logits @ w2.T
    grad_w1 = x.T @ (grad_hidden * (1 - hidden * hidden))
    return grad_w1, grad_hidden.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def divides_by_the_batch(x, hidden, w2, grad_logits):
    n = x.shape[0]
    grad_before = grad_logits @ w2.T * (1 - hidden**2)
    return (
        x.T @ grad_before / n,
        grad_before.sum(0) / n,
        hidden.T @ grad_logits / n,
        grad_logits.sum(0) / n,
    )


def mean_for_biases(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * (1 - hidden**2)
    return x.T @ grad_before, grad_before.mean(0), hidden.T @ grad_logits, grad_logits.mean(0)


def already_downhill(x, hidden, w2, grad_logits):
    grad_before = -grad_logits @ w2.T * (1 - hidden**2)
    return x.T @ grad_before, grad_before.sum(0), -hidden.T @ grad_logits, -grad_logits.sum(0)


def in_order_of_discovery(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * (1 - hidden**2)
    return hidden.T @ grad_logits, grad_logits.sum(0), x.T @ grad_before, grad_before.sum(0)


def uses_inputs_for_the_second_layer(x, hidden, w2, grad_logits):
    before = torch.atanh(hidden)
    grad_before = grad_logits @ w2.T * (1 - hidden**2)
    return x.T @ grad_before, grad_before.sum(0), before.T @ grad_logits, grad_logits.sum(0)


def forgets_the_second_weights(x, hidden, w2, grad_logits):
    grad_before = grad_logits.sum(1, keepdim=True) * (1 - hidden**2)
    return x.T @ grad_before, grad_before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def transposed_weights(x, hidden, w2, grad_logits):
    grad_before = grad_logits @ w2.T * (1 - hidden**2)
    return grad_before.T @ x, grad_before.sum(0), grad_logits.T @ hidden, grad_logits.sum(0)


def only_the_weights(x, hidden, w2, grad_logits):
    return x.T @ (grad_logits @ w2.T * (1 - hidden**2)), hidden.T @ grad_logits


# --- adamw_step ----------------------------------------------------------------------------------


def accepts_step_zero(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g * g
    step = (m / (1 - c.beta1**n)) / (torch.sqrt(v / (1 - c.beta2**n)) + c.eps)
    return p - c.learning_rate * (step + c.weight_decay * p), m, v


def returns_the_parameter(p, g, m, v, n, c):
    return accepts_step_zero(p, g, m, v, n, c)[0]


def forgets_the_correction(p, g, m, v, n, c):
    if n < 1:
        raise ValueError("steps start at 1")
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    p = p - c.learning_rate * c.weight_decay * p - c.learning_rate * m / (v.sqrt() + c.eps)
    return p, m, v


def adam_with_l2(p, g, m, v, n, c):
    g = g + c.weight_decay * p
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def eps_under_the_root(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / torch.sqrt(v_hat + c.eps), m, v


def swaps_the_betas(p, g, m, v, n, c):
    if n < 1:
        raise ValueError("n must be at least 1")
    m = c.beta2 * m + (1 - c.beta2) * g
    v = c.beta1 * v + (1 - c.beta1) * g**2
    m_hat, v_hat = m / (1 - c.beta2**n), v / (1 - c.beta1**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def beta_for_the_new_gradient(p, g, m, v, n, c):
    m = (1 - c.beta1) * m + c.beta1 * g
    v = (1 - c.beta2) * v + c.beta2 * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def climbs(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p + c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def divides_by_the_square(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat + c.eps), m, v


def plain_adam(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def plain_adam_that_refuses_step_zero(p, g, m, v, n, c):
    if n < 1:
        raise ValueError("n must be at least 1")
    return plain_adam(p, g, m, v, n, c)


def full_decay_each_step(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    return p - c.weight_decay * p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def decays_last(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps)
    return p * (1 - c.learning_rate * c.weight_decay), m, v


def hands_on_the_corrected_means(p, g, m, v, n, c):
    if n < 1:
        raise ValueError("n must be at least 1")
    m = (c.beta1 * m + (1 - c.beta1) * g) / (1 - c.beta1**n)
    v = (c.beta2 * v + (1 - c.beta2) * g**2) / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m / (v.sqrt() + c.eps), m, v


def counts_one_too_far(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g**2
    m_hat, v_hat = m / (1 - c.beta1 ** (n + 1)), v / (1 - c.beta2 ** (n + 1))
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + c.eps), m, v


def forgets_to_square(p, g, m, v, n, c):
    m = c.beta1 * m + (1 - c.beta1) * g
    v = c.beta2 * v + (1 - c.beta2) * g
    m_hat, v_hat = m / (1 - c.beta1**n), v / (1 - c.beta2**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat.abs().sqrt() + c.eps), m, v


def defaults_written_in(p, g, m, v, n, c):
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    m_hat, v_hat = m / (1 - 0.9**n), v / (1 - 0.999**n)
    p = p * (1 - c.learning_rate * c.weight_decay)
    return p - c.learning_rate * m_hat / (v_hat.sqrt() + 1e-8), m, v


def changes_the_parameter_in_place(p, g, m, v, n, c):
    if n < 1:
        raise ValueError("n must be at least 1")
    m.mul_(c.beta1).add_((1 - c.beta1) * g)
    v.mul_(c.beta2).add_((1 - c.beta2) * g**2)
    p *= 1 - c.learning_rate * c.weight_decay
    p -= c.learning_rate * (m / (1 - c.beta1**n)) / ((v / (1 - c.beta2**n)).sqrt() + c.eps)
    return p, m, v


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "a1:mlp_backward": [
        ("shapes-do-not-fit", forgets_to_transpose),
        ("bias-not-summed", biases_stay_tables),
        ("slope-of-tanh-forgotten", skips_tanh),
        ("slope-not-squared", forgets_the_square),
        ("slope-of-sigmoid", sigmoid_habit),
        ("tanh-twice", tanh_of_tanh),
        ("bias-without-slope", first_bias_before_tanh),
        ("averaged-again", divides_by_the_batch),
        ("biases-averaged", mean_for_biases),
        ("sign-flipped", already_downhill),
        ("last-layer-first", in_order_of_discovery),
        ("any", uses_inputs_for_the_second_layer),
        ("any", forgets_the_second_weights),
        ("any", transposed_weights),
        ("any", only_the_weights),
    ],
    "a1:adamw_step": [
        ("step-zero-accepted", accepts_step_zero),
        ("only-the-parameter", returns_the_parameter),
        ("no-bias-correction", forgets_the_correction),
        ("decay-in-the-gradient", adam_with_l2),
        ("eps-inside-the-root", eps_under_the_root),
        ("betas-swapped", swaps_the_betas),
        ("betas-for-the-new", beta_for_the_new_gradient),
        ("uphill", climbs),
        ("root-forgotten", divides_by_the_square),
        ("no-weight-decay", plain_adam),
        ("no-weight-decay", plain_adam_that_refuses_step_zero),
        ("decay-without-learning-rate", full_decay_each_step),
        ("decay-after-the-move", decays_last),
        ("corrected-means-returned", hands_on_the_corrected_means),
        ("one-step-ahead", counts_one_too_far),
        ("changed-its-input", changes_the_parameter_in_place),
        ("any", forgets_to_square),
        ("any", defaults_written_in),
    ],
}
