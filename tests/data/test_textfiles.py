import gzip
from pathlib import Path

import pytest

from course_lib.data.textfiles import read_text


def write(tmp_path: Path, content: bytes, name: str = "x.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf8_and_marked_texts_need_no_help(tmp_path: Path, encoding: str) -> None:
    assert read_text(write(tmp_path, "größer\nça".encode(encoding))) == "größer\nça"


@pytest.mark.parametrize("content", [b"a\nb\n", b"a\r\nb\r\n", b"a\rb\r"])
def test_every_line_ends_alike(tmp_path: Path, content: bytes) -> None:
    assert read_text(write(tmp_path, content)) == "a\nb\n"


def test_a_stray_carriage_return_ends_no_line(tmp_path: Path) -> None:
    assert read_text(write(tmp_path, b"a\rb,c\nd\n")) == "a b,c\nd\n"


def test_another_encoding_is_never_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, "clichés".encode("cp1252"))
    with pytest.raises(ValueError, match=r"x\.txt must be utf-8 text; got byte 0xe9 at position 5"):
        read_text(path)
    assert read_text(path, "cp1252") == "clichés"


def test_the_message_proposes_encodings(tmp_path: Path) -> None:
    path = write(tmp_path, "语言".encode("gb18030"))
    with pytest.raises(ValueError, match="encoding='gb18030'"):
        read_text(path)
    assert read_text(path, "gb18030") == "语言"


def test_an_unknown_encoding(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="encoding must be one Python knows; got 'utf-9'"):
        read_text(write(tmp_path, b"a"), "utf-9")


def test_gzip(tmp_path: Path) -> None:
    packed = gzip.compress("über\r\n".encode())
    assert read_text(write(tmp_path, packed, "x.txt.gz")) == "über\n"
    for broken in (packed[:-4], packed[:20], b"not packed at all"):
        with pytest.raises(ValueError, match=r"x\.txt\.gz must be a whole gzip file"):
            read_text(write(tmp_path, broken, "x.txt.gz"))
