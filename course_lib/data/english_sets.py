"""Labelled English text as a classroom's folder holds it: each reader knows one source's form.

The tables come as split to rows. Labels are words, not numbers. A line that is broken is an error
that names the file and the line.
"""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path

from course_lib.data.folder import split_of
from course_lib.data.rows import Rows, in_order, numbered_lines
from course_lib.data.tables import suffix_of
from course_lib.data.textfiles import read_text

SENTIMENTS = {"0": "negative", "1": "positive"}
AG_CLASSES = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
AG_SPLITS = (*("test",) * 2, "validation", *("train",) * 7)
TREC_LABEL = re.compile(r"(ABBR|DESC|ENTY|HUM|LOC|NUM):[a-z]+")
WNUT_TAG = re.compile(r"O|[BI]-(corporation|creative-work|group|location|person|product)")


def read_sst2(files: Sequence[Path]) -> dict[str, Rows]:
    """Read sentences: on each line a sentence, a tab, and 0 for negative or 1 for positive.

    Args:
        files: The files; their names say the split.

    Returns:
        Split to rows: text, label ("negative" or "positive").

    Raises:
        ValueError: If a line has another form.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        rows = splits.setdefault(split_of(path, whole=False), [])
        for number, line in numbered_lines(path):
            text, _, label = (cell.strip() for cell in line.rpartition("\t"))
            if not text or label not in SENTIMENTS:
                raise ValueError(
                    f"{path}, line {number}: must be a sentence, a tab and 0 or 1; got {line!r}."
                )
            rows.append({"text": text, "label": SENTIMENTS[label]})
    return in_order(splits, files)


def read_ag_news(files: Sequence[Path]) -> dict[str, Rows]:
    """Read news: on each line the number of the class, the title and the beginning, in quotes.

    The splits are ours. Where a row goes follows from its own title and from nothing else: from
    the last digit of the title's SHA-256, taken as a number, in which 0 and 1 mean test, 2 means
    validation, and the others mean training. So a part of the file is split as the whole file
    is, and two rows with the same title stand in the same split.

    Args:
        files: The test half of the set or a part of it, as .csv; files of other kinds are left
            aside.

    Returns:
        Split to rows: text (title, a blank, beginning), label (the name of the class).

    Raises:
        ValueError: If a line has another form, or a .csv file is not the test half: mixed with
            the official training half, our splits would mean nothing.
    """
    splits: dict[str, Rows] = {name: [] for name in AG_SPLITS}
    for path in files:
        if suffix_of(path) != ".csv":
            continue
        if split_of(path, whole=False) != "test":
            raise ValueError(
                f"{path} must be test.csv or a part of it, for the splits are ours; take other "
                "files out of the folder."
            )
        reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
        try:
            for cells in filter(None, reader):
                title, row = _news_of(cells)
                splits[_split_of_title(title)].append(row)
        except (csv.Error, ValueError) as error:
            raise ValueError(
                f"{path}, line {reader.line_num}: must be a class from 1 to 4, a title and a "
                f"beginning, in quotes and with commas between them; {error}."
            ) from error
    return in_order({split: rows for split, rows in splits.items() if rows} or splits, files)


def read_trec(files: Sequence[Path]) -> dict[str, Rows]:
    """Read questions: on each line a coarse class, a colon, a fine one, a blank, the question.

    Args:
        files: The files, in Latin-1; their names say the split.

    Returns:
        Split to rows: text, label (the coarse class), fine_label (both, as in "NUM:date": some
        fine names belong to several coarse classes).

    Raises:
        ValueError: If a line has another form.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        rows = splits.setdefault(split_of(path, whole=False), [])
        for number, line in numbered_lines(path, encoding="latin-1"):
            fine_label, _, text = line.partition(" ")
            if not text.strip() or not TREC_LABEL.fullmatch(fine_label):
                raise ValueError(
                    f"{path}, line {number}: must be a class such as NUM:date, a blank and a "
                    f"question; got {line!r}."
                )
            label = fine_label.partition(":")[0]
            rows.append({"text": text.strip(), "label": label, "fine_label": fine_label})
    return in_order(splits, files)


def read_wnut(files: Sequence[Path]) -> dict[str, Rows]:
    """Read tagged sentences: on each line a word, a tab and its tag; a blank line ends a sentence.

    Args:
        files: The files; their names say the split.

    Returns:
        Split to rows: words, tags (B- for the first word of an entity, I- for those that go on
        with it, O for all others).

    Raises:
        ValueError: If a line has another form.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        words: list[str] = []
        tags: list[str] = []
        rows = splits.setdefault(split_of(path, whole=False), [])
        for number, line in enumerate((*read_text(path).split("\n"), ""), start=1):
            if line.strip():
                word, _, tag = line.partition("\t")
                if not word.strip() or not WNUT_TAG.fullmatch(tag):
                    raise ValueError(
                        f"{path}, line {number}: must be a word, a tab and a tag such as "
                        f"B-person, I-person or O; got {line!r}."
                    )
                words.append(word)
                tags.append(tag)
            elif words:
                rows.append({"words": words, "tags": tags})
                words, tags = [], []
    return in_order(splits, files)


def _news_of(cells: list[str]) -> tuple[str, dict[str, str]]:
    if len(cells) != 3 or cells[0] not in AG_CLASSES or not all(cell.strip() for cell in cells):
        raise ValueError(f"got {cells}")
    title, beginning = cells[1].strip(), cells[2].strip()
    return title, {"text": f"{title} {beginning}", "label": AG_CLASSES[cells[0]]}


def _split_of_title(title: str) -> str:
    digest = hashlib.sha256(title.encode("utf-8")).hexdigest()
    return AG_SPLITS[int(digest, 16) % len(AG_SPLITS)]
