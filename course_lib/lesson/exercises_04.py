"""The exercises of lesson 04, the mini-Transformer: cases, mistakes known by name, hints.

Letters in shapes: B sequences, T tokens, D = d_model, F = d_ff, V vocab_size. The block,
the training loop, and loss and decoding have files of their own.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.lesson.block_exercise import PRE_NORM_BLOCK
from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.language_model_exercises import GREEDY_DECODE, NEXT_TOKEN_LOSS
from course_lib.lesson.recognising import right_except_on
from course_lib.lesson.training_exercise import TRAIN_LANGUAGE_MODEL
from course_lib.models.gpt import GPTConfig, gpt2_small
from course_lib.seeding import make_generator


def _norm_arguments(seed: int, *shape: int, eps: float = 1e-5) -> tuple[Tensor | float, ...]:
    generator = make_generator(seed)
    x = 2 + 3 * torch.randn(*shape, generator=generator, dtype=torch.float64)
    weight, bias = torch.randn(2, shape[-1], generator=generator, dtype=torch.float64)
    return x, weight, bias, eps


def _normalised(
    spread: Callable[[Tensor, float], Tensor], *, axis: int = -1
) -> Callable[..., Tensor]:
    """Make a twin of `layer_norm` from what the deviations are divided by."""

    def twin(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
        centred = x - x.mean(dim=axis, keepdim=True)
        return centred / spread(centred, eps) * weight + bias

    return twin


def _mean_square(centred: Tensor) -> Tensor:
    return centred.square().mean(dim=-1, keepdim=True)


def _over_the_tokens(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    centred = x - x.mean(dim=-2, keepdim=True)
    return centred / (centred.square().mean(dim=-2, keepdim=True) + eps).sqrt() * weight + bias


def _over_everything(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    centred = x - x.mean()
    return centred / (centred.square().mean() + eps).sqrt() * weight + bias


def _without_mean(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    return x / (_mean_square(x) + eps).sqrt() * weight + bias


def _not_stretched(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    return (x - x.mean(dim=-1, keepdim=True)) / (x.var(dim=-1, correction=0) + eps).sqrt()[
        ..., None
    ]


def _shifted_before(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    return (_not_stretched(x, weight, bias, eps) + bias) * weight


_FAR = "numbers near ten million"


def _far_from_zero() -> tuple[Tensor | float, ...]:
    x, *others = _norm_arguments(5, 2, 7)
    return 1e7 + x, *others


LAYER_NORM = Exercise(
    key="04:layer_norm",
    target="course_lib.nn.norm:layer_norm",
    level="easy",
    cases=(
        Case(why="3 vectors of 5 numbers", args=lambda: _norm_arguments(1, 3, 5)),
        Case(why="2 times 3 vectors of 7 numbers", args=lambda: _norm_arguments(2, 2, 3, 7)),
        Case(why="a large eps", args=lambda: _norm_arguments(3, 4, 3, eps=0.5)),
        Case(
            why="a vector of equal numbers",
            args=lambda: (
                torch.full((2, 3), 4.0, dtype=torch.float64),
                *_norm_arguments(4, 2, 3)[1:],
            ),
        ),
        Case(why=_FAR, args=_far_from_zero),
    ),
    mistakes=(
        Mistake(
            name="eps-outside-the-root",
            twin=_normalised(lambda centred, eps: _mean_square(centred).sqrt() + eps),
            hint="You add eps to the root. It belongs to the variance, under the root.",
        ),
        Mistake(
            name="eps-forgotten",
            twin=_normalised(lambda centred, eps: _mean_square(centred).sqrt()),
            hint="A vector of equal numbers has variance 0, and you divide by its root. What is "
            "eps for?",
        ),
        Mistake(
            name="mean-of-squares-minus-squared-mean",
            seen=right_except_on(_FAR),
            hint="All is right near zero. Do you take the variance as the mean of the squares, "
            "minus the square of the mean? Far from zero both are huge and nearly equal, and their "
            "difference is rounding. Take off the mean first, then square.",
        ),
        Mistake(
            name="divided-by-d-minus-one",
            twin=_normalised(lambda centred, eps: (centred.var(dim=-1, keepdim=True) + eps).sqrt()),
            hint="torch's `var` divides by D - 1 unless told otherwise. Here the variance is the "
            "mean of the squared deviations: divided by D.",
        ),
        Mistake(
            name="root-forgotten",
            twin=_normalised(lambda centred, eps: _mean_square(centred) + eps),
            hint="You divide by the variance. Divide by its root, so that the result has variance "
            "1.",
        ),
        Mistake(
            name="mean-not-taken-off",
            twin=_without_mean,
            hint="You scale and do not shift: that is RMSNorm, which Llama uses. Layer norm takes "
            "off the mean first.",
        ),
        Mistake(
            name="over-the-tokens",
            twin=_over_the_tokens,
            hint="You take mean and variance over the tokens. Each vector is normalised by itself: "
            "over its own numbers, the last axis.",
        ),
        Mistake(
            name="over-everything",
            twin=_over_everything,
            hint="You take one mean and one variance of all numbers. Each vector has its own: "
            "`dim=-1, keepdim=True`.",
        ),
        Mistake(
            name="weight-and-bias-forgotten",
            twin=_not_stretched,
            hint="Mean 0 and variance 1 are right. Then comes what is learnt: times `weight`, plus "
            "`bias`.",
        ),
        Mistake(
            name="bias-before-weight",
            twin=_shifted_before,
            hint="You add the bias and then multiply, so the bias is multiplied as well. First "
            "`weight`, then `bias`.",
        ),
    ),
    nudge="Mean and variance of each single vector: along the last axis, kept so that they "
    "broadcast.",
    shapes="In: x of shape (…, D), weight and bias of shape (D,), eps. Out: the shape of x.",
    pseudocode="centred ← x minus the mean of each vector\n"
    "variance ← mean of the squares of centred, vector by vector\n"
    "return centred / √(variance + eps) · weight + bias",
)


def _formula(
    total: Callable[[int, int, int, int, int], int],
) -> Callable[[GPTConfig], int]:
    """Make a twin of `count_gpt_parameters` from V, max_len, D, F and the number of layers."""

    def twin(config: GPTConfig) -> int:
        sizes = (config.vocab_size, config.max_len, config.d_model, config.d_ff, config.n_layers)
        return total(*sizes)

    return twin


def _layer(d: int, f: int) -> int:
    return 4 * (d * d + d) + 2 * d * f + f + d + 4 * d


def _config(*sizes: int) -> tuple[GPTConfig]:
    names = ("vocab_size", "max_len", "d_model", "n_heads", "n_layers", "d_ff")
    return (GPTConfig(**dict(zip(names, sizes, strict=True))),)


def _times_heads(config: GPTConfig) -> int:
    v, p, d, f, n = (
        config.vocab_size,
        config.max_len,
        config.d_model,
        config.d_ff,
        config.n_layers,
    )
    extra = 3 * (d * d + d) * (config.n_heads - 1)
    return (v + p) * d + n * (_layer(d, f) + extra) + 2 * d


COUNT_GPT_PARAMETERS = Exercise(
    key="04:count_gpt_parameters",
    target="course_lib.compute.by_formula:count_gpt_parameters",
    level="core",
    cases=(
        Case(why="a tiny model", args=lambda: _config(11, 7, 6, 2, 1, 5)),
        Case(why="three layers", args=lambda: _config(13, 5, 8, 4, 3, 17)),
        Case(why="one head", args=lambda: _config(29, 3, 7, 1, 2, 28)),
        Case(why="GPT-2 small", args=lambda: (gpt2_small(),)),
    ),
    mistakes=(
        Mistake(
            name="output-matrix-counted-again",
            twin=_formula(lambda v, p, d, f, n: (2 * v + p) * d + n * _layer(d, f) + 2 * d),
            hint="You count V·D twice. The table of token vectors is also the output matrix: they "
            "are tied, one set of numbers in two roles.",
        ),
        Mistake(
            name="offsets-forgotten",
            twin=_formula(
                lambda v, p, d, f, n: (v + p) * d + n * (4 * d * d + 2 * d * f + 4 * d) + 2 * d
            ),
            hint="Each of the six matrices of a layer has an offset (bias) for each number that it "
            "puts out.",
        ),
        Mistake(
            name="norms-forgotten",
            twin=_formula(lambda v, p, d, f, n: (v + p) * d + n * (_layer(d, f) - 4 * d)),
            hint="The norms have learnt numbers too: a factor and an offset for each of D "
            "coordinates, two norms in each layer, and one at the end.",
        ),
        Mistake(
            name="final-norm-forgotten",
            twin=_formula(lambda v, p, d, f, n: (v + p) * d + n * _layer(d, f)),
            hint="Only 2·D are missing. After the last layer, there is one more norm.",
        ),
        Mistake(
            name="positions-forgotten",
            twin=_formula(lambda v, p, d, f, n: v * d + n * _layer(d, f) + 2 * d),
            hint="GPT-2 learns a vector for each position: max_len of them.",
        ),
        Mistake(
            name="width-four-times-assumed",
            twin=_formula(lambda v, p, d, f, n: (v + p) * d + n * _layer(d, 4 * d) + 2 * d),
            hint="You take 4·D for the inner width. It is usual, but a setting: `config.d_ff`.",
        ),
        Mistake(
            name="one-layer",
            twin=_formula(lambda v, p, d, f, n: (v + p) * d + _layer(d, f) + 2 * d),
            hint="You count one layer. There are `n_layers` of them, each with numbers of its own.",
        ),
        Mistake(
            name="three-matrices-of-attention",
            twin=_formula(
                lambda v, p, d, f, n: (v + p) * d + n * (_layer(d, f) - d * d - d) + 2 * d
            ),
            hint="Attention has four matrices: query, key, value, and the output that mixes the "
            "heads.",
        ),
        Mistake(
            name="times-the-heads",
            twin=_times_heads,
            hint="You multiply by the number of heads. The heads *share out* the width D, so all "
            "queries together are one matrix of D times D, however many heads there are.",
        ),
        Mistake(
            name="feedforward-forgotten",
            twin=_formula(
                lambda v, p, d, f, n: (v + p) * d + n * (4 * (d * d + d) + 4 * d) + 2 * d
            ),
            hint="The feed-forward layer is missing, the largest part of a layer: from D to F, and "
            "back.",
        ),
    ),
    nudge="Walk through the model from the bottom: tables, then what stands in one layer, then the "
    "end. A linear map from m to n has m·n + n numbers.",
    shapes="In: a GPTConfig, with `vocab_size`, `max_len`, `d_model`, `d_ff`, `n_layers`. Out: an "
    "int.",
    pseudocode="tables ← (vocab_size + max_len) · D\n"
    "layer ← 4 maps D → D, one D → F, one F → D, two norms of 2·D\n"
    "return tables + n_layers · layer + the final norm, 2·D",
)

EXERCISES = (
    LAYER_NORM,
    PRE_NORM_BLOCK,
    COUNT_GPT_PARAMETERS,
    NEXT_TOKEN_LOSS,
    TRAIN_LANGUAGE_MODEL,
    GREEDY_DECODE,
)
