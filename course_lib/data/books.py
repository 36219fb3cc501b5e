"""Books in Markdown, as a public collection of novels and children's books has them."""

import re
from collections.abc import Sequence
from pathlib import Path

from course_lib.data.textfiles import read_text

_HEADER = re.compile(r"# Title: (.+)\n+## Author: (.+)\n+## Year: .+\n+-{7}\n")
_HEADING = re.compile(r"^#+ *", re.MULTILINE)
_BLANKS_AT_LINE_END = re.compile(r"[ \t]+$", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def read_books(files: Sequence[Path]) -> list[str]:
    """Read books: the title on the first line, the author on the second, then the text.

    Chapters' headings lose their signs of Markdown. Emphasis keeps its own: `_so_`.

    Args:
        files: Markdown files that begin with title, author, year and a line of dashes.

    Returns:
        The books, one document each.

    Raises:
        ValueError: If a file begins otherwise.
    """
    return [_book(path) for path in files]


def _book(path: Path) -> str:
    text = read_text(path)
    header = _HEADER.match(text)
    if header is None:
        raise ValueError(
            f"{path} must begin with '# Title: …', '## Author: …', '## Year: …' and a line of "
            f"dashes; got {text.partition(chr(10))[0]!r}."
        )
    body = _HEADING.sub("", text[header.end() :]).replace("&amp;", "&")
    body = _EMPTY_LINES.sub("\n\n", _BLANKS_AT_LINE_END.sub("", body))
    return f"{header[1].strip()}\n{header[2].strip()}\n\n{body.strip()}"
