"""Learning curves: a score over the number of labels, with a band over seeds."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.finetuning import LearningCurve
from course_lib.plotting.curves import Curve, Panel, plot_panels
from course_lib.plotting.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW_IN_AXES = 0.075
"""How far apart names stand, as a share of the height of the axes."""


def plot_learning_curves(
    curves: Mapping[str, LearningCurve],
    levels: Mapping[str, float] | None = None,
    *,
    title: str = "What more labels bring",
    score_name: str = "accuracy",
) -> "Figure":
    """Draw the mean score of each recipe with a band of one standard deviation to each side.

    Each curve has its name at its end, joined to it by a line in its colour.

    Args:
        curves: Name → curve.
        levels: Name → score that needs no labels, drawn as a dotted line: the majority share.
        title: Above the figure.
        score_name: Beside it.

    Raises:
        ValueError: If there is no curve, or more than there are kinds of dashes.

    Example:
        >>> from course_lib.finetuning import SeedScores
        >>> point = SeedScores(scores={0: 0.6, 1: 0.8}, mean=0.7, sd=0.141)
        >>> fig = plot_learning_curves({"full": LearningCurve(points={16: point, 32: point})})
        >>> [label.get_text() for label in fig.axes[0].get_xticklabels()]
        ['16', '32']
    """
    if not curves:
        raise ValueError("curves must hold at least one curve; got none.")
    panel = Panel(
        title=title,
        axis_labels=("labelled texts (logarithmic)", score_name),
        curves={
            name: Curve(x=curve.sizes, y=curve.means, sd=curve.sds)
            for name, curve in curves.items()
        },
        levels={} if levels is None else levels,
        log_x=True,
    )
    fig = plot_panels(panel)
    (ax,) = fig.axes
    sizes = sorted({size for curve in curves.values() for size in curve.sizes})
    ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
    ax.set_xticks([], minor=True)
    _name_ends(ax, curves)
    return fig


def _name_ends(ax: "Axes", curves: Mapping[str, LearningCurve]) -> None:
    """Write names beside the ends of curves instead of in a legend, none over another."""
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    low, high = ax.get_ylim()
    low -= _ROW_IN_AXES * (high - low)  # room for the name of a level
    ax.set_ylim(low, high)
    colours = dict(zip(curves, COLOURS, strict=False))
    below = -math.inf
    for name, curve in sorted(curves.items(), key=lambda item: item[1].means[-1]):
        below = max((curve.means[-1] - low) / (high - low), below + _ROW_IN_AXES)
        ax.annotate(
            name,
            (curve.sizes[-1], curve.means[-1]),
            xytext=(1.04, below),
            textcoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "-", "color": colours[name], "shrinkB": 4},
        )
