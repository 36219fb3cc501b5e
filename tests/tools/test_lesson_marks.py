import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from lesson_marks import Mark, make_notebook, read_mark  # noqa: E402

from course_lib.lesson.setup_cell import colab_badge, setup_cell  # noqa: E402


def cells_of(course):
    return {cell.id: cell for cell in make_notebook(course.root, course.source).cells}


def test_marks_are_read_from_the_first_line() -> None:
    assert read_mark("# @setup") == Mark("setup", "")
    assert read_mark("# @sync a.b:c\nx = 1") == Mark("sync", "a.b:c")
    assert read_mark("# @sync a.b:c").name == "c"
    assert read_mark("x = 1\n# @sync a.b:c") == Mark("", "")
    assert read_mark("# @syncing a.b:c") == Mark("", "")


def test_marked_cells_hold_the_librarys_text(toy_course) -> None:
    cells = cells_of(toy_course)
    assert cells["setup"].source == setup_cell("01_toy")
    assert cells["exercise-mean"].source == (
        "# @exercise course_lib.toy:mean\n"
        "from collections.abc import Sequence\n\n\n"
        "def mean(values: Sequence[float]) -> float:\n"
        '    """Return the mean."""\n'
        '    raise NotImplementedError("Your turn")'
    )
    assert cells["scratch-halve"].source.startswith("# @scratch course_lib.toy:halve\ndef half_by")


def test_a_repair_shows_the_broken_body_under_the_right_docstring(toy_course) -> None:
    toy_course.edit(
        toy_course.source, "@exercise course_lib.toy:norm", "@repair course_lib.toy:norm"
    )
    assert cells_of(toy_course)["repair-norm"].source == (
        "# @repair course_lib.toy:norm\n"
        "from collections.abc import Sequence\n"
        "from course_lib.toy import LIMIT\n"
        "from math import log, sqrt as root\n\n\n"
        "def norm(values: Sequence[float]) -> float:\n"
        '    """Return the length of a vector.\n\n'
        "    Args:\n"
        "        values: Its coordinates.\n"
        '    """\n'
        "    # Seen in the wild.\n"
        "    return log(sum(value * value for value in values))"
    )
    solved = make_notebook(toy_course.root, toy_course.source, solved=True)
    (cell,) = [cell for cell in solved.cells if cell.id == "repair-norm"]
    assert cell.source.startswith("# @repair course_lib.toy:norm\n")
    assert cell.source.endswith("    return min(root(total), LIMIT)")


def test_a_shown_function_calls_the_learners_answer(toy_course) -> None:
    """`spread` uses `mean`, an exercise above it: importing it would undo the learner's work."""
    head = cells_of(toy_course)["sync-spread"].source.partition("def spread")[0]
    assert "import halve\n" in head
    assert "mean" not in head


def test_ids_are_unique_short_and_survive_edits_elsewhere(toy_course) -> None:
    before = make_notebook(toy_course.root, toy_course.source)
    nbformat.validate(before)
    ids = [cell.id for cell in before.cells]
    assert len(set(ids)) == len(ids)
    assert "answer-why-toys" in ids
    toy_course.edit(toy_course.source, "# %% tags=", "# %%\n1 + 1\n\n# %% tags=")
    toy_course.edit(toy_course.source, "does it build?", "does it stand?")
    after = [cell.id for cell in make_notebook(toy_course.root, toy_course.source).cells]
    assert after[0] != ids[0]
    (added,) = [position for position, one in enumerate(after) if one.endswith("-2")]
    assert after[1:added] + after[added + 1 :] == ids[1:]


def test_an_explicit_id_and_tags_are_kept(toy_course) -> None:
    toy_course.edit(toy_course.source, 'tags=["gpu"]', 'tags=["gpu"] id="on-a-gpu"')
    cell = cells_of(toy_course)["on-a-gpu"]
    assert cell.metadata == {"tags": ["gpu"]}
    assert cell.source == "1 + 1"


def test_the_badge_stands_under_the_title_once_the_course_is_published(
    toy_course, monkeypatch
) -> None:
    question = "**The question:** does it build?"
    address = "https://github.com/someone/course"
    monkeypatch.setattr("course_lib.lesson.setup_cell.project_url", lambda: address)
    title = make_notebook(toy_course.root, toy_course.source).cells[0].source
    assert title == f"# 01 · A toy\n\n{colab_badge('01_toy')}\n\n{question}"
    assert "/someone/course/" in title
    monkeypatch.setattr("course_lib.lesson.setup_cell.project_url", lambda: "https://a.b/c")
    title = make_notebook(toy_course.root, toy_course.source).cells[0].source
    assert title == f"# 01 · A toy\n{question}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# @setup", "# @setup\nx = 1", "must hold nothing else"),
        ("# @sync course_lib.toy:spread", "# @sync course_lib.toy:gone", "must define 'gone'"),
        ("# @exercise course_lib.toy:mean", "# @exercise course_lib.toy:Gone", "must define"),
        ("# @exercise course_lib.toy:mean", "# @repair course_lib.toy:mean", "must define 'mean'"),
        ('tags=["gpu"]', 'id="On a GPU"', "an id must match"),
        ('tags=["gpu"]', 'id="setup"', "two cells must not have the same id 'setup'"),
        ("# %%\n# @setup", '# %% id="start"\n# @setup', "on an unmarked cell"),
    ],
)
def test_a_wrong_mark_or_id_is_named(toy_course, old, new, message) -> None:
    toy_course.edit(toy_course.source, old, new)
    with pytest.raises(ValueError, match=message):
        make_notebook(toy_course.root, toy_course.source)


def test_a_class_can_be_an_exercise_if_it_has_nothing_but_methods(toy_course) -> None:
    doc = '    """Return the mean."""\n'
    method = f"\n    def of(self):\n    {doc}        return 1\n"
    toy_course.edit(toy_course.library, "def mean(", f"class mean:\n{doc}{method}\n\ndef old_mean(")
    assert cells_of(toy_course)["exercise-mean"].source == (
        "# @exercise course_lib.toy:mean\n"
        f"class mean:\n{doc}\n    def of(self):\n    {doc}"
        '        raise NotImplementedError("Your turn")'
    )
    toy_course.edit(toy_course.library, f"class mean:\n{doc}", f"class mean:\n{doc}\n    x = 1\n")
    with pytest.raises(ValueError, match="a class of nothing but methods, with a docstring"):
        make_notebook(toy_course.root, toy_course.source)
