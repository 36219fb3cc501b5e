"""The rows here are made up in the form of the sources; none is copied from them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import datasets
import pytest

from course_lib.data import load
from course_lib.data.english_sets import AG_CLASSES, read_ag_news, read_sst2, read_trec, read_wnut
from course_lib.data.rows import Rows
from course_lib.errors import DataNotFoundError

NEWS = '"3","Tea is dear","The price of ""green"" tea rose."\n"2","Goal","\\One #36;5 goal."\n'
# Last digits of the SHA-256 of "title 0" … as decimal numbers, computed with sha256sum and bc.
LAST_DIGITS = {"title 4": 1, "title 5": 9, "title 7": 0, "title 13": 2}
TAGGED = "Ann\tB-person\nLee\tI-person\nsings\tO\n\t\n\nat\tO\nMo's\tB-location\n"


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def test_sst2_labels_are_words(tmp_path: Path) -> None:
    train = written(tmp_path / "train.tsv", "a fine film\t1\ndull , dull\t0\n\n")
    dev = written(tmp_path / "sst2.dev.tsv", "why\tnot \t1")
    splits = read_sst2([dev, train])
    assert list(splits) == ["train", "validation"]
    assert splits["train"] == [
        {"text": "a fine film", "label": "positive"},
        {"text": "dull , dull", "label": "negative"},
    ]
    assert splits["validation"] == [{"text": "why\tnot", "label": "positive"}]


def test_ag_news_by_hand(tmp_path: Path) -> None:
    files = [
        written(tmp_path / "ag_news_test.csv", NEWS),
        written(tmp_path / "classes.txt", "World\nSports\n"),
    ]
    rows = [row for rows in read_ag_news(files).values() for row in rows]
    assert sorted(rows, key=lambda row: row["label"]) == [
        {"text": 'Tea is dear The price of "green" tea rose.', "label": "Business"},
        {"text": "Goal \\One #36;5 goal.", "label": "Sports"},
    ]
    assert list(AG_CLASSES.values()) == ["World", "Sports", "Business", "Sci/Tech"]


def test_ag_news_splits_by_the_digest_of_the_title_alone(tmp_path: Path) -> None:
    lines = [f'"{1 + k % 4}","title {k}","text {k}"\n' for k in range(20)]
    splits = read_ag_news([written(tmp_path / "test.csv", "".join(lines))])
    assert list(splits) == ["train", "validation", "test"]
    for title, digit in LAST_DIGITS.items():
        expected = {0: "test", 1: "test", 2: "validation"}.get(digit, "train")
        found = [s for s, rows in splits.items() if any(title + " " in r["text"] for r in rows)]
        assert found == [expected]
    part = read_ag_news([written(tmp_path / "test_part.csv", "".join(lines[::2]))])
    for split, rows in part.items():
        assert [row for row in splits[split] if row in rows] == rows


def test_ag_news_refuses_the_training_half(tmp_path: Path) -> None:
    files = [written(tmp_path / name, NEWS) for name in ("test.csv", "train.csv")]
    with pytest.raises(ValueError, match=r"train\.csv must be test\.csv or a part of it"):
        read_ag_news(files)


def test_trec_is_latin_1_with_two_labels(tmp_path: Path) -> None:
    path = written(
        tmp_path / "trec_train.label",
        "NUM:date When did the café open ?\nABBR:exp What is BBQ ?\n",
        encoding="latin-1",
    )
    assert read_trec([path]) == {
        "train": [
            {"text": "When did the café open ?", "label": "NUM", "fine_label": "NUM:date"},
            {"text": "What is BBQ ?", "label": "ABBR", "fine_label": "ABBR:exp"},
        ]
    }


def test_wnut_sentences_end_at_blank_lines_with_and_without_a_tab(tmp_path: Path) -> None:
    train = written(tmp_path / "wnut17train.conll", TAGGED)
    dev = written(tmp_path / "emerging.dev.conll", "hi\tO\n\n")
    splits = read_wnut([dev, train])
    assert list(splits) == ["train", "validation"]
    assert splits["train"] == [
        {"words": ["Ann", "Lee", "sings"], "tags": ["B-person", "I-person", "O"]},
        {"words": ["at", "Mo's"], "tags": ["O", "B-location"]},
    ]
    assert splits["validation"] == [{"words": ["hi"], "tags": ["O"]}]


Reader = Callable[[Sequence[Path]], dict[str, Rows]]
GOOD_LINES: dict[Reader, str] = {
    read_sst2: "fine\t1\n",
    read_ag_news: '"1","a","b"\n',
    read_trec: "NUM:date When ?\n",
    read_wnut: "Ann\tB-person\n",
}


@pytest.mark.parametrize(
    ("read", "line", "message"),
    [
        (read_sst2, "fine\t2", "a sentence, a tab and 0 or 1"),
        (read_sst2, "\t1", "a sentence, a tab and 0 or 1"),
        (read_sst2, "fine 1", "a sentence, a tab and 0 or 1"),
        (read_ag_news, '"5","a","b"', r"a class from 1 to 4, a title .*; got \['5', 'a', 'b'\]"),
        (read_ag_news, '"1","a"', "a class from 1 to 4, a title and a beginning"),
        (read_ag_news, '"1","a"," "', "a class from 1 to 4, a title and a beginning"),
        (read_ag_news, '"1","a"b,"c"', "a class from 1 to 4, a title and a beginning"),
        (read_trec, "NUM When ?", "a class such as NUM:date, a blank and a question"),
        (read_trec, "WHO:ind Who ?", "a class such as NUM:date, a blank and a question"),
        (read_trec, "NUM:date ", "a class such as NUM:date, a blank and a question"),
        (read_wnut, "Ann", "a word, a tab and a tag such as B-person"),
        (read_wnut, "Ann\tB-PER", "a word, a tab and a tag such as B-person"),
        (read_wnut, " \tO", "a word, a tab and a tag such as B-person"),
        (read_wnut, "Ann\tO\tO", "a word, a tab and a tag such as B-person"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, read: Reader, line: str, message: str) -> None:
    path = written(tmp_path / "test.csv", GOOD_LINES[read] * 2 + line + "\n")
    with pytest.raises(ValueError, match=rf"test\.csv, line 3: must be {message}"):
        read([path])


@pytest.mark.parametrize("read", GOOD_LINES)
def test_a_file_without_rows_is_refused(tmp_path: Path, read: Reader) -> None:
    with pytest.raises(ValueError, match="must hold at least one row in every file; got none"):
        read([written(tmp_path / "test.csv", "\n\n")])


def test_through_the_door(mirror: Path) -> None:
    written(mirror / "sentiment" / "sst2" / "train.tsv", "fine\t1\ndull\t0\n")
    written(mirror / "classification" / "ag_news" / "test_part1.csv", NEWS)
    written(mirror / "classification" / "ag_news" / "readme.txt", "not data")
    written(mirror / "trec" / "train.txt", "NUM:date When ?\n")
    written(mirror / "trec" / "README", "not data")
    written(mirror / "tagging" / "wnut17" / "wnut17train.conll", TAGGED)
    sentences = load("sst2")
    assert isinstance(sentences, datasets.DatasetDict)
    assert sentences["train"]["label"][:] == ["positive", "negative"]
    assert sum(map(len, load("ag-news").values())) == 2
    assert load("trec")["train"][0]["label"] == "NUM"
    tagged = load("wnut17")["train"]
    assert tagged[1] == {"words": ["at", "Mo's"], "tags": ["O", "B-location"]}


def test_what_is_not_there_says_where_to_get_it(mirror: Path) -> None:
    with pytest.raises(DataNotFoundError, match=r"copy packages/corpora/qc\.zip of https://.*nltk"):
        load("trec")
