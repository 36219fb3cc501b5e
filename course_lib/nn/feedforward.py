"""The feed-forward half of a Transformer block: each token thinks by itself, in a wider space.

Letters: B = any number of leading axes (sequences, tokens), D = d_model, F = d_ff.

The activations call torch's fused kernels where there are any: written out, GELU keeps five
intermediate results of size d_ff per token for the backward pass.
"""

from collections.abc import Callable

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def gelu(x: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Let each number through in proportion to how large it is among standard normal ones.

    Args:
        x: Any numbers.

    Returns:
        x · Φ(x) = x · ½ (1 + erf(x / √2)), where Φ(x) is the chance that a standard normal number
        lies below x: about x for large x, about 0 for very negative x, smooth in between.

    Reference:
        Hendrycks and Gimpel 2016, "Gaussian Error Linear Units (GELUs)", section 2,
        https://arxiv.org/abs/1606.08415. BERT uses this form.

    Example:
        >>> import torch
        >>> gelu(torch.tensor([-1.0, 0.0, 1.0]))  # Φ(1) = 0.8413
        tensor([-0.1587,  0.0000,  0.8413])
    """
    return F.gelu(x)


def gelu_tanh(x: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Approximate `gelu` with a hyperbolic tangent, as GPT-2 does; the two differ by at most 5e-4.

    Args:
        x: Any numbers.

    Returns:
        ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Reference:
        Hendrycks and Gimpel 2016, "Gaussian Error Linear Units (GELUs)", section 2,
        https://arxiv.org/abs/1606.08415. Called `gelu_new` in Hugging Face's configurations.

    Example:
        >>> import torch
        >>> gelu_tanh(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.1588,  0.0000,  0.8412])
    """
    return F.gelu(x, approximate="tanh")


def relu_squared(x: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Set negative numbers to 0 and square the others.

    Args:
        x: Any numbers.

    Returns:
        max(x, 0)², whose slope, unlike that of max(x, 0), has no jump at 0.

    Reference:
        So et al. 2021, "Primer: Searching for Efficient Transformers for Language Modeling",
        "Squared ReLU", https://arxiv.org/abs/2109.08668

    Example:
        >>> import torch
        >>> relu_squared(torch.tensor([-3.0, 0.5, 3.0]))
        tensor([0.0000, 0.2500, 9.0000])
    """
    return F.relu(x).square()


class FeedForward(nn.Module):
    """Widen each token's vector, bend it, narrow it again.

    Args:
        d_model: Length of the vectors that come in and go out.
        d_ff: Length in between; the original Transformer takes 4 · d_model.
        activation: The bend, applied number by number.

    Attributes:
        inner: The linear map from d_model to d_ff.
        outer: The linear map from d_ff to d_model.
        activation: The bend between the two.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", eq. 2, https://arxiv.org/abs/1706.03762.
        Unlike the paper, whose bend is ReLU, the default here is GELU.

    Example:
        >>> import torch
        >>> FeedForward(4, 16)(torch.zeros(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    def __init__(
        self, d_model: int, d_ff: int, activation: Callable[[Tensor], Tensor] = gelu
    ) -> None:
        super().__init__()
        self.inner = nn.Linear(d_model, d_ff)
        self.outer = nn.Linear(d_ff, d_model)
        self.activation = activation

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Transform each vector by itself: no token sees another here."""
        return self.outer(self.activation(self.inner(x)))


class SwiGLU(nn.Module):
    """A feed-forward layer whose wide vector is gated, number by number, by a second one.

    It has three matrices where `FeedForward` has two, so 2/3 of the width costs as much.

    Args:
        d_model: Length of the vectors that come in and go out.
        d_ff: Length in between.

    Attributes:
        gate: The linear map whose output, bent by SiLU(s) = s · sigmoid(s), opens or closes.
        inner: The linear map whose output is let through.
        outer: The linear map from d_ff to d_model. None of the three has a bias.

    Reference:
        Shazeer 2020, "GLU Variants Improve Transformer", eq. 6 (FFN_SwiGLU),
        https://arxiv.org/abs/2002.05202. Hugging Face's Llama calls them gate_proj, up_proj and
        down_proj.

    Example:
        >>> import torch
        >>> SwiGLU(4, 11)(torch.zeros(2, 3, 4)).shape
        torch.Size([2, 3, 4])
    """

    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.gate = nn.Linear(d_model, d_ff, bias=False)
        self.inner = nn.Linear(d_model, d_ff, bias=False)
        self.outer = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Transform each vector by itself: no token sees another here."""
        return self.outer(F.silu(self.gate(x)) * self.inner(x))
