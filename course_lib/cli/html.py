"""Executed lessons as web pages that need no network: no script, font or picture from outside."""

import re
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.exporters.html import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from course_lib.cli.execute import LessonResult
from course_lib.cli.mathml import to_mathml

SHOWN_FIRST = (
    "text/html",
    "text/markdown",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "text/latex",
    "text/plain",
)


class MathRenderer(IPythonRenderer):
    """Markdown to HTML as Jupyter does it, but with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        """Render `$…$`."""
        return to_mathml(body)

    def block_math(self, body: str) -> str:
        """Render `$$…$$`."""
        return to_mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        r"""Render `\begin{…} … \end{…}`."""
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)


class LessonExporter(HTMLExporter):
    """The body of a lesson's page: no prompts, no widgets, no scripts."""

    @property
    def default_config(self) -> Any:
        """Prefer what a page without scripts can show."""
        config: Any = super().default_config.copy()
        config.NbConvertBase.display_data_priority = list(SHOWN_FIRST)
        return config

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Render a Markdown cell or output."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = MathRenderer(escape=False, attachments=attachments)
        return MarkdownWithMath(renderer=renderer).render(source)


def without_network(body: str) -> str:
    """Remove what would be fetched from outside, and point links between lessons at pages.

    Args:
        body: HTML. Scripts are dropped, a remote picture is replaced by its description, and a
            link to `01_topic.ipynb` leads to `01_topic.html`.
    """
    soup = BeautifulSoup(body, "html.parser")
    for element in soup.select("script, iframe, link"):
        element.decompose()
    for image in soup.select("img[src]"):
        if re.match(r"(https?:)?//", str(image["src"])):
            image.replace_with(str(image.get("alt", "picture")))
    for anchor in soup.select("a[href]"):
        anchor["href"] = re.sub(r"^(\w+)\.ipynb(?=#|$)", r"\1.html", str(anchor["href"]))
    return str(soup)


def page(title: str, body: str, links: Sequence[tuple[str, str]] = ()) -> str:
    """Wrap a body into a whole page.

    Args:
        title: Title of the window.
        body: HTML of the main part.
        links: Address and text of each link above it.
    """
    own_style = resources.files("course_lib.cli").joinpath("page.css").read_text("utf-8")
    code_style = HtmlFormatter(style="default").get_style_defs(".highlight")
    anchors = "".join(f'<a href="{address}">{escape(text)}</a>' for address, text in links)
    bar = f"<nav>{anchors}</nav>\n" if links else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{own_style}{code_style}\n</style>\n</head>\n"
        f"<body>\n{bar}<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def write_lesson_page(notebook_path: Path, title: str) -> Path:
    """Write the page of an executed lesson beside its notebook.

    Args:
        notebook_path: The executed notebook.
        title: Title of the page.
    """
    notebook = nbformat.read(notebook_path, as_version=4)
    exporter = LessonExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    target = notebook_path.with_suffix(".html")
    links = [("index.html", "All lessons"), (notebook_path.name, "This lesson as a notebook")]
    target.write_text(page(title, without_network(body), links), encoding="utf-8")
    return target


def index_row(result: LessonResult) -> str:
    """Write one row of the index."""
    verdict = "ran to the end"
    if result.error is not None:
        verdict = f'<span class="failed">failed: {escape(result.error)}</span>'
    return (
        f'<tr><td><a href="{result.name}.html">{escape(result.title)}</a></td>'
        f'<td class="number">{result.seconds:.1f}</td>'
        f'<td class="number">{result.peak_bytes / 2**20:.0f}</td><td>{verdict}</td>'
        f'<td><a href="{result.name}.ipynb">notebook</a></td></tr>'
    )


def write_index(results: Sequence[LessonResult], folder: Path, conditions: str) -> Path:
    """Write `index.html`: every executed lesson with its time, memory and verdict.

    Args:
        results: The lessons, in teaching order.
        folder: Where their pages lie.
        conditions: One sentence on how they were run.
    """
    rows = "\n".join(index_row(result) for result in results)
    total = sum(result.seconds for result in results)
    body = (
        f"<h1>The course</h1>\n<p>{escape(conditions)}</p>\n"
        "<table>\n<thead><tr><th>Lesson</th><th>Time (s)</th><th>Peak memory (MiB)</th>"
        f"<th>Verdict</th><th>File</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"
        f"<p>{total:.1f} s together.</p>"
    )
    target = folder / "index.html"
    target.write_text(page("The course", body), encoding="utf-8")
    return target
