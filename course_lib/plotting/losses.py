"""Loss curves, and how far they stay above the lowest loss that any model can reach."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.plotting.curves import Curve, Panel, plot_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_losses(
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]],
    floor: float | None = None,
    *,
    title: str = "Loss while training",
    log_x: bool = False,
) -> "Figure":
    """Draw losses over optimiser steps, with the entropy floor as a dotted line below them.

    Args:
        curves: Name → (optimiser steps, losses in nats per token); each curve has its own
            colour and dashes.
        floor: Loss of the source itself, in nats per token, where it is known.
        title: Above the figure.
        log_x: Whether equal distances to the right are equal factors of steps.

    Raises:
        ValueError: If there is no curve, a curve has not as many steps as losses, or there are
            more curves than kinds of dashes.

    Example:
        >>> fig = plot_losses({"train": ([0, 100], [6.9, 2.1]), "dev": ([0, 100], [6.9, 2.4])}, 1.8)
        >>> [line.get_label() for line in fig.axes[0].lines][:2]
        ['train', 'dev']
    """
    if not curves:
        raise ValueError("curves must hold at least one curve; got none.")
    levels, y_range = {}, None
    if floor is not None:
        heights = [floor, *(loss for _, nats in curves.values() for loss in nats)]
        span = max(heights) - min(heights)
        levels = {f"entropy floor, {floor:.2f} nats": floor}
        y_range = (min(heights) - 0.12 * span, max(heights) + 0.05 * span)  # room for the label
    panel = Panel(
        title=title,
        axis_labels=("optimiser steps", "loss / nats per token"),
        curves={name: Curve(x=steps, y=nats) for name, (steps, nats) in curves.items()},
        levels=levels,
        log_x=log_x,
        y_range=y_range,
    )
    return plot_panels(panel)
