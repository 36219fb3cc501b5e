"""A cache of keys and values in 8 bits a number: about a quarter of float32's memory.

Letters: B = sequences, C = sequences kept, G = heads of keys and values, T = new tokens,
S = tokens so far, K = d_head.
"""

import torch
from jaxtyping import Float, Int, Int8
from torch import Tensor

from course_lib.nn.cache import KVCache

LARGEST = 127


class Int8Cache(KVCache):
    """As `KVCache`, but each key and each value is kept as whole numbers from -127 to 127.

    Every vector has a factor of its own, so the error of a number is at most 1/254 of the largest
    in its vector. A token takes K + 4 bytes a head for its key and as many for its value. What is
    read is turned back into numbers first, one layer at a time: that takes time, not memory.

    Args:
        n_layers: As for `KVCache`.
        n_sequences: As for `KVCache`.
        n_kv_heads: As for `KVCache`.
        max_len: As for `KVCache`.
        d_head: As for `KVCache`.
        dtype: Number format of the keys and values that come back; torch's default if None.
        device: As for `KVCache`.

    Reference:
        Dettmers et al. 2022, "LLM.int8(): 8-bit Matrix Multiplication for Transformers at Scale",
        section 2.1 (absmax quantisation), https://arxiv.org/abs/2208.07339. Unlike the paper, it
        is the cache that is quantised, and each vector has its own factor.
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
        super().__init__(0, n_sequences, n_kv_heads, max_len, d_head)
        shape = (n_layers, 2, n_sequences, n_kv_heads, max_len)
        self._dtype = torch.get_default_dtype() if dtype is None else dtype
        self._whole = torch.zeros(*shape, d_head, dtype=torch.int8, device=device)
        self._factors = torch.zeros(*shape, 1, dtype=torch.float32, device=device)

    @property
    def n_bytes(self) -> int:
        """The memory that is set aside."""
        return sum(part.numel() * part.element_size() for part in (self._whole, self._factors))

    def append(
        self, layer: int, keys: Float[Tensor, "B G T K"], values: Float[Tensor, "B G T K"]
    ) -> tuple[Float[Tensor, "B G S K"], Float[Tensor, "B G S K"]]:
        """See `KVCache.append`; what comes back is a copy.

        Args:
            layer: The layer that appends, counted from 0.
            keys: Keys of the new tokens.
            values: Their values.

        Raises:
            ValueError: If there is no room.
        """
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        self.require_room(end)
        for place, new in enumerate((keys, values)):
            whole, factors = quantise(new.detach())
            self._whole[layer, place, :, :, start:end] = whole
            self._factors[layer, place, :, :, start:end] = factors
        whole, factors = self._whole[layer, ..., :end, :], self._factors[layer, ..., :end, :]
        keys, values = (whole * factors).to(self._dtype)
        return keys, values

    def keep(self, rows: Int[Tensor, " C"]) -> None:
        """See `KVCache.keep`."""
        self._whole, self._factors = self._whole[:, :, rows], self._factors[:, :, rows]


def quantise(
    x: Float[Tensor, "*B K"],
) -> tuple[Int8[Tensor, "*B K"], Float[Tensor, "*B 1"]]:
    """Write each vector as whole numbers times one factor.

    Args:
        x: The vectors.

    Returns:
        The whole numbers, from -127 to 127, and the factors, in float32.

    Example:
        >>> whole, factor = quantise(torch.tensor([0.5, -1.0, 0.1]))
        >>> whole.tolist(), round(127 * factor.item(), 2)
        ([64, -127, 13], 1.0)
    """
    factors = x.float().abs().amax(dim=-1, keepdim=True) / LARGEST
    whole = (x.float() / factors.clamp(min=torch.finfo(torch.float32).tiny)).round()
    return whole.to(torch.int8), factors
