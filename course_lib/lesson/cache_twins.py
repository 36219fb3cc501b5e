"""Caches of keys and values, each with one mistake, for the exercise of lesson 06 on `KVCache`."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


class _Right:
    """The right way, in parts that the twins replace."""

    def __init__(
        self,
        n_layers: int,
        n_sequences: int,
        n_kv_heads: int,
        max_len: int,
        d_head: int,
        *,
        dtype: torch.dtype | None = None,
        device: Any = None,
    ) -> None:
        self.shape = (n_sequences, n_kv_heads, max_len, d_head)
        self.dtype, self.device, self.max_len, self.n_tokens = dtype, device, max_len, 0
        self.layers = [(self.room(), self.room()) for _ in range(n_layers)]

    def room(self) -> Tensor:
        return torch.zeros(self.shape, dtype=self.dtype, device=self.device)

    @property
    def n_bytes(self) -> int:
        return sum(part.numel() * part.element_size() for layer in self.layers for part in layer)

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        self.require_room(end)
        kept_keys, kept_values = self.layers[layer]
        kept_keys[:, :, start:end] = keys.detach()
        kept_values[:, :, start:end] = values.detach()
        return kept_keys[:, :, :end], kept_values[:, :, :end]

    def advance(self, n_tokens: int) -> None:
        self.require_room(self.n_tokens + n_tokens)
        self.n_tokens += n_tokens

    def keep(self, rows: Tensor) -> None:
        self.layers = [(keys[rows], values[rows]) for keys, values in self.layers]

    def forget(self, n_tokens: int) -> None:
        if not 0 <= n_tokens <= self.n_tokens:
            raise ValueError("not so many")
        self.n_tokens -= n_tokens

    def require_room(self, n_tokens: int) -> None:
        if n_tokens > self.max_len:
            raise ValueError("no room")


class _AdvancesInAppend(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        given = super().append(layer, keys, values)
        self.n_tokens += keys.shape[2]
        return given

    def advance(self, n_tokens: int) -> None:
        self.require_room(self.n_tokens)


class _LastLayerAdvances(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        given = super().append(layer, keys, values)
        self.n_tokens += keys.shape[2] if layer == len(self.layers) - 1 else 0
        return given

    def advance(self, n_tokens: int) -> None:
        pass


class _AdvancesTwice(_AdvancesInAppend):
    def advance(self, n_tokens: int) -> None:
        _Right.advance(self, n_tokens)


class _FromTheStart(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        self.require_room(self.n_tokens + keys.shape[2])
        n_tokens, self.n_tokens = self.n_tokens, 0
        super().append(layer, keys, values)
        self.n_tokens = n_tokens
        kept_keys, kept_values = self.layers[layer]
        end = n_tokens + keys.shape[2]
        return kept_keys[:, :, :end], kept_values[:, :, :end]


class _WholeRoom(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        super().append(layer, keys, values)
        return self.layers[layer]


class _NewOnly(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        super().append(layer, keys, values)
        return keys.detach(), values.detach()


class _OldOnly(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        kept_keys, kept_values = super().append(layer, keys, values)
        return kept_keys[:, :, : self.n_tokens], kept_values[:, :, : self.n_tokens]


class _Swapped(_Right):
    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        given = super().append(layer, keys, values)
        return given[1], given[0]


class _OneRoom(_Right):
    def __init__(self, n_layers: int, *sizes: int, dtype: Any = None, device: Any = None) -> None:
        super().__init__(1, *sizes, dtype=dtype, device=device)
        self.layers = self.layers * n_layers


class _FormatIgnored(_Right):
    def room(self) -> Tensor:
        return torch.zeros(self.shape, device=self.device)


class _NothingCounted(_Right):
    def advance(self, n_tokens: int) -> None:
        self.require_room(self.n_tokens + n_tokens)


class _OneCounted(_Right):
    def advance(self, n_tokens: int) -> None:
        super().advance(1)


class _NoRowsChosen(_Right):
    def keep(self, rows: Tensor) -> None:
        pass


class _FirstRows(_Right):
    def keep(self, rows: Tensor) -> None:
        super().keep(torch.arange(len(rows)))


class _FirstLayerKept(_Right):
    def keep(self, rows: Tensor) -> None:
        keys, values = self.layers[0]
        rest = [(k[: len(rows)], v[: len(rows)]) for k, v in self.layers[1:]]
        self.layers = [(keys[rows], values[rows]), *rest]


class _KeysChosen(_Right):
    def keep(self, rows: Tensor) -> None:
        self.layers = [(keys[rows], values[: len(rows)]) for keys, values in self.layers]


class _ForgetsDownTo(_Right):
    def forget(self, n_tokens: int) -> None:
        super().forget(n_tokens)
        self.n_tokens = n_tokens


class _ForgetsNothing(_Right):
    def forget(self, n_tokens: int) -> None:
        if not 0 <= n_tokens <= self.n_tokens:
            raise ValueError("not so many")


class _ForgetsAll(_Right):
    def forget(self, n_tokens: int) -> None:
        super().forget(n_tokens)
        self.n_tokens = 0


class _FullIsTooFull(_Right):
    def require_room(self, n_tokens: int) -> None:
        super().require_room(n_tokens + 1)


class _BytesOfTokens(_Right):
    @property
    def n_bytes(self) -> int:
        return super().n_bytes * self.n_tokens // self.max_len


class _BytesOfKeys(_Right):
    @property
    def n_bytes(self) -> int:
        return super().n_bytes // 2


class _BytesOfOneLayer(_Right):
    @property
    def n_bytes(self) -> int:
        return super().n_bytes // len(self.layers)


class _FourBytesEach(_Right):
    @property
    def n_bytes(self) -> int:
        return sum(4 * part.numel() for layer in self.layers for part in layer)


class _NumbersNotBytes(_Right):
    @property
    def n_bytes(self) -> int:
        return sum(part.numel() for layer in self.layers for part in layer)


TWINS: Mapping[str, Callable[..., Any]] = {
    "counted-in-append": _AdvancesInAppend,
    "counted-by-the-last-layer": _LastLayerAdvances,
    "counted-twice": _AdvancesTwice,
    "always-from-the-start": _FromTheStart,
    "whole-room-returned": _WholeRoom,
    "only-the-new": _NewOnly,
    "only-the-old": _OldOnly,
    "keys-and-values-swapped": _Swapped,
    "one-room-for-all-layers": _OneRoom,
    "format-ignored": _FormatIgnored,
    "nothing-counted": _NothingCounted,
    "one-counted": _OneCounted,
    "no-rows-chosen": _NoRowsChosen,
    "first-rows-kept": _FirstRows,
    "rows-of-one-layer": _FirstLayerKept,
    "rows-of-the-keys": _KeysChosen,
    "forgets-down-to": _ForgetsDownTo,
    "forgets-nothing": _ForgetsNothing,
    "forgets-all": _ForgetsAll,
    "full-is-too-full": _FullIsTooFull,
    "bytes-of-the-tokens-so-far": _BytesOfTokens,
    "bytes-of-the-keys": _BytesOfKeys,
    "bytes-of-one-layer": _BytesOfOneLayer,
    "four-bytes-each": _FourBytesEach,
    "numbers-not-bytes": _NumbersNotBytes,
}
"""Mistakes by name."""
