"""A CSV file that grows row by row, and that an interrupted command goes on with."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError


class RowFile:
    """Rows of text cells in a file, each whole and on the disk before the next ones are computed.

    Args:
        path: The file; a .csv.
        header: Names of its columns.

    Raises:
        CourseError: If the name does not end in .csv.
    """

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        if path.suffix.lower() != ".csv":
            raise CourseError(f"--out must end in .csv; got {path}.")
        self.path = path
        self.header = list(header)

    def finished(self, *, resume: bool, overwrite: bool) -> list[list[str]]:
        """Read the rows that an earlier command has left; change nothing.

        Args:
            resume: They are gone on with. A last row that was not written to its end is left out.
            overwrite: They are not wanted.

        Returns:
            The rows, without the header; none if there is no file, or it is to be overwritten.

        Raises:
            CourseError: If the file is there, and neither is wanted or it cannot be read; if it
                has other columns; or both are wanted.
        """
        if resume and overwrite:
            raise CourseError("Take either --resume or --overwrite, and not both.")
        if not self.path.exists() or overwrite:
            return []
        if not resume:
            raise CourseError(
                f"{self.path} is there already. To go on with it: --resume. To write it anew: "
                "--overwrite."
            )
        header, *rows = self._read() or [self.header]
        width = len(self.header)
        if header != self.header or any(len(row) != width for row in rows):
            raise CourseError(
                f"{self.path} must have the columns {', '.join(self.header)} in every row, to be "
                f"gone on with; got {', '.join(header)}."
            )
        return rows

    def _read(self) -> list[list[str]]:
        try:
            text = self.path.read_bytes().decode("utf-8", errors="replace")
        except OSError as error:
            raise CourseError(f"{self.path} cannot be read: {error.strerror}.") from error
        try:
            with cells_of_any_length():
                rows = list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error as error:
            raise CourseError(f"{self.path} must be a table; {error}.") from error
        is_whole = text.endswith("\n") and len(rows[-1]) == len(self.header)
        return rows if is_whole or len(rows) < 2 else rows[:-1]

    def begin(self, rows: Iterable[Sequence[str]]) -> None:
        """Write the header and the first rows; the file is never half there.

        Args:
            rows: Those that are finished.

        Raises:
            CourseError: If the file cannot be written.
        """
        new = self.path.with_name(self.path.name + ".new")
        try:
            with new.open("w", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows([self.header, *rows])
            os.replace(new, self.path)
        except OSError as error:
            raise CourseError(f"{self.path} cannot be written: {error.strerror}.") from error

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Add rows at the end.

        Args:
            rows: They are in the file when this returns.

        Raises:
            CourseError: If the file cannot be written.
        """
        try:
            with self.path.open("a", encoding="utf-8", newline="") as stream:
                csv.writer(stream).writerows(rows)
        except OSError as error:
            raise CourseError(f"{self.path} cannot be written: {error.strerror}.") from error


@contextmanager
def cells_of_any_length() -> Iterator[None]:
    """Let Python's csv read cells of more than 128 KiB meanwhile."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def as_cell(value: Any) -> str:
    r"""Write a value so that a CSV file gives it back as it is.

    Args:
        value: Text, or anything else; None becomes an empty cell.

    Example:
        >>> as_cell("a\r\nb"), as_cell(None), as_cell(3)
        ('a\nb', '', '3')
    """
    text = "" if value is None else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", errors="replace").decode()  # JSON can hold halves of characters
