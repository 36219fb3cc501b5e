"""Small notebooks, written on the spot, that stand for lessons."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


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
