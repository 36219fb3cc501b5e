from pathlib import Path

import pytest

from course_lib.data.rows import in_order, numbered_lines, some


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(b"caf\xe9\r\n \n\nb")
    assert numbered_lines(path, encoding="latin-1") == [(1, "café"), (4, "b")]
    with pytest.raises(ValueError, match=r"a\.tsv must be utf-8 text"):
        numbered_lines(path)


def test_splits_come_in_their_usual_order(tmp_path: Path) -> None:
    splits = {name: [{"text": name}] for name in ("test", "validation", "trial", "train")}
    assert list(in_order(splits, [tmp_path / "a.tsv"])) == ["train", "trial", "validation", "test"]


def test_none_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path.name} must hold at least one row"):
        some([], [tmp_path / "a.tsv"])
