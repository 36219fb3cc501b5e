"""Carry what a learner wrote into a newer version of a lesson: cell by cell, nothing lost."""

from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

ANSWER_PREFIXES = ("exercise-", "repair-", "answer-")
NOTE_PREFIX = "note-"
CHANGED = "**This question has changed since you answered it.** Now it reads:"
REMOVED_HEADING = "## Your answers to questions that are no longer in this lesson"
REMOVED_ID = f"{NOTE_PREFIX}removed"

Cells = dict[str, NotebookNode]


def carry_over(old: NotebookNode, mine: NotebookNode, new: NotebookNode) -> NotebookNode:
    """Merge a learner's notebook into a newer version of its lesson.

    Answers (cells whose id begins with "exercise-", "repair-" or "answer-") go where the lesson has
    that cell now; if the question has changed, a note above shows its new text, and if it is gone,
    the answer stands at the end under a heading of its own. Any other cell that the learner
    edited stays as edited while the lesson's version of it is unchanged; if that has changed too,
    the edited one follows it. Cells that the learner added stay after the cell they stood after.
    A lesson's cell that the learner deleted comes back.

    Args:
        old: The lesson as it was when the learner's copy was made; may have no cells.
        mine: The learner's copy.
        new: The lesson as it is now.

    Returns:
        A new notebook; the arguments are not changed.
    """
    written = [cell for cell in mine.cells if not _is_note(cell)]
    before, now = _by_id(old.cells), _by_id(new.cells)
    own = _by_id(written)
    extras, removed = _extras(written, before, now)
    cells = list(extras.pop("", []))
    for cell in new.cells:
        cells += _in_place(before.get(_id(cell)), own.get(_id(cell)), cell)
        cells += extras.pop(_id(cell), [])
    if removed:
        cells += [new_markdown_cell(REMOVED_HEADING, id=REMOVED_ID), *removed]
    merged = deepcopy(new)
    merged.cells = _with_unique_ids(cells)
    return merged


def _id(cell: NotebookNode) -> str:
    """Return a cell's id; editors that write the older format keep it in the metadata."""
    return cell.get("id") or cell.metadata.get("id") or ""


def _by_id(cells: list[NotebookNode]) -> Cells:
    return {_id(cell): cell for cell in reversed(cells) if _id(cell)}  # of two, the first counts


def _is_edited(cell: NotebookNode, before: NotebookNode | None) -> bool:
    return before is None or cell.source != before.source


def _in_place(
    before: NotebookNode | None, mine: NotebookNode | None, new: NotebookNode
) -> Iterator[NotebookNode]:
    """Yield what stands where the lesson has a cell: the lesson's, the learner's, or both."""
    if mine is None or not _is_edited(mine, before) or mine.source == new.source:
        yield new
    elif before is not None and before.source == new.source:
        yield _with(new, mine)
    elif _id(new).startswith(ANSWER_PREFIXES):
        if before is not None:
            yield _changed_note(new)
        yield _with(new, mine)
    else:
        yield new
        yield _renamed(mine, f"kept-{_id(mine)}")


def _with(new: NotebookNode, mine: NotebookNode) -> NotebookNode:
    """Put the learner's text, and what it last printed, into a cell of the lesson."""
    cell = deepcopy(mine)
    cell.metadata, cell.id = deepcopy(new.metadata), _id(new)
    return cell


def _changed_note(new: NotebookNode) -> NotebookNode:
    language = "python" if new.cell_type == "code" else "markdown"
    text = f"{CHANGED}\n\n```{language}\n{new.source}\n```"
    return new_markdown_cell(text, id=f"{NOTE_PREFIX}{_id(new)}"[:64])


def _is_note(cell: NotebookNode) -> bool:
    """Tell a note of an earlier update, to be dropped, from one the learner has written into."""
    ours = cell.source.startswith(CHANGED) and cell.source.endswith("\n```")
    return _id(cell).startswith(NOTE_PREFIX) and (ours or cell.source == REMOVED_HEADING)


def _extras(
    written: list[NotebookNode], before: Cells, now: Cells
) -> tuple[dict[str, list[NotebookNode]], list[NotebookNode]]:
    """Collect the learner's cells that the lesson has no place for.

    Returns:
        The cells to keep, by the id of the lesson's cell they follow ("" for the top), and the
        answers to questions that are gone.
    """
    extras: dict[str, list[NotebookNode]] = {}
    removed, place, placed = [], "", set()
    for cell in written:
        name = _id(cell)
        if name in now and name not in placed:
            place = name
            placed.add(name)
        elif not _is_edited(cell, before.get(name)) and name not in placed:
            continue  # the lesson dropped it, and the learner had not touched it
        elif name.startswith(ANSWER_PREFIXES) and name not in now:
            removed.append(cell)
        elif cell.source.strip():
            extras.setdefault(place, []).append(cell)
    return extras, removed


def _renamed(cell: NotebookNode, name: str) -> NotebookNode:
    return NotebookNode({**deepcopy(cell), "id": name[:64]})


def _with_unique_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Give every cell an id of its own: the first keeps it, later ones are numbered."""
    taken: set[str] = set()
    result = []
    for cell in cells:
        wanted = _id(cell) or "added"
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted[:60]}-{number}", number + 1
        taken.add(name)
        result.append(_renamed(cell, name))
    return result
