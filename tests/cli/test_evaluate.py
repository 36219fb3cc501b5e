from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.measuring import evaluate_documents
from course_lib.cli.model_folder import load_model
from course_lib.errors import CourseError


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--device", "cpu"])


def test_the_held_out_text_gives_the_figures_that_training_printed(trained: Path) -> None:
    done = run(trained, "--text", trained / "held_out")
    assert done.exit_code == 0, done.output
    assert done.output.count("\n") == 4
    assert done.output in (trained.parent / "out.txt").read_text("utf-8")


def test_every_file_that_is_named_counts(trained: Path, tmp_path: Path) -> None:
    texts = ["The cat sees a tree.", "小猫 likes the moon 🌙."]
    paths = [tmp_path / "a.txt", tmp_path / "b.log"]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    model, tokenizer = load_model(trained, torch.device("cpu"))
    done = run(trained, "--text", *paths)
    assert done.output == evaluate_documents(model, tokenizer, texts) + "\n"
    n_tokens = sum(len(tokenizer.encode(text)) for text in texts) + 1  # the mark between them
    assert f"{n_tokens} tokens, {len(''.join(texts).encode())} bytes" in done.output


@pytest.mark.parametrize("place", ["none", "."])
def test_a_folder_without_a_model_is_said_so(place: str, own_text: Path, tmp_path: Path) -> None:
    done = run(tmp_path / place, "--text", own_text)
    assert isinstance(done.exception, CourseError)
    assert str(tmp_path) in str(done.exception)


def test_a_missing_text_is_said_so(trained: Path, tmp_path: Path) -> None:
    assert "none.txt cannot be read" in str(run(trained, "--text", tmp_path / "none.txt").exception)
