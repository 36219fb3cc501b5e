"""Fingerprints of files and texts, and writing a file so that nobody ever sees half of it."""

import contextlib
import hashlib
import os
import platform
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import psutil

from course_lib.errors import DigestMismatchError


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Compute the SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Args:
        path: The file.

    Reference:
        NIST FIPS 180-4, "Secure Hash Standard", 2015.
    """
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_documents(documents: Iterable[str]) -> str:
    """Compute the SHA-256 of a list of texts, which also tells where one text ends.

    Args:
        documents: The texts, in order.

    Returns:
        64 hexadecimal digits; equal exactly if the lists are (as far as SHA-256 can tell).
    """
    digest = hashlib.sha256()
    for document in documents:
        content = document.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return digest.hexdigest()


def check_digest(path: str | os.PathLike[str], expected: str, name: str) -> None:
    """Refuse a file that is truncated, altered, or another version than we know.

    Args:
        path: The file.
        expected: The SHA-256 it must have.
        name: The data set it belongs to, for the message.

    Raises:
        DigestMismatchError: If the file has another digest.
    """
    found = sha256_of(path)
    if found != expected:
        raise DigestMismatchError(
            f"{name}: {os.fspath(path)} must have sha256 {expected}; got {found}. The file is "
            "truncated, altered, or of another version: delete it and get it again."
        )


@contextlib.contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that appears under its name only when it is complete.

    The bytes go to a temporary file beside it, are forced to the disk, and the temporary file
    then takes the place of the old one in a single step. If the block raises, the old file is
    untouched and the temporary one is gone; what a killed process leaves is swept up by the next.

    Args:
        path: The file to write; its folder is made if needed.

    Yields:
        A binary stream to write to.

    Raises:
        OSError: If the folder cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(path)
    writer = f"{os.getpid()}-{threading.get_ident()}"
    partial = path.with_name(f"{_partial_prefix(path)}{writer}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _partial_prefix(path: Path) -> str:
    return f".{path.name}.{platform.node()}-"


def _remove_orphans(path: Path) -> None:
    """Remove temporary files whose process, on this machine, is no more."""
    prefix = _partial_prefix(path)
    for partial in path.parent.glob(".*.partial"):
        process = partial.name.removeprefix(prefix).partition("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            partial.unlink(missing_ok=True)
