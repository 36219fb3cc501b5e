from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.errors import CourseError
from course_lib.pipelines import pipeline
from tests.finetuning.test_rewriter import make_rewriter

TEXT = "# Ba\n\ndi ku\n\nta li mo"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rewriter")
    make_rewriter().save(folder)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    return tmp_path / "a.txt"


def run(*arguments: object, standard_input: str | None = None) -> Any:
    return CliRunner().invoke(app, ["summarize", *map(str, arguments)], input=standard_input)


def summary(model: Path, text: str) -> str:
    (found,) = pipeline("summarization", model)(text)
    return found["summary_text"].strip()


def test_the_summary_is_the_pipelines(model: Path, file: Path) -> None:
    text = "di ku"
    file.write_text(text, "utf-8")
    for path, given in ((file, None), ("-", text)):
        done = run(path, "--model", model, standard_input=given)
        assert done.exit_code == 0, done.output
        assert (done.stdout, done.stderr) == (summary(model, text) + "\n", "")


def test_paragraphs_are_summarised_one_after_the_other(model: Path, file: Path) -> None:
    done = run(file, "--pieces", "--model", model)
    assert done.exit_code == 0, done.output
    assert done.stdout == "".join(summary(model, x) + "\n" for x in ("# Ba\ndi ku", "ta li mo"))
    assert done.stderr == ""


def test_a_cut_is_told_with_a_way_out(model: Path, file: Path) -> None:
    file.write_text("di ku " * 30 + "\n\nta li", "utf-8")
    done = run(file, "--model", model)
    assert done.exit_code == 0, done.output
    assert "note: 1 of 1 sources had more than 16 tokens and lost their ends.\n" in done.stderr
    assert "only the beginning was summarised; --pieces" in done.stderr
    done = run(file, "--pieces", "--model", model)
    assert done.stdout.count("\n") == 2
    assert "only the beginning" not in done.stderr


def test_bad_files_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in str(run(tmp_path).exception)
    done = run("-", standard_input=" \n")
    assert isinstance(done.exception, CourseError)
    assert str(done.exception) == "standard input must hold text; it is empty."
