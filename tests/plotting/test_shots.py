import numpy as np
import pytest

from course_lib.generation import ShotScore
from course_lib.plotting import COLOURS, plot_shots

TRUE = [ShotScore("true labels", n, n_right, 10) for n, n_right in ((0, 5), (2, 8), (8, 10))]
SHUFFLED = [ShotScore("shuffled labels", n, 4, 10) for n in (2, 8)]
PANELS = {"mood": [*TRUE, *SHUFFLED], "verb": TRUE}
BASELINES = {"mood": 0.5, "verb": 0.6}


def test_each_line_shows_the_numbers_it_was_given() -> None:
    mood, verb = plot_shots(PANELS, BASELINES).axes
    true, shuffled = (container.lines[0] for container in mood.containers)
    np.testing.assert_allclose(np.asarray(true.get_ydata(), float), [0.5, 0.8, 1.0])
    np.testing.assert_allclose(np.asarray(shuffled.get_ydata(), float), [0.4, 0.4])
    np.testing.assert_allclose(np.round(np.asarray(true.get_xdata(), float)), [0, 1, 2])
    np.testing.assert_allclose(np.round(np.asarray(shuffled.get_xdata(), float)), [1, 2])
    assert [label.get_text() for label in mood.get_xticklabels()] == ["0", "2", "8"]
    assert len(verb.containers) == 1
    assert (mood.get_title(loc="left"), verb.get_title(loc="left")) == ("mood", "verb")
    assert (mood.get_ylabel(), mood.get_xlabel()) == ("accuracy", "examples in the prompt")


def test_intervals_are_those_of_the_scores() -> None:
    (ax,) = plot_shots({"verb": TRUE}, {"verb": 0.6}).axes
    bars = ax.containers[0].lines[2][0].get_segments()
    for bar, score in zip(bars, TRUE, strict=True):
        np.testing.assert_allclose([point[1] for point in bar], score.interval)


def test_lines_differ_in_colour_dashes_and_place() -> None:
    ax = plot_shots(PANELS, BASELINES).axes[0]
    true, shuffled = (container.lines[0] for container in ax.containers)
    assert (true.get_color(), shuffled.get_color()) == COLOURS[:2]
    assert true.get_linestyle() != shuffled.get_linestyle()
    assert np.asarray(true.get_xdata())[1] != np.asarray(shuffled.get_xdata())[0]


def test_the_baselines_and_one_legend() -> None:
    fig = plot_shots(PANELS, BASELINES)
    heights = [np.asarray(ax.lines[-1].get_ydata())[0] for ax in fig.axes]
    assert heights == [0.5, 0.6]
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "true labels",
        "shuffled labels",
        "no model",
    ]


def test_refuses_nothing_and_titles_that_differ() -> None:
    with pytest.raises(ValueError, match="at least one panel, each with at least one score"):
        plot_shots({}, {})
    with pytest.raises(ValueError, match="each with at least one score"):
        plot_shots({"mood": []}, {"mood": 0.5})
    with pytest.raises(ValueError, match=r"those of \['mood'\]; got those of \[\]"):
        plot_shots({"mood": TRUE}, {})
