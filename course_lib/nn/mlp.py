"""A network with one hidden layer, forward and backward, without `nn.Module` or autograd.

Letters: B = examples, D = inputs, H = hidden units, C = outputs (classes).
"""

from jaxtyping import Float
from torch import Tensor


def mlp_forward(
    x: Float[Tensor, "B D"],
    w1: Float[Tensor, "D H"],
    b1: Float[Tensor, " H"],
    w2: Float[Tensor, "H C"],
    b2: Float[Tensor, " C"],
) -> tuple[Float[Tensor, "B C"], Float[Tensor, "B H"]]:
    """Compute logits with one hidden layer of tanh units.

    Args:
        x: The examples, one a row.
        w1: Weights from the inputs to the hidden units.
        b1: One offset per hidden unit.
        w2: Weights from the hidden units to the outputs.
        b2: One offset per output.

    Returns:
        The logits, and the hidden activations, which `mlp_backward` needs.
    """
    hidden = (x @ w1 + b1).tanh()
    return hidden @ w2 + b2, hidden


def mlp_backward(
    x: Float[Tensor, "B D"],
    hidden: Float[Tensor, "B H"],
    w2: Float[Tensor, "H C"],
    grad_logits: Float[Tensor, "B C"],
) -> tuple[
    Float[Tensor, "D H"],
    Float[Tensor, " H"],
    Float[Tensor, "H C"],
    Float[Tensor, " C"],
]:
    """Carry the slope of the loss from the logits back to every weight, by the chain rule.

    Args:
        x: The examples that went into `mlp_forward`.
        hidden: The hidden activations that came out of it.
        w2: The weights of the second layer.
        grad_logits: Slope of the loss with respect to each logit.

    Returns:
        The slopes with respect to w1, b1, w2 and b2, each of its parameter's shape.

    Reference:
        Rumelhart, Hinton and Williams 1986, "Learning representations by back-propagating
        errors", eqs. 4-7, https://doi.org/10.1038/323533a0. Unlike the paper, the hidden unit is
        tanh, with slope 1 - tanh², and the loss enters through `grad_logits`.
    """
    grad_w2 = hidden.mT @ grad_logits
    grad_b2 = grad_logits.sum(dim=0)
    grad_hidden = grad_logits @ w2.mT
    grad_before_tanh = grad_hidden * (1 - hidden**2)
    grad_w1 = x.mT @ grad_before_tanh
    grad_b1 = grad_before_tanh.sum(dim=0)
    return grad_w1, grad_b1, grad_w2, grad_b2
