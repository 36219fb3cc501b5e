"""`course classify`: a class for every row of a table, safe against interrupts."""

import shlex
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from course_lib.cli.row_file import RowFile, as_cell, cells_of_any_length
from course_lib.errors import CourseError

FORMATS = (".csv", ".tsv", ".jsonl")
ADDED = ("predicted_label", "predicted_score", "prediction_error")
"""The columns that OUT has more than the table."""

N_TOGETHER = 32
"""How many rows are computed together, and written together."""

SCORE_TOLERANCE = 0.01
"""By how much two computations of a score may differ: on another machine, for example."""

Classify = Callable[[Sequence[Any], str], list[list[str]]]
"""Gives the cells of the added columns for each text; the second argument names the rows."""


class Table(NamedTuple):
    """What is read: names of the columns, rows of cells, and the texts as they stand there."""

    header: list[str]
    rows: list[list[str]]
    texts: list[Any]


def command(
    file: Annotated[Path, typer.Argument(help="A table with a header: .csv, .tsv or .jsonl.")],
    column: Annotated[str, typer.Option(help="The column with the texts.")],
    out: Annotated[Path, typer.Option(help="A .csv: the table with three columns more.")],
    model: Annotated[
        str | None, typer.Option(help="A name or a folder; else the course's own.")
    ] = None,
    task: Annotated[
        Literal["text-classification", "sentiment-analysis"],
        typer.Option(help="Two names of one task, as pipeline() knows them."),
    ] = "text-classification",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write --out anew.")] = False,
) -> None:
    """Say which class each row's text is; Ctrl-C keeps what is done, and --resume goes on."""
    table = read_rows(file, column)
    if out.resolve() == file.resolve():
        raise CourseError(f"--out must be another file than the table; got {out} for both.")
    target = RowFile(out, [*table.header, *ADDED])
    finished = target.finished(resume=resume, overwrite=overwrite)
    require_prefix(table, finished, out)
    if len(finished) < len(table.rows):
        classify = open_classifier(task, model)
        require_same_model(table, finished, classify, out)
        target.begin(finished)
        given = ["course", "classify", str(file), "--column", column, "--out", str(out)]
        given += ["--model", model] if model else []
        hint = f"Finished rows are in {out}. Go on with:\n  {shlex.join([*given, '--resume'])}"
        try:
            classify_rows(table, finished, classify, target)
        except KeyboardInterrupt:
            print(f"Stopped. {hint}")
            raise typer.Exit(130) from None
        except Exception:
            print(hint, file=sys.stderr)
            raise
    print(describe(target.finished(resume=True, overwrite=False), out))


def read_rows(path: Path, column: str) -> Table:
    """Read a table whose first row names the columns.

    Args:
        path: A .csv, .tsv or .jsonl file, or one of these with ".gz" after it.
        column: The one with the texts.

    Raises:
        CourseError: If the file is not there, is no such table, has no rows or no such column, or
            has a column of the same name as one that will be added.
    """
    from course_lib.data.tables import read_table, suffix_of

    if suffix_of(path) not in FORMATS:
        raise CourseError(f"the table must be one of {', '.join(FORMATS)}; got {path}.")
    try:
        with cells_of_any_length():
            columns = read_table(path)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CourseError(_in_words_of_a_shell(str(error))) from error
    if column not in columns and suffix_of(path) != ".jsonl":
        columns = _with_first_row_as_header(columns, path)
    if not any(columns.values()):
        raise CourseError(f"{path} must hold rows; it has none.")
    if column not in columns:
        names = ", ".join(columns)
        raise CourseError(f"--column must be one of the columns of {path} ({names}); got {column}.")
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise CourseError(f"{path} must not have columns that are added: {', '.join(taken)}.")
    cells = [[as_cell(value) for value in values] for values in columns.values()]
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Table([as_cell(name) for name in columns], rows, columns[column])


def _in_words_of_a_shell(message: str) -> str:
    """Replace an advice for Python by one for the command line."""
    before, name_it, _ = message.partition("Name its encoding: ")
    if not name_it:
        return message
    return f"{before}Convert it: iconv -f cp1252 -t utf-8 OLD > NEW (or gb18030 for older Chinese)."


def _with_first_row_as_header(columns: dict[str, list[Any]], path: Path) -> dict[str, list[Any]]:
    """Take the first row as header, also where it does not look like one.

    `read_table` has guessed that there is none, if a name is odd, or stands again in its column.
    """
    if list(columns) != [f"column_{i}" for i in range(1, len(columns) + 1)]:
        return columns
    names = [cells[0] for cells in columns.values()]
    if len(set(names)) < len(names):
        raise CourseError(f"the columns of {path} must have different names; got {names}.")
    return {name: cells[1:] for name, cells in zip(names, columns.values(), strict=True)}


