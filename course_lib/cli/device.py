"""The device that a command line names."""

import torch

from course_lib.errors import CourseError
from course_lib.scale import choose_device


def device_named(name: str | None) -> torch.device:
    """Find a device, and make sure that it can be used.

    Args:
        name: As torch calls it; None for the best there is.

    Raises:
        CourseError: If torch knows no such device, or this machine has none.
    """
    try:
        device = choose_device() if name is None else torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, ValueError) as error:
        raise CourseError(f"--device must be one that works here; {name}: {error}") from error
    return device
