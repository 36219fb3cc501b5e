"""How big to run, and on which device: the one switch between a laptop and a GPU."""

import os
from enum import StrEnum
from typing import TypeVar

import torch

T = TypeVar("T")


class Scale(StrEnum):
    """The sizes a lesson can run at; chosen by the environment variable `COURSE_SCALE`."""

    DRY = "dry"
    """Every GPU cell on the CPU at the smallest size, to show that the code works."""
    SMALL = "small"
    """Embedded data, two CPU cores, under 90 seconds a part. The default."""
    T4 = "t4"
    """A free Colab GPU: fp16, at most 12 GiB and 15 minutes a cell."""
    FULL = "full"
    """A modern GPU and the real data sets."""


def current_scale() -> Scale:
    """Read the scale from `COURSE_SCALE` (default: small).

    Raises:
        ValueError: If the variable holds anything but dry, small, t4 or full.
    """
    name = os.environ.get("COURSE_SCALE", Scale.SMALL.value).strip().lower()
    try:
        return Scale(name)
    except ValueError:
        choices = ", ".join(scale.value for scale in Scale)
        raise ValueError(f"COURSE_SCALE must be one of {choices}; got {name!r}.") from None


def choose_device() -> torch.device:
    """Choose a CUDA GPU if there is one, then Apple's MPS, else the CPU.

    `COURSE_DEVICE=cpu` (or any torch device name) overrides the choice.

    Raises:
        ValueError: If `COURSE_DEVICE` is not a device name that torch knows.
    """
    wanted = os.environ.get("COURSE_DEVICE")
    if wanted:
        try:
            return torch.device(wanted)
        except RuntimeError:
            raise ValueError(f"COURSE_DEVICE must be cpu, cuda or mps; got {wanted!r}.") from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def pick(scale: Scale, *, small: T, t4: T | None = None, full: T | None = None) -> T:
    """Pick the value that belongs to a scale; a missing one falls back on the next smaller.

    Args:
        scale: The scale in force.
        small: The value for `small` and `dry`.
        t4: The value for a Colab GPU.
        full: The value for a modern GPU.

    Example:
        >>> pick(Scale.FULL, small=3, t4=30)
        30
    """
    if scale is Scale.FULL and full is not None:
        return full
    if scale in (Scale.FULL, Scale.T4) and t4 is not None:
        return t4
    return small
