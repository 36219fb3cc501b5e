"""Curves side by side with spread and reference lines, a classifier's regions, intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from course_lib.plotting.style import COLOURS, MARKERS, new_figure, use_course_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_DASHES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
_MARKERS_UP_TO_POINTS = 25
_FEW_DECADES = 2.5
_SHIFT_IN_A_ROW = 0.3


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a panel.

    Attributes:
        x: Where it was measured.
        y: What was measured; as many numbers.
        sd: Standard deviation at each point, drawn as a band; empty for none.
    """

    x: Sequence[float]
    y: Sequence[float]
    sd: Sequence[float] = ()

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or (self.sd and len(self.sd) != len(self.y)):
            raise ValueError(
                "x, y and sd must have the same length; "
                f"got {len(self.x)}, {len(self.y)} and {len(self.sd)}."
            )


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes with its curves.

    Attributes:
        title: What the panel says.
        axis_labels: Below and beside it, with their units.
        curves: Name → curve.
        levels: Name → height of a dotted horizontal line: a floor, a baseline.
        log_x: Whether equal steps to the right are equal factors.
        log_y: The same, upwards.
        y_range: Lowest and highest value shown; None to show all.
    """

    title: str
    axis_labels: tuple[str, str]
    curves: Mapping[str, Curve]
    levels: Mapping[str, float] = field(default_factory=dict)
    log_x: bool = False
    log_y: bool = False
    y_range: tuple[float, float] | None = None


def plot_panels(*panels: Panel, height_inches: float = 4.2) -> "Figure":
    """Draw one or several panels of curves, side by side.

    Args:
        panels: From left to right.
        height_inches: Height of the figure.

    Raises:
        ValueError: If there is no panel, or one has more curves than there are dashes.

    Example:
        >>> curve = Curve(x=[1, 2, 3], y=[3.0, 2.0, 1.5])
        >>> labels = ("steps", "loss / nats")
        >>> fig = plot_panels(Panel(title="Falling", axis_labels=labels, curves={"dev": curve}))
        >>> fig.axes[0].get_xlabel()
        'steps'
    """
    if not panels:
        raise ValueError("panels must hold at least one panel; got none.")
    use_course_style()
    fig = new_figure(6.5 if len(panels) == 1 else 5.2 * len(panels), height_inches)
    for place, panel in enumerate(panels):
        _draw_panel(fig.add_subplot(1, len(panels), place + 1), panel)
    return fig


def _draw_panel(ax: "Axes", panel: Panel) -> None:
    if len(panel.curves) > len(_DASHES):
        raise ValueError(
            f"curves must be at most {len(_DASHES)}; got {len(panel.curves)} in {panel.title!r}."
        )
    for place, (name, curve) in enumerate(panel.curves.items()):
        x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
        marker = MARKERS[place] if len(x) <= _MARKERS_UP_TO_POINTS else ""
        ax.plot(
            x, y, label=name, color=COLOURS[place], ls=_DASHES[place], marker=marker, markersize=5
        )
        if curve.sd:
            sd = np.asarray(curve.sd, dtype=float)
            ax.fill_between(x, y - sd, y + sd, color=COLOURS[place], alpha=0.18, linewidth=0)
    for name, height in panel.levels.items():
        ax.axhline(height, color="#555555", ls=":", lw=1.6)
        ax.annotate(
            name,
            (0.99, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9.5,
            color="#333333",
        )
    ax.set_xscale("log" if panel.log_x else "linear")
    ax.set_yscale("log" if panel.log_y else "linear")
    _label_plainly(ax.xaxis)
    _label_plainly(ax.yaxis)
    if not panel.log_x:
        whole = all(float(x).is_integer() for curve in panel.curves.values() for x in curve.x)
        ax.locator_params(axis="x", integer=whole)
    ax.set_ylim(panel.y_range)
    ax.set_title(panel.title)
    ax.set_xlabel(panel.axis_labels[0])
    ax.set_ylabel(panel.axis_labels[1])
    if len(panel.curves) > 1:
        ax.legend()


def _label_plainly(axis: "Axis") -> None:
    """Write 1, 2 and 5 times powers of ten where a logarithmic axis spans few of them.

    matplotlib would write many labels there, as products, and one into the other.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and math.log10(high / low) < _FEW_DECADES:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(lambda x, _: f"{x:,.0f}" if 1 <= x < 1e6 else f"{x:g}")
        axis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True, kw_only=True)
