import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data import cache_folder
from course_lib.data.cache import cached_documents, read_documents, write_documents
from course_lib.errors import DigestMismatchError


class Extractor:
    """Counts how often the work is done."""

    def __init__(self, documents: list[str]) -> None:
        self.documents = documents
        self.n_calls = 0

    def __call__(self) -> list[str]:
        self.n_calls += 1
        return self.documents


def only_file() -> Path:
    (name,) = os.listdir(cache_folder())
    return cache_folder() / name


def test_the_work_is_done_once() -> None:
    work = Extractor(["one\ntwo", "", "drei – vier"])
    for _ in range(3):
        assert cached_documents("toy", "v1", work) == work.documents
    assert work.n_calls == 1
    assert only_file().name.startswith("toy-")


def test_another_key_is_another_file() -> None:
    old, new = Extractor(["old"]), Extractor(["new"])
    assert cached_documents("toy", "v1", old) == ["old"]
    assert cached_documents("toy", "v2", new) == ["new"]
    assert cached_documents("toy", "v1", old) == ["old"]
    assert (old.n_calls, new.n_calls) == (1, 1)


@pytest.mark.parametrize("damage", ["truncate", "alter", "first line"])
def test_a_damaged_cache_is_refused_and_written_anew(damage: str) -> None:
    work = Extractor(["alpha", "beta"])
    cached_documents("toy", "v1", work)
    path = only_file()
    whole = path.read_bytes()
    broken = {
        "truncate": whole[:-3],
        "alter": whole.replace(b"beta", b"bexa"),
        "first line": b"0" * 64 + whole[64:],
    }[damage]
    path.write_bytes(broken)
    first, _, body = broken.partition(b"\n")
    expected = f"must have sha256 '{first.decode()}' .* got '{hashlib.sha256(body).hexdigest()}'"
    with pytest.warns(UserWarning, match=f"toy: .*{expected}"):
        assert cached_documents("toy", "v1", work) == ["alpha", "beta"]
    assert work.n_calls == 2
    assert path.read_bytes() == whole


def test_a_damaged_file_is_never_returned(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_documents(path, ["alpha"])
    path.write_bytes(path.read_bytes() + b'"more"\n')
    with pytest.raises(DigestMismatchError, match="truncated or altered"):
        read_documents(path, "toy")


def test_a_folder_that_cannot_be_written_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "a file" / "cache"))
    work = Extractor(["alpha"])
    with pytest.warns(UserWarning, match="toy could not be cached in .* Set COURSE_CACHE_DIR"):
        assert cached_documents("toy", "v1", work) == ["alpha"]


@settings(deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, documents: list[str]) -> None:
    path = tmp_path_factory.mktemp("round") / "file"
    write_documents(path, documents)
    assert read_documents(path, "toy") == documents
