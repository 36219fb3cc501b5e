"""Training in 16 bits: which products are rounded, and how float16's small numbers are saved."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch

Precision = Literal["float32", "bfloat16", "float16"]
"""Number format of the large products; "float32" stands for the format of the weights."""

GROWTH_STEPS = 2000
"""After so many steps without overflow a loss scale is doubled, as torch's GradScaler does."""


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Let torch compute what tolerates it in 16 bits; weights and gradients keep their format.

    Args:
        device: Where the model is.
        precision: For "float32" nothing changes.

    Reference:
        Micikevicius et al. 2018, "Mixed Precision Training", https://arxiv.org/abs/1710.03740

    Example:
        >>> with autocast(torch.device("cpu"), "bfloat16"):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=getattr(torch, precision))


@dataclass(kw_only=True)
class LossScaler:
    """Keeps float16 gradients between vanishing and overflow by scaling the loss before backward.

    Attributes:
        scale: What the loss is multiplied by, and the gradients divided by; a power of 2, so that
            nothing is rounded.
        n_good_steps: Steps without overflow since the scale last changed.

    Reference:
        Micikevicius et al. 2018, "Mixed Precision Training", section 3.2,
        https://arxiv.org/abs/1710.03740

    Example:
        >>> scaler = LossScaler(scale=2.0)
        >>> scaler.shrink(), scaler.scale
        (True, 1.0)
        >>> scaler.shrink()  # there is nothing left to give
        False
    """

    scale: float = 65536.0
    n_good_steps: int = 0

    def note_success(self) -> None:
        """Count a step without overflow, and double the scale after `GROWTH_STEPS` of them."""
        self.n_good_steps += 1
        if self.n_good_steps == GROWTH_STEPS:
            self.scale, self.n_good_steps = 2 * self.scale, 0

    def shrink(self) -> bool:
        """Halve the scale after an overflow.

        Returns:
            False if the scale was 1 already: then it is not the scale that overflows.
        """
        if self.scale <= 1:
            return False
        self.scale, self.n_good_steps = self.scale / 2, 0
        return True
