"""Accuracy over the number of examples in a prompt."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.generation import ShotScore
from course_lib.plotting.style import COLOURS, MARKERS, new_figure, use_course_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES = ("-", "--", "-.")
_SHIFT = 0.12
_NO_MODEL = "no model"


def plot_shots(
    panels: Mapping[str, Sequence[ShotScore]],
    baselines: Mapping[str, float],
    *,
    height_inches: float = 3.8,
) -> "Figure":
    """Draw a line a condition with 95 % intervals, and what needs no model as a dotted line.

    The numbers of examples stand equally far apart.

    Args:
        panels: Title → scores, from left to right.
        baselines: Title → accuracy that needs no model, such as the majority share.
        height_inches: Height of the figure.

    Raises:
        ValueError: If there is no panel, one has no score, or titles and baselines differ.

    Example:
        >>> scores = [ShotScore("true labels", n, n + 5, 10) for n in (0, 1, 4)]
        >>> fig = plot_shots({"mood": scores}, {"mood": 0.5})
        >>> [label.get_text() for label in fig.axes[0].get_xticklabels()]
        ['0', '1', '4']
    """
    if not panels or not all(panels.values()):
        raise ValueError("panels must hold at least one panel, each with at least one score.")
    if set(baselines) != set(panels):
        raise ValueError(
            f"baselines must be those of {sorted(panels)}; got those of {sorted(baselines)}."
        )
    use_course_style()
    fig = new_figure(1.2 + 3.8 * len(panels), height_inches)
    first = None
    for place, (title, scores) in enumerate(panels.items()):
        first = ax = fig.add_subplot(1, len(panels), place + 1, sharey=first)
        _draw_panel(ax, scores, baselines[title])
        ax.set_title(title)
    fig.axes[0].set_ylabel("accuracy")
    handles = {
        name: handle
        for ax in fig.axes
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    handles[_NO_MODEL] = handles.pop(_NO_MODEL)  # last
    fig.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return fig


def _draw_panel(ax: "Axes", scores: Sequence[ShotScore], baseline: float) -> None:
    numbers = sorted({score.n_shots for score in scores})
    conditions = list(dict.fromkeys(score.condition for score in scores))
    for place, condition in enumerate(conditions):
        own = [score for score in scores if score.condition == condition]
        x = [numbers.index(one.n_shots) + _SHIFT * (place - 1) for one in own]
        below = [one.accuracy - one.interval.low for one in own]
        above = [one.interval.high - one.accuracy for one in own]
        ax.errorbar(
            x,
            [one.accuracy for one in own],
            yerr=[below, above],
            label=condition,
            color=COLOURS[place],
            ls=_DASHES[place],
            marker=MARKERS[place],
            markersize=6,
            elinewidth=1.2,
            capsize=3,
        )
    ax.axhline(baseline, color="#555555", ls=":", lw=1.6, label=_NO_MODEL)
    ax.set_xticks(range(len(numbers)), [str(number) for number in numbers])
    ax.set_ylim(-0.04, 1.04)
    ax.set_xlabel("examples in the prompt")
