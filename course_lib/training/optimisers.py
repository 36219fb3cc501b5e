"""What an optimiser does with a gradient: one step of SGD and one of AdamW, written out.

Letters: *P = the shape of one parameter, whatever it is.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


def sgd_step(
    parameter: Float[Tensor, "*P"],
    gradient: Float[Tensor, "*P"],
    learning_rate: float,
) -> Float[Tensor, "*P"]:
    """Take one step of gradient descent: downhill, in proportion to the slope.

    Args:
        parameter: Where we are.
        gradient: Slope of the loss there.
        learning_rate: Step length per unit of slope (> 0).

    Returns:
        The new parameter; the one passed in is left as it was.

    Raises:
        ValueError: If `learning_rate` is not positive.

    Example:
        >>> import torch
        >>> sgd_step(torch.tensor([1.0, 2.0]), torch.tensor([4.0, -2.0]), 0.5)
        tensor([-1.,  3.])
    """
    if not learning_rate > 0:
        raise ValueError(f"learning_rate must be > 0; got learning_rate={learning_rate}.")
    return parameter - learning_rate * gradient


@dataclass(frozen=True, kw_only=True)
class AdamWConfig:
    """The settings of AdamW.

    Attributes:
        learning_rate: About how far a parameter moves in one step (> 0).
        beta1: How much of the averaged gradient is kept at each step (in [0, 1)).
        beta2: The same for the averaged squared gradient (in [0, 1)).
        eps: Keeps the division finite where gradients are 0 (> 0).
        weight_decay: Share of each parameter, times the learning rate, that is taken off at each
            step, whatever the gradient (≥ 0).
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        for name in ("learning_rate", "eps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0; got {name}={getattr(self, name)}.")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1); got {name}={getattr(self, name)}.")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay must be ≥ 0; got weight_decay={self.weight_decay}.")


def adamw_step(
    parameter: Float[Tensor, "*P"],
    gradient: Float[Tensor, "*P"],
    mean: Float[Tensor, "*P"],
    mean_square: Float[Tensor, "*P"],
    n_steps: int,
    config: AdamWConfig,
) -> tuple[Float[Tensor, "*P"], Float[Tensor, "*P"], Float[Tensor, "*P"]]:
    """Take one AdamW step: a running mean of the gradient, over its running size.

    Args:
        parameter: Where we are.
        gradient: Slope of the loss there.
        mean: Running mean of the gradients so far; zeros before the first step.
        mean_square: Running mean of their squares; zeros before the first step.
        n_steps: Which step this is, counted from 1.
        config: Learning rate, the two betas, eps and weight decay.

    Returns:
        The new parameter, mean and mean square; those passed in are left as they were.

    Raises:
        ValueError: If `n_steps` is below 1.

    Reference:
        Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2,
        https://arxiv.org/abs/1711.05101. Unlike the paper, and like torch, weight decay is
        multiplied by the learning rate.
    """
    if n_steps < 1:
        raise ValueError(f"n_steps must be ≥ 1, counted from the first step; got {n_steps}.")
    mean = config.beta1 * mean + (1 - config.beta1) * gradient
    mean_square = config.beta2 * mean_square + (1 - config.beta2) * gradient**2
    unbiased_mean = mean / (1 - config.beta1**n_steps)
    unbiased_square = mean_square / (1 - config.beta2**n_steps)
    direction = unbiased_mean / (unbiased_square.sqrt() + config.eps)
    decayed = parameter * (1 - config.learning_rate * config.weight_decay)
    return decayed - config.learning_rate * direction, mean, mean_square
