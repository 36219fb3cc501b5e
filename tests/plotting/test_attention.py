import base64
import sys
import types

import ipywidgets
import numpy as np
import pytest

from course_lib.plotting import browse_attention, plot_attention, plot_attention_heads
from course_lib.plotting.attention import make_attention_browser

RNG = np.random.default_rng(0)
QUERIES, KEYS = ["she", "saw", "it"], ["the", "cat", "sat", "on", "mat"]


def make_weights(*shape: int) -> np.ndarray:
    scores = np.exp(RNG.normal(size=(*shape, len(QUERIES), len(KEYS))))
    return scores / scores.sum(axis=-1, keepdims=True)


def tick_labels(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def brightness(ax) -> np.ndarray:
    """What is left of the map's colours in a grey print, by ITU-R BT.601."""
    (image,) = ax.images
    return image.to_rgba(image.get_array())[..., :3] @ [0.299, 0.587, 0.114]


def test_a_map_shows_weights_and_tokens_where_they_belong() -> None:
    weights = make_weights()
    ax, bar = plot_attention(weights, QUERIES, KEYS, "Head 3").axes
    np.testing.assert_array_equal(ax.images[0].get_array(), weights)
    assert tick_labels(ax.yaxis) == QUERIES
    assert tick_labels(ax.xaxis) == KEYS
    assert (ax.get_title(loc="left"), ax.yaxis_inverted()) == ("Head 3", True)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("key token (is looked at)", "query token (looks)")
    assert bar.get_ylabel() == "attention weight"


def test_more_attention_is_darker_in_grey_too() -> None:
    weights = make_weights()
    ax = plot_attention(weights, QUERIES, KEYS, "Head 3").axes[0]
    order = weights.ravel().argsort()
    grey = brightness(ax).ravel()[order]
    assert (np.diff(grey) <= 0).all()  # equal where two weights round to one of the 256 colours
    assert grey[0] - grey[-1] > 0.5
    assert ax.images[0].get_clim() == (0.0, weights.max())


def test_small_tables_have_their_numbers_in_ink_that_can_be_read() -> None:
    weights = np.array([[0.8, 0.2], [0.35, 0.65]])
    ax = plot_attention(weights, ["a", "b"], ["c", "d"], "By hand").axes[0]
    assert [text.get_text() for text in ax.texts] == ["0.80", "0.20", "0.35", "0.65"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in ax.texts] == ["white", "black", "black", "white"]


@pytest.mark.parametrize(("n_keys", "n_written"), [(20, 60), (21, 0)])
def test_large_tables_have_none(n_keys: int, n_written: int) -> None:
    keys = [f"k{k}" for k in range(n_keys)]
    ax = plot_attention(np.full((3, n_keys), 1 / n_keys), QUERIES, keys, "Even").axes[0]
    assert len(ax.texts) == n_written


def test_tokens_are_never_read_as_formulas() -> None:
    fig = plot_attention(np.eye(2), ["$x_1$", "\\$"], ["$\\frac$", "$"], "Dollars")
    fig.draw_without_rendering()
    assert tick_labels(fig.axes[0].xaxis) == ["$\\frac$", "$"]


@pytest.mark.parametrize(
    ("n_heads", "columns"),
    [(1, [0]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (6, [0, 1, 2, 3, 0, 1])],
)
def test_heads_stand_side_by_side_with_one_scale(n_heads: int, columns: list[int]) -> None:
    weights = make_weights(n_heads)
    fig = plot_attention_heads(weights, QUERIES, KEYS, "Layer 2")
    *heads, bar = fig.axes
    assert [ax.get_title(loc="left") for ax in heads] == [f"head {h}" for h in range(n_heads)]
    for ax, expected, column in zip(heads, weights, columns, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), expected)
        assert ax.images[0].get_clim() == (0.0, weights.max())
        assert tick_labels(ax.xaxis) == KEYS
        assert tick_labels(ax.yaxis) == (QUERIES if column == 0 else [])
        assert ax.get_subplotspec().colspan.start == column
    assert bar.get_ylabel() == "attention weight"
    assert fig.get_suptitle() == "Layer 2"
    assert (fig.get_supxlabel(), fig.get_supylabel()) == (
        "key token (is looked at)",
        "query token (looks)",
    )


@pytest.mark.parametrize(
    ("queries", "keys", "message"),
    [
        (QUERIES[:2], KEYS, r"2 query tokens and .* 5 key tokens; got shape \(3, 5\)"),
        (QUERIES, KEYS[:4], r"3 query tokens and .* 4 key tokens; got shape \(3, 5\)"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(queries: list, keys: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_attention(make_weights(), queries, keys, "Wrong")
    with pytest.raises(ValueError, match=message):
        plot_attention_heads(make_weights(2), queries, keys, "Wrong")
    with pytest.raises(ValueError, match=message):
        browse_attention(make_weights(2, 3), queries, keys)
    with pytest.raises(ValueError, match=message):
        make_attention_browser(make_weights(2, 3), queries, keys)


def run_in_front_end(monkeypatch: pytest.MonkeyPatch, allow_input: bool) -> list[tuple]:
    """Pretend to be in a Jupyter kernel; returns what is displayed."""
    shown: list[tuple] = []
    kernel = types.SimpleNamespace(_allow_stdin=allow_input)
    fake = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=kernel))
    display = types.SimpleNamespace(
        display=lambda bundle, metadata, raw: shown.append((bundle, metadata))
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def favourites(weights: np.ndarray) -> str:
    return ", ".join(f"{q} → {KEYS[k]}" for q, k in zip(QUERIES, weights.argmax(1), strict=True))


def test_programs_get_a_picture_of_the_first_head(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = make_weights(2, 3)
    shown = run_in_front_end(monkeypatch, allow_input=False)
    browse_attention(weights, QUERIES, KEYS)
    ((bundle, metadata),) = shown
    assert set(bundle) == {"image/png", "text/plain"}
    alt = metadata["image/png"]["alt"]
    assert alt.startswith("Heat map of attention, layer 0, head 0.")
    assert favourites(weights[0, 0]) in alt


def test_people_get_sliders_and_printed_pages_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = make_weights(2, 3)
    shown = run_in_front_end(monkeypatch, allow_input=True)
    browse_attention(weights, QUERIES, KEYS)
    ((bundle, metadata),) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["text/plain"] == f"[Figure] {metadata['image/png']['alt']}"


def test_one_list_of_tokens_is_enough_where_they_look_at_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = run_in_front_end(monkeypatch, allow_input=False)
    browse_attention(np.eye(3)[None, None], QUERIES)
    assert "she → she, saw → saw, it → it." in shown[0][0]["text/plain"]


def test_the_picture_follows_the_sliders() -> None:
    weights = make_weights(2, 3)
    layer, head, picture = make_attention_browser(weights, QUERIES, KEYS).children
    assert isinstance(picture, ipywidgets.HTML)
    assert (layer.min, layer.max, head.min, head.max) == (0, 1, 0, 2)
    assert (layer.description, head.description) == ("layer", "head")
    pictures = [picture.value]
    assert favourites(weights[0, 0]) in pictures[0]
    head.value = 2
    pictures.append(picture.value)
    assert favourites(weights[0, 2]) in pictures[1]
    layer.value = 1
    pictures.append(picture.value)
    assert "layer 1, head 2" in pictures[2]
    assert favourites(weights[1, 2]) in pictures[2]
    assert len({value.partition("base64,")[2] for value in pictures}) == 3


def test_tokens_cannot_break_the_page() -> None:
    box = make_attention_browser(np.eye(2)[None, None], ['"><b>', "&"], ['"><b>', "&"])
    assert "&quot;&gt;&lt;b&gt; →" in box.children[2].value
    assert "<b>" not in box.children[2].value


def test_a_terminal_is_no_front_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = run_in_front_end(monkeypatch, allow_input=False)
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: None)
    browse_attention(np.eye(3)[None, None], QUERIES)
    assert set(shown[0][0]) == {"image/png", "text/plain"}


def test_nothing_is_cut_off_in_a_small_figure() -> None:
    fig = plot_attention(np.eye(2), ["a", "b"], ["c", "d"], "Small")
    fig.draw_without_rendering()
    label = fig.axes[1].yaxis.label.get_window_extent()
    assert 0 <= label.y0 < label.y1 <= fig.bbox.height
