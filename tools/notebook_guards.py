"""Ways in which a stored notebook can look tested and not be, or show a learner what it must not.

nbval lets most of them pass: it compares nothing where nothing was stored, it accepts a cell
that was to raise and did not, and it ignores tags it does not know.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbval.plugin import comment_markers, find_comment_markers, find_metadata_tags, metadata_tags

ROOT = Path(__file__).resolve().parent.parent
MAX_BYTES = 2_000_000
ANSI = re.compile(r"\x1b\[")
WIDGET = "application/vnd.jupyter.widget-view+json"


def notebook_problems(path: Path) -> list[str]:
    """List what is wrong with a stored notebook; each line names the cell."""
    notebook = nbformat.read(path, as_version=4)
    problems = [problem for cell in notebook.cells for problem in cell_problems(cell)]
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        problems.append("the notebook must have a code cell, or nothing is tested.")
    if path.stat().st_size > MAX_BYTES:
        problems.append(f"must be at most {MAX_BYTES} bytes; has {path.stat().st_size}.")
    return [f"{path.name}: {problem}" for problem in problems]


def cell_problems(cell: NotebookNode) -> list[str]:
    """List what is wrong with one cell as stored."""
    if cell.cell_type != "code":
        return []
    problems = [*_tag_problems(cell), *_run_problems(cell)]
    for output in cell.outputs:
        problems += _output_problems(output)
    return [f"{cell.get('id', 'a cell without id')}: {problem}" for problem in problems]


def must_raise(cell: NotebookNode) -> bool:
    """Tell whether a cell is to raise an exception."""
    return bool(_options(cell).get("check_exception"))


def _options(cell: NotebookNode) -> dict[str, bool]:
    options = dict(find_metadata_tags(cell.metadata))
    return {**options, **dict(find_comment_markers(cell.source))}


def _tag_problems(cell: NotebookNode) -> Iterator[str]:
    for tag in cell.metadata.get("tags", []):
        if tag.lower().startswith("nbval") and tag not in metadata_tags:
            yield f"nbval ignores the tag {tag!r}; it knows {sorted(metadata_tags)}."
    for comment in re.findall(r"^\s*#+\s*(NBVAL.*?)\s*$", cell.source, re.MULTILINE):
        if comment not in comment_markers:
            yield f"nbval ignores the comment {comment!r}; it knows {sorted(comment_markers)}."


def _run_problems(cell: NotebookNode) -> Iterator[str]:
    if cell.source.strip() and cell.execution_count is None:
        yield "must be stored as run; its execution count is null."
    if _options(cell).get("check") and not cell.outputs:
        yield "is marked NBVAL_CHECK_OUTPUT, but no output is stored to compare with."
    raised = any(output.output_type == "error" for output in cell.outputs)
    if raised and not must_raise(cell):
        yield "must not raise."
    if must_raise(cell) and not raised:
        yield "is tagged raises-exception, but its stored run raised nothing."


def _output_problems(output: NotebookNode) -> Iterator[str]:
    text = _text_of(output)
    if output.get("name") == "stderr":
        yield f"must not write to stderr; wrote {output.text!r}."
    if ANSI.search(text):
        yield "must print plain text, without colour codes."
    shown_places = [place for place in machine_paths() if place in text]
    if shown_places:
        yield f"must not show a path of this machine; shows {shown_places[0]!r}."
    data = output.get("data", {})
    if WIDGET in data:
        yield "must not store a widget; it would show nothing in a fresh notebook."
    if any(kind.startswith("image/") for kind in data) and not alt_text(output):
        yield "shows an image without alt text; show it with course_lib.plotting.show(fig, alt=…)."


def alt_text(output: NotebookNode) -> str:
    """Return the alt text of an image output, empty if it has none."""
    metadata = output.get("metadata", {})
    places = [metadata, *(metadata.get(kind, {}) for kind in ("image/png", "image/svg+xml"))]
    return next((place["alt"] for place in places if place.get("alt")), "")


def machine_paths() -> list[str]:
    """List the folders of this machine that no stored output may name."""
    folders = (ROOT, Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()))
    return sorted({f"{folder}{os.sep}" for folder in folders if folder != folder.parent})


def _text_of(output: NotebookNode) -> str:
    """Join all that an output shows as text."""
    shown = [output.get("text", ""), *output.get("traceback", [])]
    shown += [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(shown)
