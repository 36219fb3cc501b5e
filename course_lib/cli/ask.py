"""`course ask`: answers to questions, copied out of a text or out of a folder of texts."""

from pathlib import Path
from typing import Annotated

import typer

N_AROUND = 80
"""How many characters are shown before and after an answer."""


def command(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    context: Annotated[
        Path, typer.Option(help="A text file, - for standard input; or a folder of texts.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A name or a folder; else the course's own.")
    ] = None,
) -> None:
    """Answer a question from a text, or from a folder (.txt, .md), which is searched first."""
    answer = answer_from_folder if context.is_dir() else answer_from_text
    print(answer(question, context, model))


def answer_from_text(question: str, path: Path, model: str | None = None) -> str:
    """Look for an answer in one text.

    Args:
        question: The question.
        path: A file; "-" for standard input.
        model: A name or a folder; None: the course's own.

    Returns:
        The answer, how sure it is and where it stands; or that there is none.

    Raises:
        CourseError: If the file holds no text, the question is empty, or the model is not to be
            had.
    """
    from course_lib.cli.task import open_pipeline, plainly, working
    from course_lib.cli.texts import read_document

    text = read_document(path)
    pipe = open_pipeline("question-answering", model)
    with plainly(set()), working("Reading …"):
        found = pipe(question=question, context=text)
    sure = f"{100 * found['score']:.0f} % sure"
    if not found["answer"]:
        name = "the text" if str(path) == "-" else path
        return f"No answer: the model finds none in {name} ({sure})."
    around = excerpt(text, found["start"], found["end"])
    return f"{_one_line(found['answer'])}\n  {sure}\n  text: {around}"


def answer_from_folder(question: str, folder: Path, model: str | None = None) -> str:
    """Search a folder for passages that may answer a question, and read them.

    Args:
        question: The question.
        folder: Every .txt and .md in it is searched.
        model: Reads the passages: a name or a folder; None: the course's own.

    Returns:
        The answer, how sure it is, its file and its passage; or that there is none, with the
        closest passage.

    Raises:
        CourseError: If a file holds no text, the question is empty, or the model is not to be had.
    """
    from course_lib.cli.task import open_pipeline, plainly, working
    from course_lib.cli.texts import read_documents

    read_documents([folder])  # refuses what is no text, and says how to convert it
    pipe = open_pipeline("retrieval-question-answering", model)
    with plainly(set()), working("Searching …"):
        found = pipe.add(folder)(question)
    passage = f"  file: {found['source']}\n  text: {_one_line(found['text'])}"
    if found["answer"]:
        sure = f"{100 * found['score']:.0f} % sure"
        return f"{_one_line(found['answer'])}\n  {sure}\n{passage}"
    if found["text"]:
        return f"No answer: the model finds none in {folder}. The closest passage:\n{passage}"
    return f"No answer: no passage in {folder} shares a word with the question."


def excerpt(text: str, start: int, end: int) -> str:
    r"""Show a piece of a text with what stands around it, in one line.

    Args:
        text: The text.
        start: Where the piece begins, in characters.
        end: Where it ends (not included).

    Example:
        >>> excerpt("Omar mended\nthe kite.", 0, 4)
        'Omar mended the kite.'
    """
    first, last = max(0, start - N_AROUND), end + N_AROUND
    before, after = "… " if first else "", " …" if last < len(text) else ""
    return before + _one_line(text[first:last]) + after


def _one_line(text: str) -> str:
    return " ".join(text.split())
