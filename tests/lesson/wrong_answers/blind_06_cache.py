"""Wrong answers to the class of lesson 06, written by someone who had not seen the checks."""

from collections.abc import Callable

import torch


class Right:
    """A cache as it should be; the wrong ones below change one of its pieces."""

    def __init__(
        self, n_layers, n_sequences, n_kv_heads, max_len, d_head, *, dtype=None, device=None
    ):
        self.shape = (n_sequences, n_kv_heads, max_len, d_head)
        self.settings = {"dtype": dtype, "device": device}
        self.layers = [(self.room(), self.room()) for _ in range(n_layers)]
        self.max_len = max_len
        self.n_tokens = 0

    def room(self):
        return torch.zeros(self.shape, **self.settings)

    @property
    def n_bytes(self):
        return sum(part.nbytes for layer in self.layers for part in layer)

    def append(self, layer, keys, values):
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        self.require_room(end)
        for kept, new in zip(self.layers[layer], (keys, values), strict=True):
            kept[:, :, start:end] = new.detach()
        return tuple(kept[:, :, :end] for kept in self.layers[layer])

    def advance(self, n_tokens):
        self.require_room(self.n_tokens + n_tokens)
        self.n_tokens += n_tokens

    def keep(self, rows):
        self.layers = [(keys[rows], values[rows]) for keys, values in self.layers]

    def forget(self, n_tokens):
        if not 0 <= n_tokens <= self.n_tokens:
            raise ValueError(f"n_tokens must be from 0 to {self.n_tokens}; got {n_tokens}")
        self.n_tokens -= n_tokens

    def require_room(self, n_tokens):
        if n_tokens > self.max_len:
            raise ValueError(f"there is room for {self.max_len} tokens only; got {n_tokens}")


class SameRoomForAllLayers(Right):
    """Multiply a list: every layer gets the same two tensors."""

    def __init__(self, n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings):
        super().__init__(n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings)
        self.layers = [(self.room(), self.room())] * n_layers


class KeysAndValuesShareRoom(Right):
    """Set one tensor aside for both."""

    def __init__(self, n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings):
        super().__init__(n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings)
        self.layers = [(room, room) for room, _ in self.layers]


class DtypeForgotten(Right):
    """Take torch's number format whatever is asked for."""

    def room(self):
        return torch.zeros(self.shape, device=self.settings["device"])


class DeviceForgotten(Right):
    """Set the room aside on the CPU whatever is asked for."""

    def room(self):
        return torch.zeros(self.shape, dtype=self.settings["dtype"])


class EveryLayerCounts(Right):
    """Count tokens in `append`, once for each layer."""

    def append(self, layer, keys, values):
        found = super().append(layer, keys, values)
        self.n_tokens += keys.shape[2]
        return found

    def advance(self, n_tokens):
        self.require_room(self.n_tokens)


class LastLayerCounts(Right):
    """Let the last layer count, and `advance` do nothing."""

    def append(self, layer, keys, values):
        found = super().append(layer, keys, values)
        if layer == len(self.layers) - 1:
            self.n_tokens += keys.shape[2]
        return found

    def advance(self, n_tokens):
        pass


class CountsOnItsOwn(Right):
    """Keep a counter for each layer, which nobody turns back."""

    def __init__(self, n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings):
        super().__init__(n_layers, n_sequences, n_kv_heads, max_len, d_head, **settings)
        self.counts = [0] * n_layers

    def append(self, layer, keys, values):
        start, end = self.counts[layer], self.counts[layer] + keys.shape[2]
        self.require_room(end)
        for kept, new in zip(self.layers[layer], (keys, values), strict=True):
            kept[:, :, start:end] = new.detach()
        self.counts[layer] = end
        return tuple(kept[:, :, :end] for kept in self.layers[layer])


class AlwaysFromTheStart(Right):
    """Write new tokens over the old ones."""

    def append(self, layer, keys, values):
        end = self.n_tokens + keys.shape[2]
        self.require_room(end)
        for kept, new in zip(self.layers[layer], (keys, values), strict=True):
            kept[:, :, : keys.shape[2]] = new.detach()
        return tuple(kept[:, :, :end] for kept in self.layers[layer])


class WholeRoomComesBack(Right):
    """Give the empty room back, too."""

    def append(self, layer, keys, values):
        super().append(layer, keys, values)
        return self.layers[layer]


class OnlyNewOnesComeBack(Right):
    """Give back what was just appended."""

    def append(self, layer, keys, values):
        super().append(layer, keys, values)
        return keys, values


class OnlyOldOnesComeBack(Right):
    """Give back what was read before, without the new tokens."""

    def append(self, layer, keys, values):
        super().append(layer, keys, values)
        return tuple(kept[:, :, : self.n_tokens] for kept in self.layers[layer])


class CopiesComeBack(Right):
    """Copy all tokens in every step."""

    def append(self, layer, keys, values):
        return tuple(part.clone() for part in super().append(layer, keys, values))


class ValuesBeforeKeys(Right):
    """Give both back in the wrong order."""

    def append(self, layer, keys, values):
        return super().append(layer, keys, values)[::-1]


class GradientsFlow(Right):
    """Keep the graph of the keys and values."""

    def append(self, layer, keys, values):
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        self.require_room(end)
        for kept, new in zip(self.layers[layer], (keys, values), strict=True):
            kept[:, :, start:end] = new
        return tuple(kept[:, :, :end] for kept in self.layers[layer])


