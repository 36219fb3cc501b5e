"""Pictures of attention: who looks at whom, one head, all heads of a layer, or all of a model.

Letters: L = layers, H = heads, T = query tokens, S = key tokens. Darker means more attention, so
a figure reads the same in grey.
"""

import base64
import html
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from course_lib.plotting.listener import has_listener
from course_lib.plotting.style import new_figure, show, use_course_style

if TYPE_CHECKING:
    import ipywidgets
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_COLOUR_MAP = "Blues"  # from white to dark, evenly: fit for grey and for every form of sight
_WRITE_UP_TO_CELLS = 60
_HEADS_IN_A_ROW = 4
_QUERY_LABEL = "query token (looks)"
_KEY_LABEL = "key token (is looked at)"
_UNIT = "attention weight"
_WHITE_ABOVE = 0.75  # of the darkest colour: from there on white is easier to read than black


def plot_attention(
    weights: Float[np.ndarray, "T S"],
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    title: str,
) -> "Figure":
    """Draw how one head spreads its attention: a row a query, a column a key.

    The darkest colour is the largest weight in the picture; small tables have their numbers
    written in.

    Args:
        weights: How much each query attends to each key.
        query_tokens: One for each row.
        key_tokens: One for each column.
        title: Above the map.

    Raises:
        ValueError: If the tokens do not fit the weights.

    Example:
        >>> fig = plot_attention(np.eye(2), ["a", "b"], ["a", "b"], "Each looks at itself")
        >>> fig.axes[0].get_xlabel()
        'key token (is looked at)'
    """
    _check_tokens(weights.shape, query_tokens, key_tokens)
    use_course_style()
    fig = new_figure(2.6 + 0.42 * len(key_tokens), max(3.2, 1.8 + 0.36 * len(query_tokens)))
    ax = fig.subplots()
    image = _draw_map(ax, weights, float(weights.max()))
    _write_tokens(ax, query_tokens, key_tokens)
    ax.set_xlabel(_KEY_LABEL)
    ax.set_ylabel(_QUERY_LABEL)
    ax.set_title(title)
    fig.colorbar(image, ax=ax, label=_UNIT)
    if weights.size <= _WRITE_UP_TO_CELLS:
        _write_numbers(ax, weights)
    return fig


def plot_attention_heads(
    weights: Float[np.ndarray, "H T S"],
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    title: str,
) -> "Figure":
    """Draw all heads of one layer side by side, with one scale of colours for all of them.

    Args:
        weights: For each head, how much each query attends to each key.
        query_tokens: One for each row.
        key_tokens: One for each column.
        title: Above the figure.

    Raises:
        ValueError: If the tokens do not fit the weights.
    """
    _check_tokens(weights.shape[1:], query_tokens, key_tokens)
    use_course_style()
    n_columns = min(len(weights), _HEADS_IN_A_ROW)
    n_rows = math.ceil(len(weights) / n_columns)
    width, height = 1.0 + 0.2 * len(key_tokens), 1.0 + 0.2 * len(query_tokens)
    fig = new_figure(1.6 + width * n_columns, 1.0 + height * n_rows)
    axes = fig.subplots(n_rows, n_columns, squeeze=False).ravel()
    for ax in axes[len(weights) :]:
        ax.remove()
    drawn = list(axes[: len(weights)])
    images = [
        _draw_map(ax, head, float(weights.max())) for ax, head in zip(drawn, weights, strict=True)
    ]
    for number, ax in enumerate(drawn):
        _write_tokens(ax, query_tokens if number % n_columns == 0 else (), key_tokens)
        ax.set_title(f"head {number}")
    fig.suptitle(title, x=0.01, ha="left")
    fig.supxlabel(_KEY_LABEL, fontsize=11)
    fig.supylabel(_QUERY_LABEL, fontsize=11)
    fig.colorbar(images[0], ax=drawn, label=_UNIT)
    return fig


