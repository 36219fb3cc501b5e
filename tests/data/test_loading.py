import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.data import Corpus, catalog, load, paths
from course_lib.data.digests import digest_of_documents
from course_lib.data.python_sources import package_folder
from course_lib.errors import DataNotFoundError, DigestMismatchError


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty classroom mirror, named by COURSE_DATA_DIR."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the embedded data that a test may add to."""
    package = tmp_path / "site" / "course_lib"
    package.mkdir(parents=True)
    shutil.copytree(paths.data_folder(), package / "_data")
    monkeypatch.setattr(paths, "PACKAGE_FOLDER", package)
    return package / "_data" / "sets"


def without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.data.sources.package_folder", lambda _: None)


def gensim_file(name: str) -> Path:
    folder = package_folder("gensim")
    assert folder is not None
    return folder / "test" / "test_data" / name


# The four sources, in order.


def test_first_the_course_then_the_packages_then_the_mirror(
    embedded: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (embedded, mirror):
        (folder / "lee-news").mkdir(parents=True)
        shutil.copy(gensim_file("lee_background.cor"), folder / "lee-news")
    assert load("lee-news").source.startswith("the course's own data: ")
    shutil.rmtree(embedded / "lee-news")
    assert load("lee-news").source.startswith("the installed package gensim ")
    without_gensim(monkeypatch)
    assert load("lee-news").source.startswith("$COURSE_DATA_DIR: ")
    shutil.rmtree(mirror / "lee-news")
    with pytest.raises(DataNotFoundError):
        load("lee-news")


def test_the_mirror_comes_before_the_hub(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> list[Path]:
        pytest.fail("the hub was asked")

    monkeypatch.setattr("course_lib.data.sources.download_from_hub", never)
    (mirror / "wikitext-2").mkdir()
    (mirror / "wikitext-2" / "valid.txt").write_text("\n = A = \n\n x\n", encoding="utf-8")
    corpus = load("wikitext-2")
    assert corpus.documents == ["= A =\n\nx"]
    assert corpus.licence == catalog()["wikitext-2"].licence
    assert corpus.source.endswith("wikitext-2 (valid.txt)")


def test_last_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["", " = A = \n", "", " x \n", "", " = B = \n", "", " y \n"]
    for number, part in enumerate((lines[:5], lines[5:])):
        pq.write_table(pa.table({"text": part}), tmp_path / f"{number}.parquet")
    asked: list[str] = []

    def download(entry: object, split: str) -> list[Path]:
        asked.append(split)
        return [tmp_path / "0.parquet", tmp_path / "1.parquet"]

    monkeypatch.setattr("course_lib.data.sources.download_from_hub", download)
    corpus = load("wikitext-2")
    assert corpus.documents == ["= A =\n\nx", "= B =\n\ny"]
    assert "Salesforce/wikitext at revision b08601e0, split train" in corpus.source
    load("wikitext-2", split="dev")
    assert asked == ["train", "validation"]


def test_the_hub_s_own_files_in_a_mirror_are_checked(mirror: Path) -> None:
    folder = mirror / "wikitext-2" / "wikitext-2-raw-v1"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"text": ["x"]}), folder / "train-00000-of-00001.parquet")
    with pytest.raises(DigestMismatchError, match=r"wikitext-2: .*must have sha256 e83889ba"):
        load("wikitext-2")


def test_parquet_of_one_s_own_makes_articles_too(mirror: Path) -> None:
    (mirror / "wikitext-2").mkdir()
    lines = pa.table({"text": [" = A = \n", "", "x\n"]})
    pq.write_table(lines, mirror / "wikitext-2" / "train.parquet")
    assert load("wikitext-2").documents == ["= A =\n\nx"]
    pq.write_table(pa.table({"line": ["x"]}), mirror / "wikitext-2" / "train.parquet")
    with pytest.raises(ValueError, match="wikitext-2 must have a column 'text'; got line"):
        load("wikitext-2")


# What is missing.


