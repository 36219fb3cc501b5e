import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import lessons  # noqa: E402


@pytest.fixture(scope="module")
def stored_bytes() -> dict[str, bytes]:
    """The toy lesson's notebook, kept so that it is built but once."""
    return {}


@pytest.fixture
def built(toy_course, stored_bytes):
    if not stored_bytes:
        assert lessons.build(toy_course.root, toy_course.source) == []
        stored_bytes["notebook"] = toy_course.notebook.read_bytes()
    toy_course.notebook.write_bytes(stored_bytes["notebook"])
    return toy_course


def test_a_built_lesson_is_run_clean_and_free_of_drift(built) -> None:
    notebook = nbformat.read(built.notebook, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    texts = ["".join(out.get("text", "") for out in cell.outputs) for cell in code]
    assert texts[0] == "lesson 01_toy\n"
    assert texts[-1] == "mine: none\n"
    assert lessons.check(built.root, [built.source]) == []


def test_building_twice_gives_the_same_bytes(built) -> None:
    before = built.notebook.read_bytes()
    assert lessons.build(built.root, built.source) == []
    assert built.notebook.read_bytes() == before
    assert not list(built.notebook.parent.glob(".*"))


def test_a_changed_line_of_a_shown_function_is_drift_until_built(built, capsys) -> None:
    built.edit(built.library, "max(values) - min(values)", "max(values) - min(values) + 0.0")
    assert lessons.main(["--root", str(built.root), "check"]) == 1
    report = capsys.readouterr().out
    assert "01_toy: sync-spread: source" in report
    assert "+    width = max(values) - min(values) + 0.0" in report
    assert lessons.main(["--root", str(built.root), "build"]) == 0
    assert lessons.main(["--root", str(built.root), "check"]) == 0


def test_an_exercise_drifts_with_its_docstring_but_not_with_its_solution(built) -> None:
    built.edit(built.library, "sum(values) / len(values)", "sum(values) / max(len(values), 1)")
    assert lessons.check(built.root, [built.source]) == []
    built.edit(built.library, "Return the mean.", "Return the arithmetic mean.")
    (problem,) = lessons.check(built.root, [built.source])
    assert problem.startswith("01_toy: exercise-mean: source")


def test_a_repair_drifts_with_its_broken_version(built, tmp_path) -> None:
    built.edit(built.source, "@exercise course_lib.toy:norm", "@repair course_lib.toy:norm")
    out = tmp_path / "norm.ipynb"
    nbformat.write(lessons.make_notebook(built.root, built.source), built.notebook)
    assert lessons.check(built.root, [built.source]) == []
    built.edit(built.root / "course_lib" / "toy_broken.py", "value * value", "abs(value)")
    (problem,) = lessons.check(built.root, [built.source])
    assert problem.startswith("01_toy: repair-norm: source")
    assert lessons.main(["--root", str(built.root), "solved", "1", str(out)]) == 0
    cells = {cell.id: cell for cell in nbformat.read(out, as_version=4).cells}
    assert cells["repair-norm"].source.endswith("return min(root(total), LIMIT)")


def test_outputs_are_never_compared(built) -> None:
    notebook = nbformat.read(built.notebook, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, built.notebook)
    assert lessons.check(built.root, [built.source]) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda nb: nb.cells.reverse(), "cells and their order"),
        (lambda nb: nb.cells[3].update(id="other"), "cells and their order"),
        (lambda nb: nb.cells[2].metadata.update(tags=["gpu"]), "setup: metadata"),
        (lambda nb: nb.cells[0].update(source="# 01 · Other"), "source"),
        (lambda nb: nb.metadata.update(title="new"), "notebook metadata"),
    ],
)
def test_a_notebook_edited_by_hand_is_drift(built, spoil, said) -> None:
    notebook = nbformat.read(built.notebook, as_version=4)
    spoil(notebook)
    nbformat.write(notebook, built.notebook)
    problems = lessons.check(built.root, [built.source])
    assert any(said in problem for problem in problems)


def test_a_notebook_without_a_source_is_drift(built) -> None:
    built.notebook.with_name("99_gone.ipynb").write_bytes(built.notebook.read_bytes())
    (problem,) = lessons.check(built.root, [built.source])
    assert problem == "99_gone: the notebook has no source in notebooks/src."


def test_a_lesson_never_built_is_drift(toy_course) -> None:
    assert lessons.check(toy_course.root, [toy_course.source]) == ["01_toy: has never been built."]


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys; print('!', file=sys.stderr)", "must not write to stderr"),
        ("# NBVAL_CHECK_OUTPUT\nx = 1", "no output is stored"),
        ("print('\\x1b[31mred')", "without colour codes"),
        ("import sys; print(sys.prefix + '/lib')", "a path of this machine"),
    ],
)
def test_a_lesson_that_runs_badly_is_not_stored(built, planted, said) -> None:
    before = built.notebook.read_bytes()
    built.edit(built.source, "1 + 1", planted)
    problems = lessons.build(built.root, built.source)
    assert any(said in problem for problem in problems), problems
    assert all("01_toy" in problem and "\x1b" not in problem for problem in problems)
    assert built.notebook.read_bytes() == before
    assert not list(built.notebook.parent.glob(".*"))


def test_a_cell_that_is_to_raise_is_stored_without_paths(built) -> None:
    built.edit(
        built.source,
        '# %% tags=["gpu"]',
        '# %% tags=["raises-exception"]\nhalve("x")\n\n# %% tags=["gpu"]',
    )
    assert lessons.build(built.root, built.source) == []
    notebook = nbformat.read(built.notebook, as_version=4)
    (error,) = [
        out
        for cell in notebook.cells
        for out in cell.get("outputs", [])
        if out.output_type == "error"
    ]
    assert error.traceback == ["TypeError: unsupported operand type(s) for /: 'str' and 'int'"]


def test_the_callers_settings_do_not_reach_the_lesson(built, monkeypatch) -> None:
    monkeypatch.setenv("COURSE_FALLBACK", "off")
    monkeypatch.setenv("COURSE_SCALE", "full")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names = "['COURSE_FALLBACK', 'COURSE_SCALE', 'COURSE_QUIZ', 'MPLBACKEND']"
    built.edit(built.source, "1 + 1", f"import os\nprint([os.environ.get(n) for n in {names}])")
    assert lessons.build(built.root, built.source) == []
    text = built.notebook.read_text(encoding="utf-8")
    assert "[None, 'small', 'text', 'module://matplotlib_inline.backend_inline']" in text


def test_solved_puts_the_solutions_in(toy_course, tmp_path) -> None:
    out = tmp_path / "solved.ipynb"
    assert lessons.main(["--root", str(toy_course.root), "solved", "1", str(out)]) == 0
    cells = {cell.id: cell for cell in nbformat.read(out, as_version=4).cells}
    assert "Your turn" not in out.read_text(encoding="utf-8")
    assert cells["exercise-mean"].source.endswith("return sum(values) / len(values)")
    assert cells["exercise-mean"].source.startswith("# @exercise course_lib.toy:mean\n")


def test_an_unknown_lesson_is_named(toy_course) -> None:
    with pytest.raises(ValueError, match="lesson must be one of 01_toy; got '7'"):
        lessons.choose(toy_course.root, ["7"])


@pytest.mark.parametrize("name", ["1", "01", "01_toy", "01_TOY"])
def test_lessons_are_found_by_number_or_name(toy_course, name) -> None:
    assert lessons.choose(toy_course.root, [name]) == [toy_course.source]