def browse_attention(
    weights: Float[np.ndarray, "L H T S"],
    tokens: Sequence[str],
    key_tokens: Sequence[str] | None = None,
) -> None:
    """Show one head at a time, with sliders over layers and heads.

    Where nobody can move a slider (a notebook executed by a program, a terminal) the first head
    of the first layer is shown as a picture.

    Args:
        weights: For each layer and head, how much each query attends to each key.
        tokens: The tokens that look.
        key_tokens: The tokens that are looked at; None if they are the same.

    Raises:
        ValueError: If the tokens do not fit the weights.
    """
    keys = tokens if key_tokens is None else key_tokens
    alt = _describe(weights, tokens, keys, 0, 0)
    fig = _plot_one(weights, tokens, keys, 0, 0)
    if not has_listener():
        show(fig, alt=alt)
        return
    from IPython.display import display

    box = make_attention_browser(weights, tokens, keys)
    # Viewers without widgets (a printed page, a code host) show the first head instead.
    still = {"image/png": _encode(fig), "text/plain": f"[Figure] {alt}"}
    display(
        {**(box._repr_mimebundle_() or {}), **still},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )


def make_attention_browser(
    weights: Float[np.ndarray, "L H T S"], query_tokens: Sequence[str], key_tokens: Sequence[str]
) -> "ipywidgets.VBox":
    """Make two sliders, layer and head, and the map that follows them.

    Args:
        weights: For each layer and head, how much each query attends to each key.
        query_tokens: One for each row of the map.
        key_tokens: One for each column of the map.

    Raises:
        ValueError: If the tokens do not fit the weights.
    """
    import ipywidgets

    layer = ipywidgets.IntSlider(min=0, max=len(weights) - 1, description="layer")
    head = ipywidgets.IntSlider(min=0, max=weights.shape[1] - 1, description="head")
    picture = ipywidgets.HTML()

    def draw(_change: object = None) -> None:
        where = int(layer.value), int(head.value)
        png = _encode(_plot_one(weights, query_tokens, key_tokens, *where))
        alt = html.escape(_describe(weights, query_tokens, key_tokens, *where))
        picture.value = f'<img alt="{alt}" src="data:image/png;base64,{png}">'

    draw()
    layer.observe(draw, names="value")
    head.observe(draw, names="value")
    return ipywidgets.VBox([layer, head, picture])


def _plot_one(
    weights: Float[np.ndarray, "L H T S"],
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    layer: int,
    head: int,
) -> "Figure":
    title = f"Attention of layer {layer}, head {head}"
    return plot_attention(weights[layer, head], query_tokens, key_tokens, title)


def _describe(
    weights: Float[np.ndarray, "L H T S"],
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    layer: int,
    head: int,
) -> str:
    """Put one head into words: for each query, the key that it attends to most."""
    _check_tokens(weights.shape[2:], query_tokens, key_tokens)
    favourites = weights[layer, head].argmax(axis=-1)
    looks = (f"{q} → {key_tokens[k]}" for q, k in zip(query_tokens, favourites, strict=True))
    return f"Heat map of attention, layer {layer}, head {head}. Most attended: {', '.join(looks)}."


def _check_tokens(
    shape: tuple[int, ...], query_tokens: Sequence[str], key_tokens: Sequence[str]
) -> None:
    if shape != (len(query_tokens), len(key_tokens)):
        raise ValueError(
            f"weights must have a row for each of the {len(query_tokens)} query tokens and a "
            f"column for each of the {len(key_tokens)} key tokens; got shape {tuple(shape)}."
        )


def _draw_map(ax: "Axes", weights: Float[np.ndarray, "T S"], darkest: float) -> "AxesImage":
    ax.spines[:].set_visible(True)
    return ax.imshow(weights, cmap=_COLOUR_MAP, vmin=0.0, vmax=darkest, aspect="auto")


def _write_tokens(ax: "Axes", query_tokens: Sequence[str], key_tokens: Sequence[str]) -> None:
    # A token is never a formula, whatever dollar signs it holds.
    ax.set_xticks(range(len(key_tokens)), key_tokens, rotation=90, parse_math=False)
    ax.set_yticks(range(len(query_tokens)), query_tokens, parse_math=False)


def _write_numbers(ax: "Axes", weights: Float[np.ndarray, "T S"]) -> None:
    dark = _WHITE_ABOVE * weights.max()
    for (row, column), weight in np.ndenumerate(weights):
        colour = "white" if weight > dark else "black"
        ax.text(column, row, f"{weight:.2f}", ha="center", va="center", color=colour, fontsize=9)


def _encode(fig: "Figure") -> str:
    """Draw a figure as PNG, in the letters that a web page can hold."""
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=84)
    return base64.b64encode(png.getvalue()).decode()
