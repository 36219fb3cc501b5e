from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.translate import choose_task
from course_lib.errors import CourseError
from course_lib.pipelines import TranslationPipeline, pipeline
from course_lib.pipelines.rewriting import Direction
from tests.finetuning.test_rewriter import make_rewriter


class Shout:
    """Writes what it reads in capitals, after its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, sources: list[str]) -> list[str]:
        return [f" {self.name}:{source.upper()}" for source in sources]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What is asked of `pipeline`, which gives a translator that shouts."""
    asked: list[tuple[str, object]] = []

    def open_it(task: str, model: object, **_: object) -> TranslationPipeline:
        asked.append((task, model))
        source, target = task.split("_")[1::2]
        direction = Direction(source, target)
        return TranslationPipeline({target: Shout(target)}, direction=direction, batch_size=1)

    monkeypatch.setattr("course_lib.pipelines.pipeline", open_it)
    return asked


def run(*arguments: object, standard_input: str | None = None) -> Any:
    return CliRunner().invoke(app, ["translate", *map(str, arguments)], input=standard_input)


def test_the_direction_is_found_from_the_text(opened: list[tuple[str, object]]) -> None:
    assert run("a cat").output == "zh:A CAT\n"
    assert run("红猫").output == "en:红猫\n"
    assert opened == [("translation_en_to_zh", None), ("translation_zh_to_en", None)]


@pytest.mark.usefixtures("opened")
def test_a_file_goes_line_by_line_and_keeps_its_form(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("红猫\n\n1. 2.\nOmar\n猫 is a 猫猫猫\n", "utf-8")
    expected = "en:红猫\n\n1. 2.\nOmar\nen:猫 IS A 猫猫猫\n"
    assert run("--file", path).output == expected
    assert run("--file", "-", standard_input=path.read_text("utf-8")).output == expected
    assert run("--file", path, "--to", "zh").output == path.read_text("utf-8").replace(
        "Omar", "zh:OMAR"
    )


@pytest.mark.usefixtures("opened")
def test_a_kind_of_note_is_given_once(tmp_path: Path) -> None:
    done = run("Das ist nicht die Katze.\nDas ist nicht der Hund.\n")
    assert done.stderr.count("note: 1 of 1 texts look like none of the languages") == 1
    assert done.stdout.count("zh:DAS") == 2


def test_another_model_goes_in_its_one_direction(tmp_path: Path) -> None:
    make_rewriter().save(tmp_path)
    (found,) = pipeline("translation", tmp_path)("di 猫")
    done = run("di 猫\n…", "--model", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.stdout == found["translation_text"].strip() + "\n…\n"
    done = run("di", "--to", "zh", "--model", tmp_path)
    assert "--to is for the course's model" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either a text or --file"),
        (["a", "--file", "b"], "either a text or --file"),
        (["--file", "none.txt"], "none.txt cannot be read"),
        (["1 + 1"], "something to translate into Chinese; got '1 [+] 1'"),
        (["cat", "--to", "en"], "something to translate into English; got 'cat'"),
        (["红猫", "--to", "zh"], "something to translate into Chinese; got '红猫'"),
        (["...", "--model", "a"], "something to translate; got '...'"),
    ],
)
def test_what_cannot_be_translated_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(CourseError, match=message):
        raise run(*arguments).exception
    if "--to" not in arguments and not message.startswith("either"):
        assert run(*arguments, "--to", "fr").exit_code == 2


def test_the_courses_model_may_be_named() -> None:
    task, is_wanted = choose_task("猫", None, "story-translator")
    wanted: Callable[[str], bool] = is_wanted
    assert task == "translation_zh_to_en"
    assert [wanted(line) for line in ("猫", "cat", "", "!")] == [True, False, False, False]
