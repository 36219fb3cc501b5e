"""Wrong answers to the exercises of lesson 03 on masks, heads and positions."""

import math
from collections.abc import Callable

import torch

# --- causal_mask ---------------------------------------------------------------------------------


def minus_infinity(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    hidden = torch.full((n_queries, n_keys), float("-inf"))
    return hidden.triu(diagonal=1 + n_keys - n_queries)


def float_ones(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    return torch.tril(torch.ones(n_queries, n_keys), diagonal=n_keys - n_queries)


def whole_ones(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    rows = [[int(j <= i + n_keys - n_queries) for j in range(n_keys)] for i in range(n_queries)]
    return torch.tensor(rows)


def true_means_hidden(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool)
    return everything.triu(diagonal=n_keys - n_queries + 1)


def without_the_diagonal(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool)
    return everything.tril(diagonal=n_keys - n_queries - 1)


def peeks_by_one(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    everything = torch.ones(n_queries, n_keys, dtype=torch.bool)
    return everything.tril(diagonal=n_keys - n_queries + 1)


def upper_triangle(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    return torch.ones(n_queries, n_keys).triu(diagonal=n_keys - n_queries).bool()


def plain_tril(n_queries, n_keys=None):
    return torch.ones(n_queries, n_keys or n_queries, dtype=torch.bool).tril()


def always_square(n_queries, n_keys=None):
    return torch.ones(n_queries, n_queries, dtype=torch.bool).tril()


def no_mask(n_queries, n_keys=None):
    return torch.ones(n_queries, n_keys or n_queries, dtype=torch.bool)


def transposed(n_queries, n_keys=None):
    n_keys = n_keys or n_queries
    return torch.ones(n_keys, n_queries, dtype=torch.bool).tril().clone()


def list_of_lists(n_queries, n_keys=None):
    return [[j <= i for j in range(n_keys or n_queries)] for i in range(n_queries)]


# --- split_heads ---------------------------------------------------------------------------------


def never_refuses(x, n_heads):
    d_head = x.shape[-1] // n_heads
    pieces = [x[:, :, h * d_head : (h + 1) * d_head] for h in range(n_heads)]
    return torch.stack(pieces, dim=1)


def view_at_once(x, n_heads):
    batch, n_tokens, d_model = x.shape
    if d_model % n_heads:
        raise ValueError("d_model must be a multiple of n_heads")
    return x.view(batch, n_heads, n_tokens, d_model // n_heads)


def no_transpose(x, n_heads):
    batch, n_tokens, d_model = x.shape
    return x.view(batch, n_tokens, n_heads, d_model // n_heads)


def last_axes_swapped(x, n_heads):
    if x.shape[-1] % n_heads:
        raise ValueError("width must be divisible")
    return torch.stack([piece.mT for piece in x.chunk(n_heads, dim=-1)], dim=1)


def interleaved(x, n_heads):
    return torch.stack([x[:, :, h::n_heads] for h in range(n_heads)], dim=1)


def no_piece_for_anyone(x, n_heads):
    return torch.stack([x] * n_heads, dim=1)


def stacked_in_front(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1))


def tuple_of_heads(x, n_heads):
    return x.chunk(n_heads, dim=-1)


def cuts_the_tokens(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=1), dim=1)


# --- sinusoidal_positions ------------------------------------------------------------------------


def annotated_transformer(n_positions, d_model):
    table = torch.zeros(n_positions, d_model)
    position = torch.arange(n_positions).unsqueeze(1)
    div = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
    table[:, 0::2] = torch.sin(position * div)
    table[:, 1::2] = torch.cos(position * div)
    return table


def one_column_too_many(n_positions, d_model):
    angle = torch.arange(n_positions)[:, None] / 10000 ** (torch.arange(0, d_model, 2) / d_model)
    return torch.stack([angle.sin(), angle.cos()], dim=2).reshape(n_positions, -1)


def rounded_all_the_way(n_positions, d_model):
    table = torch.zeros(n_positions, d_model)
    angle = torch.arange(n_positions)[:, None] / 10000 ** (torch.arange(0, d_model, 2) / d_model)
    table[:, 0::2] = angle.sin()
    table[:, 1::2] = angle[:, : d_model // 2].cos()
    return table


def printed_in_a_tutorial(n_positions, d_model):
    rows = [math.sin(t / 10000) + math.cos(t / 10000) ** 2 for t in range(n_positions)]
    return torch.tensor(rows).unsqueeze(1).expand(-1, d_model).clone()


def loops(n_positions, d_model, angle):
    table = torch.zeros(n_positions, d_model)
    for t in range(n_positions):
        for column in range(d_model):
            wave = math.sin if column % 2 == 0 else math.cos
            table[t, column] = wave(angle(t, column))
    return table


def forgot_the_two(n_positions, d_model):
    return loops(n_positions, d_model, lambda t, c: t / 10000 ** ((c // 2) / d_model))


def column_number_as_exponent(n_positions, d_model):
    return loops(n_positions, d_model, lambda t, c: t / 10000 ** (c / d_model))


def concatenated(n_positions, d_model):
    n_pairs = (d_model + 1) // 2
    angle = torch.arange(n_positions)[:, None] / 10000 ** (2 * torch.arange(n_pairs) / d_model)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)[:, :d_model]


def cosine_first(n_positions, d_model):
    return loops(
        n_positions, d_model, lambda t, c: math.pi / 2 - t / 10000 ** (2 * (c // 2) / d_model)
    )


def from_one(n_positions, d_model):
    return loops(n_positions, d_model, lambda t, c: (t + 1) / 10000 ** (2 * (c // 2) / d_model))


def faster_and_faster(n_positions, d_model):
    table = torch.zeros(n_positions, d_model)
    t = torch.arange(n_positions, dtype=torch.float64)
    for i in range((d_model + 1) // 2):
        table[:, 2 * i] = (t * 10000 ** (2 * i / d_model)).sin()
        if 2 * i + 1 < d_model:
            table[:, 2 * i + 1] = (t * 10000 ** (2 * i / d_model)).cos()
    return table


def width_not_in_the_exponent(n_positions, d_model):
    return loops(n_positions, d_model, lambda t, c: t / 10000 ** (2 * (c // 2)))


def one_speed(n_positions, d_model):
    return loops(n_positions, d_model, lambda t, c: t / 10000)


def degrees(n_positions, d_model):
    return loops(
        n_positions, d_model, lambda t, c: math.radians(t / 10000 ** (2 * (c // 2) / d_model))
    )


def positions_as_columns(n_positions, d_model):
    n_pairs = (d_model + 1) // 2
    angle = torch.arange(n_positions)[:, None] / 10000 ** (2 * torch.arange(n_pairs) / d_model)
    both = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
    return both[:, :d_model].T


def random_positions(n_positions, d_model):
    return torch.randn(n_positions, d_model)


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "03:causal_mask": [
        ("added-to-the-scores", minus_infinity),
        ("ones-and-zeros", float_ones),
        ("ones-and-zeros", whole_ones),
        ("inverted", true_means_hidden),
        ("not-itself", without_the_diagonal),
        ("one-token-of-the-future", peeks_by_one),
        ("only-the-future", upper_triangle),
        ("aligned-at-the-start", plain_tril),
        ("number-of-keys-ignored", always_square),
        ("everything", no_mask),
        ("any", transposed),
        ("any", list_of_lists),
    ],
    "03:split_heads": [
        ("width-not-checked", never_refuses),
        ("cut-without-moving", view_at_once),
        ("heads-stay-behind", no_transpose),
        ("width-before-tokens", last_axes_swapped),
        ("every-other-number", interleaved),
        ("full-width-for-all", no_piece_for_anyone),
        ("heads-first-of-all", stacked_in_front),
        ("any", tuple_of_heads),
        ("any", cuts_the_tokens),
    ],
    "03:sinusoidal_positions": [
        ("odd-width-forgotten", annotated_transformer),
        ("odd-width-forgotten", one_column_too_many),
        ("computed-in-float32", rounded_all_the_way),
        ("the-misprinted-formula", printed_in_a_tutorial),
        ("exponent-without-the-2", forgot_the_two),
        ("each-column-its-own-angle", column_number_as_exponent),
        ("all-sines-first", concatenated),
        ("sine-and-cosine-swapped", cosine_first),
        ("counts-from-one", from_one),
        ("multiplied-instead-of-divided", faster_and_faster),
        ("exponent-not-divided-by-the-width", width_not_in_the_exponent),
        ("divided-by-10000-only", one_speed),
        ("in-degrees", degrees),
        ("any", positions_as_columns),
        ("any", random_positions),
    ],
}
