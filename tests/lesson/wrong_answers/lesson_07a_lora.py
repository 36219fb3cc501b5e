"""Wrong answers to the exercise of lesson 07a on LoRA."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


class LoRA(nn.Module):
    """Right, and written otherwise than the library's: with `@`, and one product for both."""

    def __init__(self, base, config, generator=None):
        super().__init__()
        self.base = base
        self.config = config
        self.is_turned = not isinstance(base, nn.Linear)
        rows, columns = base.weight.shape
        n_out, n_in = (columns, rows) if self.is_turned else (rows, columns)
        self.down = nn.Parameter(self.fit(self.first_down(config.rank, n_in, generator)))
        self.up = nn.Parameter(self.fit(self.first_up(n_out, config.rank, generator)))
        self.dropout = nn.Dropout(config.dropout)

    def fit(self, matrix):
        return matrix.to(self.base.weight.dtype)

    def first_down(self, rank, n_in, generator):
        even = 2 * torch.rand(rank, n_in, generator=generator) - 1
        return even / math.sqrt(n_in)

    def first_up(self, n_out, rank, generator):
        return torch.zeros(n_out, rank)

    @property
    def scale(self):
        return self.config.alpha / self.config.rank

    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.down.T @ self.up.T * self.scale

    def correction(self):
        return self.scale * (self.up @ self.down)

    def change(self):
        return self.correction().T if self.is_turned else self.correction()

    def merge(self):
        self.base.weight.data += self.change()
        return self.base


class LinearMaps(LoRA):
    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        down, up = self.down.data, self.up.data
        del self.down, self.up
        self.down = nn.Linear(down.shape[1], config.rank, bias=False, dtype=down.dtype)
        self.up = nn.Linear(config.rank, up.shape[0], bias=False, dtype=up.dtype)
        self.down.weight.data, self.up.weight.data = down, up

    def forward(self, x):
        return self.base(x) + self.up(self.down(self.dropout(x))) * self.scale

    def correction(self):
        return self.scale * (self.up.weight @ self.down.weight)


class Thaws(LoRA):
    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        for parameter in self.parameters():
            parameter.requires_grad = True


class PlainTensors(nn.Module):
    def __init__(self, base, config, generator=None):
        super().__init__()
        right = LoRA(base, config, generator)
        self.base, self.config, self.dropout = base, config, right.dropout
        self.down = right.down.detach().requires_grad_()
        self.up = right.up.detach().requires_grad_()
        self.is_turned = right.is_turned

    scale, forward = LoRA.scale, LoRA.forward
    correction, change, merge = LoRA.correction, LoRA.change, LoRA.merge


class StoredTurned(LoRA):
    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        self.down = nn.Parameter(self.down.data.T.contiguous())
        self.up = nn.Parameter(self.up.data.T.contiguous())

    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.down @ self.up * self.scale

    def correction(self):
        return self.scale * (self.down @ self.up).T


class BothRandom(LoRA):
    def first_up(self, n_out, rank, generator):
        return 0.01 * torch.randn(n_out, rank, generator=generator)


class BothZero(LoRA):
    def first_down(self, rank, n_in, generator):
        return torch.zeros(rank, n_in)


class OtherZero(LoRA):
    def first_down(self, rank, n_in, generator):
        return torch.zeros(rank, n_in)

    def first_up(self, n_out, rank, generator):
        return torch.randn(n_out, rank, generator=generator) / math.sqrt(rank)


class NoGenerator(LoRA):
    def first_down(self, rank, n_in, generator):
        return super().first_down(rank, n_in, None)


class FixedSeed(LoRA):
    def first_down(self, rank, n_in, generator):
        return super().first_down(rank, n_in, torch.Generator().manual_seed(0))


class Normal(LoRA):
    def first_down(self, rank, n_in, generator):
        return torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in)


class Unscaled(LoRA):
    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.down.T @ self.up.T

    def correction(self):
        return self.up @ self.down


class UnscaledForward(LoRA):
    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.down.T @ self.up.T


class UnscaledMerge(LoRA):
    def correction(self):
        return self.up @ self.down


class Multiplied(LoRA):
    @property
    def scale(self):
        return self.config.alpha * self.config.rank


class Alpha(LoRA):
    @property
    def scale(self):
        return self.config.alpha


class UpsideDown(LoRA):
    @property
    def scale(self):
        return self.config.rank / self.config.alpha


class RankStabilised(LoRA):
    @property
    def scale(self):
        return self.config.alpha / self.config.rank**0.5


class Squared(LoRA):
    def forward(self, x):
        lowered = self.scale * (self.dropout(x) @ self.down.T)
        return self.base(x) + self.scale * (lowered @ self.up.T)

    def correction(self):
        return self.scale * (self.scale * self.up @ self.down)


class Brackets(LoRA):
    def forward(self, x):
        return self.scale * (self.base(x) + self.dropout(x) @ self.down.T @ self.up.T)


class NotTurned(LoRA):
    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.up @ self.down * self.scale


class UpFirst(LoRA):
    def forward(self, x):
        raised = F.linear(self.dropout(x), self.up)
        return self.base(x) + self.scale * F.linear(raised, self.down)


class DownTimesUp(LoRA):
    def correction(self):
        return self.scale * (self.down @ self.up)


class MergeTurned(LoRA):
    def correction(self):
        return super().correction().T


class Replaces(LoRA):
    def merge(self):
        self.base.weight.data = self.change().data
        return self.base


