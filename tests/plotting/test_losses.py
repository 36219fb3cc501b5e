import numpy as np
import pytest

from course_lib.plotting import COLOURS, plot_losses

CURVES = {
    "train": ([0, 10, 20], [3.0, 2.0, 1.7]),
    "dev": ([0, 20], [3.1, 1.9]),
}


def test_each_curve_shows_the_numbers_it_was_given() -> None:
    (ax,) = plot_losses(CURVES).axes
    assert [line.get_label() for line in ax.lines] == ["train", "dev"]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [0, 10, 20])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [3.0, 2.0, 1.7])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [3.1, 1.9])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("optimiser steps", "loss / nats per token")
    assert ax.get_title(loc="left") == "Loss while training"
    assert ax.get_xscale() == "linear"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train", "dev"]


def test_curves_differ_in_colour_and_in_dashes() -> None:
    train, dev = plot_losses(CURVES).axes[0].lines
    assert (train.get_color(), dev.get_color()) == COLOURS[:2]
    assert train.get_linestyle() != dev.get_linestyle()


def test_the_floor_lies_below_and_says_how_low() -> None:
    (ax,) = plot_losses(CURVES, 1.234, title="To the floor", log_x=True).axes
    *_, floor = ax.lines
    np.testing.assert_array_equal(floor.get_ydata(), [1.234, 1.234])
    assert floor.get_linestyle() == ":"
    assert ax.get_ylim() == pytest.approx((1.234 - 0.12 * 1.866, 3.1 + 0.05 * 1.866))
    assert [text.get_text() for text in ax.texts] == ["entropy floor, 1.23 nats"]
    assert ax.get_title(loc="left") == "To the floor"
    assert ax.get_xscale() == "log"


def test_a_floor_of_zero_is_drawn() -> None:
    ax = plot_losses(CURVES, 0.0).axes[0]
    np.testing.assert_array_equal(ax.lines[-1].get_ydata(), [0.0, 0.0])


def test_refuses_nothing_and_lengths_that_differ() -> None:
    with pytest.raises(ValueError, match="at least one curve; got none"):
        plot_losses({})
    with pytest.raises(ValueError, match=r"same length; got 2, 1"):
        plot_losses({"train": ([0, 1], [3.0])})


def test_the_name_of_the_floor_stays_inside() -> None:
    fig = plot_losses(CURVES, 1.234)
    fig.draw_without_rendering()
    (ax,) = fig.axes
    assert ax.texts[0].get_window_extent().y0 > ax.bbox.y0
