import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.classify import ADDED, Table, classify_rows, read_rows
from course_lib.cli.row_file import RowFile
from course_lib.errors import CourseError
from course_lib.pipelines import TextClassificationPipeline, pipeline
from tests.pipelines.tiny import WORDS, make_folder

N_ROWS = 71  # two chunks of 32, and a part of one
BAD = 40
TEXTS = [" ".join(WORDS[k % 13 :: 1 + k % 5]) for k in range(N_ROWS)]
TEXTS[BAD] = " "


def make_model(folder: Path, **settings: Any) -> Path:
    names = {0: "bad", 1: "so-so", 2: "good"}
    labels = {"id2label": names, "label2id": {name: k for k, name in names.items()}}
    return make_folder(folder, "BertForSequenceClassification", **labels, **settings)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("classifier"))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [["label", "text"], *([str(k), t] for k, t in enumerate(TEXTS))]
        )
    return path


@pytest.fixture(scope="module")
def whole(model: Path, table: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What a command that was never stopped writes."""
    out = tmp_path_factory.mktemp("whole") / "out.csv"
    done = run(table, "--out", out, "--model", model)
    assert done.exit_code == 0, done.output
    return out.read_bytes()


def run(path: Path, *arguments: object, column: str = "text") -> Any:
    given = ["classify", str(path), "--column", column, *map(str, arguments)]
    return CliRunner().invoke(app, given)


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_every_row_gets_what_the_pipeline_says(
    model: Path, table: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(whole)
    header, *rows = read(out)
    assert header == ["label", "text", *ADDED]
    assert [row[:2] for row in rows] == [[str(k), text] for k, text in enumerate(TEXTS)]
    classify = pipeline("text-classification", model)
    for number, (text, row) in enumerate(zip(TEXTS, rows, strict=True)):
        if number == BAD:
            message = "the text must hold more than white space; got ' '."
            assert row[2:] == ["", "", message]
        else:
            (expected,) = classify(text)
            assert row[2] == expected["label"]
            assert float(row[3]) == pytest.approx(expected["score"], abs=1e-4)
            assert row[4] == ""


def test_what_was_written_is_counted(model: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "a.tsv", tmp_path / "out.csv"
    path.write_text("text\tn\nthe cat\t1\n \t2\n", "utf-8")
    done = run(path, "--out", out, "--model", model, "--task", "sentiment-analysis")
    assert done.exit_code == 0, done.output
    label = read(out)[1][2]
    assert done.stdout == f"{out} holds 2 rows: 1 {label}, 1 with a prediction_error.\n"
    assert done.stderr == ""


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Stop while some chunk of rows is computed, counted from 1."""
    call = TextClassificationPipeline.__call__

    def set_up(when: int, stop: Callable[[], object]) -> None:
        n_calls = 0

        def patched(self: TextClassificationPipeline, inputs: Sequence[str]) -> list[Any]:
            nonlocal n_calls
            n_calls += 1
            if n_calls == when:
                stop()
            return call(self, inputs)

        monkeypatch.setattr(TextClassificationPipeline, "__call__", patched)

    return set_up


@pytest.mark.parametrize(("chunk", "n_done"), [(1, 0), (2, 32), (3, 64)])
def test_ctrl_c_keeps_what_is_done_and_the_resumed_file_equals_the_whole_one(
    chunk: int,
    n_done: int,
    model: Path,
    table: Path,
    whole: bytes,
    tmp_path: Path,
    stop_at: Callable[..., None],
) -> None:
    out = tmp_path / "my out.csv"
    stop_at(chunk, lambda: signal.raise_signal(signal.SIGINT))
    done = run(table, "--out", out, "--model", model)
    assert done.exit_code == 130, done.output
    command = f"course classify {table} --column text --out '{out}' --model {model} --resume"
    assert done.stdout == f"Stopped. Finished rows are in {out}. Go on with:\n  {command}\n"
    assert whole.startswith(out.read_bytes())
    assert len(read(out)) == 1 + n_done
    stop_at(99, lambda: None)
    done = run(table, "--out", out, "--model", model, "--resume")
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == whole


def test_an_error_keeps_what_is_done_too(
    model: Path, table: Path, whole: bytes, tmp_path: Path, stop_at: Callable[..., None]
) -> None:
    def fail() -> None:
        raise MemoryError("no room")

    out = tmp_path / "out.csv"
    stop_at(2, fail)
    done = run(table, "--out", out, "--model", model)
    assert isinstance(done.exception, MemoryError)
    assert f"Finished rows are in {out}. Go on with:" in done.stderr
    assert whole.startswith(out.read_bytes())
    assert len(read(out)) == 1 + 32


@pytest.mark.parametrize("share", [0.0, 0.2, 0.43, 0.5, 0.77, 0.999])
def test_a_file_that_ends_anywhere_is_gone_on_with(
    share: float, model: Path, table: Path, whole: bytes, tmp_path: Path
) -> None:
    """As after a loss of power."""
    header = whole.index(b"\n") + 1
    out = tmp_path / "out.csv"
    out.write_bytes(whole[: header + round(share * (len(whole) - header))])
    done = run(table, "--out", out, "--model", model, "--resume")
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == whole


def test_rows_are_computed_in_the_same_company_after_a_stop(tmp_path: Path) -> None:
    """Or a score could differ in its last digit."""
    rows = [[str(number)] for number in range(N_ROWS)]
    table = Table(["text"], rows, [cell for (cell,) in rows])
    together: list[list[str]] = []

    def classify(texts: Sequence[str], where: str) -> list[list[str]]:
        together.append([where, *texts])
        return [["x", "1", ""] for _ in texts]

    target = RowFile(tmp_path / "out.csv", [*table.header, *ADDED])
    target.begin([])
    classify_rows(table, [], classify, target)
    whole, expected = target.path.read_bytes(), together.copy()
    assert [company[0] for company in expected] == [
        "rows 1 to 32",
        "rows 33 to 64",
        "rows 65 to 71",
    ]
    for n_done, n_computed in ((31, 3), (32, 2), (33, 2), (64, 1), (70, 1)):
        together.clear()
        finished = [[*row, "x", "1", ""] for row in rows[:n_done]]
        target.begin(finished)
        classify_rows(table, finished, classify, target)
        assert together == expected[-n_computed:]
        assert target.path.read_bytes() == whole


def test_a_killed_process_is_gone_on_with(
    model: Path, table: Path, whole: bytes, tmp_path: Path
) -> None:
    """With a table so long that it is not done when the first rows are there."""
    long, out = tmp_path / "long.csv", tmp_path / "out.csv"
    header, *lines = table.read_bytes().splitlines(keepends=True)
    long.write_bytes(header + b"".join(lines) * 400)
    command = [sys.executable, "-m", "course_lib.cli", "classify", str(long), "--column", "text"]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--model", str(model)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not out.exists() or out.stat().st_size <= len(whole):
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    left = out.read_bytes()
    n_tables = left.count(b"\n") // N_ROWS + 1
    assert 1 < n_tables < 400
    long.write_bytes(header + b"".join(lines) * n_tables)
    done = run(long, "--out", out, "--model", model, "--resume")
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(left.rpartition(b"\n")[0])
    labels = [row[:3] for row in read(out)[1:]]
    out.write_bytes(whole)
    assert labels == [row[:3] for row in read(out)[1:]] * n_tables


def test_a_finished_file_needs_no_model(table: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(whole)
    done = run(table, "--out", out, "--model", "nosuch", "--resume")
    assert done.exit_code == 0, done.output
    assert f"{out} holds 71 rows: " in done.stdout
    assert out.read_bytes() == whole


def test_a_file_is_overwritten_only_if_wanted_and_only_when_the_model_is_there(
    model: Path, table: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(whole[:1000])
    assert "is there already" in str(run(table, "--out", out, "--model", model).exception)
    done = run(table, "--out", out, "--model", tmp_path, "--overwrite")
    assert isinstance(done.exception, CourseError)
    assert out.read_bytes() == whole[:1000]
    assert run(table, "--out", out, "--model", model, "--overwrite").exit_code == 0
    assert out.read_bytes() == whole


def test_another_table_or_another_model_is_not_gone_on_with(
    model: Path, table: Path, whole: bytes, tmp_path: Path
) -> None:
    out, other = tmp_path / "out.csv", tmp_path / "other.csv"
    out.write_bytes(whole[: len(whole) // 2])
    before = out.read_bytes()
    other.write_text(table.read_text("utf-8").replace("cat", "dog", 1), "utf-8")
    done = run(other, "--out", out, "--model", model, "--resume")
    assert "must hold the first rows of the same table" in str(done.exception)
    header, *lines = table.read_bytes().splitlines(keepends=True)
    other.write_bytes(header + b"".join(lines[:3]))
    done = run(other, "--out", out, "--model", model, "--resume")
    assert "row 4 is another one" in str(done.exception)
    changed = make_model(tmp_path / "changed", hidden_act="relu")
    done = run(table, "--out", out, "--model", changed, "--resume")
    assert "must be of the same model" in str(done.exception)
    assert out.read_bytes() == before


def test_notes_say_which_rows_and_only_once_a_kind(model: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "a.jsonl", tmp_path / "out.csv"
    rows = [{"text": "the cat " * 60}, {"text": 3, "more": [1]}, {"text": "a dog"}] * 20
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    done = run(path, "--out", out, "--model", model)
    assert done.exit_code == 0, done.output
    assert done.stderr.count("note: ") == 1
    assert "note: rows 1 to 32, and perhaps later ones: 11 of 21 texts had more than" in done.stderr
    header, _, second, _, *_ = read(out)
    assert header == ["text", "more", *ADDED]
    assert second[:4] == ["3", "[1]", "", ""]
    assert "must be a text; got int" in second[4]


def test_a_header_may_look_odd(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("How was it?,text\ngood,text\nbad,other\n", "utf-8")
    for column, texts in (("How was it?", ["good", "bad"]), ("text", ["text", "other"])):
        table = read_rows(path, column)
        assert table.header == ["How was it?", "text"]
        assert table.texts == texts
        assert table.rows == [["good", "text"], ["bad", "other"]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "cannot be read: No such file"),
        ("a.xlsx", b"", r"must be one of \.csv, \.tsv, \.jsonl"),
        ("a.csv", b"", "must hold rows"),
        ("a.csv", b"text\n", "must hold rows"),
        ("a.csv", b"id,review\n1,good\n", r"columns of .*a\.csv \(id, review\); got text"),
        ("a.csv", b"text?,text?\n1,good\n", "must have different names"),
        ("a.csv", b"text,n\n1\n", "line 2: must have 2 cells"),
        ("a.csv", b"text\ncaf\xe9\n", "must be utf-8 text.*Convert it: iconv"),
        (
            "a.csv",
            b"text,prediction_error\na,b\n",
            "columns that are added: prediction_err",
        ),
        ("a.jsonl", b'{"text": "a"}\n{"text": \n', "line 2: must be JSON"),
        ("a.jsonl", b'{"review": "a"}\n', r"\(review\); got text"),
    ],
)
def test_bad_tables_are_refused(
    name: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CourseError, match=message):
        raise run(tmp_path / name, "--out", tmp_path / "out.csv").exception
    assert not (tmp_path / "out.csv").exists()


def test_the_table_itself_is_never_written_to(table: Path) -> None:
    before = table.read_bytes()
    done = run(table, "--out", table, "--overwrite")
    assert "--out must be another file than the table" in str(done.exception)
    assert table.read_bytes() == before
