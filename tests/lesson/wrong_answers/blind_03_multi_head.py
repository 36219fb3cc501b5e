"""Wrong answers to the class of lesson 03, written by someone who had not seen the checks."""

import math
from collections.abc import Callable

import torch
from torch import nn


class Right(nn.Module):
    """Attention as it should be; the wrong ones below change one of its pieces."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__()
        if n_heads < 1 or d_model % n_heads:
            raise ValueError(f"n_heads must be a divisor of {d_model}; got n_heads={n_heads}.")
        self.n_heads, self.d_head = n_heads, d_model // n_heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.output = nn.Linear(d_model, d_model)

    def cut(self, x):
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def merge(self, mixed):
        return mixed.transpose(1, 2).flatten(2)

    def root(self):
        return math.sqrt(self.d_head)

    def hide(self, scores, mask):
        return scores if mask is None else scores.masked_fill(~mask, -math.inf)

    def project(self, x, memory):
        memory = x if memory is None else memory
        return self.cut(self.query(x)), self.cut(self.key(memory)), self.cut(self.value(memory))

    def attend(self, x, memory, mask):
        query, key, value = self.project(x, memory)
        weights = self.hide(query @ key.mT / self.root(), mask).softmax(dim=-1)
        return weights @ value, weights

    def forward(self, x, memory=None, mask=None):
        return self.output(self.merge(self.attend(x, memory, mask)[0]))

    def weights(self, x, memory=None, mask=None):
        return self.attend(x, memory, mask)[1].detach()


class SmallLayersForAllHeads(Right):
    """Cut first, then one small layer for all heads, as a well-known video does."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.query = nn.Linear(self.d_head, self.d_head)
        self.key = nn.Linear(self.d_head, self.d_head)
        self.value = nn.Linear(self.d_head, self.d_head)

    def project(self, x, memory):
        memory = x if memory is None else memory
        return self.query(self.cut(x)), self.key(self.cut(memory)), self.value(self.cut(memory))


class SmallLayersFullRootNoOffset(SmallLayersForAllHeads):
    """The same video in all its details: no offsets, and the root of the full width."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        self.query = nn.Linear(self.d_head, self.d_head, bias=False)
        self.key = nn.Linear(self.d_head, self.d_head, bias=False)
        self.value = nn.Linear(self.d_head, self.d_head, bias=False)

    def root(self):
        return math.sqrt(self.d_head * self.n_heads)


class RootOfTheModel(Right):
    """Divide by the root of the full width."""

    def root(self):
        return math.sqrt(self.d_head * self.n_heads)


class ReshapedTogether(Right):
    """Merge by a reshape, with the heads still in front of the tokens."""

    def merge(self, mixed):
        return mixed.reshape(mixed.shape[0], -1, self.n_heads * self.d_head)


class ViewedInAndOut(Right):
    """Use `reshape` both ways: it fits, and mixes tokens up."""

    def cut(self, x):
        return x.reshape(x.shape[0], self.n_heads, -1, self.d_head)

    def merge(self, mixed):
        return mixed.reshape(mixed.shape[0], -1, self.n_heads * self.d_head)


class OutputNotUsed(Right):
    """Make the last matrix, and forget to use it."""

    def forward(self, x, memory=None, mask=None):
        return self.merge(self.attend(x, memory, mask)[0])


class NoOutputAtAll(OutputNotUsed):
    """Three matrices seem to be enough."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        del self.output


class ValuesFromX(Right):
    """Take the values of the tokens that look: it stops where the lengths differ."""

    def project(self, x, memory):
        query, key, _ = super().project(x, memory)
        return query, key, self.cut(self.value(x))


class SelfAttentionOnly(Right):
    """Take `memory` and ignore it."""

    def project(self, x, memory):
        return super().project(x, None)


class MemoryLooks(Right):
    """Let the memory ask, and x answer."""

    def project(self, x, memory):
        memory = x if memory is None else memory
        return super().project(memory, x)


class NoMask(Right):
    """Take `mask` and ignore it."""

    def hide(self, scores, mask):
        return scores


class TrueIsHidden(Right):
    """Follow the convention of torch.nn.MultiheadAttention."""

    def hide(self, scores, mask):
        return scores if mask is None else scores.masked_fill(mask, -math.inf)


class MaskForOneHead(Right):
    """Give the mask an axis for heads in the wrong place."""

    def hide(self, scores, mask):
        return scores if mask is None else scores.masked_fill(~mask.unsqueeze(0), -1e9) * 0.5


class SoftmaxOverHeads(Right):
    """Count the softmax's axis from the front: axis 1 are the heads."""

    def attend(self, x, memory, mask):
        query, key, value = self.project(x, memory)
        weights = self.hide(query @ key.mT / self.root(), mask).softmax(dim=1)
        return weights.nan_to_num() @ value, weights.nan_to_num()


class HeadsNotBroughtForward(Right):
    """Leave the heads behind the tokens: the heads of one token look at each other."""

    def cut(self, x):
        return x.unflatten(-1, (self.n_heads, -1))

    def merge(self, mixed):
        return mixed.flatten(2)


class AverageOfHeads(Right):
    """Average the heads instead of putting them side by side, as torch's weights are."""

    def weights(self, x, memory=None, mask=None):
        return super().weights(x, memory, mask).mean(dim=1)


class LayersInAList(Right):
    """Keep one layer a head in a plain list, which torch does not see."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        super().__init__(d_model, n_heads)
        del self.query
        self.queries = [nn.Linear(d_model, self.d_head) for _ in range(n_heads)]

    def project(self, x, memory):
        memory = x if memory is None else memory
        query = torch.stack([layer(x) for layer in self.queries], dim=1)
        return query, self.cut(self.key(memory)), self.cut(self.value(memory))


class KeyIsQuery(Right):
    """Use the matrix of the queries for the keys as well."""

    def project(self, x, memory):
        memory = x if memory is None else memory
        return self.cut(self.query(x)), self.cut(self.query(memory)), self.cut(self.value(memory))


class ForgetsSuper(Right):
    """Assign layers before `nn.Module` is set up."""

    def __init__(self, d_model, n_heads, *, n_kv_heads=None, bias=True):
        self.n_heads, self.d_head = n_heads, d_model // n_heads
        self.query = nn.Linear(d_model, d_model)


class DropsAtRandom(Right):
    """Drop weights at random, always."""

    def attend(self, x, memory, mask):
        _, weights = super().attend(x, memory, mask)
        weights = nn.functional.dropout(weights, 0.1)
        return weights @ self.project(x, memory)[2], weights


class OneHead(Right):
    """Forget to cut."""

    def cut(self, x):
        return x.unsqueeze(1)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("03:MultiHeadAttention", answer)
    for answer in (
        SmallLayersForAllHeads,
        SmallLayersFullRootNoOffset,
        RootOfTheModel,
        ReshapedTogether,
        ViewedInAndOut,
        OutputNotUsed,
        NoOutputAtAll,
        ValuesFromX,
        SelfAttentionOnly,
        MemoryLooks,
        NoMask,
        TrueIsHidden,
        MaskForOneHead,
        SoftmaxOverHeads,
        HeadsNotBroughtForward,
        AverageOfHeads,
        LayersInAList,
        KeyIsQuery,
        ForgetsSuper,
        DropsAtRandom,
        OneHead,
    )
]
