"""Tables from files: tab- and comma-separated, JSON, JSON lines, Parquet.

Every reader gives columns: a dictionary from the column's name to its cells, all of one length.
"""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.data.textfiles import read_bytes, read_text

Columns = dict[str, list[Any]]
HEADER_CELL = re.compile(r"[^\W\d][\w .()/%+-]{0,79}", re.UNICODE)
UNNAMED_INDEX = "index"
INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
DECIMAL = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?")


def read_table(
    path: Path, *, names: Sequence[str] | None = None, encoding: str | None = None
) -> Columns:
    """Read one table; its format follows from the file's name.

    Args:
        path: A .tsv, .txt (tabs too), .csv, .jsonl, .json or .parquet file, or one of these with
            ".gz" after it.
        names: Names for the columns of a file that has none.
        encoding: The encoding of a text format, if it is neither UTF-8 nor marked.

    Returns:
        Column name to cells; cells between tabs or commas are strings. Without header and names,
        columns are called column_1, column_2 …

    Raises:
        ValueError: If the file is broken; the message names the file and the line.
    """
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return _read_parquet(path)
    text = read_text(path, encoding)
    if suffix == ".jsonl":
        return _columns_of(_json_lines(text, path), path, names)
    if suffix == ".json":
        return _columns_of(_json_rows(text, path), path, names)
    rows = _split_rows(text, path, is_tabbed=suffix != ".csv")
    return _named_columns(rows, path, names)


def with_numbers(tables: Sequence[Columns]) -> list[Columns]:
    """Turn columns of digits into numbers, where the column is all numbers in every table.

    Args:
        tables: Tables of strings, for example the splits of one data set.

    Returns:
        The tables with int or float columns, None where a cell of digits is missing; a column
        with one other cell stays strings.
    """
    gathered: Columns = {}
    for table in tables:
        for name, cells in table.items():
            gathered.setdefault(name, []).extend(cells)
    kinds = {name: _number_type(cells) for name, cells in gathered.items()}
    return [
        {name: _converted(cells, kinds[name]) for name, cells in table.items()} for table in tables
    ]


def suffix_of(path: Path) -> str:
    """Give the suffix that tells the format, in lower case: ".gz" at the end does not count."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return plain.suffix.lower()


def _read_parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(pa.BufferReader(read_bytes(path))).to_pydict()
    except pa.ArrowException as error:
        raise ValueError(f"{path} must be a whole Parquet file; {error}.") from error


def _json_lines(text: str, path: Path) -> list[Any]:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: must be JSON; {error}.") from error
    return rows


def _json_rows(text: str, path: Path) -> list[Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: must be JSON; {error}.") from error
    if isinstance(value, dict):
        lists = [cells for cells in value.values() if _is_list_of_objects(cells)]
        value = lists[0] if len(lists) == 1 else value
    if not isinstance(value, list):
        raise ValueError(
            f"{path} must hold a list of objects, or an object with exactly one such list; "
            f"got {type(value).__name__}."
        )
    return value


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _columns_of(rows: list[Any], path: Path, names: Sequence[str] | None) -> Columns:
    if rows and all(isinstance(row, str) for row in rows):
        return {"text": rows}
    if names and all(isinstance(row, list) for row in rows):
        _check_widths(list(enumerate(rows, start=1)), path, "row")
        return _named_columns(rows, path, names)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ValueError(
                f"{path}, row {number}: must be an object with named fields; "
                f"got {type(row).__name__}."
            )
    fields = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in fields}


def _split_rows(text: str, path: Path, *, is_tabbed: bool) -> list[list[str]]:
    """Split into rows of equal length; tabs are never quoted, commas may be."""
    if is_tabbed:
        numbered = [(i, line.split("\t")) for i, line in enumerate(text.split("\n"), 1) if line]
    else:
        reader = csv.reader(io.StringIO(text), strict=True)
        try:
            numbered = [(reader.line_num, row) for row in reader if row]
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}.") from error
    _check_widths(numbered, path, "line")
    return [row for _, row in numbered]


def _check_widths(numbered: list[tuple[int, list[Any]]], path: Path, unit: str) -> None:
    for number, row in numbered:
        if len(row) != len(numbered[0][1]):
            raise ValueError(
                f"{path}, {unit} {number}: must have {len(numbered[0][1])} cells like the first; "
                f"got {len(row)}."
            )


def _named_columns(rows: list[list[str]], path: Path, names: Sequence[str] | None) -> Columns:
    if not rows:
        return {}
    if names is None and _has_header(rows):
        names = [cell.strip() or UNNAMED_INDEX for cell in rows[0]]
        rows = rows[1:]
    width = len(rows[0]) if rows else len(names or ())
    names = names or [f"column_{i}" for i in range(1, width + 1)]
    if len(names) != width:
        raise ValueError(f"columns must name the {width} columns of {path}; got {list(names)}.")
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _has_header(rows: list[list[str]]) -> bool:
    """Guess: every cell of a header looks like a name, and none occurs again in its column."""
    header = [cell.strip() for cell in rows[0]]
    candidates = [header[0] or UNNAMED_INDEX, *header[1:]]  # pandas leaves its index unnamed
    named = all(HEADER_CELL.fullmatch(cell) for cell in candidates)
    distinct = len(set(header)) == len(header)
    if not (named and distinct):
        return False
    return not any(cell == row[i].strip() for row in rows[1:] for i, cell in enumerate(header))


def _number_type(cells: list[str]) -> type:
    written = [cell for cell in cells if cell]
    if written and all(INTEGER.fullmatch(cell) for cell in written):
        return int
    if written and all(DECIMAL.fullmatch(cell) for cell in written):
        return float
    return str


def _converted(cells: list[str], kind: type) -> list[Any]:
    if kind is str:
        return cells
    return [kind(cell) if cell else None for cell in cells]
