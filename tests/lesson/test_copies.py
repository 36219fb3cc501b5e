import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.errors import CourseError
from course_lib.lesson import copies
from course_lib.lesson.carrying import REMOVED_HEADING
from course_lib.lesson.copies import open_copy

STUB = 'def mean(x):\n    raise NotImplementedError("Your turn")'
ANSWER = "def mean(x):\n    return sum(x) / len(x)"


def code(name: str, source: str):
    return new_code_cell(source, id=name)


def text(name: str, source: str):
    return new_markdown_cell(source, id=name)


def lesson_cells():
    return [
        text("text-1", "# 01 · Toy"),
        code("exercise-mean", STUB),
        code("code-1", 'mean = check("01:mean", mean)'),
        text("answer-why", "<!-- @answer why -->\n*Your answer*"),
        code("code-2", "run.summary()"),
    ]


class Course:
    """A course of one lesson, whose notebook a test can replace, and the learner's copy."""

    def __init__(self, folder: Path) -> None:
        self.notebook = folder / "notebooks" / "01_toy.ipynb"
        self.work = folder / "work"
        self.copy = self.work / "01_toy.ipynb"
        self.publish(lesson_cells())

    def publish(self, cells: list) -> None:
        self.notebook.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), self.notebook)

    def edit(self, change) -> None:
        notebook = nbformat.read(self.copy, as_version=4)
        change(notebook)
        nbformat.write(notebook, self.copy)

    def sources(self) -> list[str]:
        notebook = nbformat.read(open_copy("01"), as_version=4)
        nbformat.validate(notebook)
        return [cell.source for cell in notebook.cells]

    def backups(self) -> list[Path]:
        return sorted((self.work / "backups").glob("*.ipynb"))


@pytest.fixture
def course(tmp_path, monkeypatch) -> Course:
    made = Course(tmp_path)
    monkeypatch.setenv("COURSE_WORK_DIR", str(made.work))
    monkeypatch.setattr(copies, "notebooks_path", lambda: made.notebook.parent)
    monkeypatch.setattr(copies, "find_lesson", lambda name: "01_toy")
    return made


def set_source(name: str, source: str):
    def change(notebook) -> None:
        next(cell for cell in notebook.cells if cell.id == name).source = source

    return change


def changed(name: str, source: str) -> list:
    """The lesson, with another text in one cell."""
    cells = lesson_cells()
    next(cell for cell in cells if cell.id == name).source = source
    return cells


def test_the_first_copy_has_the_lessons_cells_and_no_outputs(course) -> None:
    cells = lesson_cells()
    cells[2].outputs = [new_output("stream", name="stdout", text="right")]
    cells[2].execution_count = 3
    course.publish(cells)
    path = open_copy("01")
    assert path == course.copy
    copy = nbformat.read(path, as_version=4)
    assert [cell.source for cell in copy.cells] == [cell.source for cell in cells]
    assert [cell.id for cell in copy.cells] == [cell.id for cell in cells]
    assert copy.cells[2].outputs == []
    assert copy.cells[2].execution_count is None


def test_without_an_update_the_copy_is_not_written_at_all(course) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    before = course.copy.read_bytes()
    open_copy("01")
    assert course.copy.read_bytes() == before
    assert course.backups() == []


def test_new_outputs_in_the_course_are_no_update(course) -> None:
    open_copy("01")
    before = course.copy.read_bytes()
    cells = lesson_cells()
    cells[2].outputs = [new_output("stream", name="stdout", text="right")]
    course.publish(cells)
    open_copy("01")
    assert course.copy.read_bytes() == before


def test_an_untouched_copy_becomes_the_new_lesson(course) -> None:
    open_copy("01")
    cells = changed("exercise-mean", STUB.replace("x", "values"))
    cells.insert(1, text("text-2", "A new section."))
    course.publish(cells)
    assert course.sources() == [cell.source for cell in cells]


def test_answers_are_carried_over_and_the_former_file_is_kept(course, capsys) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    course.edit(set_source("answer-why", "Because."))
    former = course.copy.read_bytes()
    cells = lesson_cells()
    cells.insert(1, text("text-2", "A new section."))
    course.publish(cells)
    assert course.sources() == [
        "# 01 · Toy",
        "A new section.",
        ANSWER,
        'mean = check("01:mean", mean)',
        "Because.",
        "run.summary()",
    ]
    (kept,) = course.backups()
    assert kept.read_bytes() == former
    assert re.fullmatch(r"01_toy\.\d{4}-\d\d-\d\d-\d{6}\.ipynb", kept.name)
    assert kept.name in capsys.readouterr().out


def test_an_answer_to_a_changed_question_gets_a_note_with_the_new_text(course) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    course.publish(changed("exercise-mean", STUB.replace("(x)", "(values)")))
    sources = course.sources()
    assert "has changed since you answered it" in sources[1]
    assert "def mean(values):" in sources[1]
    assert sources[2] == ANSWER
    cells = changed("exercise-mean", STUB.replace("(x)", "(values)"))
    course.publish([*cells, text("text-2", "More.")])  # the next update drops the note
    assert course.sources()[:2] == ["# 01 · Toy", ANSWER]


def test_a_note_that_the_learner_wrote_into_is_kept(course) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    course.publish(changed("exercise-mean", STUB.replace("(x)", "(values)")))
    note = course.sources()[1]
    course.edit(set_source("note-exercise-mean", f"{note}\nI see."))
    course.publish(lesson_cells())
    assert f"{note}\nI see." in course.sources()


