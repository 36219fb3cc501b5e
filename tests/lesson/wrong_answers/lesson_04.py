"""Wrong answers to the exercises of lesson 04 about the model, as a learner might write them."""

from collections.abc import Callable

import torch

# --- layer_norm ----------------------------------------------------------------------------------


def eps_after_the_root(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    std = x.std(-1, keepdim=True, unbiased=False)
    return weight * (x - mean) / (std + eps) + bias


def no_eps(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    return weight * (x - mean) / torch.std(x, -1, keepdim=True, correction=0) + bias


def squares_minus_square(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    var = (x**2).mean(-1, keepdim=True) - mean**2
    return (x - mean) / torch.sqrt(var.relu() + eps) * weight + bias


def default_var(x, weight, bias, eps=1e-5):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True)
    return (x - mean) * torch.rsqrt(var + eps) * weight + bias


def divided_by_variance(x, weight, bias, eps=1e-5):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / (var + eps) * weight + bias


def like_llama(x, weight, bias, eps=1e-5):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight + bias


def along_the_text(x, weight, bias, eps=1e-5):
    mean, var = x.mean(-2, keepdim=True), x.var(-2, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps) * weight + bias


def one_mean_for_all(x, weight, bias, eps=1e-5):
    return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + eps) * weight + bias


def only_normalised(x, weight, bias, eps=1e-5):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(var + eps)


def bias_first(x, weight, bias, eps=1e-5):
    mean, var = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, unbiased=False)
    return ((x - mean) / torch.sqrt(var + eps) + bias) * weight


def root_mean_absolute(x, weight, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.abs().mean(-1, keepdim=True) + eps) * weight + bias


# --- pre_norm_block ------------------------------------------------------------------------------


def as_in_2017(x, attention, feedforward, attention_norm, feedforward_norm):
    x = attention_norm(attention(x) + x)
    return feedforward_norm(feedforward(x) + x)


def a_plain_stack(x, attention, feedforward, attention_norm, feedforward_norm):
    x = attention(attention_norm(x))
    x = feedforward(feedforward_norm(x))
    return x


def attention_replaces(x, attention, feedforward, attention_norm, feedforward_norm):
    x = attention(attention_norm(x))
    x = x + feedforward(feedforward_norm(x))
    return x


def feedforward_replaces(x, attention, feedforward, attention_norm, feedforward_norm):
    x = x + attention(attention_norm(x))
    x = feedforward(feedforward_norm(x))
    return x


def x_reassigned(x, attention, feedforward, attention_norm, feedforward_norm):
    x = attention_norm(x)
    x = attention(x) + x
    x = feedforward_norm(x)
    return feedforward(x) + x


def parallel(x, attention, feedforward, attention_norm, feedforward_norm):
    gathered = attention(attention_norm(x))
    thought = feedforward(feedforward_norm(x))
    return x + gathered + thought


def residual_from_the_input(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + attention(attention_norm(x))
    return x + feedforward(feedforward_norm(h))


def without_norms(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + attention(x)
    return h + feedforward(h)


def norm_of_the_answer(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + attention_norm(attention(x))
    return h + feedforward_norm(feedforward(h))


def mixed_up_norms(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + attention(feedforward_norm(x))
    return h + feedforward(attention_norm(h))


def thinks_first(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + feedforward(feedforward_norm(x))
    return h + attention(attention_norm(h))


def norm_at_the_end_as_well(x, attention, feedforward, attention_norm, feedforward_norm):
    h = x + attention(attention_norm(x))
    return feedforward_norm(h + feedforward(feedforward_norm(h)))


# --- count_gpt_parameters ------------------------------------------------------------------------


def linear(m, n):
    return m * n + n


def a_layer(config):
    d, f = config.d_model, config.d_ff
    return 4 * linear(d, d) + linear(d, f) + linear(f, d) + 4 * d


def untied(config):
    d = config.d_model
    tables = config.vocab_size * d + config.max_len * d
    return tables + config.n_layers * a_layer(config) + 2 * d + d * config.vocab_size


def matrices_only(config):
    d, f = config.d_model, config.d_ff
    layer = 4 * d * d + 2 * d * f + 2 * (2 * d)
    return (config.vocab_size + config.max_len) * d + config.n_layers * layer + 2 * d


def no_norms(config):
    d = config.d_model
    layers = config.n_layers * (a_layer(config) - 4 * d)
    return (config.vocab_size + config.max_len) * d + layers


def no_last_norm(config):
    d = config.d_model
    return (config.vocab_size + config.max_len) * d + config.n_layers * a_layer(config)


def no_positions(config):
    return (
        config.vocab_size * config.d_model
        + config.n_layers * a_layer(config)
        + (2 * config.d_model)
    )


def always_four_times(config):
    d = config.d_model
    layer = 4 * linear(d, d) + linear(d, 4 * d) + linear(4 * d, d) + 4 * d
    return (config.vocab_size + config.max_len) * d + config.n_layers * layer + 2 * d


def a_single_layer(config):
    d = config.d_model
    return (config.vocab_size + config.max_len) * d + a_layer(config) + 2 * d


def no_output_of_attention(config):
    d = config.d_model
    layer = a_layer(config) - linear(d, d)
    return (config.vocab_size + config.max_len) * d + config.n_layers * layer + 2 * d


def each_head_full_width(config):
    d = config.d_model
    attention = 3 * config.n_heads * linear(d, d) + linear(d, d)
    layer = attention + linear(d, config.d_ff) + linear(config.d_ff, d) + 4 * d
    return (config.vocab_size + config.max_len) * d + config.n_layers * layer + 2 * d


def attention_is_all(config):
    d = config.d_model
    layer = 4 * linear(d, d) + 4 * d
    return (config.vocab_size + config.max_len) * d + config.n_layers * layer + 2 * d


def twelve_d_squared(config):
    return 12 * config.n_layers * config.d_model**2


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "04:layer_norm": [
        ("eps-outside-the-root", eps_after_the_root),
        ("eps-forgotten", no_eps),
        ("mean-of-squares-minus-squared-mean", squares_minus_square),
        ("divided-by-d-minus-one", default_var),
        ("root-forgotten", divided_by_variance),
        ("mean-not-taken-off", like_llama),
        ("over-the-tokens", along_the_text),
        ("over-everything", one_mean_for_all),
        ("weight-and-bias-forgotten", only_normalised),
        ("bias-before-weight", bias_first),
        ("any", root_mean_absolute),
    ],
    "04:pre_norm_block": [
        ("norm-after", as_in_2017),
        ("no-residual", a_plain_stack),
        ("first-residual-forgotten", attention_replaces),
        ("second-residual-forgotten", feedforward_replaces),
        ("stream-overwritten", x_reassigned),
        ("halves-side-by-side", parallel),
        ("added-to-the-old-stream", residual_from_the_input),
        ("norms-unused", without_norms),
        ("norm-on-the-branch-s-end", norm_of_the_answer),
        ("norms-swapped", mixed_up_norms),
        ("feedforward-first", thinks_first),
        ("any", norm_at_the_end_as_well),
    ],
    "04:count_gpt_parameters": [
        ("output-matrix-counted-again", untied),
        ("offsets-forgotten", matrices_only),
        ("norms-forgotten", no_norms),
        ("final-norm-forgotten", no_last_norm),
        ("positions-forgotten", no_positions),
        ("width-four-times-assumed", always_four_times),
        ("one-layer", a_single_layer),
        ("three-matrices-of-attention", no_output_of_attention),
        ("times-the-heads", each_head_full_width),
        ("feedforward-forgotten", attention_is_all),
        ("any", twelve_d_squared),
    ],
}
