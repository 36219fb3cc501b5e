import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.lesson.carrying import CHANGED, carry_over

NAMES = ["exercise-a", "answer-b", "code-1", "code-2", "text-3"]
CELLS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from("PQR")), unique_by=lambda c: c[0]
)
ADDED = st.sampled_from([[], [("mine-1", "ADDED")], [("mine-1", "ADDED"), ("mine-2", "too")]])


def make(cells):
    return new_notebook(cells=[new_code_cell(source, id=name) for name, source in cells])


def pairs(notebook):
    return [(cell.id, cell.source) for cell in notebook.cells]


def test_arguments_are_not_changed() -> None:
    old, mine, new = (
        make([("exercise-a", "P")]),
        make([("exercise-a", "Q")]),
        make([("code-1", "R")]),
    )
    before = [json.dumps(notebook) for notebook in (old, mine, new)]
    carry_over(old, mine, new)
    assert [json.dumps(notebook) for notebook in (old, mine, new)] == before


@pytest.mark.parametrize(
    ("old", "mine", "new", "sources"),
    [
        ("P", "P", "P", ["P"]),
        ("P", "P", "Q", ["Q"]),  # untouched: the lesson's new text
        ("P", "M", "P", ["M"]),  # only the learner changed it
        ("P", "M", "M", ["M"]),  # both made the same change
        ("P", "M", "Q", ["Q", "M"]),  # both changed it
    ],
)
def test_a_plain_cell_is_merged_by_who_changed_it(old, mine, new, sources) -> None:
    merged = carry_over(*(make([("code-1", source)]) for source in (old, mine, new)))
    assert [cell.source for cell in merged.cells] == sources
    assert merged.cells[0].id == "code-1"


@pytest.mark.parametrize(
    ("make_cell", "name", "language"),
    [
        (new_code_cell, "exercise-a", "python"),
        (new_code_cell, "repair-a", "python"),
        (new_markdown_cell, "answer-b", "markdown"),
        (new_code_cell, f"exercise-{'x' * 55}", "python"),
    ],
)
def test_a_changed_question_is_shown_above_the_answer(make_cell, name, language) -> None:
    old, mine, new = (new_notebook(cells=[make_cell(text, id=name)]) for text in "PMQ")
    note, answer = carry_over(old, mine, new).cells
    assert note.source == f"{CHANGED}\n\n```{language}\nQ\n```"
    assert note.id == f"note-{name}"[:64]
    assert pairs(new_notebook(cells=[answer])) == [(name, "M")]
    without_the_old = carry_over(new_notebook(), mine, new)
    assert pairs(without_the_old) == [(name, "M")]


@pytest.mark.parametrize("source", [f"{CHANGED} And I?", "Look:\n```\nx\n```"])
def test_only_an_untouched_note_is_dropped(source) -> None:
    mine = new_notebook(cells=[new_markdown_cell(source, id="note-exercise-a")])
    assert pairs(carry_over(new_notebook(), mine, new_notebook())) == pairs(mine)


def test_a_learners_text_like_a_note_is_kept() -> None:
    mine = new_notebook(cells=[new_markdown_cell(f"{CHANGED}\n```", id="mine")])
    assert pairs(carry_over(new_notebook(), mine, new_notebook())) == pairs(mine)


def test_a_carried_answer_keeps_its_output_and_gets_the_lessons_metadata() -> None:
    old, mine, new = (
        make([("exercise-a", "P")]),
        make([("exercise-a", "M")]),
        make([("exercise-a", "P")]),
    )
    mine.cells[0].execution_count = 7
    mine.cells[0].metadata["collapsed"] = True
    new.cells[0].metadata["tags"] = ["core"]
    (cell,) = carry_over(old, mine, new).cells
    assert (cell.source, cell.execution_count, cell.metadata) == ("M", 7, {"tags": ["core"]})


@settings(deadline=None, max_examples=200)
@given(old=CELLS, new=CELLS, edits=CELLS, added=ADDED)
def test_nothing_the_learner_wrote_is_lost_and_no_id_appears_twice(old, new, edits, added) -> None:
    """Whatever the lesson and the learner did, every edited text is still there."""
    edited = {name: f"edited {source}" for name, source in edits}
    mine = [(name, edited.get(name, source)) for name, source in old] + added
    merged = pairs(carry_over(make(old), make(mine), make(new)))
    sources = [source for _, source in merged]
    for name, source in mine:
        if (name, source) not in old:
            assert source in sources
    ids = [name for name, _ in merged]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if name in dict(new)] == [name for name, _ in new]


@settings(deadline=None, max_examples=100)
@given(old=CELLS, new=CELLS, edits=CELLS, added=ADDED)
def test_a_second_update_to_the_same_lesson_changes_nothing(old, new, edits, added) -> None:
    edited = {name: f"edited {source}" for name, source in edits}
    mine = [(name, edited.get(name, source)) for name, source in old] + added
    once = carry_over(make(old), make(mine), make(new))
    twice = carry_over(make(new), once, make(new))
    kept = [source for source in _texts(once) if not source.startswith(CHANGED)]
    assert _texts(twice) == kept


def _texts(notebook):
    return [cell.source for cell in notebook.cells]
