"""Wrong answers to the class of lesson 03, multi-head attention, as a learner might write them."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn


def require_divisor(d_model, n_heads):
    if n_heads < 1 or d_model % n_heads != 0:
        raise ValueError(f"{n_heads} heads do not fit into a width of {d_model}")


def soft(scores, mask):
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    return torch.softmax(scores, -1)


class Plain(nn.Module):
    """The four layers; what is done with them differs."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__()
        require_divisor(d_model, n_heads)
        self.d_model, self.n_heads, self.d_head = d_model, n_heads, d_model // n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.output = nn.Linear(d_model, d_model)

    def split(self, x):
        return x.view(*x.shape[:2], self.n_heads, self.d_head).permute(0, 2, 1, 3)

    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = self.split(self.query(x)), self.split(self.key(memory)), self.value(memory)
        weights = soft(q @ k.transpose(-2, -1) / self.d_head**0.5, mask)
        return weights @ self.split(v), weights

    def join(self, heads):
        return heads.permute(0, 2, 1, 3).reshape(len(heads), -1, self.d_model)

    def forward(self, x, memory=None, mask=None):
        return self.output(self.join(self.both(x, memory, mask)[0]))

    def weights(self, x, memory=None, mask=None):
        return self.both(x, memory, mask)[1].detach()


