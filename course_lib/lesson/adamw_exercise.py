"""The exercise of lesson A1 on optimisers: one step of AdamW."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import agrees_with, right_but_for_the_error
from course_lib.seeding import make_generator
from course_lib.training.optimisers import AdamWConfig, adamw_step

_CONFIG = AdamWConfig(learning_rate=0.1, beta1=0.8, beta2=0.95, eps=0.01, weight_decay=0.3)


def _adamw_arguments(n_steps: int, seed: int, *, n_numbers: int = 5) -> tuple[Any, ...]:
    numbers = torch.randn(3, n_numbers, generator=make_generator(seed), dtype=torch.float64)
    parameter, gradient, mean = numbers.unbind()
    mean, mean_square = 0.1 * mean, (0.3 * mean) ** 2
    if n_steps == 1:
        mean, mean_square = torch.zeros_like(mean), torch.zeros_like(mean)
    return parameter, gradient, mean, mean_square, n_steps, _CONFIG


def _adamw_twin(
    move: Callable[[Tensor, Tensor, Tensor, int, AdamWConfig], Tensor],
) -> Callable[..., tuple[Tensor, ...]]:
    """Make a twin of `adamw_step` that keeps the right means and moves the parameter differently.

    Args:
        move: Gets the parameter, the two new (biased) means, the step and the settings.
    """

    def twin(
        parameter: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, n: int, c: AdamWConfig
    ) -> tuple[Tensor, ...]:
        mean = c.beta1 * mean + (1 - c.beta1) * gradient
        square = c.beta2 * square + (1 - c.beta2) * gradient**2
        return move(parameter, mean, square, n, c), mean, square

    return twin


def _direction(mean: Tensor, square: Tensor, n: int, c: AdamWConfig) -> Tensor:
    return mean / (1 - c.beta1**n) / ((square / (1 - c.beta2**n)).sqrt() + c.eps)


def _decayed(parameter: Tensor, c: AdamWConfig) -> Tensor:
    return parameter * (1 - c.learning_rate * c.weight_decay)


def _move_without_correction(p: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig) -> Tensor:
    return _decayed(p, c) - c.learning_rate * m / (s.sqrt() + c.eps)


def _move_with_eps_inside(p: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig) -> Tensor:
    size = (s / (1 - c.beta2**n) + c.eps).sqrt()
    return _decayed(p, c) - c.learning_rate * m / (1 - c.beta1**n) / size


def _move_without_root(p: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig) -> Tensor:
    size = s / (1 - c.beta2**n) + c.eps
    return _decayed(p, c) - c.learning_rate * m / (1 - c.beta1**n) / size


def _decay_in_the_gradient(
    p: Tensor, g: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig
) -> tuple[Tensor, ...]:
    return adamw_step(p, g + c.weight_decay * p, m, s, n, replace(c, weight_decay=0.0))


def _betas_swapped(
    p: Tensor, g: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig
) -> tuple[Tensor, ...]:
    return adamw_step(p, g, m, s, n, replace(c, beta1=c.beta2, beta2=c.beta1))


def _betas_for_the_new(
    p: Tensor, g: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig
) -> tuple[Tensor, ...]:
    mean, square = (1 - c.beta1) * m + c.beta1 * g, (1 - c.beta2) * s + c.beta2 * g**2
    return _decayed(p, c) - c.learning_rate * _direction(mean, square, n, c), mean, square


def _corrected_means_returned(
    p: Tensor, g: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig
) -> tuple[Tensor, ...]:
    after, mean, square = adamw_step(p, g, m, s, n, c)
    return after, mean / (1 - c.beta1**n), square / (1 - c.beta2**n)


def _one_step_ahead(
    p: Tensor, g: Tensor, m: Tensor, s: Tensor, n: int, c: AdamWConfig
) -> tuple[Tensor, ...]:
    return adamw_step(p, g, m, s, n + 1, c)


def _only_the_parameter(seen: tuple[Observation, ...]) -> bool:
    return isinstance(seen[0].value, Tensor)


ADAMW_STEP = Exercise(
    key="a1:adamw_step",
    target="course_lib.training.optimisers:adamw_step",
    level="core",
    cases=(
        Case(why="the first step, from zero means", args=lambda: _adamw_arguments(1, seed=3)),
        Case(why="the second step", args=lambda: _adamw_arguments(2, seed=4, n_numbers=3)),
        Case(why="step 7", args=lambda: _adamw_arguments(7, seed=5)),
        Case(
            why="step 0, which does not exist",
            args=lambda: (*_adamw_arguments(2, seed=6)[:4], 0, _CONFIG),
            raises=ValueError,
        ),
    ),
    mistakes=(
        Mistake(
            name="step-zero-accepted",
            seen=right_but_for_the_error,
            hint="Every step is right. But at n_steps = 0 both corrections divide by 0. The "
            "docstring says what to raise.",
        ),
        Mistake(
            name="only-the-parameter",
            seen=_only_the_parameter,
            hint="You return the parameter alone. The next step needs both running means: return "
            "all three.",
        ),
        Mistake(
            name="no-bias-correction",
            seen=agrees_with(_adamw_twin(_move_without_correction)),
            hint="The running means start at 0, so the first ones are far too small. What are they "
            "divided by to make up for that?",
        ),
        Mistake(
            name="decay-in-the-gradient",
            seen=agrees_with(_decay_in_the_gradient),
            hint="You add weight decay to the gradient. That is Adam with L2: the decay is then "
            "divided by the running size as well. The W in AdamW means that it is not: shrink the "
            "parameter directly.",
        ),
        Mistake(
            name="eps-inside-the-root",
            seen=agrees_with(_adamw_twin(_move_with_eps_inside)),
            hint="Is your eps inside the root? It is added after it: √v + eps.",
        ),
        Mistake(
            name="betas-swapped",
            seen=agrees_with(_betas_swapped),
            hint="beta1 belongs to the mean of the gradient, beta2 to the mean of its square. You "
            "have them the other way round.",
        ),
        Mistake(
            name="betas-for-the-new",
            seen=agrees_with(_betas_for_the_new),
            hint="beta is the share of the *old* mean that is kept; the new gradient gets 1 - "
            "beta.",
        ),
        Mistake(
            name="uphill",
            seen=agrees_with(
                _adamw_twin(
                    lambda p, m, s, n, c: _decayed(p, c) + c.learning_rate * _direction(m, s, n, c)
                )
            ),
            hint="You walk uphill: the gradient points to where the loss grows.",
        ),
        Mistake(
            name="root-forgotten",
            seen=agrees_with(_adamw_twin(_move_without_root)),
            hint="You divide by the mean square itself. Its root has the gradient's own size.",
        ),
        Mistake(
            name="no-weight-decay",
            seen=agrees_with(
                _adamw_twin(lambda p, m, s, n, c: p - c.learning_rate * _direction(m, s, n, c))
            ),
            hint="That is Adam. The W is missing: each step also takes off a small share of the "
            "parameter.",
        ),
        Mistake(
            name="decay-without-learning-rate",
            seen=agrees_with(
                _adamw_twin(
                    lambda p, m, s, n, c: (
                        p * (1 - c.weight_decay) - c.learning_rate * _direction(m, s, n, c)
                    )
                )
            ),
            hint="You take off the whole share weight_decay at every step. Here, as in torch, it "
            "is multiplied by the learning rate.",
        ),
        Mistake(
            name="decay-after-the-move",
            seen=agrees_with(
                _adamw_twin(
                    lambda p, m, s, n, c: _decayed(p - c.learning_rate * _direction(m, s, n, c), c)
                )
            ),
            hint="You shrink the parameter after moving it, so the move shrinks too. Shrink the "
            "parameter you were given, then move.",
        ),
        Mistake(
            name="corrected-means-returned",
            seen=agrees_with(_corrected_means_returned),
            hint="The parameter is right. But you return the corrected means, so the next step "
            "would correct them again. Hand on the plain running means.",
        ),
        Mistake(
            name="one-step-ahead",
            seen=agrees_with(_one_step_ahead),
            hint="Your correction uses n_steps + 1. Steps are counted from 1 here, so n_steps is "
            "right as it is.",
        ),
    ),
    nudge="Four lines: update the mean, update the mean square, correct both for their start at 0, "
    "move. Weight decay is a fifth thing and touches only the parameter.",
    shapes="The four tensors have one shape, and so have the three you return. n_steps and the "
    "settings (config.beta1, …) are plain numbers.",
    pseudocode="if n_steps < 1: raise ValueError\n"
    "mean ← beta1 · mean + (1 - beta1) · gradient\n"
    "mean_square ← beta2 · mean_square + (1 - beta2) · gradient²\n"
    "m̂ ← mean / (1 - beta1ⁿ);  v̂ ← mean_square / (1 - beta2ⁿ)\n"
    "parameter ← parameter · (1 - learning_rate · weight_decay)\n"
    "parameter ← parameter - learning_rate · m̂ / (√v̂ + eps)\n"
    "return parameter, mean, mean_square",
)
