"""From a lesson's source (jupytext percent) to the notebook a learner opens, not yet run."""

import ast
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jupytext
from library_source import Shown, read_definition, read_repair
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.lesson.exercise import BROKEN_SUFFIX
from course_lib.lesson.setup_cell import colab_badge, setup_cell

NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
MARK = re.compile(r"# @(?P<kind>setup|exercise|repair|sync|scratch)\b *(?P<target>\S*)$")
ANSWER = re.compile(r"<!-- @answer (?P<slug>[a-z0-9-]+) -->")
VALID_ID = re.compile(r"[a-z0-9_-]{1,64}")

Kind = Literal["setup", "exercise", "repair", "sync", "scratch", ""]


@dataclass(frozen=True)
class Mark:
    """What the first line of a cell asks for.

    Attributes:
        kind: The mark's word; empty if the cell carries none.
        target: The library's "module:name"; empty for a set-up cell or no mark.
    """

    kind: Kind
    target: str

    @property
    def name(self) -> str:
        """The target's name, without its module."""
        return self.target.partition(":")[2]


def read_mark(source: str) -> Mark:
    """Read the mark of a code cell, from its first line."""
    found = MARK.match(source.partition("\n")[0])
    if found is None:
        return Mark("", "")
    return Mark(found["kind"], found["target"])  # pyright: ignore[reportArgumentType]


def read_source(path: Path) -> list[NotebookNode]:
    """Read the cells of a lesson's source, as its author wrote them."""
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    return [cell for cell in notebook.cells if cell.cell_type != "raw"]


def make_notebook(root: Path, path: Path, *, solved: bool = False) -> NotebookNode:
    """Make a lesson's notebook from its source and the library, without outputs.

    Args:
        root: The folder that holds the library's top package.
        path: The lesson's source.
        solved: Whether exercises show the library's source, not "Your turn" or a broken version.

    Raises:
        ValueError: If a mark is wrong, or an id is not valid or not unique.
    """
    known: set[str] = set()
    cells = []
    for number, written in enumerate(read_source(path)):
        source = written.source
        if written.cell_type == "code":
            source = _expand(root, path.stem, source, known, solved)
        elif number == 0:
            source = _with_badge(source, path.stem)
        tags = written.metadata.get("tags", [])
        metadata = {"tags": list(tags)} if tags else {}
        new_cell = new_code_cell if written.cell_type == "code" else new_markdown_cell
        cells.append(new_cell(source=source, metadata=metadata, id=_wanted_id(written)))
    _make_ids_unique(cells)
    return new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)


def _expand(root: Path, lesson: str, source: str, known: set[str], solved: bool) -> str:
    """Replace a marked cell by what it stands for; `known` collects the names it defines."""
    mark = read_mark(source)
    if mark.kind not in ("", "scratch") and "\n" in source.strip():
        raise ValueError(f"the cell of mark {source.splitlines()[0]!r} must hold nothing else.")
    if mark.kind == "setup":
        return setup_cell(lesson)
    if not mark.kind:
        return source
    shown = _read(root, mark)
    if mark.kind == "scratch":
        return source
    text = _shown_text(mark, shown, known, solved)
    known.add(mark.name)
    return text


def _read(root: Path, mark: Mark) -> Shown:
    if mark.kind != "repair":
        return read_definition(root, mark.target)
    module, _, name = mark.target.partition(":")
    return read_repair(root, mark.target, f"{module}{BROKEN_SUFFIX}:{name}")


def _shown_text(mark: Mark, shown: Shown, known: set[str], solved: bool) -> str:
    body = shown.source
    if mark.kind in ("exercise", "repair"):
        if not shown.stub:
            raise ValueError(
                f"{mark.target} must be a function, or a class of nothing but methods, with a "
                "docstring to be exercised."
            )
        body = shown.source if solved else shown.stub
    imports = shown.imports(known)
    head = f"# @{mark.kind} {mark.target}"
    return f"{head}\n{imports}\n\n\n{body}" if imports else f"{head}\n{body}"


def _with_badge(source: str, lesson: str) -> str:
    """Put the Open-in-Colab badge under the title."""
    title, _, rest = source.partition("\n")
    badge = colab_badge(lesson)
    return f"{title}\n\n{badge}\n\n{rest.lstrip()}".rstrip() if badge else source


def _wanted_id(cell: NotebookNode) -> str:
    """Name a cell: by its explicit id, its mark, its answer, else a hash of what was written."""
    mark = read_mark(cell.source) if cell.cell_type == "code" else Mark("", "")
    explicit = cell.metadata.get("id")
    if explicit is not None:
        if mark.kind or not VALID_ID.fullmatch(explicit):
            raise ValueError(
                f"an id must match {VALID_ID.pattern} on an unmarked cell: {explicit!r}."
            )
        return explicit
    if mark.kind:
        return re.sub(r"[^a-z0-9-]+", "-", f"{mark.kind}-{mark.name}".lower()).strip("-")[:64]
    answer = ANSWER.match(cell.source) if cell.cell_type == "markdown" else None
    if answer:
        return f"answer-{answer['slug']}"[:64]
    kind = "code" if cell.cell_type == "code" else "text"
    return f"{kind}-{hashlib.sha256(cell.source.encode()).hexdigest()[:12]}"


def _make_ids_unique(cells: list[NotebookNode]) -> None:
    """Number the repetitions of an id that nobody refers to; any other must be unique as it is."""
    seen: Counter[str] = Counter()
    for cell in cells:
        seen[cell.id] += 1
        if seen[cell.id] == 1:
            continue
        if not cell.id.startswith(("code-", "text-", "scratch-")):
            raise ValueError(f"two cells must not have the same id {cell.id!r}.")
        cell.id = f"{cell.id}-{seen[cell.id]}"


def definitions(source: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """List a code cell's definitions, nested ones included."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
