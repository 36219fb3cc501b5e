"""Wrong answers to the exercises of lesson A1, written by someone who had not seen the checks."""

import math
import statistics
from collections.abc import Callable

import torch

from course_lib.nn.loss import log_softmax


def overflows(logits):
    """Take the exponentials as they are: infinite for large scores, all 0 for very low ones."""
    powers = logits.exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def shifts_by_largest_of_all(logits):
    """Subtract one maximum from all rows, so a row far below it has the sum 0."""
    powers = (logits - logits.max()).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def shifts_by_mean(logits):
    """Subtract the mean, which does not help against a single huge score."""
    powers = (logits - logits.mean(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def shifts_only_downwards(logits):
    """Shift only rows whose maximum is positive, so very low rows have the sum 0."""
    powers = (logits - logits.amax(dim=-1, keepdim=True).clamp(min=0)).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def clamps_huge_scores(logits):
    """Cut large scores off, so two of them look alike."""
    powers = logits.clamp(-80, 80).exp()
    return powers / powers.sum(dim=-1, keepdim=True)


def second_axis_always(logits):
    """Normalise over axis 1, which is the last one only in a matrix."""
    if logits.ndim == 1:
        return torch.softmax(logits, dim=0)
    return torch.softmax(logits, dim=1)


def sums_over_everything(logits):
    """Make the whole tensor sum to 1, not each row."""
    powers = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum()


def forgets_keepdim(logits):
    """Lose the axis of the sum: a square matrix is divided column by column, without an error."""
    powers = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return powers / powers.sum(dim=-1)


def divides_by_all_rows(logits, targets, ignore_id=-100):
    """Leave ignored rows out of the sum, but not out of the count."""
    counted = targets != ignore_id
    log_probs = log_softmax(logits[counted])
    surprise = -log_probs.gather(-1, targets[counted].unsqueeze(-1))
    return surprise.sum() / targets.numel()


def ignores_only_minus_hundred(logits, targets, ignore_id=-100):
    """Hard-code the default of `ignore_id`."""
    counted = targets != -100
    log_probs = log_softmax(logits[counted])
    return -log_probs.gather(-1, targets[counted].clamp(min=0).unsqueeze(-1)).mean()


def class_zero_does_not_count(logits, targets, ignore_id=-100):
    """Keep the positive targets: class 0 is dropped together with the ignored rows."""
    counted = (targets > 0) & (targets != ignore_id)
    log_probs = log_softmax(logits[counted])
    return -log_probs.gather(-1, targets[counted].unsqueeze(-1)).mean()


def mean_of_sequence_means(logits, targets, ignore_id=-100):
    """Average each sequence first, so a token of a short sequence weighs more."""
    counted = targets != ignore_id
    safe = targets.where(counted, torch.zeros_like(targets))
    surprise = -log_softmax(logits).gather(-1, safe.unsqueeze(-1)).squeeze(-1) * counted
    return (surprise.sum(dim=-1) / counted.sum(dim=-1)).mean()


def log_of_softmax_with_epsilon(logits, targets, ignore_id=-100):
    """Form the probability first and guard its logarithm: surprise ends at about 21 nats."""
    counted = targets != ignore_id
    probabilities = torch.softmax(logits[counted], dim=-1)
    right = probabilities.gather(-1, targets[counted].unsqueeze(-1))
    return -(right + 1e-9).log().mean()


def every_row_with_every_target(logits, targets, ignore_id=-100):
    """Index the columns with all targets, so each row also pays for the others' answers."""
    counted = targets != ignore_id
    return -log_softmax(logits[counted])[:, targets[counted]].mean()


def mean_over_classes_too(logits, targets, ignore_id=-100):
    """Multiply by a one-hot table and take the mean of that: V times too small."""
    counted = targets != ignore_id
    log_probs = log_softmax(logits[counted])
    right = torch.nn.functional.one_hot(targets[counted], logits.shape[-1])
    return -(right * log_probs).mean()


def log_of_mean_probability(logits, targets, ignore_id=-100):
    """Average the probabilities of the right answers before the logarithm."""
    counted = targets != ignore_id
    right = log_softmax(logits[counted]).gather(-1, targets[counted].unsqueeze(-1)).exp()
    return -right.mean().log()


def forgets_slope_of_tanh(x, hidden, w2, grad_logits):
    """Pass the slope through tanh unchanged."""
    grad_hidden = grad_logits @ w2.T
    return x.T @ grad_hidden, grad_hidden.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def tanh_twice(x, hidden, w2, grad_logits):
    """Take tanh of activations that have been through it already."""
    before = (grad_logits @ w2.T) * (1 - hidden.tanh() ** 2)
    return x.T @ before, before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def slope_of_the_sigmoid(x, hidden, w2, grad_logits):
    """Use the slope h (1 - h) of another curve."""
    before = (grad_logits @ w2.T) * hidden * (1 - hidden)
    return x.T @ before, before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def offset_before_tanh_slope(x, hidden, w2, grad_logits):
    """Take the slope of b1 from the wrong side of tanh."""
    grad_hidden = grad_logits @ w2.T
    before = grad_hidden * (1 - hidden**2)
    return x.T @ before, grad_hidden.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def offsets_by_mean(x, hidden, w2, grad_logits):
    """Average the offsets' slopes over the examples; the weights' are summed."""
    before = (grad_logits @ w2.T) * (1 - hidden**2)
    return x.T @ before, before.mean(0), hidden.T @ grad_logits, grad_logits.mean(0)


def reshapes_instead_of_transposing(x, hidden, w2, grad_logits):
    """Make w2's shape fit with `reshape`: right only with one hidden unit or one output."""
    grad_hidden = grad_logits @ w2.reshape(w2.shape[1], w2.shape[0])
    before = grad_hidden * (1 - hidden**2)
    return x.T @ before, before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def second_layer_first(x, hidden, w2, grad_logits):
    """Return the four slopes in the order in which they are found."""
    before = (grad_logits @ w2.T) * (1 - hidden**2)
    return hidden.T @ grad_logits, grad_logits.sum(0), x.T @ before, before.sum(0)


def first_layer_divided_by_examples(x, hidden, w2, grad_logits):
    """Divide w1 and b1 by the number of examples, which `grad_logits` holds already."""
    before = (grad_logits @ w2.T) * (1 - hidden**2) / len(x)
    return x.T @ before, before.sum(0), hidden.T @ grad_logits, grad_logits.sum(0)


def _step(parameter, mean, square, config, decay):
    direction = mean / (square.sqrt() + config.eps)
    return parameter - decay * parameter - config.learning_rate * direction


def no_bias_correction(parameter, gradient, mean, mean_square, n_steps, config):
    """Step with the running means as they are."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    decay = config.learning_rate * config.weight_decay
    return _step(parameter, m, v, config, decay), m, v


def returns_corrected_means(parameter, gradient, mean, mean_square, n_steps, config):
    """Overwrite the running means by the corrected ones, and return those."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m = m / (1 - config.beta1**n_steps)
    v = v / (1 - config.beta2**n_steps)
    decay = config.learning_rate * config.weight_decay
    return _step(parameter, m, v, config, decay), m, v


def counts_steps_from_zero(parameter, gradient, mean, mean_square, n_steps, config):
    """Add 1 to a step number that starts at 1 already."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat = m / (1 - config.beta1 ** (n_steps + 1))
    v_hat = v / (1 - config.beta2 ** (n_steps + 1))
    decay = config.learning_rate * config.weight_decay
    return _step(parameter, m_hat, v_hat, config, decay), m, v


def decay_without_learning_rate(parameter, gradient, mean, mean_square, n_steps, config):
    """Take off the whole weight decay at each step."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat, v_hat = m / (1 - config.beta1**n_steps), v / (1 - config.beta2**n_steps)
    return _step(parameter, m_hat, v_hat, config, config.weight_decay), m, v


def decay_in_the_gradient(parameter, gradient, mean, mean_square, n_steps, config):
    """Add the decay to the gradient: Adam with an L2 penalty, not AdamW."""
    gradient = gradient + config.weight_decay * parameter
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat, v_hat = m / (1 - config.beta1**n_steps), v / (1 - config.beta2**n_steps)
    return _step(parameter, m_hat, v_hat, config, 0.0), m, v


def decays_after_the_step(parameter, gradient, mean, mean_square, n_steps, config):
    """Shrink the parameter that has moved already, so the step shrinks too."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat, v_hat = m / (1 - config.beta1**n_steps), v / (1 - config.beta2**n_steps)
    moved = _step(parameter, m_hat, v_hat, config, 0.0)
    return moved * (1 - config.learning_rate * config.weight_decay), m, v


def eps_under_the_root(parameter, gradient, mean, mean_square, n_steps, config):
    """Add eps before the root is taken."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat, v_hat = m / (1 - config.beta1**n_steps), v / (1 - config.beta2**n_steps)
    direction = m_hat / (v_hat + config.eps).sqrt()
    decayed = parameter * (1 - config.learning_rate * config.weight_decay)
    return decayed - config.learning_rate * direction, m, v


def forgets_eps(parameter, gradient, mean, mean_square, n_steps, config):
    """Leave eps out: 0 / 0 wherever all gradients so far were 0."""
    m = config.beta1 * mean + (1 - config.beta1) * gradient
    v = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    m_hat, v_hat = m / (1 - config.beta1**n_steps), v / (1 - config.beta2**n_steps)
    decayed = parameter * (1 - config.learning_rate * config.weight_decay)
    return decayed - config.learning_rate * m_hat / v_hat.sqrt(), m, v


def usual_betas_always(parameter, gradient, mean, mean_square, n_steps, config):
    """Hard-code the default betas."""
    m = 0.9 * mean + 0.1 * gradient
    v = 0.999 * mean_square + 0.001 * gradient**2
    m_hat, v_hat = m / (1 - 0.9**n_steps), v / (1 - 0.999**n_steps)
    decay = config.learning_rate * config.weight_decay
    return _step(parameter, m_hat, v_hat, config, decay), m, v


def overwrites_the_means(parameter, gradient, mean, mean_square, n_steps, config):
    """Update the running means in place, although they should be left as they were."""
    mean.mul_(config.beta1).add_((1 - config.beta1) * gradient)
    mean_square.mul_(config.beta2).add_((1 - config.beta2) * gradient**2)
    m_hat = mean / (1 - config.beta1**n_steps)
    v_hat = mean_square / (1 - config.beta2**n_steps)
    decay = config.learning_rate * config.weight_decay
    return _step(parameter, m_hat, v_hat, config, decay), mean, mean_square


def divides_by_n(values):
    """Take the population's standard deviation."""
    return statistics.fmean(values), statistics.pstdev(values)


def variance_not_sd(values):
    """Forget the root."""
    return statistics.fmean(values), statistics.variance(values)


def standard_error(values):
    """Divide by the root of n: the doubt about the mean, not the spread of the runs."""
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))


