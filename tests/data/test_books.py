"""The books here are made up in the form of the source; none is copied from it."""

from pathlib import Path

import pytest

from course_lib.data.books import read_books

HEADER = (
    "# Title: The Tea & the Cup\r\n\r\n## Author: A. Nobody\r\n\r\n## Year: 1901\r\n\r\n-------\r\n"
)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_book_by_hand(tmp_path: Path) -> None:
    body = (
        "\r\n##  CHAPTER 1. \r\n\r\n\r\nThe tea was _hot_. \r\n\r\n\r\n\r\n"
        "### The &amp; End\t \r\nNo. 1 #2"
    )
    book = written(tmp_path / "a.md", HEADER + body)
    bare = written(tmp_path / "b.md", HEADER.replace("\r", "") + "It snowed.\n")
    assert read_books([bare, book]) == [
        "The Tea & the Cup\nA. Nobody\n\nIt snowed.",
        "The Tea & the Cup\nA. Nobody\n\nCHAPTER 1.\n\nThe tea was _hot_.\n\nThe & End\nNo. 1 #2",
    ]


@pytest.mark.parametrize("missing", ["# Title: ", "## Author: ", "## Year: ", "-------"])
def test_a_book_without_its_header_is_named(tmp_path: Path, missing: str) -> None:
    text = HEADER.replace("\r", "").replace(missing, "", 1) + "It snowed."
    with pytest.raises(ValueError, match=r"odd\.md must begin with '# Title: …'.*; got '.*The Tea"):
        read_books([written(tmp_path / "odd.md", text)])
