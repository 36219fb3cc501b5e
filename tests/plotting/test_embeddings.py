import numpy as np
import pytest
from matplotlib.collections import PathCollection

from course_lib.plotting import (
    plot_heatmap,
    plot_lines,
    plot_point_maps,
    plot_scores,
    plot_word_map,
    project_pca,
    project_tsne,
)

RNG = np.random.default_rng(0)


def texts_of(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_project_pca_by_hand() -> None:
    # Spread 2 along the first axis, 1 along the second, 0 along the third: variances 4 : 1.
    matrix = np.array([[2.0, 0, 5], [-2.0, 0, 5], [0, 1.0, 5], [0, -1.0, 5]])
    points, shares = project_pca(matrix)
    np.testing.assert_allclose(shares, [0.8, 0.2], atol=1e-12)
    np.testing.assert_allclose(np.abs(points[0]), [2.0, 0.0], atol=1e-12)


def test_project_pca_agrees_with_the_singular_values() -> None:
    matrix = RNG.normal(size=(11, 5))
    points, shares = project_pca(matrix)
    singular = np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(shares, (singular**2 / (singular**2).sum())[:2])
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), singular[:2])


def test_project_tsne_keeps_clusters_and_repeats_with_its_seed() -> None:
    directions = np.repeat(np.eye(3, 7), 10, axis=0)
    matrix = directions + 0.05 * RNG.normal(size=(30, 7))
    points = project_tsne(matrix, perplexity=5.0, seed=1)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert (distances.argmin(axis=1) // 10).tolist() == [row // 10 for row in range(30)]
    np.testing.assert_array_equal(points, project_tsne(matrix, perplexity=5.0, seed=1))
    assert not np.allclose(points, project_tsne(matrix, perplexity=5.0, seed=2))


def test_projections_refuse_too_few_points() -> None:
    with pytest.raises(ValueError, match=r"at least 3 × 2; got shape \(2, 4\)"):
        project_pca(np.ones((2, 4)))
    with pytest.raises(ValueError, match="between 0 and the number of vectors, 5"):
        project_tsne(np.ones((5, 4)), perplexity=5.0, seed=0)


def test_plot_word_map_puts_each_word_where_it_belongs() -> None:
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    fig = plot_word_map(
        points,
        ["cat", "dog", "oak"],
        ["animal", "animal", "tree"],
        title="T",
        axis_labels=("x", "y"),
    )
    ax = fig.axes[0]
    assert [(text.get_text(), text.xy) for text in ax.texts] == [
        ("cat", (0.0, 1.0)),
        ("dog", (2.0, 3.0)),
        ("oak", (4.0, 5.0)),
    ]
    drawn = [c for c in ax.collections if isinstance(c, PathCollection)]
    assert [c.get_label() for c in drawn] == ["animal", "tree"]
    np.testing.assert_array_equal(drawn[0].get_offsets(), points[:2])
    assert (ax.get_title(loc="left") or ax.get_title(), ax.get_xlabel()) == ("T", "x")


def test_plot_word_map_keeps_labels_apart() -> None:
    words = ["one", "two", "three", "four", "five"]
    points = np.array([[0.0, 0.0], [0.001, 0.0], [0.0, 0.001], [0.001, 0.001], [1.0, 1.0]])
    fig = plot_word_map(points, words, ["g"] * 5, title="", axis_labels=("x", "y"))
    fig.draw_without_rendering()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    crossing = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert len(boxes) == 5
    assert crossing == []


def test_plot_word_map_refuses_what_does_not_fit() -> None:
    labels = {"title": "", "axis_labels": ("", "")}
    with pytest.raises(ValueError, match="words and points must be equally many; got 1 and 2"):
        plot_word_map(np.ones((2, 2)), ["a"], ["g", "g"], **labels)
    with pytest.raises(ValueError, match="points and groups must be equally many; got 2 and 1"):
        plot_word_map(np.ones((2, 2)), ["a", "b"], ["g"], **labels)
    words = [str(i) for i in range(8)]
    with pytest.raises(ValueError, match="at most 7 names; got 8"):
        plot_word_map(np.ones((8, 2)), words, words, **labels)


def test_plot_point_maps_draws_one_panel_a_map() -> None:
    maps = {"first": np.zeros((2, 2)), "second": np.ones((2, 2))}
    fig = plot_point_maps(maps, ["g", "h"])
    offsets = [np.concatenate([c.get_offsets() for c in ax.collections]) for ax in fig.axes]
    np.testing.assert_array_equal(offsets, list(maps.values()))
    assert [text.get_text() for text in fig.legends[0].texts] == ["g", "h"]


def test_plot_heatmap_writes_the_numbers_while_there_is_room() -> None:
    table = np.array([[1.0, 2.5, 3.0], [4.0, 5.0, 6.0]])
    fig = plot_heatmap(table, ["r", "s"], ["a", "b", "c"], title="T", unit="counts")
    assert texts_of(fig.axes[0]) == ["1.00", "2.50", "3.00", "4.00", "5.00", "6.00"]
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), table)
    assert fig.axes[1].get_ylabel() == "counts"
    names = [str(i) for i in range(13)]
    assert texts_of(plot_heatmap(np.ones((13, 13)), names, names, title="", unit="").axes[0]) == []


def test_plot_heatmap_refuses_wrong_labels() -> None:
    with pytest.raises(ValueError, match=r"must have shape \(1, 2\).*got \(2, 1\)"):
        plot_heatmap(np.ones((2, 1)), ["r"], ["a", "b"], title="", unit="")


def test_plot_scores_draws_score_and_interval() -> None:
    fig = plot_scores(
        {"WS": {"ours": (0.5, 0.4, 0.6), "random": (0.0, -0.1, 0.1)}}, title="T", unit="ρ"
    )
    bar, point = fig.axes[0].lines[:2]
    assert list(bar.get_xdata()) == [0.4, 0.6]
    assert list(point.get_xdata()) == [0.5]
    assert [label.get_text() for label in fig.axes[0].get_yticklabels()] == ["ours", "random"]
    with pytest.raises(ValueError, match=r"ours's score must lie in \[0.1, 0.2\]; got 0.5"):
        plot_scores({"WS": {"ours": (0.5, 0.1, 0.2)}}, title="", unit="")
    with pytest.raises(ValueError, match=r"SL must have the names \['a'\]; got \['b'\]"):
        plot_scores({"WS": {"a": (0, 0, 0)}, "SL": {"b": (0, 0, 0)}}, title="", unit="")


def test_plot_lines_draws_every_line() -> None:
    lines = {str(k): ([0, 1], [k, k]) for k in range(5)}
    ax = plot_lines(lines, title="T", axis_labels=("x", "y")).axes[0]
    assert [list(line.get_ydata()) for line in ax.lines] == [[k, k] for k in range(5)]
    legend = ax.get_legend()
    assert legend is not None
    assert len(legend.texts) == 5
    assert ax.get_xscale() == "linear"


def test_plot_lines_with_one_line_needs_no_legend_and_can_be_logarithmic() -> None:
    ax = plot_lines({"a": ([1, 10], [2, 3])}, title="", axis_labels=("", ""), log_x=True).axes[0]
    assert ax.get_legend() is None
    assert ax.get_xscale() == "log"
