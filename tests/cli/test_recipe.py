import ast
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli import recipe as recipe_module
from course_lib.cli.app import app
from course_lib.cli.recipe import first_line, recipes, recipes_folder
from course_lib.errors import CourseError

STEW = '''"""A stew.

Slowly.
"""

from pathlib import Path


def run(out: Path, scale: float, resume: bool) -> None:
    """Cook."""
    print(type(out).__name__, out, scale, resume)
    if scale == 0.5:
        raise KeyboardInterrupt
'''


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["recipe", *arguments])


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lamb_stew.py").write_text(STEW, "utf-8")
    (tmp_path / "bread.py").write_text("def run(out, scale, resume): 1 / 0", "utf-8")
    (tmp_path / "_shared.py").write_text('"""Not a recipe."""', "utf-8")
    monkeypatch.setattr(recipe_module, "recipes_folder", lambda: tmp_path)


@pytest.mark.usefixtures("kitchen")
def test_without_a_name_they_are_listed() -> None:
    done = run()
    assert done.exit_code == 0
    lines = [line.rstrip() for line in done.output.splitlines()]
    assert lines == ["course recipe bread", f"course recipe {'lamb-stew':<18}A stew."]


@pytest.mark.usefixtures("kitchen")
@pytest.mark.parametrize("name", ["lamb-stew", "lamb_stew"])
def test_a_recipe_is_told_what_was_asked_for(name: str, tmp_path: Path) -> None:
    kind = type(tmp_path).__name__
    assert run(name).output == f"{kind} {Path('runs', 'lamb-stew')} 1.0 False\n"
    done = run(name, "--scale", "0.01", "--out", "my pot", "--resume")
    assert done.output == f"{kind} my pot 0.01 True\n"


@pytest.mark.usefixtures("kitchen")
def test_ctrl_c_says_how_to_go_on() -> None:
    done = run("lamb-stew", "--scale", "0.5", "--out", "my pot")
    assert done.exit_code == 130
    command = "course recipe lamb-stew --scale 0.5 --out 'my pot' --resume\n"
    assert done.output.endswith(f"\nStopped. Go on with: {command}")


@pytest.mark.usefixtures("kitchen")
def test_what_cannot_be_cooked_is_said_so() -> None:
    done = run("soup")
    assert isinstance(done.exception, CourseError)
    assert str(done.exception) == "There is no recipe 'soup'; there are: bread, lamb-stew."
    assert "--scale must be > 0; got 0.0" in str(run("bread", "--scale", "0").exception)
    assert isinstance(run("bread").exception, ZeroDivisionError)


def test_an_installed_wheel_has_no_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_module, "__file__", str(tmp_path / "a" / "b" / "recipe.py"))
    with pytest.raises(CourseError, match="run from a full checkout"):
        recipes_folder()


def test_every_recipe_of_the_course_can_be_run() -> None:
    found = recipes()
    assert found
    for path in found.values():
        assert first_line(path)
        functions = {
            node.name: [argument.arg for argument in node.args.args]
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert functions["run"] == ["out", "scale", "resume"]