class Grows(Right):
    """Join tensors, as the simple cache does."""

    def append(self, layer, keys, values):
        self.require_room(self.n_tokens + keys.shape[2])
        old_keys, old_values = (part[:, :, : self.n_tokens] for part in self.layers[layer])
        keys, values = keys.detach(), values.detach()
        self.layers[layer] = torch.cat([old_keys, keys], 2), torch.cat([old_values, values], 2)
        return self.layers[layer]


class NeverFull(Right):
    """Leave it to torch to complain."""

    def require_room(self, n_tokens):
        pass


class FullTooEarly(Right):
    """Leave the last place empty."""

    def require_room(self, n_tokens):
        super().require_room(n_tokens + 1)


class OnlyAdvanceChecks(Right):
    """Look for room after the tokens have been written."""

    def append(self, layer, keys, values):
        start, end = self.n_tokens, self.n_tokens + keys.shape[2]
        for kept, new in zip(self.layers[layer], (keys, values), strict=True):
            kept[:, :, start:end] = new.detach()
        return tuple(kept[:, :, :end] for kept in self.layers[layer])


class OnlyAppendChecks(Right):
    """Count without looking."""

    def advance(self, n_tokens):
        self.n_tokens += n_tokens


class ForgetsTheOldest(Right):
    """Drop the oldest tokens when there is no more room."""

    def append(self, layer, keys, values):
        surplus = self.n_tokens + keys.shape[2] - self.max_len
        if surplus > 0 and layer == 0:
            self.layers = [tuple(part.roll(-surplus, 2) for part in pair) for pair in self.layers]
            self.n_tokens -= surplus
        return super().append(layer, keys, values)


class AdvanceSets(Right):
    """Set the count instead of adding to it."""

    def advance(self, n_tokens):
        self.require_room(n_tokens)
        self.n_tokens = n_tokens


class AdvanceByOne(Right):
    """Count one token, as many as a step usually has."""

    def advance(self, n_tokens):
        super().advance(1)


class KeepsValuesOfOthers(Right):
    """Choose among the keys, and leave the values."""

    def keep(self, rows):
        self.layers = [(keys[rows], values) for keys, values in self.layers]


class KeepsInOneLayer(Right):
    """Choose in the first layer only."""

    def keep(self, rows):
        keys, values = self.layers[0]
        self.layers[0] = keys[rows], values[rows]


class KeepsHeads(Right):
    """Choose along the wrong axis."""

    def keep(self, rows):
        self.layers = [(keys[:, rows], values[:, rows]) for keys, values in self.layers]


class KeepsEachOnce(Right):
    """Keep no sequence twice, and all in the old order."""

    def keep(self, rows):
        super().keep(torch.unique(rows))


class KeepsTheFirst(Right):
    """Keep as many sequences as asked for, from the first on."""

    def keep(self, rows):
        super().keep(torch.arange(len(rows)))


class KeepsNoRoom(Right):
    """Throw the empty room away."""

    def keep(self, rows):
        n = self.n_tokens
        self.layers = [(keys[rows, :, :n], values[rows, :, :n]) for keys, values in self.layers]


class KeepsInPlace(Right):
    """Write over the first rows, and leave the others where they are."""

    def keep(self, rows):
        for part in (part for layer in self.layers for part in layer):
            part[: len(rows)] = part[rows]


class KeepsRowAfterRow(Right):
    """Copy row after row, from rows that have been written over."""

    def keep(self, rows):
        for part in (part for layer in self.layers for part in layer):
            for place, row in enumerate(rows.tolist()):
                part[place] = part[row]
        super().keep(torch.arange(len(rows)))


class ForgetsNothing(Right):
    """Wipe the room, and leave the count."""

    def forget(self, n_tokens):
        if not 0 <= n_tokens <= self.n_tokens:
            raise ValueError("there are not so many")
        for part in (part for layer in self.layers for part in layer):
            part[:, :, self.n_tokens - n_tokens : self.n_tokens] = 0


class ForgetsDownTo(Right):
    """Take the number for what is left."""

    def forget(self, n_tokens):
        super().forget(n_tokens)
        self.n_tokens = n_tokens


class ForgetsTheBeginning(Right):
    """Take back the oldest tokens."""

    def forget(self, n_tokens):
        super().forget(n_tokens)
        self.layers = [tuple(part.roll(-n_tokens, 2) for part in pair) for pair in self.layers]


class ForgetsAnyNumber(Right):
    """Stop at 0 without an error."""

    def forget(self, n_tokens):
        self.n_tokens = max(0, self.n_tokens - n_tokens)


class ForgetsNegativeNumbers(Right):
    """Refuse too many, and not too few."""

    def forget(self, n_tokens):
        if n_tokens > self.n_tokens:
            raise ValueError("there are not so many")
        self.n_tokens -= n_tokens


class NeverForgetsAll(Right):
    """Refuse to take everything back."""

    def forget(self, n_tokens):
        if not 0 <= n_tokens < self.n_tokens:
            raise ValueError("something must be left")
        self.n_tokens -= n_tokens


class BytesOfKeys(Right):
    """Count the keys only."""

    @property
    def n_bytes(self):
        return sum(keys.nbytes for keys, _ in self.layers)


class FourBytesEach(Right):
    """Take four bytes for every number."""

    @property
    def n_bytes(self):
        return sum(part.numel() * 4 for layer in self.layers for part in layer)


class BytesInUse(Right):
    """Count the tokens that are there, not the room."""

    @property
    def n_bytes(self):
        return super().n_bytes * self.n_tokens // self.max_len


class BytesOfTheStart(Right):
    """Count as many sequences as there were in the beginning."""

    @property
    def n_bytes(self):
        return 2 * len(self.layers) * self.room().nbytes


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:KVCache", answer)
    for answer in list(globals().values())
    if isinstance(answer, type) and issubclass(answer, Right) and answer is not Right
]
