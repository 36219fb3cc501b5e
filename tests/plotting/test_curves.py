import io

import numpy as np
import pytest

from course_lib.plotting.curves import (
    Curve,
    Panel,
    Regions,
    plot_intervals,
    plot_panels,
    plot_regions,
)

LABELS = ("steps", "loss / nats")


def make_panel(**changes: object) -> Panel:
    fields: dict = {
        "title": "Two runs",
        "axis_labels": LABELS,
        "curves": {
            "SGD": Curve(x=[1, 2, 3], y=[3.0, 2.5, 2.0]),
            "AdamW": Curve(x=[1, 2, 3], y=[3.0, 2.0, 1.5], sd=[0.1, 0.2, 0.3]),
        },
    }
    return Panel(**(fields | changes))


def test_panels_show_the_numbers_they_were_given() -> None:
    fig = plot_panels(make_panel(levels={"floor": 1.2}, log_x=True), make_panel(y_range=(1, 4)))
    left, right = fig.axes
    assert [line.get_label() for line in left.lines[:2]] == ["SGD", "AdamW"]
    np.testing.assert_array_equal(left.lines[1].get_ydata(), [3.0, 2.0, 1.5])
    np.testing.assert_array_equal(left.lines[2].get_ydata(), [1.2, 1.2])
    assert (left.get_xscale(), right.get_xscale()) == ("log", "linear")
    assert right.get_ylim() == (1, 4)
    assert (left.get_xlabel(), left.get_ylabel()) == LABELS


def test_the_band_is_one_standard_deviation_to_each_side() -> None:
    (band,) = plot_panels(make_panel()).axes[0].collections
    vertices = np.asarray(band.get_paths()[0].vertices)
    at_three = vertices[vertices[:, 0] == 3, 1]
    assert (at_three.min(), at_three.max()) == (pytest.approx(1.2), pytest.approx(1.8))


def labels_of(x: list[float]) -> list[str]:
    """Draw a curve over x and read the labels below it, from the first shown to the last."""
    curve = Curve(x=x, y=[1.0] * len(x))
    ax = plot_panels(make_panel(curves={"a": curve}, log_x=True)).axes[0]
    low, high = ax.get_xlim()
    found = [(label.get_position()[0], label.get_text()) for label in ax.get_xticklabels()]
    return [text for place, text in found if low <= place <= high]


def test_a_logarithmic_axis_of_few_decades_has_plain_labels() -> None:
    assert labels_of([13_620, 366_148]) == ["20,000", "50,000", "100,000", "200,000"]
    assert labels_of([0.006, 0.048]) == ["0.01", "0.02", "0.05"]
    assert labels_of([2e6, 5e6])[0] == "2e+06"
    assert labels_of([1, 1e6])[0] == "$\\mathdefault{10^{0}}$"  # as matplotlib writes them


def test_drawing_is_deterministic() -> None:
    pictures = []
    for _ in range(2):
        png = io.BytesIO()
        plot_panels(make_panel()).savefig(png, format="png")
        pictures.append(png.getvalue())
    assert pictures[0] == pictures[1]


def test_a_curve_refuses_lengths_that_differ() -> None:
    with pytest.raises(ValueError, match=r"same length; got 2, 1 and 0"):
        Curve(x=[1, 2], y=[1.0])


def test_panels_refuse_nothing_and_too_much() -> None:
    with pytest.raises(ValueError, match=r"at least one panel; got none"):
        plot_panels()
    curves = {str(i): Curve(x=[0, 1], y=[0.0, i]) for i in range(6)}
    with pytest.raises(ValueError, match=r"at most 5; got 6 in 'Two runs'"):
        plot_panels(make_panel(curves=curves))


def make_regions(scores: np.ndarray) -> Regions:
    return Regions(
        title="XOR",
        axis_labels=("input 1", "input 2"),
        scores=scores,
        corners=(-1.0, 2.0, -2.0, 2.0),
        points=np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]),
        labels=np.array([0, 1, 0]),
    )


def test_the_border_lies_where_the_score_is_zero() -> None:
    x = np.linspace(-1.0, 2.0, 31)
    ax = plot_regions(make_regions(np.tile(x - 0.5, (41, 1)))).axes[0]
    border = next(c for c in ax.collections if np.asarray(c.get_array()).tolist() == [0.0])
    vertices = np.concatenate([np.asarray(path.vertices) for path in border.get_paths()])
    np.testing.assert_allclose(vertices[:, 0], 0.5, atol=1e-9)
    offsets = [c.get_offsets() for c in ax.collections if c.get_label() == "class 0"]
    np.testing.assert_array_equal(offsets[0], [[0.0, 0.0], [1.0, 1.0]])


def test_regions_draw_a_classifier_that_never_changes_its_mind() -> None:
    ax = plot_regions(make_regions(np.ones((5, 7)))).axes[0]
    assert not [c for c in ax.collections if np.asarray(c.get_array()).tolist() == [0.0]]


def test_regions_refuse_nothing() -> None:
    with pytest.raises(ValueError, match=r"at least one panel; got none"):
        plot_regions()


SCORES = {
    "film": {"run 1": (0.5, 0.4, 0.6), "run 2": (0.7, 0.6, 0.8)},
    "news": {"all": (0.9, 0.85, 0.93)},
}


def test_intervals_show_every_score_and_the_baseline() -> None:
    fig = plot_intervals(SCORES, axis_label="share right", baseline=("coin", 0.5))
    (ax,) = fig.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["run 1", "run 2", "all"]
    spans = [list(map(float, line.get_xdata())) for line in ax.lines]
    assert spans == [[0.4, 0.6], [0.5], [0.6, 0.8], [0.7], [0.85, 0.93], [0.9], [0.5, 0.5]]
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == ["film", "news", "coin"]
    assert ax.lines[0].get_color() == ax.lines[2].get_color() != ax.lines[4].get_color()


def test_a_name_of_two_groups_has_one_row() -> None:
    groups = {"film": {"a": (1.0, 0.9, 1.1), "b": (2.0, 1.9, 2.1)}, "news": {"b": (3.0, 2.9, 3.1)}}
    (ax,) = plot_intervals(groups, axis_label="share", baseline=("coin", 0.5)).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    marks = {float(line.get_xdata()[0]): float(line.get_ydata()[0]) for line in ax.lines[1:6:2]}
    assert marks == {1.0: 0.0, 2.0: 0.85, 3.0: 1.15}  # those of b a little above and below it


def test_intervals_refuse_a_score_outside_its_own() -> None:
    with pytest.raises(ValueError, match=r"all must lie in its interval; got 0.9, 0.1 to 0.2"):
        plot_intervals(
            {"news": {"all": (0.9, 0.1, 0.2)}}, axis_label="share right", baseline=("coin", 0.5)
        )


@pytest.mark.parametrize("n_groups", [0, 8])
def test_intervals_refuse_no_group_and_too_many(n_groups: int) -> None:
    groups = {str(k): {"run": (0.5, 0.4, 0.6)} for k in range(n_groups)}
    with pytest.raises(ValueError, match=rf"groups must be 1 to 7; got {n_groups}"):
        plot_intervals(groups, axis_label="share right", baseline=("coin", 0.5))
