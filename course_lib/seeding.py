"""Random generators, made from a seed in one place so that a run can be repeated."""

import random

import numpy as np
import torch


def make_generator(seed: int) -> torch.Generator:
    """Make a CPU generator that yields the same numbers for the same seed.

    Args:
        seed: Any integer from 0 to 2**63 - 1.

    Raises:
        ValueError: If `seed` is negative.

    Example:
        >>> first = torch.rand(3, generator=make_generator(7))
        >>> bool((first == torch.rand(3, generator=make_generator(7))).all())
        True
    """
    if seed < 0:
        raise ValueError(f"seed must be ≥ 0; got seed={seed}.")
    return torch.Generator().manual_seed(seed)


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch, for a notebook's first cell.

    Library code takes a `torch.Generator` or a `seed` instead and never calls this.

    Args:
        seed: Any integer from 0 to 2**32 - 1 (NumPy's limit).

    Raises:
        ValueError: If `seed` is outside that range.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be between 0 and 2**32 - 1; got seed={seed}.")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
