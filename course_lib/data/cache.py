"""Texts that take long to extract, kept on disk with their digest."""

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path

from course_lib.data.digests import atomic_writer
from course_lib.data.paths import cache_folder
from course_lib.errors import DigestMismatchError


def cached_documents(name: str, key: str, extract: Callable[[], list[str]]) -> list[str]:
    """Extract documents once, and read them from the cache folder ever after.

    A cached file that was truncated or altered is refused and written anew, with a warning that
    names it and both digests. Where the folder cannot be written to, a warning says so.

    Args:
        name: The data set, the first part of the file's name.
        key: Says what the documents were extracted from; another key is another file.
        extract: Does the work; called only if the cache has no good file.

    Returns:
        The documents.
    """
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = cache_folder() / f"{name}-{fingerprint}.jsonl"
    if path.is_file():
        try:
            return read_documents(path, name)
        except DigestMismatchError as error:
            warnings.warn(f"{error} The course now does so itself.", stacklevel=2)
    documents = extract()
    try:
        write_documents(path, documents)
    except OSError as error:
        warnings.warn(
            f"{name} could not be cached in {path.parent} ({error.strerror}); it will be extracted "
            "again next time. Set COURSE_CACHE_DIR to a folder you may write to.",
            stacklevel=2,
        )
    return documents


def write_documents(path: Path, documents: list[str]) -> None:
    """Write documents to a file whose first line is the digest of the rest.

    Args:
        path: The file.
        documents: The texts; one JSON string a line.

    Raises:
        OSError: If the file cannot be written; then nothing is left of it.
    """
    body = "".join(json.dumps(document) + "\n" for document in documents).encode("ascii")
    with atomic_writer(path) as stream:
        stream.write(hashlib.sha256(body).hexdigest().encode("ascii") + b"\n")
        stream.write(body)


def read_documents(path: Path, name: str) -> list[str]:
    """Read what `write_documents` wrote, if it is still exactly that.

    Args:
        path: The file.
        name: The data set it belongs to, for the message.

    Raises:
        DigestMismatchError: If the file is truncated or altered.
    """
    first, _, body = path.read_bytes().partition(b"\n")
    expected, found = first.decode("ascii", "replace"), hashlib.sha256(body).hexdigest()
    if found != expected:
        raise DigestMismatchError(
            f"{name}: {path} must have sha256 {expected!r} after its first line; got {found!r}. "
            "The file is truncated or altered: delete it, and it is extracted again."
        )
    return [json.loads(line) for line in body.splitlines()]
