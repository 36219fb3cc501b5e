"""Texts cut into tokens: every token a box, neighbours in a light and a darker colour."""

import html
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.plotting.style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Far apart in lightness, so that neighbours differ in grey too; black is legible on both.
TOKEN_COLOURS = ("#DCEFFB", "#E9B44C")

_VISIBLE = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥"})
# The first two come with matplotlib; of the others, whichever is installed draws Chinese.
_FONTS = (
    "DejaVu Sans Mono",
    "DejaVu Sans",
    "Noto Sans Mono CJK SC",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Heiti TC",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)
_FONT_POINTS = 11.0
_COLUMN_INCHES = 0.602 * _FONT_POINTS / 72  # the width of a letter of the first font
_LINE_COLUMNS = 80
_LINE_INCHES = 0.3
_BOX_MARGIN = 0.4  # columns on each side of a token


def _check_pieces(pieces_by_tokenizer: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    if not pieces_by_tokenizer:
        raise ValueError("pieces_by_tokenizer must name at least one tokenizer; got none.")
    for name, pieces in pieces_by_tokenizer.items():
        if isinstance(pieces, str):
            raise TypeError(
                f"the pieces of {name!r} must be a list, such as ['un', '##able']; got one string."
            )
    return {
        name: [piece.translate(_VISIBLE) for piece in pieces]
        for name, pieces in pieces_by_tokenizer.items()
    }


def _title(name: str, pieces: Sequence[str]) -> str:
    return f"{name}: {len(pieces)} {'token' if len(pieces) == 1 else 'tokens'}"


def _find_fonts(characters: Iterable[str]) -> list[str]:
    """Choose installed fonts that can draw all characters together."""
    from matplotlib import font_manager

    missing, chosen = set(characters), []
    for name in _FONTS:
        if name not in font_manager.get_font_names():
            continue
        font = font_manager.get_font(font_manager.findfont(name))
        drawn = {character for character in missing if font.get_char_index(ord(character))}
        if drawn or not chosen:
            chosen.append(name)
        missing -= drawn
    if missing:
        raise ValueError(
            "pieces must be drawable with the fonts installed here; got "
            f"{', '.join(sorted(missing)[:5])} without one. Use show_tokens, which leaves the "
            "choice of fonts to the browser, or install a font such as Noto Sans CJK SC."
        )
    return chosen


def _count_columns(piece: str) -> float:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in piece)
    return max(len(piece) + wide, 1) + 2 * _BOX_MARGIN


def _break_lines(pieces: Sequence[str]) -> list[list[tuple[float, str]]]:
    """Place pieces in lines; a place is where the piece begins, in columns."""
    lines: list[list[tuple[float, str]]] = [[]]
    end = 0.0
    for piece in pieces:
        columns = _count_columns(piece)
        if lines[-1] and end + columns > _LINE_COLUMNS:
            lines.append([])
            end = 0.0
        lines[-1].append((end, piece))
        end += columns
    return lines


def _draw_line(
    ax: "Axes", line: Sequence[tuple[float, str]], y: float, first: int, fonts: list[str]
) -> None:
    """Draw one line of tokens; `first` is how many came before, which decides the colours."""
    from matplotlib.patches import Rectangle

    for number, (start, piece) in enumerate(line, first):
        columns = _count_columns(piece)
        colour = TOKEN_COLOURS[number % 2]
        ax.add_patch(Rectangle((start, y), columns, 0.85, facecolor=colour, edgecolor="black"))
        ax.text(
            start + columns / 2,
            y + 0.4,
            piece,
            ha="center",
            va="center_baseline",
            family=fonts,
            size=_FONT_POINTS,
            parse_math=False,
        )


def plot_token_boundaries(pieces_by_tokenizer: Mapping[str, Sequence[str]]) -> "Figure":
    """Draw how tokenizers cut the same text, one below the other, with their numbers of tokens.

    Blanks are drawn as ␣, line ends as ⏎.

    Args:
        pieces_by_tokenizer: Name → tokens in printable form, as `tokenise` gives them.

    Raises:
        TypeError: If the tokens of one tokenizer are a single string.
        ValueError: If there is no tokenizer, or no installed font has some character (Chinese, on
            many machines): `show_tokens` then shows the same without matplotlib.
    """
    pieces_by_name = _check_pieces(pieces_by_tokenizer)
    fonts = _find_fonts(c for pieces in pieces_by_name.values() for p in pieces for c in p)
    blocks = {name: _break_lines(pieces) for name, pieces in pieces_by_name.items()}
    n_lines = sum(len(lines) + 1.3 for lines in blocks.values())
    widest = max(map(_count_columns, (p for ps in pieces_by_name.values() for p in ps)), default=1)
    columns = max(_LINE_COLUMNS, widest) + 1
    fig = new_figure(columns * _COLUMN_INCHES, n_lines * _LINE_INCHES)
    fig.set_layout_engine("none")  # the axes fill the figure, so that columns have their width
    ax = fig.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(n_lines, 0))
    ax.set_axis_off()
    y = 0.2
    for name, lines in blocks.items():
        title = _title(name, pieces_by_name[name])
        ax.text(0, y + 0.5, title, va="center_baseline", weight="bold", parse_math=False)
        first = 0
        for row, line in enumerate(lines, 1):
            _draw_line(ax, line, y + row, first, fonts)
            first += len(line)
        y += len(lines) + 1.3
    return fig


