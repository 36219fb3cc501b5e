"""Which files of a classroom's folder the catalog knows, whatever their names are there."""

from collections.abc import Sequence
from pathlib import Path

from course_lib.data.catalog import CatalogFile, Entry
from course_lib.data.digests import check_digest, sha256_of


def find_known(entry: Entry, files: Sequence[Path]) -> tuple[list[Path], list[CatalogFile]]:
    """Find the files of a data set by their digests.

    So a folder may be a copy of the whole public repository, or hold the files under simpler
    names. What the catalog does not list is left aside.

    Args:
        entry: The data set; if the catalog lists no file of it, every file counts as known.
        files: The files that are there.

    Returns:
        The known files in the catalog's order, and what the catalog lists but the folder lacks.

    Raises:
        DigestMismatchError: If a file has the name of one that is missing, but other bytes.
    """
    if not entry.files:
        return list(files), []
    sizes = {file.n_bytes for file in entry.files}
    by_digest = {sha256_of(path): path for path in files if path.stat().st_size in sizes}
    missing = [file for file in entry.files if file.sha256 not in by_digest]
    for file in missing:
        for path in files:
            if path.name == file.name and file.sha256:
                check_digest(path, file.sha256, entry.name)
    return [by_digest[file.sha256] for file in entry.files if file.sha256 in by_digest], missing
