"""A folder of files, as a classroom's mirror holds it, read by what the files are.

Text files (.txt, .md) make documents, one a file. Tables (.tsv, .csv, .jsonl, .json, .parquet) make
rows. Files called `train.en`, `train.de` … hold one sentence a line, and line by line the same
sentence in several languages: they make rows with a column a language. All may be packed (.gz).
Files named after a split (train, dev, val, valid, validation, test, or hard for a second, harder
test) belong to it, and then files without such a name (notes, lists of classes) are left aside.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.data.tables import Columns, read_table, suffix_of, with_numbers
from course_lib.data.textfiles import read_text

TEXT_SUFFIXES = (".txt", ".md")
DELIMITED_SUFFIXES = (".tsv", ".csv")
JSON_SUFFIXES = (".jsonl", ".json")
TABLE_SUFFIXES = (*DELIMITED_SUFFIXES, *JSON_SUFFIXES, ".parquet")
LANGUAGE_SUFFIX = re.compile(r"\.[a-z]{2}")
ABOUT_FILE = re.compile(r"(_|\.|readme|licen[cs]e|manifest)", re.IGNORECASE)
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("dev", "val", "valid", "validation"), "validation"),
    "test": "test",
    "hard": "hard",
}
SHARD_WORDS = {"", "of", "part", "shard"}


@dataclass(frozen=True, kw_only=True)
class FolderOptions:
    """How to read a folder, where its files do not say it themselves.

    Attributes:
        split: The split wanted: train, validation (or dev, val, valid), test or hard.
        encoding: The encoding of text, if it is neither UTF-8 nor marked.
        columns: Names for the columns of tables without a header. Then .txt files count as
            tables too, with tabs between the cells.
        files: Read only files that match this pattern, for example "*.csv" or "novels/*".
    """

    split: str | None = None
    encoding: str | None = None
    columns: Sequence[str] | None = None
    files: str | None = None

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {self.split!r}.")


def data_files(folder: Path, pattern: str | None = None) -> list[Path]:
    """List the data files in a folder and the folders inside it, in order of their names.

    Hidden files, and files that tell about the data (README, LICENCE, a name that begins with
    "_"), are not data.

    Args:
        folder: The folder.
        pattern: Keep only files whose path inside the folder matches.
    """
    inside = (path for path in folder.rglob(pattern or "*") if path.is_file())
    return sorted(path for path in inside if not _is_aside(path.relative_to(folder)))


def holds_text(files: Sequence[Path], options: FolderOptions) -> bool:
    """Say whether data files are plain text, to be read by `read_documents`.

    Args:
        files: From `data_files`; at least one.
        options: What is wanted.

    Raises:
        ValueError: If none is of a kind that the course reads.
    """
    suffixes = {suffix_of(path) for path in files}
    if suffixes & set(_table_suffixes(options)) or _parallel_languages(files):
        return False
    if suffixes & set(TEXT_SUFFIXES):
        return True
    raise ValueError(
        f"{files[0].parent} must hold {', '.join((*TEXT_SUFFIXES, *TABLE_SUFFIXES))} files (or "
        f"these with .gz after them); got {', '.join(sorted(path.name for path in files)[:3])}."
    )


def read_documents(files: Sequence[Path], options: FolderOptions) -> tuple[list[str], list[Path]]:
    """Read text files, one document each.

    Without a wanted split, the training split is read if there is one, so that nothing held out
    slips into training; otherwise everything.

    Args:
        files: From `data_files`.
        options: What is wanted.

    Returns:
        The documents, and the files they came from.

    Raises:
        ValueError: If the wanted split is not there, or a file cannot be decoded.
    """
    by_split = _by_split([path for path in files if suffix_of(path) in TEXT_SUFFIXES], whole=True)
    if options.split is not None or "train" in by_split:
        chosen = by_split[_wanted(options.split or "train", list(by_split))]
    else:
        chosen = [path for paths in by_split.values() for path in paths]
    return [read_text(path, options.encoding) for path in chosen], chosen


def read_tables(files: Sequence[Path], options: FolderOptions) -> dict[str, Columns]:
    """Read tables, those of one split joined.

    Args:
        files: From `data_files`.
        options: What is wanted.

    Returns:
        Split to columns; the only key is "" if no file is named after a split.

    Raises:
        ValueError: If files that belong together have different columns, or one is broken.
    """
    if languages := _parallel_languages(files):
        return _read_parallel([path for path in files if suffix_of(path) in languages], options)
    suffixes = _table_suffixes(options)
    by_split = _by_split([path for path in files if suffix_of(path) in suffixes], whole=False)
    chosen = [_wanted(options.split, list(by_split))] if options.split else list(by_split)
    tables = {split: _joined(by_split[split], options) for split in chosen}
    paths = [path for split in chosen for path in by_split[split]]
    if all(suffix_of(path) in (*DELIMITED_SUFFIXES, ".txt") for path in paths):
        return dict(zip(tables, with_numbers(list(tables.values())), strict=True))
    return tables


def split_of(path: Path, *, whole: bool) -> str:
    """Tell from its name which split a file belongs to, "" for none.

    Args:
        path: The file.
        whole: The name must be the split's and nothing else (`train.txt`), as for books, whose
            titles may end in "test"; else it may stand first or last (`sst2.dev.tsv`).

    Example:
        >>> split_of(Path("validation-00000-of-00001.parquet"), whole=False)
        'validation'
    """
    words = re.split(r"[^a-z]+", path.name.lower().partition(suffix_of(path))[0])
    words = [word for word in words if word not in SHARD_WORDS]
    places = words[:1] + words[-1:]
    if whole and len(words) != 1:
        return ""
    return next((SPLITS[word] for word in places if word in SPLITS), "")


def _is_aside(relative: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    return hidden or ABOUT_FILE.match(relative.name) is not None


def _by_split(files: Sequence[Path], *, whole: bool) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(split_of(path, whole=whole), []).append(path)
    if len(groups) > 1:
        groups.pop("", None)
    order = ["train", "validation", "test", "hard", ""]
    return {split: groups[split] for split in order if split in groups}


def _wanted(split: str, there: Sequence[str]) -> str:
    name = SPLITS[split]
    if name not in there:
        found = ", ".join(s or "files without a split's name" for s in there)
        raise ValueError(f"split must be one that is there ({found}); got {split!r}.")
    return name


def _joined(paths: Sequence[Path], options: FolderOptions) -> Columns:
    tables = [read_table(path, names=options.columns, encoding=options.encoding) for path in paths]
    names = dict.fromkeys(name for table in tables for name in table)
    for path, table in zip(paths, tables, strict=True):
        optional = suffix_of(path) in JSON_SUFFIXES and set(table) & set(tables[0])
        if set(table) != set(tables[0]) and not optional:
            raise ValueError(
                f"{path.name} must have the columns of {paths[0].name} ({', '.join(tables[0])}); "
                f"got {', '.join(table)}. Read one at a time: files={path.name!r}."
            )
    return {name: [cell for table in tables for cell in _cells(table, name)] for name in names}


def _cells(table: Columns, name: str) -> list[Any]:
    """Give a column; None in every row where a JSON file never has that field."""
    n_rows = len(next(iter(table.values()), []))
    return table.get(name, [None] * n_rows)


def _table_suffixes(options: FolderOptions) -> tuple[str, ...]:
    return (*TABLE_SUFFIXES, ".txt") if options.columns else TABLE_SUFFIXES


def _parallel_languages(files: Sequence[Path]) -> set[str]:
    """Find the suffixes of files that differ only in a language: train.en beside train.de."""
    found: dict[str, set[str]] = {}
    for path in files:
        suffix = suffix_of(path)
        if LANGUAGE_SUFFIX.fullmatch(suffix) and suffix not in TEXT_SUFFIXES:
            stem = str(path).rpartition(suffix)[0]
            found.setdefault(stem, set()).add(suffix)
    return {suffix for group in found.values() if len(group) > 1 for suffix in group}


def _read_parallel(files: Sequence[Path], options: FolderOptions) -> dict[str, Columns]:
    by_split = _by_split(files, whole=False)
    chosen = [_wanted(options.split, list(by_split))] if options.split else list(by_split)
    return {split: _aligned(by_split[split], options) for split in chosen}


def _aligned(paths: Sequence[Path], options: FolderOptions) -> Columns:
    columns: Columns = {}
    for path in paths:
        lines = read_text(path, options.encoding).removesuffix("\n").split("\n")
        columns.setdefault(suffix_of(path)[1:], []).extend(lines)
    counts = {language: len(lines) for language, lines in columns.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"{paths[0].parent}: all languages must have as many lines; got {counts}.")
    return columns
