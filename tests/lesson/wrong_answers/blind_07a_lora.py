"""Wrong answers to `LoRALinear` of lesson 07a, by someone who had not seen the checks."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.finetuning.lora import LoRALinear as Right


class BothRandom(Right):
    """Draw `up` at random too, so that the map changes at once."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        nn.init.uniform_(self.up, -0.1, 0.1, generator=generator)


class BothNought(Right):
    """Begin with zeros in both matrices, so that nothing is ever learnt."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        nn.init.zeros_(self.down)


class UpIsRandom(Right):
    """Draw `up` and begin with zeros in `down`."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        bound = 1 / math.sqrt(self.down.shape[1])
        nn.init.uniform_(self.up, -bound, bound, generator=generator)
        nn.init.zeros_(self.down)


class RankForgotten(Right):
    """Multiply by alpha, whatever the rank."""

    @property
    def scale(self):
        return self.config.alpha


class RankTimesAlpha(Right):
    """Multiply by rank / alpha."""

    @property
    def scale(self):
        return self.config.rank / self.config.alpha


class RootOfTheRank(Right):
    """Divide by the root of the rank."""

    @property
    def scale(self):
        return self.config.alpha / math.sqrt(self.config.rank)


class WholeScale(Right):
    """Divide alpha by the rank with //."""

    @property
    def scale(self):
        return self.config.alpha // self.config.rank


class ScaleInMergeOnly(Right):
    """Do not scale the correction in `forward`."""

    def forward(self, x):
        return self.base(x) + F.linear(F.linear(self.dropout(x), self.down), self.up)


class ScaledTwice(Right):
    """Scale after each of the two matrices."""

    def forward(self, x):
        inner = self.scale * F.linear(self.dropout(x), self.down)
        return self.base(x) + self.scale * F.linear(inner, self.up)


class WithoutTheBase(Right):
    """Give the correction alone."""

    def forward(self, x):
        return super().forward(x) - self.base(x)


class BiasTwice(Right):
    """Give the correction the map's bias as well."""

    def forward(self, x):
        out = super().forward(x)
        return out if self.base.bias is None else out + self.base.bias


class DropoutEverywhere(Right):
    """Drop inputs of the map itself, too."""

    def forward(self, x):
        x = self.dropout(x)
        correction = F.linear(F.linear(x, self.down), self.up)
        return self.base(x) + self.scale * correction


class DropoutAfterwards(Right):
    """Drop outputs of the correction, not its inputs."""

    def forward(self, x):
        correction = self.dropout(F.linear(F.linear(x, self.down), self.up))
        return self.base(x) + self.scale * correction


class DropoutForgotten(Right):
    """Drop nothing."""

    def forward(self, x):
        return self.base(x) + self.scale * F.linear(F.linear(x, self.down), self.up)


class DropoutInEvaluation(Right):
    """Call the function, which drops in evaluation as well."""

    def forward(self, x):
        dropped = F.dropout(x, self.config.dropout)
        return self.base(x) + self.scale * F.linear(F.linear(dropped, self.down), self.up)


class TablesOnly(Right):
    """Use `mm`, which needs exactly two axes."""

    def forward(self, x):
        correction = torch.mm(torch.mm(self.dropout(x), self.down.T), self.up.T)
        return self.base(x) + self.scale * correction


class NotLearnt(Right):
    """Hold the matrices as buffers, which no optimiser sees."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        down, up = self.down.detach(), self.up.detach()
        del self.down, self.up
        self.register_buffer("down", down)
        self.register_buffer("up", up)


class WithoutGradients(Right):
    """Use `.data`, through which no gradient flows."""

    def forward(self, x):
        correction = F.linear(F.linear(self.dropout(x), self.down.data), self.up.data)
        return self.base(x) + self.scale * correction


class BoundByTheRank(Right):
    """Draw between ±1/√R."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        bound = 1 / math.sqrt(config.rank)
        nn.init.uniform_(self.down, -bound, bound, generator=generator)


class NormallyDrawn(Right):
    """Draw from a normal distribution, as the paper says."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, None)
        nn.init.normal_(self.down, std=1 / math.sqrt(self.down.shape[1]), generator=generator)


class PositiveOnly(Right):
    """Draw between 0 and 1/√I."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, None)
        nn.init.uniform_(self.down, 0, 1 / math.sqrt(self.down.shape[1]), generator=generator)


class GeneratorForgotten(Right):
    """Draw from the global generator always."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, None)


class SinglePrecision(Right):
    """Hold the matrices in float32, whatever the map is in."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        self.down = nn.Parameter(self.down.detach().float())
        self.up = nn.Parameter(self.up.detach().float())


