"""`course recipe`: train what the course ships, or a small version of it."""

import ast
import importlib.util
import shlex
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer

from course_lib.errors import CourseError


class Recipe(Protocol):
    """What a file in `recipes/` must define."""

    def run(self, out: Path, scale: float, resume: bool) -> None:
        """Train, and write everything into `out`."""
        ...


def recipes_folder() -> Path:
    """Find the recipes.

    Raises:
        CourseError: If they are not there, as in an installed wheel.
    """
    folder = Path(__file__).resolve().parents[2] / "recipes"
    if not folder.is_dir():
        raise CourseError(f"The recipes must be in {folder}; run from a full checkout.")
    return folder


def recipes() -> dict[str, Path]:
    """Map the names of the recipes to their files, by name."""
    return {
        path.stem.replace("_", "-"): path
        for path in sorted(recipes_folder().glob("*.py"))
        if not path.stem.startswith("_")
    }


def first_line(path: Path) -> str:
    """Read the first line of a module's docstring, without running the module."""
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def load_recipe(path: Path) -> Recipe:
    """Import a recipe from its file."""
    spec = importlib.util.spec_from_file_location(f"recipes.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Recipe, module)


def command(
    name: Annotated[str | None, typer.Argument(help="For example story-gpt.")] = None,
    scale: Annotated[float, typer.Option(help="1 is full size; 0.01 a quick try.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="Where to; default runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it stopped.")] = False,
) -> None:
    """Train what the course ships; without a name, list the recipes."""
    found = recipes()
    if name is None:
        for known, path in found.items():
            print(f"course recipe {known:<18}{first_line(path)}")
        return
    name = name.replace("_", "-")
    if name not in found:
        raise CourseError(f"There is no recipe {name!r}; there are: {', '.join(found)}.")
    if not scale > 0:
        raise CourseError(f"--scale must be > 0; got {scale}.")
    out = Path("runs", name) if out is None else out
    try:
        load_recipe(found[name]).run(out, scale, resume)
    except KeyboardInterrupt:
        again = ["course", "recipe", name, "--scale", str(scale), "--out", str(out), "--resume"]
        print(f"\nStopped. Go on with: {shlex.join(again)}")
        raise typer.Exit(130) from None
