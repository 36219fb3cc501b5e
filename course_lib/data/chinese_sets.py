"""Chinese text as a classroom's folder holds it: each reader knows the form of one source.

The tables come as split to rows, with the split "" where a source has none. A file that is broken
is an error that names the file and the line; what is merely imperfect is left out, and the data
set's card says how many rows that are.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course_lib.data.folder import split_of
from course_lib.data.rows import Rows, in_order, numbered_lines, some
from course_lib.data.textfiles import read_text


def read_tatoeba(files: Sequence[Path]) -> dict[str, Rows]:
    """Read sentence pairs: on each line English, Chinese and whom to thank, with tabs between.

    One English sentence may have several translations, each a row: keep rows of the same `en`
    together when you split.

    Args:
        files: The text files.

    Returns:
        Under "", the rows: en, zh, attribution.

    Raises:
        ValueError: If a line has not three cells, or one of them is blank.
    """
    rows: Rows = []
    for path in files:
        for number, line in numbered_lines(path):
            cells = [cell.strip() for cell in line.split("\t")]
            if len(cells) != 3 or not all(cells):
                raise ValueError(
                    f"{path}, line {number}: must have English, Chinese and attribution, with "
                    f"tabs between them; got {line!r}."
                )
            rows.append({"en": cells[0], "zh": cells[1], "attribution": cells[2]})
    return {"": some(rows, files)}


def read_cmrc(files: Sequence[Path]) -> dict[str, Rows]:
    """Read questions on passages with the spans that answer them.

    An answer whose offset does not match is looked for in the passage; one that is not there is
    left out, and so is a question that is blank or keeps no answer: here every question can be
    answered, and a row without answers would say that it cannot.

    Args:
        files: SQuAD-style JSON files. The split is "trial" for a file of that name, else what
            `split_of` says.

    Returns:
        Split to rows: id, title, context, question, answers (text and answer_start, as lists).

    Raises:
        ValueError: If a file is not SQuAD-style JSON.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        split = "trial" if "trial" in path.stem.lower() else split_of(path, whole=False)
        try:
            articles = json.loads(read_text(path))["data"]
            rows = [row for article in articles for row in _questions_of(article)]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} must be SQuAD-style JSON; {error!r}.") from error
        splits.setdefault(split, []).extend(rows)
    return in_order(splits, files)


def read_chnsenticorp(files: Sequence[Path]) -> dict[str, Rows]:
    """Read reviews: on each line the label, 0 or 1, a tab, and the text; a header line first.

    A review without text is left out. Quotation marks are part of the text.

    Args:
        files: The files; their names say the split.

    Returns:
        Split to rows: text, label (0 negative, 1 positive).

    Raises:
        ValueError: If a line has another form.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        rows = splits.setdefault(split_of(path, whole=False), [])
        for number, line in numbered_lines(path):
            label, tab, text = line.partition("\t")
            if number == 1 and label == "label":
                continue
            if not tab or label not in ("0", "1"):
                raise ValueError(
                    f"{path}, line {number}: must be 0 or 1, a tab and a review; got {line!r}."
                )
            if text.strip():
                rows.append({"text": text.strip(), "label": int(label)})
    return in_order(splits, files)


def read_songci(files: Sequence[Path]) -> list[str]:
    """Read poems: the tune's name on the first line, the author on the second, then the verses.

    A character that is lost stays as the sign for it, □.

    Args:
        files: JSON files, each a list of poems; taken by rising number in their names.

    Returns:
        The poems, one document each.

    Raises:
        ValueError: If a file is not a list of poems.
    """
    poems: list[str] = []
    for path in sorted(files, key=_numbers_in_name):
        poems += _documents(
            path,
            "a list of poems",
            lambda items: [[p["rhythmic"], p["author"], *p["paragraphs"]] for p in items],
        )
    return poems


def read_anthology(files: Sequence[Path]) -> list[str]:
    """Read an anthology: the title on the first line, the author on the second, then the text.

    Args:
        files: JSON files, each with parts under "content" and texts under the "content" of each.

    Returns:
        The poems or essays, one document each.

    Raises:
        ValueError: If a file has another form.
    """
    return [
        text
        for path in files
        for text in _documents(
            path,
            "an anthology",
            lambda book: [
                [text["chapter"], text["author"].strip(), *text["paragraphs"]]
                for part in book["content"]
                for text in part["content"]
            ],
        )
    ]


def read_shijing(files: Sequence[Path]) -> list[str]:
    """Read the Book of Songs: the title, the part of the book it stands in, then the verses.

    Args:
        files: JSON files, each a list of songs.

    Returns:
        The songs, one document each.

    Raises:
        ValueError: If a file is not a list of songs.
    """
    return [
        song
        for path in files
        for song in _documents(
            path,
            "a list of songs",
            lambda items: [
                [s["title"], f"{s['chapter']}·{s['section']}", *s["content"]] for s in items
            ],
        )
    ]


def read_lunyu(files: Sequence[Path]) -> list[str]:
    """Read the Analects: the chapter's name on the first line, then a saying a line.

    Args:
        files: JSON files, each a list of chapters.

    Returns:
        The chapters, one document each.

    Raises:
        ValueError: If a file is not a list of chapters.
    """
    return [
        chapter
        for path in files
        for chapter in _documents(
            path,
            "a list of chapters",
            lambda items: [[c["chapter"], *c["paragraphs"]] for c in items],
        )
    ]


def find_span(context: str, answer: str, near: int) -> int | None:
    """Find where an answer stands in a passage, as close as can be to where it is said to stand.

    Args:
        context: The passage.
        answer: The words looked for.
        near: The offset stated, in characters; it may be wrong.

    Returns:
        The true offset, or None if the words are not in the passage.

    Example:
        >>> find_span("one two one", "one", 8), find_span("one two one", "six", 0)
        (8, None)
    """
    found = [match.start() for match in re.finditer(f"(?={re.escape(answer)})", context)]
    return min(found, key=lambda start: abs(start - near), default=None) if answer else None


def _questions_of(article: dict[str, Any]) -> Rows:
    rows: Rows = []
    for passage in article["paragraphs"]:
        context = passage["context"]
        for asked in passage["qas"]:
            found = [
                (answer["text"], find_span(context, answer["text"], answer["answer_start"]))
                for answer in asked["answers"]
            ]
            kept = [(text, start) for text, start in found if start is not None]
            if kept and asked["question"].strip():
                rows.append(
                    {
                        "id": asked["id"],
                        "title": article["title"],
                        "context": context,
                        "question": asked["question"],
                        "answers": {
                            "text": [text for text, _ in kept],
                            "answer_start": [start for _, start in kept],
                        },
                    }
                )
    return rows


def _documents(path: Path, what: str, lines_of: Callable[[Any], list[list[str]]]) -> list[str]:
    """Read the lines of each text in a JSON file; the error says what the file must be."""
    try:
        return ["\n".join(lines) for lines in lines_of(json.loads(read_text(path)))]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} must be {what} in JSON; {error!r}.") from error


def _numbers_in_name(path: Path) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", path.name)], path.name
