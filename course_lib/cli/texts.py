"""Files that a command line names: taken many at a time, read as text, and split for training."""

import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from course_lib.errors import CourseError

SUFFIXES = (".md", ".txt")
"""Of the files that are read when a folder is named."""

HELD_OUT_SHARE = 0.1
MOST_HELD_OUT_CHARACTERS = 500_000
"""More would make evaluations slow and tell no more."""


class TakesManyTexts(TyperCommand):
    """A command whose `--text` takes every word up to the next option, as a shell expands `*`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # its class is Typer's secret
        """Read the command line."""
        return super().parse_args(ctx, spread(args, "--text"))


def spread(arguments: Iterable[str], option: str) -> list[str]:
    """Repeat an option before each of its values.

    Args:
        arguments: Those of a command.
        option: Its values end where the next option begins.

    Example:
        >>> spread(["--text", "a", "b", "--out", "c"], "--text")
        ['--text', 'a', '--text', 'b', '--out', 'c']
    """
    repeated: list[str] = []
    is_value = False
    for argument in arguments:
        if argument.startswith("-"):
            is_value = argument == option
        elif is_value and repeated[-1] != option:
            repeated.append(option)
        repeated.append(argument)
    return repeated


def read_documents(paths: Iterable[Path]) -> list[str]:
    """Read text files; each is a document.

    Args:
        paths: Files, and folders, in which every .txt and .md is read but empty ones.

    Returns:
        The documents, in the order of `paths`, those of a folder by name; none twice.

    Raises:
        CourseError: If a path is not there, a folder holds no text, or a file is empty or no text.
    """
    documents: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found = {file: _read(file) for file in _text_files(path)}
            found = {file: text for file, text in found.items() if text.strip()}
            if not found:
                raise CourseError(f"{path} must hold .txt or .md files that are not empty.")
        else:
            found = {path: _not_empty(_read(path), path)}
        documents.update((file.resolve(), text) for file, text in found.items())
    return list(documents.values())


def read_document(path: Path) -> str:
    """Read one text.

    Args:
        path: A file; "-" for standard input.

    Raises:
        CourseError: If it is not there, is empty, or is no text.
    """
    if str(path) != "-":
        return _not_empty(_read(path), path)
    path = Path("standard input")
    return _not_empty(_decode(sys.stdin.buffer.read(), path), path)


def _not_empty(text: str, path: Path) -> str:
    if not text.strip():
        raise CourseError(f"{path} must hold text; it is empty.")
    return text


def _text_files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )


def _read(path: Path) -> str:
    from course_lib.data.textfiles import read_bytes

    try:
        content = read_bytes(path)
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CourseError(str(error)) from error
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> str:
    from course_lib.data.textfiles import decode_text

    try:
        text = decode_text(content, path)
    except ValueError as error:
        raise CourseError(
            f"{path} must be text in UTF-8. If it is text in another encoding, convert it: "
            "iconv -f cp1252 -t utf-8 OLD > NEW (or gb18030 for older Chinese text)."
        ) from error
    if "\0" in text:
        raise CourseError(f"{path} must be text; it holds zero bytes, so it is something else.")
    return text


def split_documents(documents: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Hold out about a tenth of the text, at most `MOST_HELD_OUT_CHARACTERS`.

    Whole documents are drawn, if they come to at least half of what is wanted; otherwise, as with
    a single document, the end of each is held out.

    Args:
        documents: What there is.
        seed: Decides which documents are drawn (≥ 0).

    Returns:
        The documents to train on, and those held out.

    Example:
        >>> split_documents(["0123456789"], seed=0)
        (['012345678'], ['9'])
    """
    n_characters = sum(map(len, documents))
    wanted = min(HELD_OUT_SHARE * n_characters, MOST_HELD_OUT_CHARACTERS)
    order = list(range(len(documents)))
    random.Random(seed).shuffle(order)
    drawn: set[int] = set()
    n_drawn = 0
    for number in order:
        if n_drawn + len(documents[number]) <= wanted:
            drawn.add(number)
            n_drawn += len(documents[number])
    if n_drawn >= wanted / 2:
        kept = [text for number, text in enumerate(documents) if number not in drawn]
        return kept, [documents[number] for number in sorted(drawn)]
    cuts = [round(len(text) * (1 - wanted / n_characters)) for text in documents]
    pairs = [(text[:cut], text[cut:]) for text, cut in zip(documents, cuts, strict=True)]
    return [head for head, _ in pairs if head], [tail for _, tail in pairs if tail]