def test_the_error_names_every_place_and_the_command(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = time.monotonic()
    with pytest.raises(DataNotFoundError) as caught:
        load("wikitext-2")
    assert time.monotonic() - begin < 5.0
    message = str(caught.value)
    for part in (
        "The data set 'wikitext-2' was not found",
        f"1. the course's own data: {paths.data_folder() / 'sets' / 'wikitext-2'}: there is no",
        "2. installed packages: none ships",
        f"3. $COURSE_DATA_DIR: {mirror / 'wikitext-2'}: there is no such folder",
        "4. the Hugging Face hub, Salesforce/wikitext at revision b08601e0: offline mode is on",
        "hf download Salesforce/wikitext --repo-type dataset --revision b08601e04326",
        "--include 'wikitext-2-raw-v1/*'",
    ):
        assert part in message
    monkeypatch.delenv("COURSE_DATA_DIR")
    with pytest.raises(DataNotFoundError, match=r"3\. \$COURSE_DATA_DIR: the variable is not set"):
        load("wikitext-2")


def test_a_missing_package_and_a_missing_file(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (mirror / "wordsim353").mkdir()
    (mirror / "wordsim353" / "pairs.csv").write_text("a,b,1\n", encoding="utf-8")
    without_gensim(monkeypatch)
    with pytest.raises(DataNotFoundError) as caught:
        load("wordsim353")
    assert "gensim is not installed" in str(caught.value)
    assert "the folder holds no wordsim353.tsv" in str(caught.value)
    assert "python -m pip install --force-reinstall --no-deps gensim" in str(caught.value)
    monkeypatch.setattr("course_lib.data.sources.package_folder", lambda _: tmp_path)
    with pytest.raises(DataNotFoundError, match=r"without test/test_data/wordsim353\.tsv"):
        load("wordsim353")


def test_a_near_name_is_proposed() -> None:
    with pytest.raises(DataNotFoundError, match="Did you mean 'lee-news'"):
        load("lee_nws")


def test_an_empty_folder_is_not_a_data_set(mirror: Path) -> None:
    (mirror / "mine").mkdir()
    (mirror / "mine" / "README.md").write_text("to come", encoding="utf-8")
    with pytest.raises(DataNotFoundError, match=r"mine: the folder holds no data file"):
        load("mine")
    (mirror / "mine" / "a.txt").write_text("text", encoding="utf-8")
    with pytest.raises(DataNotFoundError, match=r"no data file that matches '\*\.csv'"):
        load("mine", files="*.csv")


@pytest.mark.parametrize("name", ["", "../lm", "/etc", "a//b", "a b", ".hidden", "sets/../x"])
def test_a_name_is_not_a_path(name: str, mirror: Path) -> None:
    with pytest.raises(ValueError, match="name must be a data set's name"):
        load(name)


def test_offline_fails_fast_in_a_fresh_process(tmp_path: Path) -> None:
    code = "from course_lib.data import load; load('wikitext-103')"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "DataNotFoundError: The data set 'wikitext-103' was not found" in done.stderr


# Digests.


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_is_refused(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    whole = gensim_file("simlex999.txt").read_bytes()
    broken = whole[:-1] if damage == "truncated" else whole.replace(b"1.58", b"9.58")
    (mirror / "simlex999").mkdir()
    (mirror / "simlex999" / "simlex999.txt").write_bytes(broken)
    without_gensim(monkeypatch)
    with pytest.raises(DigestMismatchError) as caught:
        load("simlex999")
    expected, found = catalog()["simlex999"].files[0].sha256, hashlib.sha256(broken).hexdigest()
    assert f"must have sha256 {expected}; got {found}" in str(caught.value)
    assert "simlex999" in str(caught.value)


def test_a_damaged_package_is_refused_although_the_mirror_is_whole(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(gensim_file(""), tmp_path / "test" / "test_data")
    with (tmp_path / "test" / "test_data" / "lee_background.cor").open("ab") as stream:
        stream.write(b"\n")
    (mirror / "lee-news").mkdir()
    shutil.copy(gensim_file("lee_background.cor"), mirror / "lee-news")
    monkeypatch.setattr("course_lib.data.sources.package_folder", lambda _: tmp_path)
    with pytest.raises(DigestMismatchError, match="lee-news: "):
        load("lee-news")


# Folders without an entry.


def test_nested_texts(mirror: Path) -> None:
    for place, text in (("novels/b.md", "zwei"), ("children/a.md", "eins")):
        (mirror / "books" / place).parent.mkdir(parents=True)
        (mirror / "books" / place).write_text(text, encoding="utf-8")
    corpus = load("books")
    assert isinstance(corpus, Corpus)
    assert corpus.documents == ["eins", "zwei"]
    assert corpus.digest == digest_of_documents(["eins", "zwei"])
    assert "not in the course's catalog" in corpus.licence
    only = load("books", files="novels/*")
    assert isinstance(only, Corpus)
    assert only.documents == ["zwei"]
    assert load("books/novels").documents == ["zwei"]  # pyright: ignore


def test_tables_with_and_without_splits(mirror: Path) -> None:
    (mirror / "reviews").mkdir()
    (mirror / "reviews" / "train.tsv").write_text("good\t1\nbad\t0\n", encoding="utf-8")
    columns = ("text", "label")
    splits = load("reviews", columns=columns)
    assert isinstance(splits, datasets.DatasetDict)
    assert splits["train"].to_dict() == {"text": ["good", "bad"], "label": [1, 0]}
    train = load("reviews", columns=columns, split="train")
    assert isinstance(train, datasets.Dataset)
    assert train.to_list()[1] == {"text": "bad", "label": 0}
    (mirror / "reviews" / "train.tsv").rename(mirror / "reviews" / "all.tsv")
    assert isinstance(load("reviews", columns=columns), datasets.Dataset)


def test_encoding_is_handed_on(mirror: Path) -> None:
    (mirror / "old").mkdir()
    (mirror / "old" / "a.txt").write_bytes("cliché".encode("cp1252"))
    with pytest.raises(ValueError, match="encoding='cp1252'"):
        load("old")
    corpus = load("old", encoding="cp1252")
    assert isinstance(corpus, Corpus)
    assert corpus.documents == ["cliché"]


def test_a_column_of_several_kinds_is_refused(mirror: Path) -> None:
    (mirror / "mixed").mkdir()
    (mirror / "mixed" / "a.jsonl").write_text('{"x": 1}\n{"x": "one"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="every column must hold one kind of value"):
        load("mixed")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lee-news", {"max_files": 3}, r"load\('lee-news'\) must be left out; got max_files=3"),
        ("python-code", {"split": "train"}, "must be max_files; got split='train'"),
        ("wikitext-2", {"encoding": "latin-1"}, "must be split; got encoding='latin-1'"),
        ("mine", {"max_files": 3}, "must be split or encoding or columns or files; got max_files"),
    ],
)
def test_an_option_that_does_not_apply(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(name, **options)  # pyright: ignore


# The real entries.


def test_lee_news() -> None:
    corpus = load("lee-news")
    assert len(corpus.documents) == 300
    assert corpus.n_words == 59_890
    assert corpus.documents[0].startswith("Hundreds of people have been forced to vacate")


def test_movie_polarity() -> None:
    dataset = load("movie-polarity")
    assert Counter(dataset["label"]) == {0: 100, 1: 100}
    assert dataset.features["label"].names == ["negative", "positive"]
    assert dataset[0] == {"text": "simplistic , silly and tedious .", "label": 0}
    assert any("clichés" in text for text in dataset["text"])


@pytest.mark.parametrize(
    ("name", "n_pairs", "first"),
    [("wordsim353", 353, ("love", "sex", 6.77)), ("simlex999", 999, ("old", "new", 1.58))],
)
def test_word_pairs(name: str, n_pairs: int, first: tuple[str, str, float]) -> None:
    dataset = load(name)
    assert isinstance(dataset, datasets.Dataset)
    assert len(dataset) == n_pairs
    assert tuple(dataset[0].values()) == first
    assert all(0 <= score <= 10 for score in dataset["score"])


def test_google_analogies() -> None:
    dataset = load("google-analogies")
    assert len(dataset) == 19_544
    sections = Counter(dataset["section"])
    assert len(sections) == 14
    assert (sections["family"], sections["capital-world"]) == (506, 4_524)
    row = {"section": "capital-common-countries", "a": "Athens", "b": "Greece"}
    assert dataset[0] == {**row, "c": "Baghdad", "d": "Iraq"}


def test_python_code() -> None:
    corpus = load("python-code", max_files=5)
    assert len(corpus.documents) == 5
    assert "import" in corpus.documents[0]


@pytest.mark.usefixtures("shared_cache")
def test_wikipedia_excerpt(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = load("wikipedia-excerpt")
    assert len(corpus.documents) == 104
    assert 400_000 < corpus.n_words < 440_000
    assert corpus.documents[0].startswith("Anarchism is a political philosophy")
    text = "\n".join(corpus.documents)
    for leftover in (
        "[[",
        "]]",
        "{{",
        "}}",
        "<ref",
        "&nbsp;",
        "thumb|",
        "http://",
        "  ",
        " ,",
        "()",
    ):
        assert leftover not in text, leftover
    monkeypatch.setattr(
        "course_lib.data.wikipedia.read_wikipedia", lambda _: pytest.fail("extracted twice")
    )
    assert load("wikipedia-excerpt").digest == corpus.digest


@pytest.mark.slow
@pytest.mark.usefixtures("shared_cache")
def test_python_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = load("python-docs")
    assert corpus.n_words > 3_000_000
    assert len(set(corpus.documents)) == len(corpus.documents) > 30_000
    for package in catalog()["python-docs"].package:
        assert f"{package} " in corpus.source
    monkeypatch.setattr(
        "course_lib.data.sources.read_docstrings", lambda _: pytest.fail("extracted twice")
    )
    assert load("python-docs").digest == corpus.digest
