import csv
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cli.row_file import RowFile, as_cell, cells_of_any_length
from course_lib.errors import CourseError

HEADER = ["text", "label"]
ROWS = [["a, b", "x"], ["", 'say "猫"'], ["two\nlines", ""], ["", ""]]


@pytest.fixture
def file(tmp_path: Path) -> RowFile:
    return RowFile(tmp_path / "out.csv", HEADER)


def left(file: RowFile) -> list[list[str]]:
    return file.finished(resume=True, overwrite=False)


def test_rows_come_back_as_they_were_written(file: RowFile) -> None:
    file.begin(ROWS[:1])
    file.add(ROWS[1:3])
    file.add(ROWS[3:])
    assert left(file) == ROWS
    assert not list(file.path.parent.glob("*.new"))
    with file.path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [HEADER, *ROWS]


@given(rows=st.lists(st.lists(st.text(max_size=6).map(as_cell), min_size=2, max_size=2)))
@settings(deadline=None, max_examples=60)
def test_any_text_comes_back(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = RowFile(tmp_path_factory.mktemp("rows") / "out.csv", HEADER)
    file.begin(rows)
    assert left(file) == rows


def test_a_file_cut_anywhere_gives_its_whole_rows(file: RowFile) -> None:
    file.begin(ROWS)
    content = file.path.read_bytes()
    lines = ["text,label", '"a, b",x', ',"say ""猫"""', '"two\nlines",', ","]
    ends = list(accumulate(len(f"{line}\r\n".encode()) for line in lines))
    assert ends[-1] == len(content)
    for length in range(ends[0], len(content) + 1):
        file.path.write_bytes(content[:length])
        assert left(file) == ROWS[: sum(end <= length for end in ends) - 1]


def test_what_is_there_is_never_lost_unasked(file: RowFile) -> None:
    assert file.finished(resume=False, overwrite=False) == []
    file.begin(ROWS)
    before = file.path.read_bytes()
    with pytest.raises(CourseError, match=r"is there already.*--resume.*--overwrite"):
        file.finished(resume=False, overwrite=False)
    with pytest.raises(CourseError, match="not both"):
        file.finished(resume=True, overwrite=True)
    assert file.finished(resume=False, overwrite=True) == []
    assert file.path.read_bytes() == before
    file.begin([])
    assert left(file) == []


@pytest.mark.parametrize(
    "content", ["my notes", "a,b\n", "text,label\nx\ny,z\n", "text,label,\n1,2,3\n"]
)
def test_a_file_of_another_kind_is_not_gone_on_with(content: str, file: RowFile) -> None:
    file.path.write_text(content, "utf-8")
    with pytest.raises(CourseError, match="must have the columns text, label in every row"):
        left(file)


def test_an_empty_file_is_a_beginning(file: RowFile) -> None:
    file.path.touch()
    assert left(file) == []


def test_only_csv_is_written_and_only_where_that_is_possible(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"must end in \.csv; got out\.tsv"):
        RowFile(Path("out.tsv"), HEADER)
    absent = RowFile(tmp_path / "none" / "out.csv", HEADER)
    with pytest.raises(CourseError, match="cannot be written: No such file"):
        absent.begin([])
    with pytest.raises(CourseError, match="cannot be written: No such file"):
        absent.add(ROWS)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CourseError, match="cannot be read: Is a directory"):
        left(RowFile(tmp_path / "folder.csv", HEADER))


def test_long_cells_are_read_and_the_limit_is_put_back(file: RowFile) -> None:
    before = csv.field_size_limit()
    rows = [["x" * (before + 1), "y"]]
    file.begin(rows)
    assert left(file) == rows
    with cells_of_any_length():
        assert csv.field_size_limit() > before
    assert csv.field_size_limit() == before


def test_a_cell_is_text_that_can_be_written() -> None:
    values = ["a\r\nb\rc", None, 0, 1.5, [1], "\ud83d"]
    assert [as_cell(value) for value in values] == ["a\nb\nc", "", "0", "1.5", "[1]", "?"]