def test_added_cells_stay_where_they_stood(course) -> None:
    open_copy("01")

    def add(notebook) -> None:
        notebook.cells.insert(0, code("mine-0", "first = 0"))
        notebook.cells.insert(3, code("mine-1", "mean([1, 2])"))
        notebook.cells.insert(4, text("mine-2", "My thought."))
        notebook.cells.append(code("mine-3", ""))

    course.edit(add)
    cells = changed("code-2", "run.summary()  # all of it")
    cells.insert(1, text("text-2", "A new section."))
    course.publish(cells)
    assert course.sources() == [
        "first = 0",
        "# 01 · Toy",
        "A new section.",
        STUB,
        "mean([1, 2])",
        "My thought.",
        'mean = check("01:mean", mean)',
        "<!-- @answer why -->\n*Your answer*",
        "run.summary()  # all of it",
    ]
    course.publish(lesson_cells())  # and through a second update
    assert course.sources().count("My thought.") == 1


def test_an_edited_cell_stays_as_edited_while_the_lesson_keeps_it(course) -> None:
    open_copy("01")
    course.edit(set_source("code-1", "print(mean)"))
    course.publish(changed("text-1", "# 01 · Toys"))
    assert course.sources()[2] == "print(mean)"


def test_an_edited_cell_that_the_lesson_changed_too_is_kept_after_it(course) -> None:
    open_copy("01")
    course.edit(set_source("code-1", "print(mean)"))
    course.publish(changed("code-1", "mean = check('01:mean', mean)"))
    for _ in range(2):
        assert course.sources()[2:4] == ["mean = check('01:mean', mean)", "print(mean)"]
        course.publish([*changed("code-1", "mean = check('01:mean', mean)"), text("t", "More.")])


def test_an_edited_cell_that_the_lesson_dropped_is_kept_and_an_untouched_one_goes(course) -> None:
    open_copy("01")
    course.edit(set_source("code-1", "print(mean)"))
    course.publish([cell for cell in lesson_cells() if cell.id not in ("code-1", "text-1")])
    assert course.sources()[:2] == [STUB, "print(mean)"]
    assert "# 01 · Toy" not in course.sources()


def test_the_answer_to_a_removed_exercise_is_kept_at_the_end(course) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    course.publish([cell for cell in lesson_cells() if cell.id != "exercise-mean"])
    assert course.sources()[-3:] == ["run.summary()", REMOVED_HEADING, ANSWER]
    course.publish([cell for cell in lesson_cells()[1:] if cell.id != "exercise-mean"])
    assert course.sources()[-2:] == [REMOVED_HEADING, ANSWER]


def test_an_unanswered_stub_that_is_removed_or_changed_leaves_nothing_behind(course) -> None:
    open_copy("01")
    new_stub = STUB.replace("mean", "middle")
    course.publish(changed("exercise-mean", new_stub))
    assert course.sources()[1] == new_stub
    course.publish([cell for cell in lesson_cells() if cell.id != "exercise-mean"])
    assert REMOVED_HEADING not in course.sources()


def test_a_deleted_cell_of_the_lesson_comes_back_with_an_update(course) -> None:
    open_copy("01")
    course.edit(lambda notebook: notebook.cells.pop(2))
    course.publish(changed("text-1", "# 01 · Toys"))
    assert course.sources()[2] == 'mean = check("01:mean", mean)'


@pytest.mark.parametrize("spoilt", ["", "{", "[1, 2]", '{"cells": 3}', '"text"', "{}"])
def test_a_spoilt_copy_is_refused_and_nothing_is_touched(course, spoilt) -> None:
    open_copy("01")
    course.copy.write_text(spoilt, encoding="utf-8")
    course.publish(changed("text-1", "# 01 · Toys"))
    before = {path: path.read_bytes() for path in course.work.rglob("*") if path.is_file()}
    with pytest.raises(
        CourseError, match=r"01_toy\.ipynb is not a notebook .* Nothing was changed"
    ):
        open_copy("01")
    assert {p: p.read_bytes() for p in course.work.rglob("*") if p.is_file()} == before


def test_without_the_kept_original_nothing_of_the_learners_is_lost(course) -> None:
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    course.edit(set_source("code-1", "print(mean)"))
    (course.work / ".course" / "01_toy.ipynb").unlink()
    sources = course.sources()
    assert ANSWER in sources
    assert sources[2:4] == ['mean = check("01:mean", mean)', "print(mean)"]


def test_a_copy_saved_without_cell_ids_loses_nothing(course) -> None:
    """Colab writes the older format, with ids in the metadata or none at all."""
    open_copy("01")
    course.edit(set_source("exercise-mean", ANSWER))
    stored = json.loads(course.copy.read_text(encoding="utf-8"))
    stored["nbformat_minor"] = 0
    for cell in stored["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
    course.copy.write_text(json.dumps(stored), encoding="utf-8")
    course.publish(changed("text-1", "# 01 · Toys"))
    sources = course.sources()
    assert ANSWER in sources
    assert len(sources) == len(lesson_cells())


def test_a_copied_cell_with_the_same_id_is_kept_too(course) -> None:
    open_copy("01")
    stored = json.loads(course.copy.read_text(encoding="utf-8"))
    stored["cells"].insert(2, {**stored["cells"][1], "source": ANSWER})
    course.copy.write_text(json.dumps(stored), encoding="utf-8")
    course.publish(changed("text-1", "# 01 · Toys"))
    assert course.sources()[:3] == ["# 01 · Toys", STUB, ANSWER]


def test_two_updates_in_one_second_keep_two_backups(course) -> None:
    open_copy("01")
    for number in range(3):
        course.publish(changed("text-1", f"# 01 · Toy {number}"))
        open_copy("01")
    assert len(course.backups()) == 3
