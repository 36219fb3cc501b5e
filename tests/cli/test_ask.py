from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.ask import excerpt
from course_lib.errors import CourseError
from course_lib.pipelines import pipeline
from tests.pipelines.tiny import make_folder

TEXT = "the cat sat on a mat.\nthe dog ran in rome."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("answerer"), "BertForQuestionAnswering")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    return tmp_path / "a.txt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "texts"
    path.mkdir()
    (path / "cats.md").write_text("# Cats\n\nThe cat sat on\na mat.", "utf-8")
    (path / "dogs.txt").write_text("The dog ran in Rome.", "utf-8")
    return path


class Says:
    """Stands for a pipeline with one answer."""

    def __init__(self, **found: Any) -> None:
        self.found, self.asked, self.added = found, [], None

    def __call__(self, *question: str, **asked: str) -> dict[str, Any]:
        self.asked.append(question or asked)
        return self.found

    def add(self, folder: Path) -> "Says":
        self.added = folder
        return self


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_up(**found: Any) -> Says:
        pipe = Says(**found)
        monkeypatch.setattr("course_lib.pipelines.pipeline", lambda *_, **__: pipe)
        return pipe

    return set_up


def run(*arguments: object, standard_input: str | None = None) -> Any:
    given = ["ask", *map(str, arguments)]
    return CliRunner().invoke(app, given, input=standard_input)


def test_the_answer_is_the_pipelines(model: Path, file: Path) -> None:
    question = "where sat the cat?"
    found = pipeline("question-answering", model)(question=question, context=TEXT)
    assert found["answer"]
    done = run(question, "--context", file, "--model", model)
    assert done.exit_code == 0, done.output
    first, sure, text = done.stdout.splitlines()
    assert first == " ".join(found["answer"].split())
    assert sure == f"  {100 * found['score']:.0f} % sure"
    assert text == "  text: the cat sat on a mat. the dog ran in rome."
    again = run(question, "--context", "-", "--model", model, standard_input=TEXT)
    assert again.stdout == done.stdout


def test_an_answer_is_shown_in_its_place(answers: Any, file: Path) -> None:
    file.write_text("a" * 200 + "big\nX" + "b" * 200, "utf-8")
    answers(answer="big\nX", score=0.5, start=200, end=205)
    shown = f"big X\n  50 % sure\n  text: … {'a' * 80}big X{'b' * 80} …\n"
    assert run("who?", "--context", file).stdout == shown


def test_no_answer_is_said_and_is_no_failure(answers: Any, file: Path) -> None:
    pipe = answers(answer="", score=0.934, start=0, end=0)
    done = run("who?", "--context", file)
    assert done.exit_code == 0
    assert done.stdout == f"No answer: the model finds none in {file} (93 % sure).\n"
    assert pipe.asked == [{"question": "who?", "context": TEXT}]
    done = run("who?", "--context", "-", standard_input="abc")
    assert "finds none in the text (93 % sure)" in done.stdout


def test_a_folder_is_searched_and_the_source_is_named(model: Path, folder: Path) -> None:
    question = "Which cat sat there?"
    found = pipeline("retrieval-question-answering", model).add(folder)(question)
    assert found["answer"]
    done = run(question, "--context", folder, "--model", model)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        " ".join(found["answer"].split()),
        f"  {100 * found['score']:.0f} % sure",
        f"  file: {folder / 'cats.md'}",
        "  text: # Cats The cat sat on a mat.",
    ]


def test_a_folder_without_the_answer_shows_the_closest_passage(
    answers: Any, model: Path, folder: Path
) -> None:
    done = run("Zebras?", "--context", folder, "--model", model)
    expected = f"No answer: no passage in {folder} shares a word with the question.\n"
    assert (done.exit_code, done.stdout) == (0, expected)
    pipe = answers(answer="", score=0.0, text="A cat.\nIt sat.", source="cats.md")
    done = run("Which cat?", "--context", folder)
    assert (done.exit_code, pipe.added) == (0, folder)
    assert done.stdout == (
        f"No answer: the model finds none in {folder}. The closest passage:\n"
        "  file: cats.md\n  text: A cat. It sat.\n"
    )


def test_what_is_missing_is_said_before_a_model_is_loaded(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text(" \n", "utf-8")
    (tmp_path / "latin.txt").write_bytes("café".encode("cp1252"))
    for name, message in {
        "none.txt": r"none.txt cannot be read: No such file",
        "empty": "must hold .txt or .md files",
        "empty.txt": "must hold text; it is empty",
        "latin.txt": "must be text in UTF-8.*iconv",
    }.items():
        with pytest.raises(CourseError, match=message):
            raise run("who?", "--context", tmp_path / name, "--model", "nosuch").exception


def test_an_empty_question_is_refused(model: Path, file: Path) -> None:
    done = run(" ", "--context", file, "--model", model)
    assert isinstance(done.exception, CourseError)
    assert "question must hold more than white space" in str(done.exception)


def test_only_what_is_around_an_answer_is_shown() -> None:
    text = "a" * 200 + "X" + "b" * 200
    assert excerpt(text, 200, 201) == "… " + "a" * 80 + "X" + "b" * 80 + " …"
    assert excerpt("x" * 81 + "Y", 81, 82) == "… " + "x" * 80 + "Y"
    assert excerpt("Y" + "x" * 80, 0, 1) == "Y" + "x" * 80
