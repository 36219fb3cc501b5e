"""`course translate`: English into Chinese and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from course_lib.errors import CourseError

Language = Literal["en", "zh"]


def command(
    text: Annotated[str | None, typer.Argument(help="In English or Chinese.")] = None,
    file: Annotated[Path | None, typer.Option(help="A text file; - for standard input.")] = None,
    to: Annotated[
        Language | None, typer.Option(help="Into which language; else the other one.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A name or a folder; else the course's own.")
    ] = None,
) -> None:
    """Translate a text line by line; a line with nothing to translate stays as it is."""
    from course_lib.cli.task import open_pipeline, plainly, working
    from course_lib.cli.texts import read_document

    if (text is None) == (file is None):
        raise CourseError("Name what to translate: either a text or --file, and not both.")
    whole = read_document(file) if file is not None else str(text)
    task, is_wanted = choose_task(whole, to, model)
    pipe = open_pipeline(task, model)
    said: set[str] = set()
    for line in whole.splitlines():
        written = line
        if is_wanted(line):
            with plainly(said), working("Translating …"):
                (found,) = pipe(line)
            written = found["translation_text"].strip()
        print(written, flush=True)


def choose_task(
    text: str, to: Language | None, model: str | None
) -> tuple[str, Callable[[str], bool]]:
    """Choose the direction.

    Args:
        text: What is to be translated.
        to: Into which language; None: if the text is in Chinese, into English, else into Chinese.
        model: A name or a folder; None: the course's own. Others go in one direction.

    Returns:
        The task for `pipeline`, and what tells whether a line is to be translated.

    Raises:
        CourseError: If no line is to be translated, or both `to` and a model of one direction are
            given.
    """
    from course_lib.pipelines.languages import is_chinese
    from course_lib.pipelines.registry import TRANSLATOR

    if model not in (None, TRANSLATOR):
        if to is not None:
            raise CourseError(f"--to is for the course's model; {model} goes in one direction.")
        task, is_wanted = "translation", _has_letters
    else:
        to = to or ("en" if is_chinese(text) else "zh")
        task = "translation_zh_to_en" if to == "en" else "translation_en_to_zh"

        def is_wanted(line: str) -> bool:
            return _has_letters(line) and is_chinese(line) == (to == "en")

    if not any(map(is_wanted, text.splitlines())):
        into = {"en": " into English", "zh": " into Chinese", None: ""}[to]
        raise CourseError(f"the text must hold something to translate{into}; got {text[:40]!r}.")
    return task, is_wanted


def _has_letters(line: str) -> bool:
    return any(map(str.isalpha, line))
