import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data import check_digest, sha256_of
from course_lib.data.digests import atomic_writer, digest_of_documents
from course_lib.errors import DigestMismatchError

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example


def test_sha256_of_the_standard_s_own_example(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == ABC


def test_check_digest_accepts_the_right_file(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    check_digest(tmp_path / "abc", ABC, "letters")


@pytest.mark.parametrize("content", [b"ab", b"abd", b"abcc", b""])
def test_check_digest_refuses_another(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "abc"
    path.write_bytes(content)
    with pytest.raises(DigestMismatchError) as caught:
        check_digest(path, ABC, "letters")
    for part in ("letters: ", str(path), f"must have sha256 {ABC}", f"got {sha256_of(path)}"):
        assert part in str(caught.value)


documents = st.lists(st.text(), max_size=4)


@settings(deadline=None)
@given(documents, documents)
def test_two_lists_have_one_digest_only_if_equal(one: list[str], other: list[str]) -> None:
    assert (digest_of_documents(one) == digest_of_documents(other)) == (one == other)


def test_the_digest_is_that_of_lengths_and_texts() -> None:
    by_hand = bytes([0] * 7 + [3]) + "aä".encode() + bytes(8) + bytes([0] * 7 + [1]) + b"b"
    assert digest_of_documents(["aä", "", "b"]) == hashlib.sha256(by_hand).hexdigest()


def test_the_digest_tells_where_a_document_ends() -> None:
    assert digest_of_documents(["ab", "c"]) != digest_of_documents(["a", "bc"])
    assert digest_of_documents(["abc"]) != digest_of_documents(["abc", ""])


def test_atomic_writer_makes_folders_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    for content in (b"first", b"second"):
        with atomic_writer(path) as stream:
            stream.write(content)
        assert path.read_bytes() == content
    assert os.listdir(path.parent) == ["file"]


def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail_half_way() -> None:
        with atomic_writer(path) as stream:
            stream.write(b"ne")
            stream.flush()
            raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        fail_half_way()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_the_name_never_shows_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_writer(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == b"half"


KILLED = """
import os, signal, sys
from pathlib import Path
from course_lib.data.digests import atomic_writer
with atomic_writer(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2  # the orphan is there, under another name …
    with atomic_writer(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]  # … until the next writer sweeps


def test_a_writer_at_work_is_not_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_writer(path) as stream:
        stream.write(b"mine")
        others = [name for name in os.listdir(tmp_path) if name.endswith(".partial")]
        beside = path.with_name(others[0].replace(f"{os.getpid()}-", f"{os.getppid()}-"))
        beside.write_bytes(b"theirs")
    with atomic_writer(path) as stream:
        stream.write(b"again")
    assert beside.read_bytes() == b"theirs"