class FromTheVideo(nn.Module):
    """`SelfAttention` of a much-watched video, with the names of the lesson."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__()
        require_divisor(d_model, n_heads)
        self.embed_size, self.heads, self.head_dim = d_model, n_heads, d_model // n_heads
        self.value = nn.Linear(self.head_dim, self.head_dim, bias=False)
        self.key = nn.Linear(self.head_dim, self.head_dim, bias=False)
        self.query = nn.Linear(self.head_dim, self.head_dim, bias=False)
        self.output = nn.Linear(n_heads * self.head_dim, d_model)

    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        n, value_len, query_len = x.shape[0], memory.shape[1], x.shape[1]
        values = self.value(memory.reshape(n, value_len, self.heads, self.head_dim))
        keys = self.key(memory.reshape(n, value_len, self.heads, self.head_dim))
        queries = self.query(x.reshape(n, query_len, self.heads, self.head_dim))
        energy = torch.einsum("nqhd,nkhd->nhqk", [queries, keys])
        if mask is not None:
            energy = energy.masked_fill(mask == 0, float("-1e20"))
        attention = torch.softmax(energy / (self.embed_size ** (1 / 2)), dim=3)
        out = torch.einsum("nhql,nlhd->nqhd", [attention, values])
        return out.reshape(n, query_len, self.heads * self.head_dim), attention

    def forward(self, x, memory=None, mask=None):
        return self.output(self.both(x, memory, mask)[0])

    def weights(self, x, memory=None, mask=None):
        return self.both(x, memory, mask)[1].detach()


class SmallButOtherwiseRight(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.query, self.key, self.value = (
            nn.Linear(self.d_head, self.d_head),
            nn.Linear(self.d_head, self.d_head),
            nn.Linear(self.d_head, self.d_head),
        )

    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = self.query(self.split(x)), self.key(self.split(memory)), self.split(memory)
        weights = soft(q @ k.mT / math.sqrt(self.d_head), mask)
        return weights @ self.value(v), weights


class ListOfHeads(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.query = nn.ModuleList(nn.Linear(d_model, self.d_head) for _ in range(n_heads))

    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q = torch.stack([layer(x) for layer in self.query], dim=1)
        weights = soft(q @ self.split(self.key(memory)).mT / self.d_head**0.5, mask)
        return weights @ self.split(self.value(memory)), weights


class OneMatrixForThree(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        del self.query, self.key, self.value
        self.qkv = nn.Linear(d_model, 3 * d_model)

    def both(self, x, memory, mask):
        q = self.qkv(x).chunk(3, -1)[0]
        _, k, v = self.qkv(x if memory is None else memory).chunk(3, -1)
        weights = soft(self.split(q) @ self.split(k).mT / self.d_head**0.5, mask)
        return weights @ self.split(v), weights


class PlainList(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        del self.query, self.key, self.value
        self.layers = [nn.Linear(d_model, d_model) for _ in range(3)]

    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = (
            self.split(layer(y)) for layer, y in zip(self.layers, (x, memory, memory), strict=True)
        )
        weights = soft(q @ k.mT / self.d_head**0.5, mask)
        return weights @ v, weights


class ThreeLayers(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.output = nn.Identity()


class FourthLayerForgotten(Plain):
    def forward(self, x, memory=None, mask=None):
        mixed, _ = self.both(x, memory, mask)
        return self.join(mixed)


class NoBias(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.query = nn.Linear(d_model, d_model, bias=False)
        self.key = nn.Linear(d_model, d_model, bias=False)
        self.value = nn.Linear(d_model, d_model, bias=False)


class WholeWidth(Plain):
    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = (
            self.split(self.query(x)),
            self.split(self.key(memory)),
            self.split(self.value(memory)),
        )
        weights = soft(q @ k.mT / math.sqrt(self.d_model), mask)
        return weights @ v, weights


class NoRoot(Plain):
    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        weights = soft(self.split(self.query(x)) @ self.split(self.key(memory)).mT, mask)
        return weights @ self.split(self.value(memory)), weights


class JoinedByView(Plain):
    def join(self, heads):
        return heads.contiguous().view(heads.size(0), heads.size(2), self.d_model)


class SplitByView(Plain):
    def split(self, x):
        return x.view(x.size(0), self.n_heads, x.size(1), self.d_head)


class ViewsOnly(SplitByView):
    def join(self, heads):
        return heads.contiguous().view(heads.size(0), heads.size(2), self.d_model)


class NoPermute(Plain):
    def split(self, x):
        return x.view(x.size(0), x.size(1), self.n_heads, self.d_head)

    def join(self, heads):
        return heads.flatten(-2)


class NoCross(Plain):
    def both(self, x, memory, mask):
        return super().both(x, x, mask)


class OwnValues(Plain):
    def both(self, x, memory, mask):
        _, weights = super().both(x, memory, mask)
        return weights @ self.split(self.value(x)), weights


class Reversed(Plain):
    def both(self, x, memory, mask):
        return super().both(x if memory is None else memory, x, mask)


class MaskIsForDecoders(Plain):
    def both(self, x, memory, mask):
        return super().both(x, memory, None)


class AsInTorch(Plain):
    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k = self.split(self.query(x)), self.split(self.key(memory))
        scores = q @ k.mT / math.sqrt(self.d_head)
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        weights = scores.softmax(-1).nan_to_num(0.0)
        return weights @ self.split(self.value(memory)), weights


class AsInTorchWithNaN(Plain):
    def both(self, x, memory, mask):
        return super().both(x, memory, None if mask is None else ~mask)


class MeanOverHeads(Plain):
    def weights(self, x, memory=None, mask=None):
        return self.both(x, memory, mask)[1].mean(1).detach()


class SingleHead(Plain):
    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = self.query(x), self.key(memory), self.value(memory)
        mask = mask[:, 0] if mask is not None and mask.ndim == 4 else mask
        weights = soft(q @ k.mT / math.sqrt(self.d_model), mask)
        return weights @ v, weights

    def join(self, heads):
        return heads


class DividesAnyWidth(Plain):
    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model // n_heads * n_heads, n_heads)
        self.query = nn.Linear(d_model, self.d_model)
        self.key = nn.Linear(d_model, self.d_model)
        self.value = nn.Linear(d_model, self.d_model)
        self.output = nn.Linear(self.d_model, d_model)


class OnlyTheOutput(Plain):
    def both(self, x, memory, mask):
        memory = x if memory is None else memory
        q, k, v = (
            self.split(self.query(x)),
            self.split(self.key(memory)),
            self.split(self.value(memory)),
        )
        return F.scaled_dot_product_attention(q, k, v, mask), None

    def weights(self, x, memory=None, mask=None):
        return None


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "03:MultiHeadAttention": [
        ("one-small-layer-shared-by-all-heads", FromTheVideo),
        ("one-small-layer-shared-by-all-heads", SmallButOtherwiseRight),
        ("a-layer-for-each-head", ListOfHeads),
        ("layers-named-otherwise", OneMatrixForThree),
        ("layers-named-otherwise", PlainList),
        ("output-missing", ThreeLayers),
        ("output-missing", FourthLayerForgotten),
        ("offsets-left-out", NoBias),
        ("scaled-by-the-full-width", WholeWidth),
        ("not-scaled", NoRoot),
        ("heads-not-moved-back", JoinedByView),
        ("cut-without-moving", SplitByView),
        ("heads-never-moved", ViewsOnly),
        ("heads-look-at-each-other", NoPermute),
        ("memory-ignored", NoCross),
        ("values-from-x", OwnValues),
        ("the-memory-asks", Reversed),
        ("mask-ignored", MaskIsForDecoders),
        ("mask-inverted", AsInTorch),
        ("mask-inverted", AsInTorchWithNaN),
        ("weights-averaged-over-the-heads", MeanOverHeads),
        ("never-cut-into-heads", SingleHead),
        ("any", DividesAnyWidth),
        ("any", OnlyTheOutput),
    ],
}
