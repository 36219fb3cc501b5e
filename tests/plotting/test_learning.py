from itertools import pairwise

import numpy as np
import pytest

from course_lib.finetuning import LearningCurve, SeedScores
from course_lib.plotting import COLOURS, plot_learning_curves


def curve_of(*means: float, sd: float = 0.1) -> LearningCurve:
    sizes = (16, 32, 100)[: len(means)]
    points = {
        n: SeedScores(scores={0: m}, mean=m, sd=sd) for n, m in zip(sizes, means, strict=True)
    }
    return LearningCurve(points=points)


CURVES = {"full": curve_of(0.6, 0.7, 0.9), "LoRA": curve_of(0.5, 0.7, 0.89), "fresh": curve_of(0.5)}


def test_curves_show_means_with_bands_over_seeds() -> None:
    (ax,) = plot_learning_curves(CURVES, {"majority share": 0.4}, score_name="macro-F1").axes
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [16, 32, 100])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.6, 0.7, 0.9])
    np.testing.assert_array_equal(ax.lines[3].get_ydata(), [0.4, 0.4])
    vertices = np.asarray(ax.collections[0].get_paths()[0].vertices)
    at_all = vertices[vertices[:, 0] == 100, 1]
    assert (at_all.min(), at_all.max()) == (pytest.approx(0.8), pytest.approx(1.0))
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["16", "32", "100"]
    assert ax.get_ylabel() == "macro-F1"


def test_each_curve_has_its_name_at_its_end_and_there_is_no_legend() -> None:
    (ax,) = plot_learning_curves(CURVES).axes
    assert ax.get_legend() is None
    names = {text.get_text(): text for text in ax.texts}
    assert set(names) == set(CURVES)
    for place, (name, curve) in enumerate(CURVES.items()):
        assert names[name].xy == (curve.sizes[-1], curve.means[-1])
        line = names[name].arrow_patch
        assert line.get_edgecolor()[:3] == pytest.approx(
            [int(COLOURS[place][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        )
    heights = sorted(text.xyann[1] for text in ax.texts)
    assert all(b - a >= 0.075 - 1e-9 for a, b in pairwise(heights))
    assert heights[2] == pytest.approx(heights[1] + 0.075)  # of two that end close to each other
    low, high = ax.get_ylim()
    assert heights[:2] == pytest.approx([(mean - low) / (high - low) for mean in (0.5, 0.89)])


def test_no_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one curve; got none"):
        plot_learning_curves({})
