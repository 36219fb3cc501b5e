import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cli.texts import (
    MOST_HELD_OUT_CHARACTERS,
    read_document,
    read_documents,
    split_documents,
    spread,
)
from course_lib.errors import CourseError


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", ""),
        ("--text a --out b c", "--text a --out b c"),
        ("x --text a b c --resume", "x --text a --text b --text c --resume"),
        ("--text a --text b c", "--text a --text b --text c"),
        ("--text --out a b", "--text --out a b"),
    ],
)
def test_an_option_takes_all_words_up_to_the_next(arguments: str, expected: str) -> None:
    assert spread(arguments.split(), "--text") == expected.split()


def test_files_and_folders_are_read_once_and_in_order(tmp_path: Path) -> None:
    files = {"z.txt": "z", "a.TXT": "a", "sub/m.md": "é\r\n", "b.py": "code", "empty.md": " \n"}
    write(tmp_path, {f"in/{name}": text for name, text in files.items()} | {"first.log": "log"})
    paths = [tmp_path / "first.log", tmp_path / "in", tmp_path / "in" / "z.txt"]
    assert read_documents(paths) == ["log", "a", "é\n", "z"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("no.txt", None, "no.txt cannot be read: No such file"),
        ("empty.txt", b" \n", "empty.txt must hold text; it is empty"),
        ("latin.txt", "café".encode("cp1252"), "latin.txt must be text in UTF-8.*iconv"),
        ("binary.bin", b"ab\0c", "binary.bin must be text; it holds zero bytes"),
        ("folder/code.py", b"x", r"folder must hold \.txt or \.md files"),
        ("folder/empty.txt", b"\n", r"folder must hold \.txt or \.md files"),
    ],
)
def test_what_is_no_text_is_said_so(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CourseError, match=message):
        read_documents([path if path.parent == tmp_path else path.parent])


def test_the_end_of_a_single_document_is_held_out() -> None:
    text = "x" * 90 + "y" * 10
    assert split_documents([text], seed=3) == (["x" * 90], ["y" * 10])


def test_whole_documents_are_held_out_where_they_fit() -> None:
    documents = [f"{number:05}" for number in range(20)]
    training, held_out = split_documents(documents, seed=3)
    assert len(held_out) == 2
    assert sorted(training + held_out) == documents
    assert training == sorted(training)
    assert held_out == sorted(held_out)
    assert split_documents(documents, seed=4)[1] != held_out


def test_documents_that_are_too_large_or_too_little_lose_their_ends() -> None:
    documents = ["a" * 100, "b" * 100, "c" * 9]  # 20.9 wanted; only c, less than half, fits
    training, held_out = split_documents(documents, seed=0)
    assert training == ["a" * 90, "b" * 90, "c" * 8]
    assert held_out == ["a" * 10, "b" * 10, "c"]
    assert split_documents(["a" * 100, "b" * 100, "c" * 11], seed=0)[1] == ["c" * 11]


def test_no_more_is_held_out_than_is_read_quickly() -> None:
    _, held_out = split_documents(["x" * (20 * MOST_HELD_OUT_CHARACTERS)], seed=0)
    assert len(held_out[0]) == MOST_HELD_OUT_CHARACTERS


@settings(deadline=None)
@given(st.lists(st.text("ab", min_size=1), min_size=1), st.integers(0, 5))
def test_no_character_is_lost_and_none_stays_behind(documents: list[str], seed: int) -> None:
    training, held_out = split_documents(documents, seed)
    assert sorted("".join(training + held_out)) == sorted("".join(documents))
    assert all(training + held_out)


def test_one_text_is_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "é 猫\n"
    (tmp_path / "a.log").write_bytes(text.encode("utf-16"))
    assert read_document(tmp_path / "a.log") == text

    def feed(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "ascii"))

    feed(text.encode().replace(b"\n", b"\r\n"))
    assert read_document(Path("-")) == text
    for content, message in ((b" \n", "empty"), (b"\xff", "UTF-8"), (b"a\0", "zero bytes")):
        feed(content)
        with pytest.raises(CourseError, match=f"^standard input must .*{message}"):
            read_document(Path("-"))


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "a.gz").write_bytes(b"no gzip")
    for name, message in (
        (".", "cannot be read: Is a directory"),
        ("none", "cannot be read"),
        ("empty.txt", r"empty\.txt must hold text; it is empty"),
        ("a.gz", "must be a whole gzip file"),
    ):
        with pytest.raises(CourseError, match=message):
            read_document(tmp_path / name)
