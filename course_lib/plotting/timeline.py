"""The history of language models as pictures, from a table of events."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.plotting.style import COLOURS, MARKERS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Event = Mapping[str, str]


def plot_timeline(events: Sequence[Event]) -> "Figure":
    """Draw when things appeared: one row an event, the earliest at the top.

    Args:
        events: Rows with the columns `year`, `month` (may be empty), `name` and `family`; in any
            order. At most 7 families.

    Raises:
        ValueError: If there are no events, or more than 7 families.
    """
    styles = _styles(events)
    ordered = sorted(events, key=_when)
    fig = new_figure(7.6, 0.27 * len(ordered) + 1.4)
    ax = fig.subplots()
    for family, (colour, marker) in styles.items():
        rows = [row for row, event in enumerate(ordered) if event["family"] == family]
        times = [_when(ordered[row]) for row in rows]
        ax.plot(times, rows, marker, color=colour, markersize=8, label=family)
    ax.set_yticks(range(len(ordered)), [f"{event['name']}  {event['year']}" for event in ordered])
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()
    ax.set(xlabel="year of publication", title="From counting words to large language models")
    ax.set_axisbelow(True)
    ax.grid(alpha=0.25)
    ax.legend(
        title="family",
        loc="lower left",
        alignment="left",
        frameon=True,
        framealpha=1,
        edgecolor="w",
    )
    return fig


def plot_parameter_counts(events: Sequence[Event]) -> "Figure":
    """Draw how many parameters the models have that disclose it, on a logarithmic scale.

    Args:
        events: Rows as for `plot_timeline`, with a column `parameters`; rows where it is empty are
            left out. At most 7 families.

    Raises:
        ValueError: If no event discloses its parameters, or there are more than 7 families.
    """
    disclosed = [event for event in events if event["parameters"]]
    if not disclosed:
        raise ValueError("events must hold at least one with parameters; got none.")
    styles = _styles(events)
    fig = new_figure(7.6, 5.2)
    ax = fig.subplots()
    for family, (colour, marker) in styles.items():
        points = [event for event in disclosed if event["family"] == family]
        if points:
            times, sizes = map(_when, points), (float(event["parameters"]) for event in points)
            ax.plot(list(times), list(sizes), marker, color=colour, markersize=8, label=family)
    for number, event in enumerate(sorted(disclosed, key=_when)):
        ax.annotate(
            event["name"],
            (_when(event), float(event["parameters"])),
            xytext=(0, 7 if number % 2 == 0 else -16),  # above and below in turn, where it is dense
            textcoords="offset points",
            horizontalalignment="center",
            fontsize=9,
        )
    ax.set_yscale("log")
    ax.margins(x=0.1, y=0.14)
    ax.set(xlabel="year of publication", ylabel="parameters (logarithmic)")
    ax.set_title("Published sizes of language models")
    ax.grid(alpha=0.3)
    ax.legend(title="family", loc="lower right", alignment="left")
    return fig


def _when(event: Event) -> float:
    """Turn year and month into one number; without a month, the middle of the year."""
    month = event["month"]
    return int(event["year"]) + ((int(month) - 0.5) / 12 if month else 0.5)


def _styles(events: Sequence[Event]) -> dict[str, tuple[str, str]]:
    """Give every family its colour and marker, in order of first appearance."""
    if not events:
        raise ValueError("events must hold at least one row; got none.")
    families = list(dict.fromkeys(event["family"] for event in sorted(events, key=_when)))
    if len(families) > len(COLOURS):
        raise ValueError(f"events must be of at most {len(COLOURS)} families; got {families}.")
    return dict(zip(families, zip(COLOURS, MARKERS, strict=True), strict=False))
