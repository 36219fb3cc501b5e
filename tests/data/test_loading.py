import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import datasets
import pytest

from course_lib.data import catalog, load, paths
from course_lib.errors import DataNotFoundError


def without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.data.sources.package_folder", lambda _: None)


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
