"""Pictures of word vectors: flat maps, tables as colours, and scores with their intervals.

Letters: N = number of words, D = length of a vector, R = rows, C = columns.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from course_lib.plotting.style import COLOURS, MARKERS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ANNOTATE_UP_TO = 150  # cells; beyond that the numbers are too small to read
_LABEL_SIZE = 9.0
# Where a label may stand, from its point, in points: first right, left, above, below, then further.
_LABEL_OFFSETS = [
    (sign_x * reach, sign_y * reach)
    for reach in (5, 10, 16, 24)
    for sign_x, sign_y in ((1, 0), (-1, 0), (0, 2), (0, -2), (1, 1), (1, -1), (-1, 1), (-1, -1))
]


def project_pca(
    matrix: Float[np.ndarray, "N D"],
) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, "2"]]:
    """Flatten vectors onto the two directions along which they vary most.

    Args:
        matrix: One vector a row, at least three rows.

    Returns:
        The points, and the share of the total variance that each of the two directions keeps.

    Raises:
        ValueError: If there are fewer than three vectors, or they have fewer than two numbers.
    """
    from sklearn.decomposition import PCA

    if matrix.shape[0] < 3 or matrix.shape[1] < 2:
        raise ValueError(f"matrix must be at least 3 × 2; got shape {matrix.shape}.")
    pca = PCA(n_components=2, svd_solver="full")
    points = pca.fit_transform(matrix)
    return points, pca.explained_variance_ratio_


def project_tsne(
    matrix: Float[np.ndarray, "N D"], *, perplexity: float = 10.0, seed: int
) -> Float[np.ndarray, "N 2"]:
    """Lay vectors out on a plane so that neighbours stay neighbours; distances are not kept.

    Args:
        matrix: One vector a row; they are compared by cosine distance.
        perplexity: About how many neighbours each point tries to keep (below N).
        seed: Of the random starting layout; another seed gives another map.

    Raises:
        ValueError: If `perplexity` is not below the number of vectors.

    Reference:
        van der Maaten and Hinton 2008, "Visualizing Data using t-SNE",
        https://www.jmlr.org/papers/v9/vandermaaten08a.html
    """
    from sklearn.manifold import TSNE

    if not 0 < perplexity < len(matrix):
        raise ValueError(
            f"perplexity must be between 0 and the number of vectors, {len(matrix)}; "
            f"got perplexity={perplexity}."
        )
    tsne = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed)
    return tsne.fit_transform(matrix)


def plot_word_map(
    points: Float[np.ndarray, "N 2"],
    words: Sequence[str],
    groups: Sequence[str],
    *,
    title: str,
    axis_labels: tuple[str, str],
) -> "Figure":
    """Draw words as labelled points; each group has its own colour and marker.

    Args:
        points: Where each word lies.
        words: The labels.
        groups: The group each word belongs to (at most 7 different ones).
        title: Above the map.
        axis_labels: Below and beside it.

    Raises:
        ValueError: If the lengths differ, or there are more than 7 groups.
    """
    if len(words) != len(points):
        raise ValueError(
            f"words and points must be equally many; got {len(words)} and {len(points)}."
        )
    fig = new_figure(8.0, 5.4)
    ax = fig.subplots()
    _scatter(ax, points, groups)
    ax.set(title=title, xlabel=axis_labels[0], ylabel=axis_labels[1])
    fig.legend(loc="outside right upper")
    fig.draw_without_rendering()  # fixes where the points lie, so that words can avoid them
    _write_words(ax, points, words)
    return fig


def plot_point_maps(
    maps: Mapping[str, Float[np.ndarray, "N 2"]], groups: Sequence[str]
) -> "Figure":
    """Draw several maps of the same points side by side, without axes, to compare their shapes.

    Args:
        maps: Title → points.
        groups: The group each point belongs to (at most 7 different ones).

    Raises:
        ValueError: If the lengths differ, or there are more than 7 groups.
    """
    fig = new_figure(3.2 * len(maps), 3.6)
    axes = fig.subplots(1, len(maps), squeeze=False)[0]
    for ax, (title, points) in zip(axes, maps.items(), strict=True):
        _scatter(ax, points, groups)
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(True)
    handles, labels = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return fig


def _scatter(ax: "Axes", points: Float[np.ndarray, "N 2"], groups: Sequence[str]) -> None:
    names = list(dict.fromkeys(groups))
    if len(points) != len(groups):
        raise ValueError(
            f"points and groups must be equally many; got {len(points)} and {len(groups)}."
        )
    if len(names) > len(COLOURS):
        raise ValueError(f"groups must have at most {len(COLOURS)} names; got {len(names)}.")
    for name, colour, marker in zip(names, COLOURS, MARKERS, strict=False):
        chosen = points[[group == name for group in groups]]
        ax.scatter(chosen[:, 0], chosen[:, 1], s=30, color=colour, marker=marker, label=name)
    ax.margins(0.14)


def _write_words(ax: "Axes", points: Float[np.ndarray, "N 2"], words: Sequence[str]) -> None:
    """Write each word near its point, where it covers as little as possible of what is there."""
    places = ax.transData.transform(points) * 72 / ax.figure.dpi  # in points, 1/72 inch
    taken = [np.array([x - 3, y - 3, x + 3, y + 3]) for x, y in places]
    for (x, y), (left, bottom), word in zip(points, places, words, strict=True):
        width, height = 0.58 * _LABEL_SIZE * len(word), 1.2 * _LABEL_SIZE
        choices = [
            (dx - width * (dx < 0) - width / 2 * (dx == 0), dy - height / 2)
            for dx, dy in _LABEL_OFFSETS
        ]
        boxes = [
            np.array([left + dx, bottom + dy, left + dx + width, bottom + dy + height])
            for dx, dy in choices
        ]
        best = int(np.argmin([sum(_overlap(box, other) for other in taken) for box in boxes]))
        taken.append(boxes[best])
        ax.annotate(
            word,
            (x, y),
            choices[best],
            textcoords="offset points",
            fontsize=_LABEL_SIZE,
            verticalalignment="bottom",
        )


def _overlap(a: Float[np.ndarray, "4"], b: Float[np.ndarray, "4"]) -> float:
    """Area that two boxes (left, bottom, right, top) share."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    return float(max(width, 0.0) * max(height, 0.0))


