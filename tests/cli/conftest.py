"""Small notebooks that stand for lessons, and a small model with the text it was trained on."""

import random
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner


@pytest.fixture
def make_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook of Markdown and code cells; a text that starts with "md:" is Markdown."""

    def make(name: str, *cells: str) -> Path:
        notebook = new_notebook(
            cells=[
                new_markdown_cell(text.removeprefix("md:"))
                if text.startswith("md:")
                else new_code_cell(text)
                for text in cells
            ]
        )
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return make


@pytest.fixture(scope="session")
def own_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of little sentences, English and Chinese."""
    chance = random.Random(0)
    who, what = ("The cat", "A dog", "小猫", "My aunt"), ("sees", "hears", "喜欢", "forgets")
    whom = ("a tree.", "the moon 🌙.", "米饭。", "her café.")
    lines = [" ".join(map(chance.choice, (who, what, whom))) for _ in range(500)]
    path = tmp_path_factory.mktemp("own text") / "own.txt"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="session")
def trained(own_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `course train gpt` leaves; what it printed is beside it, in out.txt."""
    from course_lib.cli.app import app

    folder = tmp_path_factory.mktemp("trained") / "my model"
    arguments = ["train", "gpt", "--text", str(own_text), "--out", str(folder)]
    done = CliRunner().invoke(app, [*arguments, "--steps", "4", "--seed", "7", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    (folder.parent / "out.txt").write_text(done.output, "utf-8")
    return folder
