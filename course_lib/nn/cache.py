"""The keys and values of tokens already read, kept so that each is computed once.

Letters: L = layers, B = sequences, C = sequences kept, G = heads of keys and values,
T = new tokens, S = tokens so far, K = d_head.
"""

from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor


class KVCache:
    """Room for the keys and values of `max_len` tokens in every layer, set aside once.

    A model calls `append` in each layer and `advance` once at the end. No gradient flows through
    a cache: it is for generation.

    Args:
        n_layers: How many layers append, L.
        n_sequences: How many sequences are written side by side, B.
        n_kv_heads: How many heads keys and values have, G.
        max_len: For how many tokens of a sequence there is room.
        d_head: Width of a key and of a value, K.
        dtype: Number format of keys and values; torch's default if None.
        device: Where they are kept; torch's default if None.

    Attributes:
        n_tokens: How many tokens of each sequence all layers have read.
        max_len: As above.
        layers: Keys and values of each layer, with the room that is left, both (B, G, max_len, K).

    Reference:
        Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need", section 2.4.1,
        https://arxiv.org/abs/1911.02150.

    Example:
        >>> cache = KVCache(n_layers=1, n_sequences=2, n_kv_heads=3, max_len=7, d_head=5)
        >>> keys, values = cache.append(0, torch.ones(2, 3, 4, 5), torch.zeros(2, 3, 4, 5))
        >>> cache.advance(4)
        >>> keys, values = cache.append(0, torch.ones(2, 3, 1, 5), torch.zeros(2, 3, 1, 5))
        >>> keys.shape
        torch.Size([2, 3, 5, 5])
    """

    def __init__(
        self,
        n_layers: int,
        n_sequences: int,
        n_kv_heads: int,
        max_len: int,
        d_head: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        shape = (n_sequences, n_kv_heads, max_len, d_head)
        room = partial(torch.zeros, shape, dtype=dtype, device=device)
        self.layers = [(room(), room()) for _ in range(n_layers)]
        self.max_len = max_len
        self.n_tokens = 0

    @property
    def n_bytes(self) -> int:
        """The memory that is set aside."""
        parts = (part for layer in self.layers for part in layer)
        return sum(part.numel() * part.element_size() for part in parts)

    def append(
        self, layer: int, keys: Float[Tensor, "B G T K"], values: Float[Tensor, "B G T K"]
    ) -> tuple[Float[Tensor, "B G S K"], Float[Tensor, "B G S K"]]:
        """Add the keys and values of new tokens; give back those of all tokens so far.

        Args:
            layer: The layer that appends, counted from 0.
            keys: Keys of the new tokens.
            values: Their values.

        Returns:
            Keys and values of all tokens so far: views into the cache, not copies.

        Raises:
            ValueError: If there is no room.
        """
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        self.require_room(end)
        kept_keys, kept_values = self.layers[layer]
        kept_keys[:, :, start:end] = keys.detach()
        kept_values[:, :, start:end] = values.detach()
        return kept_keys[:, :, :end], kept_values[:, :, :end]

    def advance(self, n_tokens: int) -> None:
        """Count tokens as read, after every layer has appended them.

        Args:
            n_tokens: How many tokens are new.

        Raises:
            ValueError: If there is no room for so many.
        """
        self.require_room(self.n_tokens + n_tokens)
        self.n_tokens += n_tokens

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """Go on with some of the sequences, in a new order; one may be kept several times.

        Args:
            rows: Which, counted from 0.
        """
        self.layers = [(keys[rows], values[rows]) for keys, values in self.layers]

    def forget(self, n_tokens: int) -> None:
        """Take back the newest tokens of every sequence.

        Args:
            n_tokens: How many.

        Raises:
            ValueError: If there are fewer, or `n_tokens` is negative.
        """
        if not 0 <= n_tokens <= self.n_tokens:
            raise ValueError(
                f"n_tokens must be ≥ 0 and ≤ {self.n_tokens}, the tokens in this cache; "
                f"got n_tokens={n_tokens}."
            )
        self.n_tokens -= n_tokens

    def require_room(self, n_tokens: int) -> None:
        """Refuse more tokens than there is room for.

        Args:
            n_tokens: Those in the cache and new ones.

        Raises:
            ValueError: If they are more than `max_len`.
        """
        if n_tokens > self.max_len:
            raise ValueError(
                f"n_tokens must be ≤ max_len={self.max_len}, the room of this cache; "
                f"got n_tokens={n_tokens}. Make a cache with a larger max_len."
            )