def require_prefix(table: Table, finished: Sequence[Sequence[str]], out: Path) -> None:
    """Refuse to go on with what was made from another table.

    Args:
        table: What is classified.
        finished: The rows that are there.
        out: Where they are from, for the message.

    Raises:
        CourseError: If they are not those with which the table begins.
    """
    width = len(table.header)
    for number, row in enumerate(finished):
        if number >= len(table.rows) or list(row[:width]) != table.rows[number]:
            raise CourseError(
                f"{out} must hold the first rows of the same table, to be gone on with; row "
                f"{number + 1} is another one. Choose another --out, or --overwrite."
            )


def open_classifier(task: str, model: str | None) -> Classify:
    """Load a model.

    Args:
        task: As `pipeline` calls it.
        model: A name or a folder; None: the course's own.

    Returns:
        What gives a label, a score and an empty cell for each text, or two empty ones and an
        error.

    Raises:
        CourseError: If there is no such model, or it cannot classify.
    """
    from course_lib.cli.task import open_pipeline, plainly

    pipe = open_pipeline(task, model)
    said: set[str] = set()

    def classify(texts: Sequence[Any], where: str) -> list[list[str]]:
        with plainly(said, about=f"{where}, and perhaps later ones: "):
            # They have a column of their own.
            warnings.filterwarnings("ignore", message=".* inputs could not be answered")
            found = pipe(list(texts))
        return [
            ["", "", as_cell(one["error"])]
            if "error" in one
            else [as_cell(one["label"]), f"{one['score']:.4f}", ""]
            for one in found
        ]

    return classify


def classify_rows(
    table: Table, finished: Sequence[Sequence[str]], classify: Classify, target: RowFile
) -> None:
    """Classify the rows that are not finished, with a bar; add each when it is known.

    Rows are always computed in the same company, so a resumed run equals one that was never
    stopped.

    Args:
        table: What is classified.
        finished: The rows that are there.
        classify: Gives the new cells.
        target: Where rows are added.

    Raises:
        CourseError: If a row cannot be written.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    console, n_rows, n_done = Console(stderr=True), len(table.rows), len(finished)
    with Progress(
        *columns, console=console, disable=not console.is_terminal, redirect_stdout=False
    ) as bar:
        task = bar.add_task("", total=n_rows, completed=n_done)
        for start in range(n_done // N_TOGETHER * N_TOGETHER, n_rows, N_TOGETHER):
            end = min(start + N_TOGETHER, n_rows)
            added = classify(table.texts[start:end], f"rows {start + 1} to {end}")
            first = max(start, n_done)
            new = zip(table.rows[first:end], added[first - start :], strict=True)
            target.add([[*row, *cells] for row, cells in new])
            bar.update(task, completed=end)


def require_same_model(
    table: Table, finished: Sequence[Sequence[str]], classify: Classify, out: Path
) -> None:
    """Compute the last finished rows again, and refuse a model that gives other answers.

    Args:
        table: What is classified.
        finished: The rows that are there.
        classify: Gives the new cells.
        out: Where they are from, for the message.

    Raises:
        CourseError: If a label or an error is another one, or a score differs by more than
            `SCORE_TOLERANCE`.
    """
    start = max(0, len(finished) - 1) // N_TOGETHER * N_TOGETHER
    if not finished[start:]:
        return
    end = start + N_TOGETHER
    added = classify(table.texts[start:end], f"rows {start + 1} to {end}")
    for number, (row, cells) in enumerate(zip(finished[start:], added, strict=False), start + 1):
        label, score, error = row[-len(ADDED) :]
        is_same = (label, error) == (cells[0], cells[2])
        if is_same and score:
            is_same = abs(float(score) - float(cells[1])) <= SCORE_TOLERANCE
        if not is_same:
            raise CourseError(
                f"{out} must be of the same model, to be gone on with; row {number} has {label!r} "
                f"({score}), and this model says {cells[0]!r} ({cells[1]})."
            )


def describe(rows: Sequence[Sequence[str]], out: Path) -> str:
    """Say what is in the file.

    Args:
        rows: All of it, without the header.
        out: The file.

    Example:
        >>> print(describe([["a", "good", "0.9", ""], ["", "", "", "empty"]], Path("out.csv")))
        out.csv holds 2 rows: 1 good, 1 with a prediction_error.
    """
    labels = Counter(row[-3] for row in rows if not row[-1])
    parts = [f"{n:,} {label}" for label, n in labels.most_common()]
    n_bad = sum(bool(row[-1]) for row in rows)
    parts += [f"{n_bad:,} with a {ADDED[-1]}"] if n_bad else []
    return f"{out} holds {len(rows):,} rows: {', '.join(parts)}."
