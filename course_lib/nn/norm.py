"""Normalisation: every vector is brought to the same scale, then stretched by learnt weights.

Letters: B = any number of leading axes (sequences, tokens), D = d_model, the normalised axis.

The functions write the formula out. The modules compute the same numbers with torch's fused
kernels, which go through the memory once instead of once per operation.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def layer_norm(
    x: Float[Tensor, "*B D"],
    weight: Float[Tensor, " D"],
    bias: Float[Tensor, " D"],
    eps: float = 1e-5,
) -> Float[Tensor, "*B D"]:
    """Shift and scale every vector to mean 0 and variance 1, then stretch and shift it as learnt.

    Args:
        x: The vectors; each is normalised by itself, whatever else is in the batch.
        weight: One factor per coordinate.
        bias: One offset per coordinate.
        eps: Added to the variance, inside the root, so that a constant vector gives `bias`.

    Returns:
        (x - mean) / √(variance + eps) · weight + bias, where the variance is the mean of the
        squared deviations (divided by D, not by D - 1).

    Reference:
        Ba, Kiros and Hinton 2016, "Layer Normalization", eq. 3 (for one layer),
        https://arxiv.org/abs/1607.06450. Unlike the paper, `eps` guards the root.

    Example:
        >>> layer_norm(torch.tensor([1.0, 3.0]), torch.ones(2), torch.zeros(2), eps=0.0)
        tensor([-1.,  1.])
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred / (variance + eps).sqrt() * weight + bias


def rms_norm(
    x: Float[Tensor, "*B D"],
    weight: Float[Tensor, " D"],
    eps: float = 1e-6,
) -> Float[Tensor, "*B D"]:
    """Scale every vector to root mean square 1, then stretch it as learnt; no mean is taken off.

    Args:
        x: The vectors; each is normalised by itself.
        weight: One factor per coordinate.
        eps: Added to the mean square, inside the root, so that a vector of zeros stays zero.

    Returns:
        x / √(mean of x² + eps) · weight.

    Reference:
        Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4,
        https://arxiv.org/abs/1910.07467. Unlike the paper, `eps` guards the root.

    Example:
        >>> rms_norm(torch.tensor([1.0, 7.0]), torch.ones(2), eps=0.0)  # √((1 + 49) / 2) is 5
        tensor([0.2000, 1.4000])
    """
    mean_square = x.square().mean(dim=-1, keepdim=True)
    return x / (mean_square + eps).sqrt() * weight


class LayerNorm(nn.Module):
    """`layer_norm` with weights that are learnt, as in GPT-2 and BERT.

    Args:
        d: Length of the vectors.
        eps: Added to the variance, inside the root.

    Attributes:
        weight: One factor per coordinate, 1 at the start.
        bias: One offset per coordinate, 0 at the start.
        eps: Added to the variance, inside the root.

    Example:
        >>> LayerNorm(2)(torch.tensor([[5.0, 7.0], [0.0, 4.0]])).detach().round()
        tensor([[-1.,  1.], [-1.,  1.]])
    """

    def __init__(self, d: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))
        self.bias = nn.Parameter(torch.zeros(d))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Normalise every vector; see `layer_norm`."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """`rms_norm` with weights that are learnt, as in Llama.

    Args:
        d: Length of the vectors.
        eps: Added to the mean square, inside the root.

    Attributes:
        weight: One factor per coordinate, 1 at the start.
        eps: Added to the mean square, inside the root.

    Example:
        >>> RMSNorm(2)(torch.tensor([[1.0, 7.0]])).detach()
        tensor([[0.2000, 1.4000]])
    """

    def __init__(self, d: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*B D"]) -> Float[Tensor, "*B D"]:
        """Normalise every vector; see `rms_norm`."""
        return F.rms_norm(x, self.weight.shape, self.weight, self.eps)
