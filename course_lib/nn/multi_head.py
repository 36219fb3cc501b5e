"""Multi-head attention: several attentions side by side, each in a subspace of its own.

Letters: B = sequences, T = queries, S = keys, D = d_model, H = heads.
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from course_lib.nn.attention import (
    attend,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)
from course_lib.nn.masks import require_bool


class MultiHeadAttention(nn.Module):
    """Let each token gather what it needs from the others, or from another sequence.

    The projections `query`, `key` and `value` make all heads at once; head h owns the h-th piece
    of their outputs. `output` mixes the heads.

    Args:
        d_model: Width of a token, D.
        n_heads: How many attentions work side by side, each of width d_model / n_heads.
        n_kv_heads: How many heads the keys and values have; n_heads if None. Fewer save memory
            in a cache: each serves n_heads / n_kv_heads heads of queries.
        bias: Whether the four projections add a learned offset.

    Raises:
        ValueError: If `n_heads` does not divide `d_model`, or `n_kv_heads` does not divide
            `n_heads`.

    Reference:
        Vaswani et al. 2017, "Attention Is All You Need", section 3.2.2,
        https://arxiv.org/abs/1706.03762. Unlike the paper, the projections may add an offset.

    Example:
        >>> import torch
        >>> MultiHeadAttention(d_model=6, n_heads=3)(torch.zeros(2, 5, 6)).shape
        torch.Size([2, 5, 6])
    """

    def __init__(
        self, d_model: int, n_heads: int, *, n_kv_heads: int | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(
                f"n_heads must be a divisor of d_model={d_model}; got n_heads={n_heads}."
            )
        if n_kv_heads < 1 or n_heads % n_kv_heads:
            raise ValueError(
                f"n_kv_heads must be a divisor of n_heads={n_heads}; got n_kv_heads={n_kv_heads}."
            )
        self.n_heads = n_heads
        self.n_kv_heads = n_kv_heads
        d_kv = d_model // n_heads * n_kv_heads
        self.query = nn.Linear(d_model, d_model, bias=bias)
        self.key = nn.Linear(d_model, d_kv, bias=bias)
        self.value = nn.Linear(d_model, d_kv, bias=bias)
        self.output = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        memory: Float[Tensor, "B S D"] | None = None,
        mask: Bool[Tensor, "*#BH #T #S"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Gather from `memory`, or from `x` itself.

        Args:
            x: The tokens that look.
            memory: The tokens that are looked at (cross-attention); `x` if None.
            mask: True where a query may attend; (T, S), or with axes for sequences and heads in
                front. For padding, `key_mask(token_mask)`.

        Raises:
            ValueError: If `mask` is not bool.
        """
        return self.output(merge_heads(attend(*self._project(x, memory), mask)))

    def weights(
        self,
        x: Float[Tensor, "B T D"],
        memory: Float[Tensor, "B S D"] | None = None,
        mask: Bool[Tensor, "*#BH #T #S"] | None = None,
    ) -> Float[Tensor, "B H T S"]:
        """Show how much each query takes from each key, head by head, without gradient.

        Args:
            x: As in `forward`.
            memory: As in `forward`.
            mask: As in `forward`.

        Raises:
            ValueError: If `mask` is not bool.
        """
        if mask is not None:
            require_bool(mask)
        query, key, value = self._project(x, memory)
        n_groups = self.n_heads // self.n_kv_heads
        key, value = (part.repeat_interleave(n_groups, dim=1) for part in (key, value))
        return scaled_dot_product_attention(query, key, value, mask)[1].detach()

    def _project(
        self, x: Float[Tensor, "B T D"], memory: Float[Tensor, "B S D"] | None
    ) -> tuple[Float[Tensor, "B H T K"], Float[Tensor, "B G S K"], Float[Tensor, "B G S K"]]:
        memory = x if memory is None else memory
        return (
            split_heads(self.query(x), self.n_heads),
            split_heads(self.key(memory), self.n_kv_heads),
            split_heads(self.value(memory), self.n_kv_heads),
        )
