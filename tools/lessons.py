"""Lessons: from source and library to the notebook a learner opens.

`python tools/lessons.py build` rewrites marked cells from the library, runs every lesson and
stores it; `check` fails if a stored lesson no longer agrees with source and library (outputs are
not compared); `solved 01 out.ipynb` writes a lesson with its solutions put in, not run.
"""

import argparse
import difflib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from lesson_marks import make_notebook, read_source  # noqa: E402
from lesson_rules import anchors, broken_rules  # noqa: E402
from lesson_run import LessonFailedError, kernel_environment, run_notebook  # noqa: E402
from notebook_guards import notebook_problems  # noqa: E402


def sources(root: Path) -> list[Path]:
    """List the lessons' sources, in the order of their names."""
    return sorted((root / "notebooks" / "src").glob("*.py"))


def stored(root: Path, source: Path) -> Path:
    """Return where a lesson's notebook is stored."""
    return root / "notebooks" / f"{source.stem}.ipynb"


def choose(root: Path, names: Sequence[str]) -> list[Path]:
    """Choose sources by full name or by what stands before its first underscore.

    Raises:
        ValueError: If no lesson has one of the names.
    """
    found = sources(root)
    chosen = []
    for name in names:
        fits = [path for path in found if name.lower() in _names_of(path)]
        if not fits:
            known = ", ".join(path.stem for path in found)
            raise ValueError(f"lesson must be one of {known}; got {name!r}.")
        chosen += fits
    return chosen if names else found


def _names_of(source: Path) -> set[str]:
    short = source.stem.partition("_")[0].lower()
    return {source.stem.lower(), short, short.lstrip("0") or "0"}


def structure_problems(root: Path, source: Path) -> list[str]:
    """List which rules of the skeleton a lesson breaks, marks included."""
    anchors_of = {path.stem: anchors(read_source(path)) for path in sources(root)}
    try:
        notebook = make_notebook(root, source)
    except ValueError as error:
        return [f"{source.stem}: {error}"]
    rules = broken_rules(notebook.cells, source.stem, anchors_of)
    return [f"{source.stem}: {problem}" for problem in rules]


def build(root: Path, source: Path) -> list[str]:
    """Make, run and store a lesson.

    Returns:
        What is wrong with it; if anything is, the stored notebook stays as it was.
    """
    problems = structure_problems(root, source)
    if problems:
        return problems
    notebook = make_notebook(root, source)
    try:
        run_notebook(notebook, root / "notebooks", kernel_environment(root))
    except LessonFailedError as error:
        return [f"{source.stem}: {error}"]
    target = stored(root, source)
    fresh = target.with_name(f".{target.name}")
    nbformat.write(notebook, fresh)
    problems = [problem.removeprefix(".") for problem in notebook_problems(fresh)]
    if problems:
        fresh.unlink()
    else:
        os.replace(fresh, target)
    return problems


def drift(root: Path, source: Path) -> list[str]:
    """List where a stored lesson differs from its source and the library, outputs aside."""
    path = stored(root, source)
    if not path.is_file():
        return [f"{source.stem}: has never been built."]
    try:
        wanted = make_notebook(root, source)
    except ValueError as error:
        return [f"{source.stem}: {error}"]
    found = nbformat.read(path, as_version=4)
    problems = []
    if found.metadata != wanted.metadata:
        problems.append(f"notebook metadata\n{_difference(found.metadata, wanted.metadata)}")
    if [cell.get("id") for cell in found.cells] != [cell.id for cell in wanted.cells]:
        problems.append(f"cells and their order\n{_difference(_outline(found), _outline(wanted))}")
    else:
        for old, new in zip(found.cells, wanted.cells, strict=True):
            problems += _cell_drift(old, new)
    return [f"{source.stem}: {problem}" for problem in problems]


def _outline(notebook: NotebookNode) -> str:
    """List the cells, one a line: id and beginning of the text."""
    return "\n".join(f"{cell.get('id')}  {cell.source[:60]!r}" for cell in notebook.cells)


def _cell_drift(old: NotebookNode, new: NotebookNode) -> list[str]:
    fields = ("cell_type", "source", "metadata", "attachments")
    return [
        f"{new.id}: {field}\n{_difference(old.get(field), new.get(field))}"
        for field in fields
        if old.get(field) != new.get(field)
    ]


def _difference(stored_value: object, wanted_value: object) -> str:
    old, new = str(stored_value).splitlines(), str(wanted_value).splitlines()
    return "\n".join(difflib.unified_diff(old, new, "stored", "source and library", lineterm=""))


def check(root: Path, chosen: Sequence[Path]) -> list[str]:
    """List everything wrong with the lessons: rules, drift, notebooks without a source."""
    problems = []
    for source in chosen:
        problems += structure_problems(root, source) or drift(root, source)
    known = {path.stem for path in sources(root)}
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        if notebook.stem not in known:
            problems.append(f"{notebook.stem}: the notebook has no source in notebooks/src.")
    return problems


def build_all(root: Path, chosen: Sequence[Path]) -> list[str]:
    """Build lessons one after the other, with a line each."""
    problems = []
    for source in chosen:
        begun = time.perf_counter()
        found = build(root, source)
        verdict = "NOT built" if found else "built"
        print(f"{source.stem}: {verdict} ({time.perf_counter() - begun:.0f} s)", flush=True)
        problems += found
    return problems


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("build", "check"):
        commands.add_parser(name).add_argument("lessons", nargs="*", metavar="LESSON")
    solved = commands.add_parser("solved")
    solved.add_argument("lessons", nargs=1, metavar="LESSON")
    solved.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    chosen = choose(root, options.lessons)
    if options.command == "solved":
        nbformat.write(make_notebook(root, chosen[0], solved=True), options.out)
        return 0
    problems = {"build": build_all, "check": check}[options.command](root, chosen)
    for problem in problems:
        print(problem)
    if problems and options.command == "check":
        print("If the source and the library are as you want them: python tools/lessons.py build")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
