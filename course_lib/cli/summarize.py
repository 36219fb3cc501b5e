"""`course summarize`: the short version of a text."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def command(
    file: Annotated[Path, typer.Argument(help="A text file; - for standard input.")],
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Summarise each paragraph by itself.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(help="A name or a folder; else the course's own.")
    ] = None,
) -> None:
    """Summarise a text. Of one too long for the model the beginning is read, and a note says so."""
    from course_lib.cli.task import open_pipeline, plainly, working
    from course_lib.cli.texts import read_document
    from course_lib.pipelines import split_passages

    text = read_document(file)
    pipe = open_pipeline("summarization", model)
    said: set[str] = set()
    for piece in split_passages(text) if pieces else [text]:
        with plainly(said), working("Reading …"):
            (found,) = pipe(piece)
        print(found["summary_text"].strip(), flush=True)
    if not pieces and any("tokens" in kind for kind in said):
        advice = "only the beginning was summarised; --pieces takes paragraph by paragraph."
        print(f"note: {advice}", file=sys.stderr)
