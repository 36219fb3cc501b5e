import base64
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_output

from course_lib.cli.execute import LessonResult
from course_lib.cli.html import page, without_network, write_index, write_lesson_page

PIXEL = base64.b64encode(b"not really a picture").decode()
Maker = Callable[..., Path]


def written_page(path: Path) -> BeautifulSoup:
    """Write the page of a notebook and parse it."""
    return BeautifulSoup(write_lesson_page(path, "A title").read_text("utf-8"), "html.parser")


def add_output(path: Path, data: dict[str, str], metadata: dict[str, object]) -> None:
    """Append a code cell with one output to a notebook."""
    notebook = nbformat.read(path, as_version=4)
    output = new_output("display_data", data=data, metadata=metadata)
    notebook.cells.append(new_code_cell("draw()", outputs=[output], execution_count=1))
    nbformat.write(notebook, path)


def test_markdown_formulas_become_mathml(make_notebook: Maker) -> None:
    path = make_notebook(
        "m",
        "md:Let $x_i < 3$ be *small*. Then\n\n$$\n\\sum_i x_i\n$$\n\nand it cost \\$5 or `$y$`.",
        "md:\\begin{equation}\nu * v * w\n\\end{equation}",
    )
    soup = written_page(path)
    displays = [str(math["display"]) for math in soup.select("math")]
    assert displays == ["inline", "block", "block"]
    assert "x" in soup.select("math")[0].get_text()
    assert soup.select_one("em").get_text() == "small"  # type: ignore[union-attr]
    assert "$5" in soup.get_text()
    assert "$y$" in [code.get_text() for code in soup.select("code")]


def test_pictures_carry_their_description(make_notebook: Maker) -> None:
    path = make_notebook("p", "md:# P")
    data = {"image/png": PIXEL, "text/plain": "<Figure>"}
    add_output(path, data, {"image/png": {"alt": 'Rising & "steep"'}})
    (image,) = written_page(path).select("img")
    assert image["alt"] == 'Rising & "steep"'
    assert str(image["src"]).startswith("data:image/png;base64,")


def test_the_page_fetches_nothing(make_notebook: Maker) -> None:
    path = make_notebook(
        "n", "md:# N\n\n[![Open in Colab](https://x.example/b.svg)](https://x.example/)"
    )
    script = (
        '<script src="https://x.example/a.js"></script><link rel="stylesheet" href="//x.example/c">'
    )
    add_output(path, {"text/html": f"<b>bold</b>{script}"}, {})
    add_output(path, {"application/javascript": "alert(1)", "text/plain": "plain text"}, {})
    soup = written_page(path)
    assert soup.select("script, link, iframe") == []
    assert soup.select("[src]") == []
    assert soup.select_one("a[href='https://x.example/']").get_text() == "Open in Colab"  # type: ignore[union-attr]
    assert soup.select_one("b") is not None
    assert "plain text" in soup.get_text()
    assert not re.search(r"url\(|@import", soup.select_one("style").get_text())  # type: ignore[union-attr]


def test_links_between_lessons_lead_to_pages() -> None:
    body = '<a href="A1_found.ipynb#Loss">a</a><a href="https://x.example/b.ipynb">b</a>'
    soup = BeautifulSoup(without_network(body), "html.parser")
    hrefs = [str(anchor["href"]) for anchor in soup.select("a")]
    assert hrefs == ["A1_found.html#Loss", "https://x.example/b.ipynb"]


def test_sections_can_be_linked(make_notebook: Maker) -> None:
    soup = written_page(make_notebook("s", "md:## Known truth\n\n[there](#Known-truth)"))
    assert soup.select_one("h2")["id"] == "Known-truth"  # type: ignore[index]


def test_the_page_has_language_title_and_escaped_text() -> None:
    soup = BeautifulSoup(page("a < b", "<p>x</p>", [("i.html", "R&D")]), "html.parser")
    assert soup.html["lang"] == "en"  # type: ignore[index]
    assert soup.title.get_text() == "a < b"  # type: ignore[union-attr]
    assert soup.nav.get_text() == "R&D"  # type: ignore[union-attr]
    assert soup.main.p.get_text() == "x"  # type: ignore[union-attr]


def test_the_index_lists_time_memory_verdict_and_links(tmp_path: Path) -> None:
    results = [
        LessonResult(name="00_a", title="A", seconds=1.25, peak_bytes=3 * 2**20, error=None),
        LessonResult(name="01_b", title="B", seconds=2.5, peak_bytes=5 * 2**20, error="E: <x>"),
    ]
    index = write_index(results, tmp_path, "Executed somehow.")
    soup = BeautifulSoup(index.read_text("utf-8"), "html.parser")
    rows = [[cell.get_text() for cell in row.select("td")] for row in soup.select("tbody tr")]
    assert rows == [
        ["A", "1.2", "3", "ran to the end", "notebook"],
        ["B", "2.5", "5", "failed: E: <x>", "notebook"],
    ]
    hrefs = [str(anchor["href"]) for anchor in soup.select("tbody a")]
    assert hrefs == ["00_a.html", "00_a.ipynb", "01_b.html", "01_b.ipynb"]
    assert "3.8 s together" in soup.get_text()