def equal_scores_count_once(values):
    """Make a set of the scores, so ties vanish."""
    distinct = set(values)
    mean = sum(distinct) / len(distinct)
    squares = sum((value - mean) ** 2 for value in distinct)
    return mean, math.sqrt(squares / (len(values) - 1))


def shortcut_in_single_precision(values):
    """Subtract two large, nearly equal squares in 32 bits."""
    scores = torch.tensor(values, dtype=torch.float32)
    n, mean = len(scores), scores.mean()
    variance = ((scores**2).sum() - n * mean**2) / (n - 1)
    return mean.item(), variance.clamp(min=0).sqrt().item()


def whole_number_mean(values):
    """Divide with //, which cuts the mean down to a whole number."""
    mean = sum(values) // len(values)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("a1:softmax", overflows),
    ("a1:softmax", shifts_by_largest_of_all),
    ("a1:softmax", shifts_by_mean),
    ("a1:softmax", shifts_only_downwards),
    ("a1:softmax", clamps_huge_scores),
    ("a1:softmax", second_axis_always),
    ("a1:softmax", sums_over_everything),
    ("a1:softmax", forgets_keepdim),
    ("a1:cross_entropy", divides_by_all_rows),
    ("a1:cross_entropy", ignores_only_minus_hundred),
    ("a1:cross_entropy", class_zero_does_not_count),
    ("a1:cross_entropy", mean_of_sequence_means),
    ("a1:cross_entropy", log_of_softmax_with_epsilon),
    ("a1:cross_entropy", every_row_with_every_target),
    ("a1:cross_entropy", mean_over_classes_too),
    ("a1:cross_entropy", log_of_mean_probability),
    ("a1:mlp_backward", forgets_slope_of_tanh),
    ("a1:mlp_backward", tanh_twice),
    ("a1:mlp_backward", slope_of_the_sigmoid),
    ("a1:mlp_backward", offset_before_tanh_slope),
    ("a1:mlp_backward", offsets_by_mean),
    ("a1:mlp_backward", reshapes_instead_of_transposing),
    ("a1:mlp_backward", second_layer_first),
    ("a1:mlp_backward", first_layer_divided_by_examples),
    ("a1:adamw_step", no_bias_correction),
    ("a1:adamw_step", returns_corrected_means),
    ("a1:adamw_step", counts_steps_from_zero),
    ("a1:adamw_step", decay_without_learning_rate),
    ("a1:adamw_step", decay_in_the_gradient),
    ("a1:adamw_step", decays_after_the_step),
    ("a1:adamw_step", eps_under_the_root),
    ("a1:adamw_step", forgets_eps),
    ("a1:adamw_step", usual_betas_always),
    ("a1:adamw_step", overwrites_the_means),
    ("a1:mean_and_sd", divides_by_n),
    ("a1:mean_and_sd", variance_not_sd),
    ("a1:mean_and_sd", standard_error),
    ("a1:mean_and_sd", equal_scores_count_once),
    ("a1:mean_and_sd", shortcut_in_single_precision),
    ("a1:mean_and_sd", whole_number_mean),
]
