"""The blocks of the encoder-decoder, and what its decoder remembers between tokens.

Letters: B = sequences, C = sequences kept, S = source tokens, T = target tokens given now,
N = target tokens so far (those in the cache too), D = d_model, H = heads, K = d_head.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.nn.attention import attend, merge_heads, split_heads
from course_lib.nn.cache import KVCache
from course_lib.nn.feedforward import FeedForward
from course_lib.nn.multi_head import MultiHeadAttention
from course_lib.nn.norm import LayerNorm

Activation = Callable[[Tensor], Tensor]


@dataclass(kw_only=True)
class DecoderCache:
    """What a decoder need not compute twice; it serves one batch of sources, without gradient.

    Attributes:
        target: Keys and values of the target's tokens so far.
        memory: The source as the encoder gave it; None until it is read.
        memory_parts: For each block, keys and values of the source.
    """

    target: KVCache
    memory: Float[Tensor, "B S D"] | None = None
    memory_parts: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """Go on with some of the sequences, in a new order; see `KVCache.keep`."""
        self.target.keep(rows)
        self.memory = None if self.memory is None else self.memory[rows]
        self.memory_parts = [(keys[rows], values[rows]) for keys, values in self.memory_parts]


class EncoderBlock(nn.Module):
    """Attention in both directions, then a feed-forward layer; each is added, then normalised.

    Args:
        d_model: Width of a token's vector.
        n_heads: How many attentions work side by side.
        d_ff: Width inside the feed-forward layer.
        activation: The bend in the feed-forward layer.
        dropout: Chance that a number of what a part adds is set to 0 in training.
    """

    def __init__(
        self, d_model: int, n_heads: int, d_ff: int, *, activation: Activation, dropout: float
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.attention_norm = LayerNorm(d_model)
        self.feedforward = FeedForward(d_model, d_ff, activation)
        self.feedforward_norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "B S D"], mask: Bool[Tensor, "#B 1 1 S"] | None
    ) -> Float[Tensor, "B S D"]:
        """Pass the source through both halves of the block."""
        x = self.attention_norm(x + self.dropout(self.attention(x, mask=mask)))
        return self.feedforward_norm(x + self.dropout(self.feedforward(x)))


class DecoderBlock(nn.Module):
    """Attention to the target so far, attention to the source, and a feed-forward layer.

    Args:
        layer: Which block of the decoder it is, counted from 0; its place in a cache.
        d_model: Width of a token's vector.
        n_heads: How many attentions work side by side.
        d_ff: Width inside the feed-forward layer.
        activation: The bend in the feed-forward layer.
        dropout: Chance that a number of what a part adds is set to 0 in training.
    """

    def __init__(
        self,
        layer: int,
        d_model: int,
        n_heads: int,
        d_ff: int,
        *,
        activation: Activation,
        dropout: float,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.attention_norm = LayerNorm(d_model)
        self.cross_attention = MultiHeadAttention(d_model, n_heads)
        self.cross_attention_norm = LayerNorm(d_model)
        self.feedforward = FeedForward(d_model, d_ff, activation)
        self.feedforward_norm = LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        memory: Float[Tensor, "B S D"],
        mask: Bool[Tensor, "*#B T N"] | None,
        memory_mask: Bool[Tensor, "#B 1 1 S"] | None,
        cache: DecoderCache | None,
    ) -> Float[Tensor, "B T D"]:
        """Pass the target through the three parts of the block.

        Args:
            x: The new tokens.
            memory: The source as the encoder gave it.
            mask: From `decoder_mask`; None if only the future is hidden.
            memory_mask: True at source tokens that are no padding.
            cache: The tokens before; takes the new ones in.
        """
        keys, values = _keys_and_values(self.attention, x)
        if cache is not None:
            keys, values = cache.target.append(self.layer, keys, values)
        queries = _queries(self.attention, x)
        mixed = attend(queries, keys, values, mask, is_causal=mask is None)
        mixed = self.attention.output(merge_heads(mixed))
        x = self.attention_norm(x + self.dropout(mixed))

        keys, values = self._read_memory(memory, cache)
        mixed = attend(_queries(self.cross_attention, x), keys, values, memory_mask)
        mixed = self.cross_attention.output(merge_heads(mixed))
        x = self.cross_attention_norm(x + self.dropout(mixed))

        return self.feedforward_norm(x + self.dropout(self.feedforward(x)))

    def _read_memory(
        self, memory: Float[Tensor, "B S D"], cache: DecoderCache | None
    ) -> tuple[Float[Tensor, "B H S K"], Float[Tensor, "B H S K"]]:
        if cache is None:
            return _keys_and_values(self.cross_attention, memory)
        if self.layer == len(cache.memory_parts):
            keys, values = _keys_and_values(self.cross_attention, memory)
            cache.memory_parts.append((keys.detach(), values.detach()))
        return cache.memory_parts[self.layer]


def _queries(attention: MultiHeadAttention, x: Float[Tensor, "B T D"]) -> Float[Tensor, "B H T K"]:
    return split_heads(attention.query(x), attention.n_heads)


def _keys_and_values(
    attention: MultiHeadAttention, x: Float[Tensor, "B S D"]
) -> tuple[Float[Tensor, "B H S K"], Float[Tensor, "B H S K"]]:
    keys = split_heads(attention.key(x), attention.n_heads)
    return keys, split_heads(attention.value(x), attention.n_heads)