def describe_tokens(pieces_by_tokenizer: Mapping[str, Sequence[str]]) -> str:
    """Write token boundaries as plain text: the alternative to a picture, and its `alt`.

    Args:
        pieces_by_tokenizer: Name → tokens in printable form.

    Raises:
        TypeError: If the tokens of one tokenizer are a single string.
        ValueError: If there is no tokenizer.

    Example:
        >>> print(describe_tokens({"words": ["un able"], "pieces": ["un", "able"]}))
        words: 1 token: un␣able
        pieces: 2 tokens: un | able
    """
    pieces_by_name = _check_pieces(pieces_by_tokenizer)
    return "\n".join(
        f"{_title(name, pieces)}: {' | '.join(pieces)}" for name, pieces in pieces_by_name.items()
    )


def tokens_as_html(pieces_by_tokenizer: Mapping[str, Sequence[str]]) -> str:
    """Write token boundaries as HTML, in every script that the reader's browser knows.

    Args:
        pieces_by_tokenizer: Name → tokens in printable form.

    Returns:
        A `<div>` without scripts or style sheets; screen readers get `describe_tokens`.

    Raises:
        TypeError: If the tokens of one tokenizer are a single string.
        ValueError: If there is no tokenizer.
    """
    blocks = []
    for name, pieces in _check_pieces(pieces_by_tokenizer).items():
        boxes = "".join(
            f'<span style="background:{TOKEN_COLOURS[number % 2]};color:#000;border:1px solid #000;'
            f'padding:0 0.3em;white-space:pre">{html.escape(piece)}</span><wbr>'
            for number, piece in enumerate(pieces)
        )
        spoken = html.escape(describe_tokens({name: pieces}))
        blocks.append(
            f"<p><strong>{html.escape(_title(name, pieces))}</strong><br>"
            f'<span role="img" aria-label="{spoken}" style="font-family:monospace;line-height:1.8">'
            f"{boxes}</span></p>"
        )
    return f"<div>{''.join(blocks)}</div>"


def show_tokens(pieces_by_tokenizer: Mapping[str, Sequence[str]]) -> None:
    """Display token boundaries in a notebook, together with the words that stand for them.

    Args:
        pieces_by_tokenizer: Name → tokens in printable form.

    Raises:
        TypeError: If the tokens of one tokenizer are a single string.
        ValueError: If there is no tokenizer.
    """
    from IPython.display import display

    shown = {
        "text/html": tokens_as_html(pieces_by_tokenizer),
        "text/plain": describe_tokens(pieces_by_tokenizer),
    }
    display(shown, raw=True)
