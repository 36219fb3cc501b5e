import gzip
import json
from pathlib import Path

import pytest

from course_lib.data.folder import (
    FolderOptions,
    data_files,
    holds_text,
    read_documents,
    read_tables,
    split_of,
)

PLAIN = FolderOptions()


def fill(folder: Path, **files: str | bytes) -> list[Path]:
    """Write files (two underscores stand for a point, three for a slash) and list the folder."""
    for name, content in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return data_files(folder)


def test_data_files_leaves_notes_and_hidden_files_aside(tmp_path: Path) -> None:
    fill(
        tmp_path,
        b__txt="b",
        sub___a__txt="a",
        README__md="about",
        readme__txt="about",
        LICENSE="free",
        _about__txt="about",
        __hidden="x",
        __cache___x__txt="x",
    )
    assert [str(p.relative_to(tmp_path)) for p in data_files(tmp_path)] == ["b.txt", "sub/a.txt"]
    assert [p.name for p in data_files(tmp_path, "sub/*")] == ["a.txt"]
    assert data_files(tmp_path, "*.csv") == []


@pytest.mark.parametrize(
    ("name", "whole", "split"),
    [
        ("train.txt", True, "train"),
        ("valid.txt.gz", True, "validation"),
        ("the_last_test.md", True, ""),
        ("the_last_test.csv", False, "test"),
        ("sst2.dev.tsv", False, "validation"),
        ("train-00000-of-00002.parquet", False, "train"),
        ("cmrc2018_dev_part1.json", False, "validation"),
        ("VAL.EN.gz", False, "validation"),
        ("training.csv", False, "train"),
        ("testing_ground.csv", False, ""),
        ("a_train_robbery.csv", False, ""),
    ],
)
def test_split_of(name: str, whole: bool, split: str) -> None:
    assert split_of(Path(name), whole=whole) == split


def test_every_text_file_is_a_document(tmp_path: Path) -> None:
    files = fill(tmp_path, b___two__md="zwei\r\n", a___one__txt=b"\xef\xbb\xbfeins", c__txt="drei")
    assert holds_text(files, PLAIN)
    documents, chosen = read_documents(files, PLAIN)
    assert documents == ["eins", "zwei\n", "drei"]
    assert chosen == files


def test_without_a_wish_only_the_training_text_is_read(tmp_path: Path) -> None:
    files = fill(tmp_path, train__txt="t", valid__txt="v", test__txt__gz=gzip.compress(b"e"))
    assert read_documents(files, PLAIN)[0] == ["t"]
    assert read_documents(files, FolderOptions(split="dev"))[0] == ["v"]
    assert read_documents(files, FolderOptions(split="test"))[0] == ["e"]


def test_a_lone_validation_text_is_better_than_nothing(tmp_path: Path) -> None:
    files = fill(tmp_path, valid__txt="v", classes__txt="notes")
    assert read_documents(files, PLAIN)[0] == ["v"]
    with pytest.raises(
        ValueError, match=r"split must be one that is there \(validation\); got 'tr"
    ):
        read_documents(files, FolderOptions(split="train"))


def test_a_book_whose_title_ends_like_a_split_is_a_book(tmp_path: Path) -> None:
    files = fill(tmp_path, the_test__md="a", the_train__md="b")
    assert read_documents(files, PLAIN)[0] == ["a", "b"]
    with pytest.raises(ValueError, match="files without a split's name"):
        read_documents(files, FolderOptions(split="test"))


def test_unknown_formats_are_named(tmp_path: Path) -> None:
    files = fill(tmp_path, x__conll="a B", y__zip="PK")
    with pytest.raises(ValueError, match=r"must hold \.txt, .* files .*; got x\.conll, y\.zip"):
        holds_text(files, PLAIN)


def test_tables_by_split_share_their_types(tmp_path: Path) -> None:
    files = fill(
        tmp_path,
        train__csv="text,label\na,1\n",
        dev__csv="text,label\n2,0\n",
        categories__json='["x"]',
    )
    assert not holds_text(files, PLAIN)
    assert read_tables(files, PLAIN) == {
        "train": {"text": ["a"], "label": [1]},
        "validation": {"text": ["2"], "label": [0]},
    }
    only_dev = read_tables(files, FolderOptions(split="valid"))
    assert list(only_dev) == ["validation"]
    with pytest.raises(ValueError, match=r"\(train, validation\); got 'test'"):
        read_tables(files, FolderOptions(split="test"))


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    files = fill(tmp_path, part2__tsv="word\nb\n", part1__tsv="word\na\n")
    assert read_tables(files, PLAIN) == {"": {"word": ["a", "b"]}}


def test_tables_with_other_columns_do_not_belong_together(tmp_path: Path) -> None:
    files = fill(tmp_path, chips__csv="chip,watts\na,1\n", prices__csv="chip,price\na,1\n")
    with pytest.raises(
        ValueError, match=r"prices\.csv must have the columns .*files='prices\.csv'"
    ):
        read_tables(files, PLAIN)


def test_json_may_lack_a_field(tmp_path: Path) -> None:
    files = fill(
        tmp_path, a__json='[{"x": 1}]', b__json='[{"x": 2, "y": 3}]', c__jsonl='{"x": 4}\n'
    )
    assert read_tables(files, PLAIN) == {"": {"x": [1, 2, 4], "y": [None, 3, None]}}
    other = fill(tmp_path / "other", a__json='[{"x": 1}]', b__json='[{"z": 2}]')
    with pytest.raises(ValueError, match=r"b\.json must have the columns of a\.json \(x\); got z"):
        read_tables(other, PLAIN)


def test_json_numbers_in_text_stay_text(tmp_path: Path) -> None:
    files = fill(tmp_path, a__jsonl=json.dumps({"text": "1984"}))
    assert read_tables(files, PLAIN) == {"": {"text": ["1984"]}}


def test_named_columns_make_a_table_of_a_text_file(tmp_path: Path) -> None:
    files = fill(tmp_path, pairs__txt="Hi.\t嗨。\nRun!\t跑！\n")
    options = FolderOptions(columns=("en", "zh"))
    assert holds_text(files, PLAIN)
    assert not holds_text(files, options)
    assert read_tables(files, options) == {"": {"en": ["Hi.", "Run!"], "zh": ["嗨。", "跑！"]}}


def test_parallel_text(tmp_path: Path) -> None:
    files = fill(
        tmp_path,
        train__en__gz=gzip.compress(b"one\ntwo\n"),
        train__de="eins\nzwei\n",
        val__en="three\n",
        val__de="drei",
    )
    assert not holds_text(files, PLAIN)
    assert read_tables(files, PLAIN) == {
        "train": {"de": ["eins", "zwei"], "en": ["one", "two"]},
        "validation": {"de": ["drei"], "en": ["three"]},
    }
    assert list(read_tables(files, FolderOptions(split="val"))) == ["validation"]
    fill(tmp_path, train__de="eins\n")
    with pytest.raises(ValueError, match=r"as many lines; got \{'de': 1, 'en': 2\}"):
        read_tables(data_files(tmp_path), PLAIN)


def test_a_wrong_split_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match=r"split must be one of train, .*; got 'holdout'"):
        FolderOptions(split="holdout")
