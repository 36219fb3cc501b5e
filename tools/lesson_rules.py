"""What every lesson must have, and have in order; broken rules are listed, not raised."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from lesson_marks import Mark, definitions, read_mark
from nbformat import NotebookNode

MARKED_FROM_LINES = 6
MIN_EXERCISES = 3
BEFORE = ("You will be able to", "Before you start", "Recall", "Set-up")
AFTER = (
    "Known truth",
    "Real text",
    "On a GPU",
    "Exercises",
    "In your own words",
    "Claims, tested",
    "Quiz",
    "Summary",
    "Further reading",
)
NUMBERED = re.compile(r"(\d+) · \S")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
LINK = re.compile(
    r"\]\((?P<page>[\w.-]+\.ipynb)?(?:#(?P<anchor>[^()\s]+(?:\([^()\s]*\)[^()\s]*)*))?\)"
)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

Cells = list[NotebookNode]


def broken_rules(cells: Cells, lesson: str, anchors_of: dict[str, set[str]]) -> list[str]:
    """List what a lesson lacks.

    Args:
        cells: The cells of its notebook, marks expanded.
        lesson: Its full name.
        anchors_of: The headings' anchors of every lesson, by full name.
    """
    unreadable = list(_unreadable(cells))
    if unreadable:
        return unreadable
    rules: tuple[Callable[[Cells], Iterator[str]], ...] = (
        _title,
        _headings,
        _marked_definitions,
        _scratch_twins,
        lambda found: _exercises(found, lesson),
        _gpu_and_summary,
        lambda found: _links(found, lesson, anchors_of),
    )
    return [problem for rule in rules for problem in rule(cells)]


def anchors(cells: Cells) -> set[str]:
    """Return the anchors of all headings, as JupyterLab makes them: spaces become hyphens."""
    return {text.replace(" ", "-") for _, text in _all_headings(cells)}


def _prose(cell: NotebookNode) -> str:
    return FENCE.sub("", cell.source) if cell.cell_type == "markdown" else ""


def _all_headings(cells: Cells) -> list[tuple[int, str]]:
    return [
        (len(level), re.sub(r"[*`]", "", text))
        for cell in cells
        for level, text in HEADING.findall(_prose(cell))
    ]


def _code(cells: Cells) -> Cells:
    return [cell for cell in cells if cell.cell_type == "code"]


def _unreadable(cells: Cells) -> Iterator[str]:
    for cell in _code(cells):
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{cell.id}: must be plain Python; {error.msg}, line {error.lineno}."


def _title(cells: Cells) -> Iterator[str]:
    first = cells[0].source if cells else ""
    if not re.match(r"# \w+ · \S", first):
        yield "the first cell must begin with '# NN · Title'."
    if "**The question:**" not in first:
        yield "the title cell must state '**The question:** …'."


def _headings(cells: Cells) -> Iterator[str]:
    found = [text for level, text in _all_headings(cells) if level == 2]
    numbered = [text for text in found if NUMBERED.match(text)]
    expected = [*BEFORE, *numbered, *AFTER]
    missing = [text for text in expected if text not in found]
    yield from (f"the heading '## {text}' is missing." for text in missing)
    yield from (
        f"'## {text}' is no heading of the skeleton." for text in found if text not in expected
    )
    if not missing and found != expected and set(found) == set(expected):
        place = next(i for i, text in enumerate(found) if text != expected[i])
        yield f"'## {found[place]}' stands where '## {expected[place]}' must."
    if [text.split(" ")[0] for text in numbered] != [str(i + 1) for i in range(len(numbered))]:
        yield f"sections must be numbered from 1; got {numbered}."
    if not numbered:
        yield "at least one section '## 1 · …' must stand after '## Set-up'."


def _marked_definitions(cells: Cells) -> Iterator[str]:
    for cell in _code(cells):
        if read_mark(cell.source).kind:
            continue
        for node in definitions(cell.source):
            n_lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if n_lines >= MARKED_FROM_LINES:
                yield f"{cell.id}: {node.name} has {n_lines} lines, so it must carry a mark."


def _scratch_twins(cells: Cells) -> Iterator[str]:
    code = _code(cells)
    for place, cell in enumerate(code):
        mark = read_mark(cell.source)
        if mark.kind != "scratch":
            continue
        twins = {node.name for node in definitions(cell.source)}
        if mark.name in twins or not twins:
            yield f"{cell.id}: a scratch twin must be defined under another name than {mark.name}."
        needed = {"assert_close", mark.name}
        names = [_names(later.source) for later in code[place + 1 :]]
        if not any(needed <= used and twins & used for used in names):
            yield f"{cell.id}: a later cell must assert_close {sorted(twins)} with {mark.name}."


def _names(source: str) -> set[str]:
    """Collect the names a cell uses, `x` of `torch.x` and `f` of `import f` excepted."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {node.id for node in nodes if isinstance(node, ast.Name)}
    return plain | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def _exercises(cells: Cells, lesson: str) -> Iterator[str]:
    marks = [(place, read_mark(cell.source)) for place, cell in enumerate(cells)]
    exercises = [(place, mark) for place, mark in marks if mark.kind in ("exercise", "repair")]
    names = [mark.name for _, mark in exercises]
    if len(names) < MIN_EXERCISES:
        yield f"a lesson must have at least {MIN_EXERCISES} exercises; it has {len(names)}."
    for _, mark in marks:
        if mark.kind == "sync" and mark.name in names:
            yield f"sync-{mark.name}: would overwrite the answer to the exercise of that name."
    for place, mark in exercises:
        following = cells[place + 1] if place + 1 < len(cells) else None
        if following is None or not _is_check(following, mark, lesson):
            key = f"{lesson.partition('_')[0].lower()}:{mark.name}"
            yield (
                f"{mark.kind}-{mark.name}: the next cell must be "
                f'{mark.name} = check("{key}", {mark.name}).'
            )


def _is_check(cell: NotebookNode, mark: Mark, lesson: str) -> bool:
    """Tell whether a cell is `name = check("key", name)`."""
    if cell.cell_type != "code":
        return False
    key = f"{lesson.partition('_')[0].lower()}:{mark.name}"
    expected = ast.parse(f"{mark.name} = check({key!r}, {mark.name})").body[0]
    return any(ast.dump(node) == ast.dump(expected) for node in ast.parse(cell.source).body)


def _gpu_and_summary(cells: Cells) -> Iterator[str]:
    code = _code(cells)
    if not any("gpu" in cell.metadata.get("tags", []) for cell in code):
        yield "a code cell must be tagged gpu."
    if sum("lesson.start(" in cell.source for cell in code) != 1:
        yield "exactly one code cell must be marked '# @setup'."
    if not code or code[-1].source.strip() != "run.summary()":
        yield "the last code cell must be run.summary()."


def _links(cells: Cells, lesson: str, anchors_of: dict[str, set[str]]) -> Iterator[str]:
    for cell in cells:
        for link in LINK.finditer(_prose(cell)):
            page = Path(link["page"]).stem if link["page"] else lesson
            if page not in anchors_of:
                yield f"{cell.id}: links to {link['page']}, which is no lesson."
            elif link["anchor"] and unquote(link["anchor"]) not in anchors_of[page]:
                near = ", ".join(sorted(anchors_of[page]))
                yield f"{cell.id}: #{link['anchor']} must be a heading of {page}; it has {near}."
