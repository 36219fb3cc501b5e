import hashlib
import shutil
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_lib.data import Corpus, catalog, load
from course_lib.data.digests import digest_of_documents
from course_lib.data.python_sources import package_folder
from course_lib.errors import DataNotFoundError, DigestMismatchError


def without_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.data.sources.package_folder", lambda _: None)


def gensim_file(name: str) -> Path:
    folder = package_folder("gensim")
    assert folder is not None
    return folder / "test" / "test_data" / name


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


def test_nested_texts(mirror: Path) -> None:
    for place, text in (("novels/b.md", "zwei"), ("children/a.md", "eins")):
        (mirror / "my-books" / place).parent.mkdir(parents=True)
        (mirror / "my-books" / place).write_text(text, encoding="utf-8")
    corpus = load("my-books")
    assert isinstance(corpus, Corpus)
    assert corpus.documents == ["eins", "zwei"]
    assert corpus.digest == digest_of_documents(["eins", "zwei"])
    assert "not in the course's catalog" in corpus.licence
    only = load("my-books", files="novels/*")
    assert isinstance(only, Corpus)
    assert only.documents == ["zwei"]
    assert load("my-books/novels").documents == ["zwei"]  # pyright: ignore


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


BOOK = "# Title: {title}\n\n## Author: A. Nobody\n\n## Year: 1901\n\n-------\nIt snowed.\n"


def toy_books(embedded: Path) -> list[bytes]:
    """Make the catalog promise two made-up books, and give their bytes."""
    books = [BOOK.format(title=title).encode() for title in ("The Tea", "The Cup")]
    toml = embedded.parent / "catalog.toml"
    text = toml.read_text(encoding="utf-8")
    before, _, rest = text.partition("[books]\n")
    head, _, after = rest.partition("file = [\n")
    lines = [
        f'{{path = "X/{number}.md", n_bytes = {len(book)}, '
        f'sha256 = "{hashlib.sha256(book).hexdigest()}"}},\n'
        for number, book in enumerate(books)
    ]
    after = after[after.index("]\n") :]
    toml.write_text(f"{before}[books]\n{head}file = [\n{''.join(lines)}{after}", encoding="utf-8")
    return books


def test_books_are_found_by_their_bytes_and_all_must_be_there(embedded: Path, mirror: Path) -> None:
    first, second = toy_books(embedded)
    folder = mirror / "lm" / "books" / "novels"
    folder.mkdir(parents=True)
    (folder / "z.md").write_bytes(first)
    (folder / "another.md").write_text("not of the set")
    with pytest.raises(DataNotFoundError) as caught:
        load("books")
    digest = hashlib.sha256(second).hexdigest()
    assert f"it lacks 1 of 2 files, the first 1.md (sha256 {digest})" in str(caught.value)
    assert "copy */*.md of https://github.com/mlschmitt/classic-books-markdown" in str(caught.value)
    (folder / "a.md").write_bytes(second)
    corpus = load("books")
    assert corpus.documents == [
        "The Tea\nA. Nobody\n\nIt snowed.",
        "The Cup\nA. Nobody\n\nIt snowed.",
    ]
    assert corpus.licence == catalog()["books"].licence
    (folder / "a.md").rename(folder / "1.md")
    (folder / "1.md").write_bytes(second.replace(b"Cup", b"cup"))
    with pytest.raises(DigestMismatchError, match=r"books: .*1\.md must have sha256"):
        load("books")


def test_the_catalog_lists_64_books_and_one_file_of_each_classic() -> None:
    listed = {
        entry.name: len(entry.files) for entry in catalog().values() if entry.kind == "mirror"
    }
    assert listed["books"] == 64
    for name in ("tangshi", "guwenguanzhi", "shijing", "lunyu", "tinyshakespeare"):
        assert listed[name] == 1


def test_tinyshakespeare_is_one_document_as_it_is(
    mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mirror / "tinyshakespeare").mkdir()
    (mirror / "tinyshakespeare" / "any.txt").write_bytes(b"A:\nYes. \n\nB:\nNo.\n")
    monkeypatch.setattr("course_lib.data.sources.find_known", lambda _, files: (files, []))
    assert load("tinyshakespeare").documents == ["A:\nYes. \n\nB:\nNo.\n"]