class Regions:
    """What a classifier says all over a plane, and the points it was asked about.

    Attributes:
        title: What the panel says.
        axis_labels: Below and beside it.
        scores: Score of class 1 minus that of class 0, on a grid: rows upwards, columns to the
            right.
        corners: Left, right, bottom and top of the grid.
        points: Where the examples lie.
        labels: Their right classes, 0 or 1.
    """

    title: str
    axis_labels: tuple[str, str]
    scores: Float[np.ndarray, "R C"]
    corners: tuple[float, float, float, float]
    points: Float[np.ndarray, "N 2"]
    labels: Int[np.ndarray, " N"]


def plot_regions(*panels: Regions, height_inches: float = 3.9) -> "Figure":
    """Draw where a classifier says 0 and where it says 1; the border is a black line.

    Args:
        panels: From left to right.
        height_inches: Height of the figure.

    Raises:
        ValueError: If there is no panel.
    """
    if not panels:
        raise ValueError("panels must hold at least one panel; got none.")
    use_course_style()
    fig = new_figure(1.0 * height_inches * len(panels), height_inches)
    for place, panel in enumerate(panels):
        _draw_regions(fig.add_subplot(1, len(panels), place + 1), panel)
    handles, names = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=2)
    return fig


def _draw_regions(ax: "Axes", panel: Regions) -> None:
    left, right, bottom, top = panel.corners
    n_rows, n_columns = panel.scores.shape
    x, y = np.linspace(left, right, n_columns), np.linspace(bottom, top, n_rows)
    ax.contourf(x, y, panel.scores, levels=[-np.inf, 0, np.inf], colors=["#F7D9C4", "#CFE4F3"])
    if panel.scores.min() < 0 < panel.scores.max():
        ax.contour(x, y, panel.scores, levels=[0], colors="black", linewidths=1.4)
    for label, (colour, marker) in enumerate(((COLOURS[1], "s"), (COLOURS[0], "o"))):
        chosen = panel.points[panel.labels == label]
        ax.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=110,
            c=colour,
            marker=marker,
            edgecolors="white",
            label=f"class {label}",
            zorder=3,
        )
    ax.set_title(panel.title)
    ax.set_xlabel(panel.axis_labels[0])
    ax.set_ylabel(panel.axis_labels[1])
    ax.set_aspect("equal")
    ax.locator_params(nbins=5)


def plot_intervals(
    groups: Mapping[str, Mapping[str, tuple[float, float, float]]],
    *,
    axis_label: str,
    baseline: tuple[str, float],
) -> "Figure":
    """Draw scores with their intervals, one below the other, against a baseline.

    Args:
        groups: Group → name → (score, low end, high end); each group has its colour and marker. A
            name of several groups has one row, in which they stand close to each other.
        axis_label: What the scores are, with their unit.
        baseline: Name and score of what needs no model.

    Raises:
        ValueError: If there is no group or too many, or a score lies outside its interval.
    """
    if not 1 <= len(groups) <= len(MARKERS):
        raise ValueError(f"groups must be 1 to {len(MARKERS)}; got {len(groups)}.")
    use_course_style()
    names = list(dict.fromkeys(name for scores in groups.values() for name in scores))
    fig = new_figure(7.5, 1.4 + 0.34 * sum(map(len, groups.values())))
    ax = fig.add_subplot()
    for place, (group, scores) in enumerate(groups.items()):
        for name, (score, low, high) in scores.items():
            sharing = [other for other in groups if name in groups[other]]
            shift = sharing.index(group) - (len(sharing) - 1) / 2
            row = names.index(name) + _SHIFT_IN_A_ROW * shift
            if not low <= score <= high:
                raise ValueError(f"{name} must lie in its interval; got {score}, {low} to {high}.")
            ax.plot([low, high], [row, row], color=COLOURS[place], lw=2.5)
            label = group if name == next(iter(scores)) else None
            ax.plot(score, row, MARKERS[place], color=COLOURS[place], markersize=8, label=label)
    ax.axvline(baseline[1], color="#555555", ls=":", lw=1.6, label=baseline[0])
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel(axis_label)
    fig.legend(loc="outside upper center", ncols=len(groups) + 1)
    return fig
