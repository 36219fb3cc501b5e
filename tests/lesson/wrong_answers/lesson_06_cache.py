"""Wrong answers to the exercise of lesson 06 on the cache of keys and values."""

import torch


class Cache:
    """Right, and laid out otherwise than the library's: one block for all layers."""

    def __init__(
        self, n_layers, n_sequences, n_kv_heads, max_len, d_head, *, dtype=None, device=None
    ):
        sizes = (n_layers, 2, n_sequences, n_kv_heads, max_len, d_head)
        self.block = torch.zeros(sizes, dtype=dtype, device=device)
        self.max_len = max_len
        self.n_tokens = 0

    @property
    def n_bytes(self):
        return self.block.numel() * self.block.element_size()

    def store(self, layer, keys, values, start):
        end = start + keys.shape[2]
        self.block[layer, 0, :, :, start:end] = keys.detach()
        self.block[layer, 1, :, :, start:end] = values.detach()

    def append(self, layer, keys, values):
        end = self.n_tokens + keys.shape[2]
        self.require_room(end)
        self.store(layer, keys, values, self.n_tokens)
        return self.block[layer, 0, :, :, :end], self.block[layer, 1, :, :, :end]

    def advance(self, n_tokens):
        self.require_room(self.n_tokens + n_tokens)
        self.n_tokens += n_tokens

    def keep(self, rows):
        self.block = self.block[:, :, rows]

    def forget(self, n_tokens):
        if n_tokens < 0 or n_tokens > self.n_tokens:
            raise ValueError("cannot take back so many")
        self.n_tokens -= n_tokens

    def require_room(self, n_tokens):
        if n_tokens > self.max_len:
            raise ValueError("no room left")


class CountsInAppend(Cache):
    def append(self, layer, keys, values):
        found = super().append(layer, keys, values)
        self.n_tokens += keys.shape[2]
        return found

    def advance(self, n_tokens):
        pass


class CountsInTheLastLayer(Cache):
    def append(self, layer, keys, values):
        found = super().append(layer, keys, values)
        if layer + 1 == len(self.block):
            self.n_tokens += keys.shape[2]
        return found

    def advance(self, n_tokens):
        pass


class CountsTwice(Cache):
    def append(self, layer, keys, values):
        found = super().append(layer, keys, values)
        self.n_tokens = self.n_tokens + keys.shape[2]
        return found


class Overwrites(Cache):
    def append(self, layer, keys, values):
        end = self.n_tokens + keys.shape[2]
        self.require_room(end)
        self.store(layer, keys, values, 0)
        return self.block[layer, 0, :, :, :end], self.block[layer, 1, :, :, :end]


class WholeRoom(Cache):
    def append(self, layer, keys, values):
        self.require_room(self.n_tokens + keys.shape[2])
        self.store(layer, keys, values, self.n_tokens)
        return self.block[layer, 0], self.block[layer, 1]


class NewOnes(Cache):
    def append(self, layer, keys, values):
        self.require_room(self.n_tokens + keys.shape[2])
        self.store(layer, keys, values, self.n_tokens)
        return keys.detach(), values.detach()


class OldOnes(Cache):
    def append(self, layer, keys, values):
        self.require_room(self.n_tokens + keys.shape[2])
        self.store(layer, keys, values, self.n_tokens)
        block = self.block[layer, :, :, :, : self.n_tokens]
        return block[0], block[1]


class ValuesFirst(Cache):
    def append(self, layer, keys, values):
        return super().append(layer, keys, values)[::-1]


class WithGradient(Cache):
    def __init__(self, n_layers, *sizes, dtype=None, device=None):
        super().__init__(n_layers, *sizes, dtype=dtype, device=device)
        self.parts = [None] * n_layers

    def append(self, layer, keys, values):
        self.require_room(self.n_tokens + keys.shape[2])
        if self.parts[layer] is not None and self.n_tokens:
            old_keys, old_values = self.parts[layer]
            keys = torch.cat([old_keys[:, :, : self.n_tokens], keys], dim=2)
            values = torch.cat([old_values[:, :, : self.n_tokens], values], dim=2)
        self.parts[layer] = keys, values
        return keys, values

    def keep(self, rows):
        self.parts = [(keys[rows], values[rows]) for keys, values in self.parts]
        super().keep(rows)


class SameLayer(Cache):
    def append(self, layer, keys, values):
        return super().append(0, keys, values)


class RepeatedLayer(Cache):
    def __init__(self, n_layers, *sizes, dtype=None, device=None):
        super().__init__(n_layers, *sizes, dtype=dtype, device=device)
        self.rooms = [self.block[0]] * n_layers

    def append(self, layer, keys, values):
        end = self.n_tokens + keys.shape[2]
        self.require_room(end)
        room = self.rooms[layer]
        room[0, :, :, self.n_tokens : end] = keys.detach()
        room[1, :, :, self.n_tokens : end] = values.detach()
        return room[0, :, :, :end], room[1, :, :, :end]

    def keep(self, rows):
        super().keep(rows)
        self.rooms = [self.rooms[0][:, rows]] * len(self.rooms)


class GradientInTheRoom(Cache):
    def store(self, layer, keys, values, start):
        end = start + keys.shape[2]
        self.block[layer, 0, :, :, start:end] = keys
        self.block[layer, 1, :, :, start:end] = values


class OneRoomForBoth(Cache):
    def __init__(self, *sizes, dtype=None, device=None):
        super().__init__(*sizes, dtype=dtype, device=device)
        self.block = self.block[:, :1].expand_as(self.block)


