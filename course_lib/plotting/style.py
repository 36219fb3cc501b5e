"""One look for every figure of the course, and figures that describe themselves in words."""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette: its colours stay apart for every common form of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_DOTS_PER_INCH = 144
_SCREEN_DOTS_PER_INCH = 84


def use_course_style() -> None:
    """Make the course's look matplotlib's default: legible, uncluttered, colour-blind-safe.

    Reference:
        Okabe and Ito 2008, "Color Universal Design (CUD)", https://jfly.uni-koeln.de/color/
    """
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLOURS),  # pyright: ignore[reportAttributeAccessIssue]
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 12,
            "axes.labelsize": 11,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "font.size": 11,
            "lines.linewidth": 1.8,
            "image.cmap": "cividis",
            "figure.facecolor": "white",
        }
    )


def new_figure(width_inches: float = 7.0, height_inches: float = 4.0) -> "Figure":
    """Make an empty figure that belongs to nobody but you.

    It is not registered with pyplot, so it is neither drawn twice by a notebook nor kept alive.

    Args:
        width_inches: Width.
        height_inches: Height.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def show(fig: "Figure", alt: str) -> None:
    """Display a figure together with the words that stand for it.

    The text reaches screen readers: it is stored in the notebook beside the picture and becomes
    the image's `alt` attribute when the notebook is turned into a web page.

    Args:
        fig: Any matplotlib figure.
        alt: What the figure shows, for someone who cannot see it: its kind, axes and message.

    Raises:
        ValueError: If `alt` is empty.
    """
    from IPython.display import display

    alt = " ".join(alt.split())
    if not alt:
        raise ValueError("alt must say what the figure shows; got an empty text.")
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=_DOTS_PER_INCH)
    width, height = (round(inches * _SCREEN_DOTS_PER_INCH) for inches in fig.get_size_inches())
    display(
        {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": f"[Figure] {alt}"},
        metadata={"image/png": {"alt": alt, "width": width, "height": height}},
        raw=True,
    )
