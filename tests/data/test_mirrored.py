import hashlib
from pathlib import Path

import pytest

from course_lib.data import CatalogFile, Entry, catalog
from course_lib.data.mirrored import find_known
from course_lib.errors import DigestMismatchError


def entry_of(*files: CatalogFile) -> Entry:
    return Entry(
        name="toy", kind="mirror", returns="Corpus", description="d", licence="l", citation="c",
        size="s", files=files, repository_path="*", revision="0" * 40,
    )  # fmt: skip


def listed(name: str, content: bytes) -> CatalogFile:
    digest = hashlib.sha256(content).hexdigest()
    return CatalogFile(path=f"Far Away/{name}", n_bytes=len(content), sha256=digest)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_files_are_found_by_their_bytes_in_the_order_of_the_catalog(tmp_path: Path) -> None:
    files = [
        written(tmp_path / "1.md", b"two!"),
        written(tmp_path / "2.md", b"three"),
        written(tmp_path / "3.md", b"none of ours"),
        written(tmp_path / "4.md", b"one"),
    ]
    entry = entry_of(listed("a.md", b"one"), listed("b.md", b"two!"), listed("c.md", b"four"))
    assert find_known(entry, files) == ([files[3], files[0]], [listed("c.md", b"four")])


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    entry = entry_of(listed("a.md", b"one"), listed("b.md", b"two!"))
    files = [written(tmp_path / "a.md", b"one"), written(tmp_path / "b.md", b"two?")]
    with pytest.raises(DigestMismatchError, match=r"toy: .*b\.md must have sha256"):
        find_known(entry, files)


def test_without_a_list_every_file_counts(tmp_path: Path) -> None:
    files = [tmp_path / "b.json", tmp_path / "a.json"]
    assert find_known(catalog()["songci"], files) == (files, [])
