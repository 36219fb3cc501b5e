"""Pictures of the next token's distribution: as the model gives it, and as it is drawn from.

Letters: V = vocab_size.
"""

import base64
import html
import io
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.generation import Sampling
from course_lib.plotting.listener import has_listener
from course_lib.plotting.style import COLOURS, new_figure, show, use_course_style

if TYPE_CHECKING:
    import ipywidgets
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_SHOWN = 12
_IN_A_ROW = 3
_MODEL, _DRAWN = "the model", "drawn from"


def plot_sampling(
    logits: Float[Tensor, " V"],
    label_of: Callable[[int], str],
    settings: Mapping[str, Sampling],
) -> "Figure":
    """Draw, for each setting, the likeliest next tokens: before it in grey, after it in colour.

    Above each panel stands how many tokens may still be drawn, and the entropy of the choice.

    Args:
        logits: What the model says of the next token.
        label_of: Gives a token as text, such as `lambda i: tokenizer.decode([i])`.
        settings: Name → setting, from left to right and downwards (≥ 1).

    Raises:
        ValueError: If there is no setting.

    Example:
        >>> fig = plot_sampling(torch.zeros(3), str, {"top-k 2": Sampling(top_k=2)})
        >>> fig.axes[0].get_xlabel()
        'probability'
    """
    if not settings:
        raise ValueError("settings must hold at least one setting; got none.")
    use_course_style()
    n_columns = min(len(settings), _IN_A_ROW)
    n_rows = math.ceil(len(settings) / n_columns)
    fig = new_figure(1.2 + 3.1 * n_columns, 0.8 + 3.1 * n_rows)
    axes = fig.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).ravel()
    for ax in axes[len(settings) :]:
        ax.remove()
    tokens = logits.topk(min(_N_SHOWN, len(logits))).indices
    plain = logits.softmax(dim=-1)[tokens].tolist()
    for ax, (name, setting) in zip(axes[: len(settings)], settings.items(), strict=True):
        _draw_choice(ax, plain, setting.log_probs(logits), tokens, name)
    axes[0].set_yticks(
        range(len(tokens)), [label_of(int(i)).strip() for i in tokens], parse_math=False
    )
    axes[0].invert_yaxis()
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=2)
    return fig


def browse_sampling(
    logits: Float[Tensor, " V"],
    label_of: Callable[[int], str],
    settings: Mapping[str, Sampling],
) -> None:
    """Show the distribution that is drawn from, with a slider for each way of changing it.

    Where nobody can move a slider (a notebook executed by a program, a terminal) a picture of the
    settings is shown instead.

    Args:
        logits: What the model says of the next token.
        label_of: Gives a token as text.
        settings: Name → setting, for the picture.

    Raises:
        ValueError: If there is no setting.
    """
    fig = plot_sampling(logits, label_of, settings)
    alt = "Bars of the next token's probabilities. " + "; ".join(
        describe_choice(logits, label_of, setting, name) for name, setting in settings.items()
    )
    if not has_listener():
        show(fig, alt=f"{alt}.")
        return
    from IPython.display import display

    box = make_sampling_browser(logits, label_of)
    # Viewers without widgets (a printed page, a code host) show the picture instead.
    still = {"image/png": _encode(fig), "text/plain": f"[Figure] {alt}."}
    display(
        {**(box._repr_mimebundle_() or {}), **still},
        metadata={"image/png": {"alt": f"{alt}."}},
        raw=True,
    )


def make_sampling_browser(
    logits: Float[Tensor, " V"], label_of: Callable[[int], str]
) -> "ipywidgets.VBox":
    """Make five sliders and the distribution that follows them.

    At its right end a slider of top-k, top-p or typical changes nothing, at its left end that of
    min-p.

    Args:
        logits: What the model says of the next token.
        label_of: Gives a token as text.
    """
    import ipywidgets

    most = min(50, len(logits))
    temperature = ipywidgets.FloatLogSlider(value=1, base=10, min=-1, max=0.7, description="T")
    top_k = ipywidgets.IntSlider(value=most, min=1, max=most, description="top-k")
    top_p, typical = (
        ipywidgets.FloatSlider(value=1, min=0.05, max=1, step=0.05, description=name)
        for name in ("top-p", "typical")
    )
    min_p = ipywidgets.FloatSlider(value=0, min=0, max=1, step=0.05, description="min-p")
    sliders = [temperature, top_k, top_p, min_p, typical]
    picture = ipywidgets.HTML()

    def draw(_change: object = None) -> None:
        setting = Sampling(
            temperature=temperature.value,
            top_k=None if top_k.value == most else top_k.value,
            top_p=None if top_p.value == 1 else top_p.value,
            min_p=min_p.value or None,
            typical_p=None if typical.value == 1 else typical.value,
        )
        png = _encode(plot_sampling(logits, label_of, {"as set": setting}))
        alt = html.escape(describe_choice(logits, label_of, setting, "as set"))
        picture.value = f'<img alt="{alt}" src="data:image/png;base64,{png}">'

    draw()
    for slider in sliders:
        slider.observe(draw, names="value")
    return ipywidgets.VBox([*sliders, picture])


def describe_choice(
    logits: Float[Tensor, " V"], label_of: Callable[[int], str], setting: Sampling, name: str
) -> str:
    """Put a distribution into words: how many tokens are left, and the likeliest three.

    Args:
        logits: What the model says of the next token.
        label_of: Gives a token as text.
        setting: What is done to it.
        name: Of the setting.
    """
    probs = setting.log_probs(logits).exp()
    best = probs.topk(min(3, int((probs > 0).sum())))
    likeliest = ", ".join(
        f"{label_of(int(token)).strip()} {share:.2f}"
        for share, token in zip(best.values.tolist(), best.indices, strict=True)
    )
    n_left = int((probs > 0).sum())
    return f"{name}: {n_left} token{'' if n_left == 1 else 's'} left, likeliest {likeliest}"


def _draw_choice(
    ax: "Axes",
    plain: list[float],
    log_probs: Float[Tensor, " V"],
    tokens: Tensor,
    name: str,
) -> None:
    places = range(len(tokens))
    ax.barh(places, plain, height=0.8, color="#C8C8C8", label=_MODEL)
    ax.barh(places, log_probs.exp()[tokens].tolist(), height=0.45, color=COLOURS[0], label=_DRAWN)
    n_left = int(log_probs.isfinite().sum())
    ax.set_title(f"{name}\n{n_left:,} left, {_entropy_nats(log_probs):.2f} nats")
    ax.set_xlabel("probability")


def _entropy_nats(log_probs: Float[Tensor, " V"]) -> float:
    probs = log_probs.exp()
    return -float(torch.where(probs > 0, probs * log_probs, 0.0).sum())


def _encode(fig: "Figure") -> str:
    """Draw a figure as PNG, in the letters that a web page can hold."""
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=84)
    return base64.b64encode(png.getvalue()).decode()
