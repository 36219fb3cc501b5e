"""Telling a Transformer where each token stands: four ways.

Without them attention treats a sequence as a set. Sinusoidal and learned positions are added to the
token vectors, rotary ones turn queries and keys, ALiBi is added to the attention scores.

Letters: B = any number of leading axes (sequences, heads), T = query tokens or positions, S = key
tokens, H = heads, K = d_head, D = d_model.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.nn.embedding import INITIAL_STD

WAVELENGTH_BASE = 10000.0
"""The longest wave of the sinusoidal and rotary positions is about this many times 2π positions."""


def sinusoidal_positions(
    n_positions: int, d_model: int, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "T D"]:
    """Give each position a vector of sines and cosines, from fast waves to very slow ones.

    Args:
        n_positions: How many positions, counted from 0.
        d_model: Length of the vectors. If it is odd, the last sine has no cosine beside it.
        dtype: Of the result; it is computed in float64 and rounded once.

    Returns:
        sin(t / 10000^(2i / d_model)) in column 2i of row t, the cosine of the same angle in column
        2i + 1. For even d_model every row has squared length d_model / 2.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.5,
        https://arxiv.org/abs/1706.03762. Some libraries (tensor2tensor, Marian) put all sines
        before all cosines, which is the same up to the order of the columns.

    Example:
        >>> sinusoidal_positions(3, 2)  # sin t, cos t
        tensor([[ 0.0000,  1.0000],
                [ 0.8415,  0.5403],
                [ 0.9093, -0.4161]])
    """
    positions = torch.arange(n_positions, dtype=torch.float64).unsqueeze(-1)
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    angles = positions / WAVELENGTH_BASE**exponents
    encoding = torch.empty(n_positions, d_model, dtype=torch.float64)
    encoding[:, 0::2] = angles.sin()
    encoding[:, 1::2] = angles[:, : d_model // 2].cos()
    return encoding.to(dtype)


class LearnedPositions(nn.Module):
    """A table with one learnt vector per position, as in GPT-2 and BERT.

    Args:
        max_len: Number of positions, in tokens; no text can be longer.
        d_model: Length of the vectors.

    Attributes:
        weight: The table, one row per position.

    Reference:
        Gehring et al. 2017, "Convolutional Sequence to Sequence Learning", section 3.1,
        https://arxiv.org/abs/1705.03122

    Example:
        >>> LearnedPositions(max_len=7, d_model=3)(5).shape
        torch.Size([5, 3])
    """

    def __init__(self, max_len: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(max_len, d_model).normal_(std=INITIAL_STD))

    def forward(self, n_positions: int, *, start: int = 0) -> Float[Tensor, "T D"]:
        """Give the vectors of consecutive positions.

        Args:
            n_positions: How many.
            start: The first of them: the number of tokens already in a cache.

        Raises:
            ValueError: If the positions go beyond the table.
        """
        max_len = self.weight.shape[0]
        if start + n_positions > max_len:
            raise ValueError(
                f"start + n_positions must be ≤ max_len={max_len}; got {start + n_positions}. "
                "Cut the text into windows, or build the model with a larger max_len."
            )
        return self.weight[start : start + n_positions]


def rotary_angles(
    n_positions: int,
    d_head: int,
    *,
    base: float = WAVELENGTH_BASE,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "T K2"]:
    """Give the angles by which `rotate` turns the pairs of coordinates at each position.

    Args:
        n_positions: How many positions, counted from 0.
        d_head: Length of the queries and keys.
        base: The larger, the slower the slowest pairs turn (a longer context wants a larger one).
        dtype: Of the arithmetic. In float32 the angles are those of Hugging Face, bit for bit. Keep
            them in float32 at least: bfloat16 cannot tell position 256 from 257.

    Returns:
        t / base^(2i / d_head) in row t, column i, in radians; K2 = d_head / 2 columns. With a cache
        take the rows of the new positions.

    Raises:
        ValueError: If d_head is odd.

    Reference:
        Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", eq. 15,
        https://arxiv.org/abs/2104.09864

    Example:
        >>> rotary_angles(3, 4)
        tensor([[0.0000, 0.0000],
                [1.0000, 0.0100],
                [2.0000, 0.0200]])
    """
    _check_even(d_head)
    exponents = torch.arange(0, d_head, 2, dtype=dtype) / d_head
    turns_per_position = 1.0 / base**exponents
    return torch.outer(torch.arange(n_positions, dtype=dtype), turns_per_position)


def rotate(x: Float[Tensor, "*B T K"], angles: Float[Tensor, "T K//2"]) -> Float[Tensor, "*B T K"]:
    """Turn each pair of coordinates of a query or key by its position's angle.

    Lengths stay, and the dot product of a rotated query and a rotated key depends on their
    distance only, not on where they stand.

    Args:
        x: Queries or keys; coordinate i of the first half makes a pair with i of the second.
        angles: From `rotary_angles`.

    Returns:
        (a cos - b sin, b cos + a sin) for the halves a and b of `x`.

    Raises:
        ValueError: If K is odd.

    Reference:
        Su et al. 2021, "RoFormer: Enhanced Transformer with Rotary Position Embedding", eq. 34,
        https://arxiv.org/abs/2104.09864. Unlike the paper, which pairs neighbours (0, 1), (2, 3),
        pairs are (i, i + K/2), as in Hugging Face's checkpoints of Llama.

    Example:
        >>> quarter_turn = torch.tensor([[torch.pi / 2]])
        >>> rotate(torch.tensor([[1.0, 0.0]]), quarter_turn).round()
        tensor([[-0.,  1.]])
    """
    _check_even(x.shape[-1])
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def _check_even(d_head: int) -> None:
    if d_head % 2:
        raise ValueError(
            f"d_head must be even, because rotary positions turn pairs; got d_head={d_head}. "
            "Choose n_heads so that d_model / n_heads is even."
        )


def alibi_slopes(n_heads: int, *, dtype: torch.dtype = torch.float32) -> Float[Tensor, " H"]:
    """Give each head its own dislike of distance, from steep to nearly none.

    Args:
        n_heads: How many heads.
        dtype: Of the result; it is computed in float64 and rounded once.

    Returns:
        2^(-8/n), 2^(-16/n), … 2^(-8) for n heads, if n is a power of two. Otherwise the slopes for
        the power of two below, then every other slope of the power of two above.

    Reference:
        Press, Smith and Lewis 2022, "Train Short, Test Long: Attention with Linear Biases Enables
        Input Length Extrapolation", section 3 (other numbers of heads: the authors' code),
        https://arxiv.org/abs/2108.12409

    Example:
        >>> alibi_slopes(4).tolist()
        [0.25, 0.0625, 0.015625, 0.00390625]
    """
    below = 2 ** (n_heads.bit_length() - 1)
    regular = torch.arange(1, below + 1, dtype=torch.float64) / below
    between = (torch.arange(n_heads - below, dtype=torch.float64) + 0.5) / below
    return (2.0 ** (-8 * torch.cat((regular, between)))).to(dtype)


def alibi_bias(
    n_heads: int, n_queries: int, n_keys: int, *, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "H T S"]:
    """Give what each head takes off an attention score for the distance of query and key.

    Args:
        n_heads: How many heads.
        n_queries: How many queries. The last query stands at the last key, as in `causal_mask`.
        n_keys: How many keys.
        dtype: Of the result.

    Returns:
        -slope · |distance in tokens|, to be added to the scores before softmax.

    Reference:
        Press, Smith and Lewis 2022, "Train Short, Test Long: Attention with Linear Biases Enables
        Input Length Extrapolation", section 3, https://arxiv.org/abs/2108.12409. Unlike the paper,
        which has no keys after the query, those are disliked by their distance too.

    Example:
        >>> alibi_bias(8, 3, 3)[0]
        tensor([[ 0.0000, -0.5000, -1.0000],
                [-0.5000,  0.0000, -0.5000],
                [-1.0000, -0.5000,  0.0000]])
    """
    query_positions = torch.arange(n_keys - n_queries, n_keys).unsqueeze(-1)
    distances = (query_positions - torch.arange(n_keys)).abs()
    return alibi_slopes(n_heads, dtype=dtype)[:, None, None] * -distances
