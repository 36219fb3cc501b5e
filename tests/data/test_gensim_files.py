from pathlib import Path

import pytest

from course_lib.data.gensim_files import (
    read_analogies,
    read_lines,
    read_polarity,
    read_word_pairs,
)


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "file.txt"
    path.write_bytes(text.encode(encoding))
    return path


def test_read_lines(tmp_path: Path) -> None:
    assert read_lines(write(tmp_path, "one story \n\n another\n")) == ["one story", "another"]


def test_read_polarity(tmp_path: Path) -> None:
    path = write(tmp_path, "__label__neg clichés — all \n__label__pos fine\n", "cp1252")
    expected = [{"text": "clichés — all", "label": 0}, {"text": "fine", "label": 1}]
    assert read_polarity(path) == expected


def test_read_polarity_names_a_bad_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"file\.txt, line 2: must begin with .*; got 'good'"):
        read_polarity(write(tmp_path, "__label__pos fine\ngood one\n"))


def test_read_word_pairs(tmp_path: Path) -> None:
    path = write(tmp_path, "# Words 1\t2\tscore\ntiger\tcat\t7.35\r\n")
    assert read_word_pairs(path) == [{"word1": "tiger", "word2": "cat", "score": 7.35}]


@pytest.mark.parametrize("line", ["tiger cat 7.35", "tiger\tcat", "tiger\tcat\thigh"])
def test_read_word_pairs_names_a_bad_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError, match=r"file\.txt, line 3: must be two words and a number"):
        read_word_pairs(write(tmp_path, f"# note\na\tb\t1\n{line}\n"))


def test_read_analogies(tmp_path: Path) -> None:
    text = ": capitals\nAthens Greece Oslo Norway\n: family\nboy girl king queen\n"
    assert read_analogies(write(tmp_path, text)) == [
        {"section": "capitals", "a": "Athens", "b": "Greece", "c": "Oslo", "d": "Norway"},
        {"section": "family", "a": "boy", "b": "girl", "c": "king", "d": "queen"},
    ]


@pytest.mark.parametrize(
    ("text", "line"), [("a b c d\n", 1), (": x\na b c\n", 2), (": x\na b c d\na b c d e\n", 3)]
)
def test_read_analogies_names_a_bad_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ValueError, match=rf"file\.txt, line {line}: must be four words under a"):
        read_analogies(write(tmp_path, text))