class ShapesTurned(Right):
    """Store both matrices turned."""

    def __init__(self, base, config, generator=None):
        super().__init__(base, config, generator)
        self.down = nn.Parameter(self.down.detach().T.clone())
        self.up = nn.Parameter(self.up.detach().T.clone())

    def forward(self, x):
        return self.base(x) + self.scale * (self.dropout(x) @ self.down @ self.up)


class MergeUnscaled(Right):
    """Merge the product without its factor."""

    @torch.no_grad()
    def merge(self):
        self.up /= self.scale
        return super().merge()


class MergeReplaces(Right):
    """Put the correction in the place of the matrix."""

    @torch.no_grad()
    def merge(self):
        self.base.weight.zero_()
        return super().merge()


class MergeSubtracts(Right):
    """Take the correction away."""

    @torch.no_grad()
    def merge(self):
        self.up.neg_()
        return super().merge()


class MergeWithoutConv1D(Right):
    """Merge as if every matrix were stored outputs by inputs."""

    @torch.no_grad()
    def merge(self):
        self.base.weight += self.scale * self.up @ self.down
        return self.base


class MergeTurned(Right):
    """Merge the turned product into a `Linear`."""

    @torch.no_grad()
    def merge(self):
        self.base.weight += self.scale * (self.up @ self.down).T
        return self.base


class MergeGivesItself(Right):
    """Give the adapted map back, which then corrects twice."""

    def merge(self):
        super().merge()
        return self


class MergeLosesTheBias(Right):
    """Give a new map without the bias."""

    def merge(self):
        merged = super().merge()
        merged.bias = None
        return merged


class MergeDoesNothing(Right):
    """Add to a copy of the matrix, and give the old map back."""

    def merge(self):
        weight = self.base.weight.detach().clone()
        if weight.shape == (self.up.shape[0], self.down.shape[1]):
            weight += (self.scale * self.up @ self.down).detach()
        return self.base


class LinearOnly(nn.Module):
    """Read the sizes from the matrix's shape, which Conv1D stores turned."""

    def __init__(self, base, config, generator=None):
        super().__init__()
        self.base, self.config = base, config
        n_out, n_in = base.weight.shape
        self.scale = config.alpha / config.rank
        bound = 1 / math.sqrt(n_in)
        down = torch.empty(config.rank, n_in, dtype=base.weight.dtype)
        self.down = nn.Parameter(down.uniform_(-bound, bound, generator=generator))
        self.up = nn.Parameter(base.weight.new_zeros(n_out, config.rank))
        self.dropout = nn.Dropout(config.dropout)
        self.train(base.training)

    def forward(self, x):
        return self.base(x) + self.scale * (self.dropout(x) @ self.down.T @ self.up.T)

    @torch.no_grad()
    def merge(self):
        self.base.weight += self.scale * self.up @ self.down
        return self.base


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07a:LoRALinear", BothRandom),
    ("07a:LoRALinear", BothNought),
    ("07a:LoRALinear", UpIsRandom),
    ("07a:LoRALinear", RankForgotten),
    ("07a:LoRALinear", RankTimesAlpha),
    ("07a:LoRALinear", RootOfTheRank),
    ("07a:LoRALinear", WholeScale),
    ("07a:LoRALinear", ScaleInMergeOnly),
    ("07a:LoRALinear", ScaledTwice),
    ("07a:LoRALinear", WithoutTheBase),
    ("07a:LoRALinear", BiasTwice),
    ("07a:LoRALinear", DropoutEverywhere),
    ("07a:LoRALinear", DropoutAfterwards),
    ("07a:LoRALinear", DropoutForgotten),
    ("07a:LoRALinear", DropoutInEvaluation),
    ("07a:LoRALinear", TablesOnly),
    ("07a:LoRALinear", NotLearnt),
    ("07a:LoRALinear", WithoutGradients),
    ("07a:LoRALinear", BoundByTheRank),
    ("07a:LoRALinear", NormallyDrawn),
    ("07a:LoRALinear", PositiveOnly),
    ("07a:LoRALinear", GeneratorForgotten),
    ("07a:LoRALinear", SinglePrecision),
    ("07a:LoRALinear", ShapesTurned),
    ("07a:LoRALinear", MergeUnscaled),
    ("07a:LoRALinear", MergeReplaces),
    ("07a:LoRALinear", MergeSubtracts),
    ("07a:LoRALinear", MergeWithoutConv1D),
    ("07a:LoRALinear", MergeTurned),
    ("07a:LoRALinear", MergeGivesItself),
    ("07a:LoRALinear", MergeLosesTheBias),
    ("07a:LoRALinear", MergeDoesNothing),
    ("07a:LoRALinear", LinearOnly),
]
