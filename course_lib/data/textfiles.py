"""Bytes to text: gzip, encodings, byte-order marks and line ends; errors name the file."""

import codecs
import gzip
import zlib
from pathlib import Path

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_bytes(path: Path) -> bytes:
    """Read a file, unpacked if its name ends in ".gz".

    Args:
        path: The file.

    Raises:
        ValueError: If a packed file is truncated or not gzip at all.
    """
    content = path.read_bytes()
    if path.suffix.lower() != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} must be a whole gzip file; {error}.") from error


def decode_text(content: bytes, path: Path, encoding: str | None = None) -> str:
    r"""Decode text and give every line the same end.

    Without `encoding`, a byte-order mark decides, else it is UTF-8. We never guess further: a wrong
    guess turns every accent into rubbish without a word.

    Args:
        content: The bytes.
        path: Where they come from, for the message.
        encoding: The encoding to use instead.

    Returns:
        The text without byte-order mark; every line ends in "\n".

    Raises:
        ValueError: If the bytes are not valid in the encoding, or it is unknown.
    """
    if encoding is None:
        marks = (name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark))
        encoding = next(marks, "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} must be {encoding} text; got byte 0x{content[error.start]:02x} at position "
            f"{error.start}. Name its encoding: encoding='cp1252' for older Western European "
            "text, encoding='gb18030' for older Chinese text."
        ) from error
    except LookupError:
        raise ValueError(f"encoding must be one Python knows; got {encoding!r}.") from None
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    # A carriage return ends a line only in files that know no other end; elsewhere it is a slip.
    return text.replace("\r", " " if "\n" in text else "\n")


def read_text(path: Path, encoding: str | None = None) -> str:
    """Read a text file, packed or not, with one kind of line end.

    Args:
        path: The file.
        encoding: Its encoding, if it is neither UTF-8 nor marked.

    Raises:
        ValueError: If it cannot be unpacked or decoded.
    """
    return decode_text(read_bytes(path), path, encoding)
