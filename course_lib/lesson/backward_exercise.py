"""The exercise of lesson A1 on back-propagation: the gradients of a small network by hand.

Letters in shapes: B examples, D inputs, H hidden units, C outputs.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.nn.mlp import mlp_backward
from course_lib.seeding import make_generator


def _network_batch(n_rows: int, n_inputs: int, n_hidden: int, n_outputs: int, seed: int) -> Any:
    generator = make_generator(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    hidden = normal(n_rows, n_hidden).tanh()
    return normal(n_rows, n_inputs), hidden, normal(n_hidden, n_outputs), normal(n_rows, n_outputs)


def _one_by_one() -> tuple[Tensor, ...]:
    """One example, one unit: every gradient is a product of three or four numbers."""
    numbers = torch.tensor([[[2.0]], [[0.5]], [[3.0]], [[0.1]]], dtype=torch.float64)
    return tuple(numbers.unbind())


def _backward_twin(slope: Callable[[Tensor], Tensor]) -> Callable[..., tuple[Tensor, ...]]:
    """Make a twin of `mlp_backward` that uses another slope of the hidden unit."""

    def twin(x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor) -> tuple[Tensor, ...]:
        grad_before = grad_logits @ w2.mT * slope(hidden)
        of_w2, of_b2 = hidden.mT @ grad_logits, grad_logits.sum(dim=0)
        return x.mT @ grad_before, grad_before.sum(dim=0), of_w2, of_b2

    return twin


def _bias_without_slope(
    x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor
) -> tuple[Tensor, ...]:
    of_w1, _, of_w2, of_b2 = mlp_backward(x, hidden, w2, grad_logits)
    return of_w1, (grad_logits @ w2.mT).sum(dim=0), of_w2, of_b2


def _averaged(x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor) -> tuple[Tensor, ...]:
    return tuple(slope / len(x) for slope in mlp_backward(x, hidden, w2, grad_logits))


def _averaged_biases(
    x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor
) -> tuple[Tensor, ...]:
    of_w1, of_b1, of_w2, of_b2 = mlp_backward(x, hidden, w2, grad_logits)
    return of_w1, of_b1 / len(x), of_w2, of_b2 / len(x)


def _downhill(x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor) -> tuple[Tensor, ...]:
    return tuple(-slope for slope in mlp_backward(x, hidden, w2, grad_logits))


def _last_layer_first(
    x: Tensor, hidden: Tensor, w2: Tensor, grad_logits: Tensor
) -> tuple[Tensor, ...]:
    of_w1, of_b1, of_w2, of_b2 = mlp_backward(x, hidden, w2, grad_logits)
    return of_w2, of_b2, of_w1, of_b1


def _shapes_do_not_fit(seen: tuple[Observation, ...]) -> bool:
    return any(isinstance(o.error, RuntimeError) and "mat1" in str(o.error) for o in seen)


def _bias_not_summed(seen: tuple[Observation, ...]) -> bool:
    values = seen[-1].value
    if not isinstance(values, tuple) or len(values) != 4:
        return False
    return any(isinstance(b, Tensor) and b.ndim == 2 for b in (values[1], values[3]))


MLP_BACKWARD = Exercise(
    key="a1:mlp_backward",
    target="course_lib.nn.mlp:mlp_backward",
    level="stretch",
    cases=(
        Case(why="one example, one input, one hidden unit, one output", args=_one_by_one),
        Case(
            why="2 examples, 5 inputs, 3 hidden units, 1 output",
            args=lambda: _network_batch(2, 5, 3, 1, seed=1),
        ),
        Case(
            why="7 examples, 3 inputs, 5 hidden units, 2 outputs",
            args=lambda: _network_batch(7, 3, 5, 2, seed=2),
        ),
    ),
    mistakes=(
        Mistake(
            name="shapes-do-not-fit",
            seen=_shapes_do_not_fit,
            hint="A matrix product got shapes that do not fit. A gradient has the shape of its "
            "parameter: w2 is (H, C), and you have hidden (B, H) and grad_logits (B, C). Which of "
            "the two must be transposed so that B disappears?",
        ),
        Mistake(
            name="bias-not-summed",
            seen=_bias_not_summed,
            hint="A bias's gradient comes out as a table. The same offset served every example, "
            "so the slopes of all B examples add up: sum over the rows.",
        ),
        Mistake(
            name="slope-of-tanh-forgotten",
            twin=_backward_twin(torch.ones_like),
            hint="The second layer is right. On the way to the first you walk through tanh "
            "without multiplying by its slope, 1 - tanh².",
        ),
        Mistake(
            name="slope-not-squared",
            twin=_backward_twin(lambda hidden: 1 - hidden),
            hint="The slope of tanh is 1 - tanh², and you have 1 - tanh.",
        ),
        Mistake(
            name="slope-of-sigmoid",
            twin=_backward_twin(lambda hidden: hidden * (1 - hidden)),
            hint="h(1 - h) is the slope of the sigmoid. These units are tanh.",
        ),
        Mistake(
            name="tanh-twice",
            twin=_backward_twin(lambda hidden: 1 - hidden.tanh() ** 2),
            hint="`hidden` is tanh already, and you take its tanh once more.",
        ),
        Mistake(
            name="bias-without-slope",
            twin=_bias_without_slope,
            hint="w1's gradient is right, b1's is not: the offset is added *before* tanh, so its "
            "slope too goes through 1 - tanh².",
        ),
        Mistake(
            name="averaged-again",
            twin=_averaged,
            hint="You divide by the number of examples. If the loss is a mean, grad_logits is "
            "divided already: here the examples simply add up.",
        ),
        Mistake(
            name="biases-averaged",
            twin=_averaged_biases,
            hint="The weights are right, the biases are averaged over the examples. The matrix "
            "product sums over B; so must the biases.",
        ),
        Mistake(
            name="sign-flipped",
            twin=_downhill,
            hint="All signs are turned round. The gradient points uphill; walking downhill is the "
            "optimiser's business.",
        ),
        Mistake(
            name="last-layer-first",
            twin=_last_layer_first,
            hint="You return the second layer's gradients first, in the order you found them. The "
            "order asked for is w1, b1, w2, b2.",
        ),
    ),
    nudge="Walk backwards: logits ← w2, b2 ← hidden ← tanh ← w1, b1. Each station multiplies by "
    "its own slope. And a gradient always has the shape of the thing it belongs to.",
    shapes="x (B, D), hidden (B, H), w2 (H, C), grad_logits (B, C). Out: (D, H), (H,), (H, C) and "
    "(C,). On the way: the slope at `hidden`, (B, H).",
    pseudocode="grad_w2 ← hiddenᵀ @ grad_logits\n"
    "grad_b2 ← sum of grad_logits over the examples\n"
    "grad_hidden ← grad_logits @ w2ᵀ\n"
    "grad_before_tanh ← grad_hidden times (1 - hidden²)\n"
    "grad_w1 ← xᵀ @ grad_before_tanh\n"
    "grad_b1 ← sum of grad_before_tanh over the examples",
)
