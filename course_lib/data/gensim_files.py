"""Readers for the files that gensim ships with its tests, each in its own little format."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_lib.data.textfiles import read_text

Rows = list[dict[str, Any]]
POLARITY_LABELS = {"__label__neg": 0, "__label__pos": 1}


def read_lines(path: Path) -> list[str]:
    """Read a file with one document a line; empty lines are no documents.

    Args:
        path: A UTF-8 file.
    """
    return [line.strip() for line in read_text(path).split("\n") if line.strip()]


def read_polarity(path: Path) -> Rows:
    """Read sentences with a label in front: `__label__pos` or `__label__neg`.

    Args:
        path: A file in the encoding cp1252, that of older Western European Windows.

    Returns:
        Rows with text and label (0 negative, 1 positive).

    Raises:
        ValueError: If a line begins with anything else.
    """
    rows = []
    for number, line in _numbered(path, encoding="cp1252"):
        label, _, text = line.partition(" ")
        if label not in POLARITY_LABELS:
            raise ValueError(
                f"{path}, line {number}: must begin with one of {', '.join(POLARITY_LABELS)}; "
                f"got {label!r}."
            )
        rows.append({"text": text.strip(), "label": POLARITY_LABELS[label]})
    return rows


def read_word_pairs(path: Path) -> Rows:
    """Read word pairs with a human score, separated by tabs; lines that begin with # are comments.

    Args:
        path: A UTF-8 file.

    Returns:
        Rows with word1, word2 and score.

    Raises:
        ValueError: If a line is not two words and a number.
    """
    rows = []
    for number, line in _numbered(path):
        if line.startswith("#"):
            continue
        try:
            word1, word2, score = line.split("\t")
            rows.append({"word1": word1, "word2": word2, "score": float(score)})
        except ValueError:
            raise ValueError(
                f"{path}, line {number}: must be two words and a number with tabs between; "
                f"got {line!r}."
            ) from None
    return rows


def read_analogies(path: Path) -> Rows:
    """Read analogy questions: "a is to b as c is to d", under headings that begin with a colon.

    Args:
        path: A UTF-8 file.

    Returns:
        Rows with section, a, b, c and d, where d is the answer.

    Raises:
        ValueError: If a line has not four words, or stands before the first heading.
    """
    rows: Rows = []
    section = ""
    for number, line in _numbered(path):
        if line.startswith(":"):
            section = line[1:].strip()
            continue
        words = line.split()
        if len(words) != 4 or not section:
            raise ValueError(
                f"{path}, line {number}: must be four words under a heading; got {line!r}."
            )
        rows.append({"section": section, **dict(zip("abcd", words, strict=True))})
    return rows


def _numbered(path: Path, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_text(path, encoding).split("\n"), start=1):
        if line.strip():
            yield number, line.strip()
