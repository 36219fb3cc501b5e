"""What the readers of labelled sets share: numbered lines, and splits in their usual order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.data.textfiles import read_text

ORDER = ("train", "trial", "validation", "test", "hard", "")
Rows = list[dict[str, Any]]


def numbered_lines(path: Path, encoding: str | None = None) -> list[tuple[int, str]]:
    """Read the lines of a file that are not blank, each with its number, from 1.

    Args:
        path: The file.
        encoding: Its encoding, if it is neither UTF-8 nor marked.

    Raises:
        ValueError: If it cannot be unpacked or decoded.
    """
    return [
        (number, line)
        for number, line in enumerate(read_text(path, encoding).split("\n"), start=1)
        if line.strip()
    ]


def in_order(splits: dict[str, Rows], files: Sequence[Path]) -> dict[str, Rows]:
    """Bring splits into their usual order.

    Args:
        splits: Split to rows.
        files: Where they come from, for the message.

    Raises:
        ValueError: If a split has no row.
    """
    return {split: some(splits[split], files) for split in sorted(splits, key=ORDER.index)}


def some(rows: Rows, files: Sequence[Path]) -> Rows:
    """Hand rows on, but refuse none at all.

    Args:
        rows: The rows.
        files: Where they come from, for the message.

    Raises:
        ValueError: If there is no row.
    """
    if not rows:
        raise ValueError(f"{files[0].parent} must hold at least one row in every file; got none.")
    return rows