class KeysAreValues(Cache):
    def append(self, layer, keys, values):
        _, kept = super().append(layer, keys, values)
        return kept, kept


class ThirtyTwoBits(Cache):
    def __init__(self, *sizes, dtype=None, device=None):
        super().__init__(*sizes, device=device)


class AlwaysTheCPU(Cache):
    def __init__(self, *sizes, dtype=None, device=None):
        super().__init__(*sizes, dtype=dtype)


class Copies(Cache):
    def append(self, layer, keys, values):
        kept_keys, kept_values = super().append(layer, keys, values)
        return kept_keys.clone(), kept_values.clone()


class NeverCounts(Cache):
    def advance(self, n_tokens):
        self.require_room(self.n_tokens + n_tokens)


class CountsOne(Cache):
    def advance(self, n_tokens):
        self.require_room(self.n_tokens + 1)
        self.n_tokens += 1


class KeepsAll(Cache):
    def keep(self, rows):
        return None


class KeepsFirst(Cache):
    def keep(self, rows):
        self.block = self.block[:, :, : len(rows)]


class KeepsRowsOfLayerZero(Cache):
    def keep(self, rows):
        block = self.block[:, :, : len(rows)].clone()
        block[0] = self.block[0][:, rows]
        self.block = block


class KeepsRowsOfKeys(Cache):
    def keep(self, rows):
        block = self.block[:, :, : len(rows)].clone()
        block[:, 0] = self.block[:, 0][:, rows]
        self.block = block


class ForgetsTo(Cache):
    def forget(self, n_tokens):
        if n_tokens < 0 or n_tokens > self.n_tokens:
            raise ValueError("cannot take back so many")
        self.n_tokens = n_tokens


class ForgetsNothing(Cache):
    def forget(self, n_tokens):
        if n_tokens < 0 or n_tokens > self.n_tokens:
            raise ValueError("cannot take back so many")


class ForgetsByZeros(Cache):
    def forget(self, n_tokens):
        if n_tokens < 0 or n_tokens > self.n_tokens:
            raise ValueError("cannot take back so many")
        self.block[:, :, :, :, self.n_tokens - n_tokens : self.n_tokens] = 0


class ForgetsAll(Cache):
    def forget(self, n_tokens):
        super().forget(n_tokens)
        self.block.zero_()
        self.n_tokens = 0


class FullAtLast(Cache):
    def require_room(self, n_tokens):
        if n_tokens >= self.max_len:
            raise ValueError("no room left")


class BytesInUse(Cache):
    @property
    def n_bytes(self):
        return self.block[:, :, :, :, : self.n_tokens].numel() * self.block.element_size()


class BytesOfKeys(Cache):
    @property
    def n_bytes(self):
        return self.block[:, 0].numel() * self.block.element_size()


class BytesOfALayer(Cache):
    @property
    def n_bytes(self):
        return self.block[0].numel() * self.block.element_size()


class FourBytes(Cache):
    @property
    def n_bytes(self):
        return 4 * self.block.numel()


class Numbers(Cache):
    @property
    def n_bytes(self):
        return self.block.numel()


class Unwatched(Cache):
    def require_room(self, n_tokens):
        pass


class ForgetsAnything(Cache):
    def forget(self, n_tokens):
        self.n_tokens -= n_tokens


class RoomOnlyWhenCounting(Cache):
    def append(self, layer, keys, values):
        end = self.n_tokens + keys.shape[2]
        self.store(layer, keys, values, self.n_tokens)
        return self.block[layer, 0, :, :, :end], self.block[layer, 1, :, :, :end]


WRONG = {
    "06:KVCache": [
        ("counted-in-append", CountsInAppend),
        ("counted-by-the-last-layer", CountsInTheLastLayer),
        ("counted-twice", CountsTwice),
        ("always-from-the-start", Overwrites),
        ("whole-room-returned", WholeRoom),
        ("only-the-new", NewOnes),
        ("only-the-old", OldOnes),
        ("keys-and-values-swapped", ValuesFirst),
        ("gradients-kept", WithGradient),
        ("one-room-for-all-layers", SameLayer),
        ("one-room-for-all-layers", RepeatedLayer),
        ("gradients-kept", GradientInTheRoom),
        ("one-room-for-both", OneRoomForBoth),
        ("one-room-for-both", KeysAreValues),
        ("format-ignored", ThirtyTwoBits),
        ("device-ignored", AlwaysTheCPU),
        ("room-made-anew", Copies),
        ("nothing-counted", NeverCounts),
        ("one-counted", CountsOne),
        ("no-rows-chosen", KeepsAll),
        ("first-rows-kept", KeepsFirst),
        ("rows-of-one-layer", KeepsRowsOfLayerZero),
        ("rows-of-the-keys", KeepsRowsOfKeys),
        ("forgets-down-to", ForgetsTo),
        ("forgets-nothing", ForgetsNothing),
        ("any", ForgetsByZeros),
        ("forgets-all", ForgetsAll),
        ("full-is-too-full", FullAtLast),
        ("bytes-of-the-tokens-so-far", BytesInUse),
        ("bytes-of-the-keys", BytesOfKeys),
        ("bytes-of-one-layer", BytesOfALayer),
        ("four-bytes-each", FourBytes),
        ("numbers-not-bytes", Numbers),
        ("room-not-watched", Unwatched),
        ("room-not-watched", ForgetsAnything),
        ("room-not-watched", RoomOnlyWhenCounting),
    ],
}
