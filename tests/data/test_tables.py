import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.data.tables import read_table, suffix_of, with_numbers


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_tabs_are_never_quoted(tmp_path: Path) -> None:
    path = write(tmp_path, "x.tsv", 'text\tlabel\nhe said "no\t1\nfine, "thanks"\t0\n')
    expected = {"text": ['he said "no', 'fine, "thanks"'], "label": ["1", "0"]}
    assert read_table(path) == expected


def test_commas_may_be_quoted(tmp_path: Path) -> None:
    path = write(tmp_path, "x.csv", 'text,label\n"one, two\nthree ""four""",1\r\nfive,0\n')
    assert read_table(path) == {"text": ['one, two\nthree "four"', "five"], "label": ["1", "0"]}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a fine film\t1\na bad film\t0\n", ["column_1", "column_2"]),  # "1" is no name
        ("ham\tgo\nspam\twin\nham\tok\n", ["column_1", "column_2"]),  # "ham" comes again
        ("same\tsame\na\tb\n", ["column_1", "column_2"]),  # names are distinct
        ("word pair\tscore (0-10)\na\t1\n", ["word pair", "score (0-10)"]),
        ("\ttext\n0\ta\n", ["index", "text"]),  # as pandas writes its index
        ("label\ttext_a\n", ["label", "text_a"]),
    ],
)
def test_a_header_is_told_from_a_row(tmp_path: Path, text: str, columns: list[str]) -> None:
    assert list(read_table(write(tmp_path, "x.tsv", text))) == columns


def test_names_for_a_table_without_header(tmp_path: Path) -> None:
    path = write(tmp_path, "x.tsv", "good\t1\nbad\t0\n")
    assert read_table(path, names=("text", "label")) == {
        "text": ["good", "bad"],
        "label": ["1", "0"],
    }
    with pytest.raises(ValueError, match=r"columns must name the 2 columns of .*got \['text'\]"):
        read_table(path, names=("text",))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.tsv", "a\tb\nc\td\ne\n", r"x\.tsv, line 3: must have 2 cells like the first; got 1"),
        ("x.csv", "a,b\n1,2,3\n", r"x\.csv, line 2: must have 2 cells like the first; got 3"),
        ("x.csv", 'a,b\n"c"d,e\n', r"x\.csv, line 2: "),
        ("x.jsonl", '{"a": 1}\n\n{"a": 2\n', r"x\.jsonl, line 3: must be JSON"),
        ("x.jsonl", '{"a": 1}\n[1]\n', r"x\.jsonl, row 2: must be an object .* got list"),
        ("x.json", '[\n{"a": 1},\n{"a" 2}]', r"x\.json, line 3: must be JSON"),
        ("x.json", '{"a": 1}', r"x\.json must hold a list of objects"),
        ("x.json", '{"a": [{"b": 1}, 2]}', r"x\.json must hold a list of objects"),
        ("x.json", '["a", {"b": 1}]', r"x\.json, row 1: must be an object .* got str"),
        ("x.parquet", b"PAR1 and no more", r"x\.parquet must be a whole Parquet file"),
    ],
)
def test_a_broken_file_is_named_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_table(write(tmp_path, name, content))


ROWS = [{"id": 1, "text": "ä", "tags": ["x"]}, {"id": 2, "text": "b", "tags": []}]
COLUMNS = {"id": [1, 2], "text": ["ä", "b"], "tags": [["x"], []]}


def test_json_lines(tmp_path: Path) -> None:
    content = "\r\n".join(json.dumps(row) for row in ROWS) + "\r\n\r\n"
    assert read_table(write(tmp_path, "x.jsonl", content)) == COLUMNS


def test_a_field_that_some_rows_lack_is_none(tmp_path: Path) -> None:
    content = '{"a": 1}\n{"a": 2, "b": 3}\n'
    assert read_table(write(tmp_path, "x.jsonl", content)) == {"a": [1, 2], "b": [None, 3]}


@pytest.mark.parametrize(
    "value",
    [ROWS, {"version": "1.1", "data": ROWS}],
    ids=["a list", "a list inside, as SQuAD has it"],
)
def test_json(tmp_path: Path, value: object) -> None:
    assert read_table(write(tmp_path, "x.json", json.dumps(value))) == COLUMNS


def test_json_lists(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, "x.json", '["a", "b"]')) == {"text": ["a", "b"]}
    path = write(tmp_path, "y.json", '[["nurse", -0.9], ["judge", 0.4]]')
    expected = {"word": ["nurse", "judge"], "score": [-0.9, 0.4]}
    assert read_table(path, names=("word", "score")) == expected
    with pytest.raises(ValueError, match=r"y\.json, row 1: must be an object"):
        read_table(path)
    mixed = write(tmp_path, "m.json", '[["nurse", -0.9], {"word": "judge"}]')
    with pytest.raises(ValueError, match=r"m\.json, row 1: must be an object .* got list"):
        read_table(mixed, names=("word", "score"))
    ragged = write(tmp_path, "z.json", '[["a", 1], ["b"]]')
    with pytest.raises(ValueError, match=r"z\.json, row 2: must have 2 cells"):
        read_table(ragged, names=("word", "score"))


def test_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS), tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet") == COLUMNS
    packed = gzip.compress((tmp_path / "x.parquet").read_bytes())
    assert read_table(write(tmp_path, "y.parquet.gz", packed)) == COLUMNS


def test_packed_and_plain_give_the_same(tmp_path: Path) -> None:
    text = "text,label\nü,1\n"
    plain = read_table(write(tmp_path, "x.csv", text))
    packed = read_table(write(tmp_path, "x.csv.gz", gzip.compress(text.encode())))
    assert packed == plain == {"text": ["ü"], "label": ["1"]}


def test_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, "x.tsv", "text\tlabel\ncliché\t1\n".encode("cp1252"))
    assert read_table(path, encoding="cp1252")["text"] == ["cliché"]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.TSV", ".tsv"), ("a.jsonl.gz", ".jsonl"), ("a.GZ", ""), ("train.en.gz", ".en")],
)
def test_suffix_of(name: str, suffix: str) -> None:
    assert suffix_of(Path(name)) == suffix


def test_numbers_need_the_whole_column_of_all_tables() -> None:
    train = {"n": ["1", "-20"], "x": ["1", "2.5e3"], "zip": ["01", "2"], "mixed": ["1", "2"]}
    test = {"n": ["0"], "x": [""], "zip": ["3"], "mixed": ["?"]}
    assert with_numbers([train, test]) == [
        {"n": [1, -20], "x": [1.0, 2500.0], "zip": [1.0, 2.0], "mixed": ["1", "2"]},
        {"n": [0], "x": [None], "zip": [3.0], "mixed": ["?"]},
    ]


def test_an_empty_column_stays_text() -> None:
    assert with_numbers([{"a": ["", ""], "b": []}]) == [{"a": ["", ""], "b": []}]