def plot_heatmap(
    table: Float[np.ndarray, "R C"],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    title: str,
    unit: str,
    number_format: str = ".2f",
) -> "Figure":
    """Draw a table as colours, with the numbers written in while there is room for them.

    Args:
        table: The numbers.
        row_labels: One for each row.
        column_labels: One for each column.
        title: Above the table.
        unit: What the colours mean, beside the colour bar.
        number_format: How a number is written, as in an f-string.

    Raises:
        ValueError: If the labels do not fit the table.
    """
    if table.shape != (len(row_labels), len(column_labels)):
        raise ValueError(
            f"table must have shape {(len(row_labels), len(column_labels))}, one row and column "
            f"for each label; got {table.shape}."
        )
    is_written = table.size <= _ANNOTATE_UP_TO
    cell_width, cell_height = (0.55, 0.42) if is_written else (0.34, 0.3)
    fig = new_figure(2.4 + cell_width * len(column_labels), 1.6 + cell_height * len(row_labels))
    ax = fig.subplots()
    image = ax.imshow(table, aspect="auto")
    ax.set_xticks(range(len(column_labels)), column_labels, rotation=45, ha="right")
    ax.set_yticks(range(len(row_labels)), row_labels)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    fig.colorbar(image, ax=ax, label=unit)
    if is_written:
        middle = (table.min() + table.max()) / 2
        for (row, column), value in np.ndenumerate(table):
            colour = "white" if value < middle else "black"
            text = format(value, number_format)
            ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    return fig


def plot_scores(
    groups: Mapping[str, Mapping[str, tuple[float, float, float]]], *, title: str, unit: str
) -> "Figure":
    """Draw scores as points with the bar of their interval, one panel a task.

    Args:
        groups: Task → name → (score, low end, high end of its interval); the same names for all.
        title: Above the figure.
        unit: What a score means, below it.

    Raises:
        ValueError: If the names differ between tasks, or a score lies outside its interval.
    """
    names = list(next(iter(groups.values())))
    fig = new_figure(1.9 + 2.8 * len(groups), 1.5 + 0.36 * len(names))
    axes = fig.subplots(1, len(groups), squeeze=False, sharex=True, sharey=True)[0]
    for ax, (task, scores) in zip(axes, groups.items(), strict=True):
        if list(scores) != names:
            raise ValueError(f"{task} must have the names {names}; got {list(scores)}.")
        for row, (name, (score, low, high)) in enumerate(scores.items()):
            if not low <= score <= high:
                raise ValueError(f"{name}'s score must lie in [{low}, {high}]; got {score}.")
            colour = COLOURS[row % len(COLOURS)]
            ax.plot([low, high], [row, row], color=colour)
            ax.plot([score], [row], MARKERS[row % len(MARKERS)], color=colour)
        ax.axvline(0, color="0.8", linewidth=1, zorder=0)
        ax.set_title(task)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    fig.supxlabel(unit, fontsize=11)
    fig.suptitle(title, x=0.01, ha="left")
    return fig


def plot_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str,
    axis_labels: tuple[str, str],
    log_x: bool = False,
) -> "Figure":
    """Draw curves with a legend.

    Args:
        lines: Name → (x values, y values). Each has its own colour and dashes.
        title: Above the figure.
        axis_labels: Below and beside it, with their units.
        log_x: Whether equal steps to the right multiply x by equal factors.
    """
    fig = new_figure(6.4, 3.6)
    ax = fig.subplots()
    for (name, (x, y)), style in zip(lines.items(), cycle(("-", "--", "-.", ":"))):
        ax.plot(x, y, style, label=name)
    ax.set(title=title, xlabel=axis_labels[0], ylabel=axis_labels[1])
    if log_x:
        ax.set_xscale("log")
    if len(lines) > 1:
        ax.legend()
    return fig
