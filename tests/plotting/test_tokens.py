import warnings
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from matplotlib import colors, font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

from course_lib.plotting import (
    describe_tokens,
    plot_token_boundaries,
    show_tokens,
    tokens_as_html,
)
from course_lib.plotting.tokens import TOKEN_COLOURS, _find_fonts

PIECES = {"words": ["unaffable", "[UNK]"], "pieces": ["un", "##aff", "##able", "Ġ", "a b\n"]}


def boxes_of(fig) -> list[Rectangle]:
    return [patch for patch in fig.axes[0].patches if isinstance(patch, Rectangle)]


def luminance(colour: str) -> float:
    """Relative luminance as the Web Content Accessibility Guidelines define it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colors.to_rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_boxes_and_texts_are_the_tokens() -> None:
    fig = plot_token_boundaries(PIECES)
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts == [
        *("words: 2 tokens", "unaffable", "[UNK]"),
        *("pieces: 5 tokens", "un", "##aff", "##able", "Ġ", "a␣b⏎"),
    ]
    colours = [colors.to_hex(box.get_facecolor()).upper() for box in boxes_of(fig)]
    light, dark = TOKEN_COLOURS
    assert colours == [light, dark, light, dark, light, dark, light]


def test_every_text_fits_its_box() -> None:
    fig = plot_token_boundaries({"a": ["un", "##affable", "WWWWWWWW", "", "$x_1$"] * 7})
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes, texts = boxes_of(fig), fig.axes[0].texts[1:]
    assert len(boxes) == len(texts) == 35
    for box, text in zip(boxes, texts, strict=True):
        outer = box.get_window_extent(renderer)
        assert fig.bbox.x0 <= outer.x0 < outer.x1 <= fig.bbox.x1
        assert fig.bbox.y0 <= outer.y0 < outer.y1 <= fig.bbox.y1
        if text.get_text():
            inner = text.get_window_extent(renderer)
            assert outer.x0 <= inner.x0 < inner.x1 <= outer.x1
            assert outer.y0 <= inner.y0 < inner.y1 <= outer.y1


def test_long_texts_go_on_in_the_next_line_without_overlap() -> None:
    fig = plot_token_boundaries({"a": ["seven77"] * 23})
    boxes = boxes_of(fig)
    lines: dict[float, list[Rectangle]] = {}
    for box in boxes:
        lines.setdefault(box.get_y(), []).append(box)
    assert [len(line) for line in lines.values()] == [10, 10, 3]  # 7.8 columns each, of 80
    for line in lines.values():
        assert line[0].get_x() == 0
        for left, right in pairwise(line):
            assert right.get_x() == pytest.approx(left.get_x() + left.get_width())
    colours = [box.get_facecolor() for box in boxes]
    assert all(a != b for a, b in pairwise(colours))
    taller = fig.get_size_inches()[1] - plot_token_boundaries({"a": ["b"]}).get_size_inches()[1]
    assert taller == pytest.approx(2 * 0.3)
    wide = plot_token_boundaries({"a": ["x" * 97]})
    assert boxes_of(wide)[0].get_width() == pytest.approx(97.8)
    assert wide.axes[0].get_xlim()[1] > 97.8


def test_colours_are_legible_and_differ_in_grey() -> None:
    light, dark = map(luminance, TOKEN_COLOURS)
    assert (light + 0.05) / (dark + 0.05) > 1.5
    assert (dark + 0.05) / 0.05 > 7  # black text: the guidelines' strictest level


def test_no_pieces_are_no_boxes() -> None:
    fig = plot_token_boundaries({"a": []})
    assert [text.get_text() for text in fig.axes[0].texts] == ["a: 0 tokens"]
    assert boxes_of(fig) == []


def test_missing_glyphs_are_refused_instead_of_drawn_as_boxes(monkeypatch) -> None:
    names = ["DejaVu Sans", "DejaVu Sans Mono"]
    monkeypatch.setattr(font_manager, "get_font_names", lambda: names)
    with pytest.raises(ValueError, match=r"got 从, 前 without one\. Use show_tokens"):
        plot_token_boundaries({"a": ["从前", "b"]})
    assert _find_fonts("aé␣⏎⇥") == ["DejaVu Sans Mono"]
    assert _find_fonts("aﬔ") == ["DejaVu Sans Mono", "DejaVu Sans"]
    assert _find_fonts("") == ["DejaVu Sans Mono"]


def test_an_installed_chinese_font_is_used(monkeypatch) -> None:
    class Everything:
        def get_char_index(self, code: int) -> int:
            return code

    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans Mono", "SimHei"])
    real, find = font_manager.get_font, font_manager.findfont
    monkeypatch.setattr(
        font_manager,
        "findfont",
        lambda name, **rest: name if name == "SimHei" else find(name, **rest),
    )
    monkeypatch.setattr(
        font_manager, "get_font", lambda path: Everything() if path == "SimHei" else real(path)
    )
    fig = plot_token_boundaries({"a": ["从前", "b"]})
    wide, narrow = boxes_of(fig)
    assert fig.axes[0].texts[1].get_fontfamily() == ["DejaVu Sans Mono", "SimHei"]
    assert wide.get_width() == pytest.approx(4.8)  # two characters, two columns each
    assert narrow.get_width() == pytest.approx(1.8)


def test_drawing_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(plot_token_boundaries(PIECES)).draw()


class Reader(HTMLParser):
    """Collects what is seen and what is read out."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.labels: list[str] = []
        self.colours: list[str] = []
        self.seen = ""
        self.depth = 0
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs) -> None:
        self.depth += tag not in {"br", "wbr"}
        given = {name: value or "" for name, value in attrs}
        if given.get("role") == "img":
            self.labels.append(given["aria-label"])
        elif tag == "span":
            self.colours.append(given["style"].split(";")[0])

    def handle_endtag(self, tag: str) -> None:
        self.depth -= 1

    def handle_data(self, data: str) -> None:
        self.seen += data


def test_html_shows_the_tokens_and_says_them() -> None:
    pieces = {"BPE <1>": ["从", '"前"', "&lt;", " x"], "letters": ["a"]}
    read = Reader(tokens_as_html(pieces))
    assert read.seen == 'BPE <1>: 4 tokens从"前"&lt;␣xletters: 1 tokena'
    assert read.labels == ['BPE <1>: 4 tokens: 从 | "前" | &lt; | ␣x', "letters: 1 token: a"]
    light, dark = (f"background:{colour}" for colour in TOKEN_COLOURS)
    assert read.colours == [light, dark, light, dark, light]
    assert read.depth == 0


def test_show_tokens_displays_html_with_its_words(monkeypatch) -> None:
    calls = []
    monkeypatch.setattr(
        "IPython.display.display", lambda *args, **options: calls.append((args, options))
    )
    show_tokens(PIECES)
    (((data,), options),) = calls
    assert options == {"raw": True}
    assert data["text/html"] == tokens_as_html(PIECES)
    assert data["text/plain"] == describe_tokens(PIECES)
    assert data["text/plain"].splitlines()[0] == "words: 2 tokens: unaffable | [UNK]"


@pytest.mark.parametrize("function", [plot_token_boundaries, describe_tokens, tokens_as_html])
def test_what_is_no_list_of_tokens_is_refused(function) -> None:
    with pytest.raises(ValueError, match="at least one tokenizer; got none"):
        function({})
    with pytest.raises(TypeError, match=r"the pieces of 'BPE' must be a list.*got one string"):
        function({"BPE": "unable"})