class AddsNothing(LoRA):
    def merge(self):
        weight = self.base.weight.data
        weight = weight + self.change()
        return self.base


class AddsTwice(LoRA):
    def merge(self):
        for _ in range(2):
            super().merge()
        return self.base


class GivesItself(LoRA):
    def merge(self):
        super().merge()
        return self


class GivesNothing(LoRA):
    def merge(self):
        super().merge()


class KeepsACopy(LoRA):
    def __init__(self, base, config, generator=None):
        super().__init__(copy.deepcopy(base), config, generator)


class GivesACopy(LoRA):
    def merge(self):
        merged = copy.deepcopy(self.base)
        merged.weight.data += self.change()
        return merged


class WithGraph(LoRA):
    def merge(self):
        self.base.weight += self.change()
        return self.base


class NewParameter(LoRA):
    def merge(self):
        self.base.weight = nn.Parameter(self.base.weight.data + self.change())
        return self.base


class NoBias(LoRA):
    def forward(self, x):
        weight = self.base.weight.T if self.is_turned else self.base.weight
        return F.linear(x, weight) + self.dropout(x) @ self.down.T @ self.up.T * self.scale


class CorrectionOnly(LoRA):
    def forward(self, x):
        return self.scale * (self.dropout(x) @ self.down.T @ self.up.T)


class NeverDrops(LoRA):
    def forward(self, x):
        return self.base(x) + x @ self.down.T @ self.up.T * self.scale


class DropsForAll(LoRA):
    def forward(self, x):
        x = self.dropout(x)
        return self.base(x) + x @ self.down.T @ self.up.T * self.scale


class DropsBetween(LoRA):
    def forward(self, x):
        return self.base(x) + self.dropout(x @ self.down.T) @ self.up.T * self.scale


class DropsLast(LoRA):
    def forward(self, x):
        return self.base(x) + self.dropout(x @ self.down.T @ self.up.T) * self.scale


class DropsAlways(LoRA):
    def forward(self, x):
        dropped = F.dropout(x, p=self.config.dropout)
        return self.base(x) + dropped @ self.down.T @ self.up.T * self.scale


class Detached(LoRA):
    def forward(self, x):
        return self.base(x) + (self.dropout(x) @ self.down.T @ self.up.T * self.scale).detach()


class DefaultFormat(LoRA):
    def fit(self, matrix):
        return matrix


class LinearOnly(LoRA):
    def __init__(self, base, config, generator=None):
        nn.Module.__init__(self)
        self.base, self.config, self.is_turned = base, config, False
        down = self.first_down(config.rank, base.in_features, generator)
        self.down = nn.Parameter(down.to(base.weight))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, config.rank))
        self.dropout = nn.Dropout(config.dropout)


class RowsAreOutputs(LoRA):
    def merge(self):
        self.base.weight.data += self.correction().data
        return self.base


class ScaleOfOne(LoRA):
    @property
    def scale(self):
        return 1.0

    def forward(self, x):
        factor = self.config.alpha / self.config.rank
        return self.base(x) + factor * (self.dropout(x) @ self.down.T @ self.up.T)

    def correction(self):
        return self.config.alpha / self.config.rank * self.up @ self.down


class NoSuper(nn.Module):
    def __init__(self, base, config, generator=None):
        self.base = base


WRONG = {
    "07a:LoRALinear": [
        ("maps-not-matrices", LinearMaps),
        ("base-trained-too", Thaws),
        ("not-parameters", PlainTensors),
        ("matrices-stored-turned", StoredTurned),
        ("both-random", BothRandom),
        ("both-zero", BothZero),
        ("the-other-zero", OtherZero),
        ("generator-ignored", NoGenerator),
        ("generator-ignored", FixedSeed),
        ("drawn-otherwise", Normal),
        ("scale-forgotten", Unscaled),
        ("forward-without-scale", UnscaledForward),
        ("merge-without-scale", UnscaledMerge),
        ("alpha-times-rank", Multiplied),
        ("alpha-alone", Alpha),
        ("rank-over-alpha", UpsideDown),
        ("root-of-the-rank", RankStabilised),
        ("scaled-twice", Squared),
        ("all-scaled", Brackets),
        ("matrices-not-turned", NotTurned),
        ("up-before-down", UpFirst),
        ("merge-in-the-wrong-order", DownTimesUp),
        ("merge-turned", MergeTurned),
        ("merge-replaces", Replaces),
        ("merge-does-nothing", AddsNothing),
        ("merge-adds-twice", AddsTwice),
        ("merge-gives-itself", GivesItself),
        ("merge-returns-nothing", GivesNothing),
        ("another-map", KeepsACopy),
        ("another-map", GivesACopy),
        ("merged-with-gradient", WithGraph),
        ("merged-with-gradient", NewParameter),
        ("bias-lost", NoBias),
        ("base-left-out", CorrectionOnly),
        ("dropout-forgotten", NeverDrops),
        ("dropout-for-all", DropsForAll),
        ("dropout-in-the-middle", DropsBetween),
        ("dropout-at-the-end", DropsLast),
        ("dropout-always", DropsAlways),
        ("without-gradient", Detached),
        ("format-ignored", DefaultFormat),
        ("turned-matrix", LinearOnly),
        ("turned-matrix", RowsAreOutputs),
        ("scale-wrong", ScaleOfOne),
        ("any", NoSuper),
    ],
}
