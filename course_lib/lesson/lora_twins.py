"""LoRA layers, each with one mistake, for the exercise of lesson 07a on `LoRALinear`."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.finetuning.lora import LoRAConfig, linear_sizes


class _Right(nn.Module):
    """The right way, in parts that the twins replace."""

    def __init__(
        self, base: nn.Module, config: LoRAConfig, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.n_out, self.n_in = linear_sizes(base)
        self.base, self.config = base, config
        bound = 1 / math.sqrt(self.n_in)
        down = torch.empty(config.rank, self.n_in).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(self.formatted(down))
        self.up = nn.Parameter(self.formatted(torch.zeros(self.n_out, config.rank)))
        self.dropout = nn.Dropout(config.dropout)

    @property
    def weight(self) -> Tensor:
        return self.base.get_parameter("weight")

    @property
    def scale(self) -> float:
        return self.config.alpha / self.config.rank

    def formatted(self, matrix: Tensor) -> Tensor:
        return matrix.to(self.weight)

    def product(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(self.dropout(x), self.down), self.up)

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.scale * self.product(x)

    def change(self) -> Tensor:
        return self.scale * self.up @ self.down

    def fitted(self, change: Tensor) -> Tensor:
        return change if isinstance(self.base, nn.Linear) else change.mT

    @torch.no_grad()
    def merge(self) -> nn.Module:
        self.weight.add_(self.fitted(self.change()))
        return self.base


class _NoScale(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.product(x)

    def change(self) -> Tensor:
        return self.up @ self.down


class _ForwardWithoutScale(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.product(x)


class _MergeWithoutScale(_Right):
    def change(self) -> Tensor:
        return self.up @ self.down


class _AlphaTimesRank(_Right):
    @property
    def scale(self) -> float:
        return self.config.alpha * self.config.rank


class _AlphaAlone(_Right):
    @property
    def scale(self) -> float:
        return self.config.alpha


class _RankOverAlpha(_Right):
    @property
    def scale(self) -> float:
        return self.config.rank / self.config.alpha


class _RootOfRank(_Right):
    @property
    def scale(self) -> float:
        return self.config.alpha / math.sqrt(self.config.rank)


class _ScaledTwice(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.scale**2 * self.product(x)

    def change(self) -> Tensor:
        return self.scale**2 * self.up @ self.down


class _AllScaled(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return self.scale * (self.base(x) + self.product(x))


class _NotTurned(_Right):
    def product(self, x: Tensor) -> Tensor:
        return self.dropout(x) @ self.up @ self.down


class _UpFirst(_Right):
    def product(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(self.dropout(x), self.up), self.down)


class _MergeDownTimesUp(_Right):
    def change(self) -> Tensor:
        return self.scale * self.down @ self.up


class _MergeTurned(_Right):
    def fitted(self, change: Tensor) -> Tensor:
        return super().fitted(change).mT


class _MergeReplaces(_Right):
    @torch.no_grad()
    def merge(self) -> nn.Module:
        self.weight.copy_(self.fitted(self.change()))
        return self.base


class _MergeDoesNothing(_Right):
    def merge(self) -> nn.Module:
        return self.base


class _MergeTwice(_Right):
    @torch.no_grad()
    def merge(self) -> nn.Module:
        super().merge()
        return super().merge()


class _MergeGivesItself(_Right):
    def merge(self) -> nn.Module:
        super().merge()
        return self


class _BiasLost(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.fitted(self.weight)) + self.scale * self.product(x)


class _BaseLeftOut(_Right):
    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.product(x)


class _NoDropout(_Right):
    def product(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(x, self.down), self.up)


class _DropoutForAll(_Right):
    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(x)
        return self.base(x) + self.scale * F.linear(F.linear(x, self.down), self.up)


class _DropoutInTheMiddle(_Right):
    def product(self, x: Tensor) -> Tensor:
        return F.linear(self.dropout(F.linear(x, self.down)), self.up)


class _DropoutAtTheEnd(_Right):
    def product(self, x: Tensor) -> Tensor:
        return self.dropout(F.linear(F.linear(x, self.down), self.up))


class _DropoutAlways(_Right):
    def product(self, x: Tensor) -> Tensor:
        return F.linear(F.linear(F.dropout(x, self.config.dropout), self.down), self.up)


class _FormatIgnored(_Right):
    def formatted(self, matrix: Tensor) -> Tensor:
        return matrix


TWINS: Mapping[str, Callable[..., Any]] = {
    "scale-forgotten": _NoScale,
    "forward-without-scale": _ForwardWithoutScale,
    "merge-without-scale": _MergeWithoutScale,
    "alpha-times-rank": _AlphaTimesRank,
    "alpha-alone": _AlphaAlone,
    "rank-over-alpha": _RankOverAlpha,
    "root-of-the-rank": _RootOfRank,
    "scaled-twice": _ScaledTwice,
    "all-scaled": _AllScaled,
    "matrices-not-turned": _NotTurned,
    "up-before-down": _UpFirst,
    "merge-in-the-wrong-order": _MergeDownTimesUp,
    "merge-turned": _MergeTurned,
    "merge-replaces": _MergeReplaces,
    "merge-does-nothing": _MergeDoesNothing,
    "merge-adds-twice": _MergeTwice,
    "merge-gives-itself": _MergeGivesItself,
    "bias-lost": _BiasLost,
    "base-left-out": _BaseLeftOut,
    "dropout-forgotten": _NoDropout,
    "dropout-for-all": _DropoutForAll,
    "dropout-in-the-middle": _DropoutInTheMiddle,
    "dropout-at-the-end": _DropoutAtTheEnd,
    "dropout-always": _DropoutAlways,
    "format-ignored": _FormatIgnored,
}
"""Mistakes by name."""
