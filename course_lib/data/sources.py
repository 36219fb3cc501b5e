"""The four places a data set may lie in, each a function that finds it or says why not."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.data import wikipedia
from course_lib.data.books import read_books
from course_lib.data.cache import cached_documents
from course_lib.data.catalog import CatalogFile, Entry
from course_lib.data.chinese_sets import (
    read_anthology,
    read_chnsenticorp,
    read_cmrc,
    read_lunyu,
    read_shijing,
    read_songci,
    read_tatoeba,
)
from course_lib.data.corpus import Corpus, make_corpus
from course_lib.data.digests import check_digest, sha256_of
from course_lib.data.english_sets import read_ag_news, read_sst2, read_trec, read_wnut
from course_lib.data.folder import (
    SPLITS,
    FolderOptions,
    data_files,
    holds_text,
    read_documents,
    read_tables,
)
from course_lib.data.gensim_files import read_analogies, read_lines, read_polarity, read_word_pairs
from course_lib.data.hub import download_from_hub
from course_lib.data.mirrored import find_known
from course_lib.data.paths import data_folder
from course_lib.data.python_sources import (
    installed_versions,
    package_folder,
    read_docstrings,
    read_standard_library,
)
from course_lib.data.tables import Columns, read_table
from course_lib.data.task_sets import read_scitldr, read_xquad
from course_lib.data.textfiles import read_text
from course_lib.data.wikitext import split_articles

if TYPE_CHECKING:
    import datasets

    Loaded = Corpus | datasets.Dataset | datasets.DatasetDict

MIRRORED_TEXTS: dict[str, Callable[[Sequence[Path]], list[str]]] = {
    "books": read_books,
    "guwenguanzhi": read_anthology,
    "lunyu": read_lunyu,
    "shijing": read_shijing,
    "songci": read_songci,
    "tangshi": read_anthology,
    "tinyshakespeare": lambda files: [read_text(path) for path in files],
}
MIRRORED_TABLES: dict[str, Callable[[Sequence[Path]], dict[str, list[dict[str, Any]]]]] = {
    "tatoeba-en-zh": read_tatoeba,
    "cmrc2018": read_cmrc,
    "chnsenticorp": read_chnsenticorp,
    "sst2": read_sst2,
    "ag-news": read_ag_news,
    "trec": read_trec,
    "wnut17": read_wnut,
    "xquad": read_xquad,
    "scitldr": read_scitldr,
}
DOCUMENT_READERS: dict[str, Callable[[Path], list[str]]] = {"lee-news": read_lines}
ROW_READERS: dict[str, Callable[[Path], list[dict[str, Any]]]] = {
    "movie-polarity": read_polarity,
    "wordsim353": read_word_pairs,
    "simlex999": read_word_pairs,
    "google-analogies": read_analogies,
}
NO_PAPERS = "not in the course's catalog; see the folder it comes from"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asked `load` for.

    Attributes:
        name: The data set's name.
        entry: What the catalog says about it, if it knows it.
        folder: How to read a folder of files.
        max_files: How many files of the standard library to read; None for all.
    """

    name: str
    entry: Entry | None
    folder: FolderOptions
    max_files: int | None = None


@dataclass(frozen=True)
class Missing:
    """A place that was looked in, in vain.

    Attributes:
        place: Where, in words.
        reason: Why it is not there.
    """

    place: str
    reason: str


def from_embedded(request: Request) -> "Loaded | Missing":
    """Look in `data/sets/<name>` of the repository or of the installed wheel."""
    folder = data_folder() / "sets" / request.name
    return _from_folder(request, folder, "the course's own data")


def from_installed(request: Request) -> "Loaded | Missing":
    """Look in the packages that are installed."""
    entry, place = request.entry, "installed packages"
    if entry is None or entry.kind not in ("installed", "computed"):
        return Missing(place, "none ships a data set of this name")
    if entry.kind == "computed":
        return _computed(request, entry)
    package = entry.package[0]
    root = package_folder(package)
    if root is None:
        return Missing(place, f"{package} is not installed")
    path = root / entry.files[0].path
    if not path.is_file():
        return Missing(place, f"{package} is installed, but without {entry.files[0].path}")
    where = f"the installed package {package} {metadata.version(package)}: {entry.files[0].path}"
    return _read_fixed_file(entry, path, where)


def from_mirror(request: Request) -> "Loaded | Missing":
    """Look in `$COURSE_DATA_DIR/<name>`, and where else in it the catalog says it may lie."""
    mirror = os.environ.get("COURSE_DATA_DIR")
    if not mirror:
        return Missing("$COURSE_DATA_DIR", "the variable is not set")
    names = request.entry.mirror_folders if request.entry else (request.name,)
    folders = [Path(mirror).expanduser() / name for name in names]
    there = [folder for folder in folders if folder.is_dir()]
    if not there and len(folders) > 1:
        listed = " nor ".join(map(str, folders))
        return Missing(f"$COURSE_DATA_DIR: {listed}", "there is no such folder")
    return _from_folder(request, (there or folders)[0], "$COURSE_DATA_DIR")


def from_hub(request: Request) -> "Loaded | Missing":
    """Ask the Hugging Face hub, or its cache on this machine."""
    entry = request.entry
    if entry is None or entry.kind != "hub":
        return Missing("the Hugging Face hub", "the catalog names no data set there")
    split = SPLITS[request.folder.split or "train"]
    place = f"the Hugging Face hub, {entry.hub_id} at revision {entry.revision[:8]}"
    try:
        paths = download_from_hub(entry, split)
    except OSError as error:
        return Missing(place, str(error))
    lines = [line for path in paths for line in read_table(path)["text"]]
    return _corpus(entry.name, entry, split_articles(lines), f"{place}, split {split}")


def _from_folder(request: Request, folder: Path, place: str) -> "Loaded | Missing":
    if not folder.is_dir():
        return Missing(f"{place}: {folder}", "there is no such folder")
    files = data_files(folder, request.folder.files)
    if not files:
        wanted = f" that matches {request.folder.files!r}" if request.folder.files else ""
        return Missing(f"{place}: {folder}", f"the folder holds no data file{wanted}")
    if request.entry and request.entry.kind == "installed":
        wanted = request.entry.files[0].name
        same = [path for path in files if path.name == wanted]
        if not same:
            return Missing(f"{place}: {folder}", f"the folder holds no {wanted}")
        return _read_fixed_file(request.entry, same[0], f"{place}: {same[0]}")
    if request.entry and request.entry.kind == "mirror":
        return _from_known_files(request, request.entry, files, f"{place}: {folder}")
    for path in files:
        known = request.entry and request.entry.file_named(path.name)
        if known and known.sha256:
            check_digest(path, known.sha256, request.name)
    return _by_format(request, files, f"{place}: {folder}")


def _from_known_files(
    request: Request, entry: Entry, files: Sequence[Path], where: str
) -> "Loaded | Missing":
    known, missing = find_known(entry, files)
    if missing:
        lacks = f"it lacks {len(missing)} of {len(entry.files)} files, the first {missing[0].name}"
        return Missing(where, f"{lacks} (sha256 {missing[0].sha256})")
    return _read_mirrored(request, entry, known, where)


def _read_mirrored(request: Request, entry: Entry, files: Sequence[Path], where: str) -> "Loaded":
    """Read files that keep the form of their source, with the reader made for them, if any."""
    if entry.name not in MIRRORED_TEXTS | MIRRORED_TABLES:
        return _by_format(request, files, where)
    if entry.name in MIRRORED_TEXTS:
        return _corpus(entry.name, entry, MIRRORED_TEXTS[entry.name](files), where)
    splits = MIRRORED_TABLES[entry.name](files)
    tables = {
        split: {name: [row[name] for row in rows] for name in rows[0]}
        for split, rows in splits.items()
    }
    return _dataset(tables, request, where)


def _by_format(request: Request, files: Sequence[Path], where: str) -> "Loaded":
    entry = request.entry
    returns_corpus = entry is not None and entry.returns == "Corpus"
    if holds_text(files, request.folder):
        documents, chosen = read_documents(files, request.folder)
        if entry and entry.kind == "hub":
            documents = split_articles("\n".join(documents).split("\n"))
        names = f" ({', '.join(path.name for path in chosen[:3])}{' …' * (len(chosen) > 3)})"
        return _corpus(request.name, entry, documents, where + names)
    tables = read_tables(files, request.folder)
    if returns_corpus:
        return _corpus_from_table(request, tables, where)
    return _dataset(tables, request, where)


def _corpus_from_table(request: Request, tables: dict[str, Columns], where: str) -> Corpus:
    split = "train" if "train" in tables else next(iter(tables))
    if "text" not in tables[split]:
        columns = ", ".join(tables[split])
        raise ValueError(f"{where}: {request.name} must have a column 'text'; got {columns}.")
    lines = tables[split]["text"]
    documents = split_articles(lines) if request.entry and request.entry.kind == "hub" else lines
    return _corpus(request.name, request.entry, documents, f"{where}, split {split or 'all'}")


def _dataset(tables: dict[str, Columns], request: Request, where: str) -> "Loaded":
    import datasets
    import pyarrow as pa

    labels = request.entry.labels if request.entry else ()
    try:
        splits = {split: _table_to_dataset(table, labels) for split, table in tables.items()}
    except pa.ArrowException as error:
        raise ValueError(f"{where}: every column must hold one kind of value; {error}.") from error
    if len(splits) == 1 and ("" in splits or request.folder.split):
        return next(iter(splits.values()))
    return datasets.DatasetDict(**splits)


def _table_to_dataset(table: Columns, labels: Sequence[str]) -> "datasets.Dataset":
    import datasets

    dataset = datasets.Dataset.from_dict(table)
    if not labels:
        return dataset
    features = dataset.features.copy()
    features["label"] = datasets.ClassLabel(names=list(labels))
    return datasets.Dataset.from_dict(table, features=features)


def _read_fixed_file(entry: Entry, path: Path, where: str) -> "Loaded":
    """Read a file whose bytes the catalog knows, with the reader made for it."""
    file: CatalogFile = entry.files[0]
    if file.sha256:
        check_digest(path, file.sha256, entry.name)
    if entry.name == "wikipedia-excerpt":
        return _corpus(entry.name, entry, _cleaned_wikipedia(entry.name, path), where)
    if entry.name in DOCUMENT_READERS:
        return _corpus(entry.name, entry, DOCUMENT_READERS[entry.name](path), where)
    return _rows_to_dataset(ROW_READERS[entry.name](path))


def _rows_to_dataset(rows: list[dict[str, Any]]) -> "datasets.Dataset":
    import datasets

    if "label" not in rows[0]:
        return datasets.Dataset.from_list(rows)
    labels = datasets.ClassLabel(names=["negative", "positive"])
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})
    return datasets.Dataset.from_list(rows, features=features)


def _cleaned_wikipedia(name: str, dump: Path) -> list[str]:
    parser = metadata.version("mwparserfromhell")
    cleaner = sha256_of(Path(wikipedia.__file__))
    key = f"{sha256_of(dump)} {parser} {cleaner}"
    return cached_documents(name, key, lambda: wikipedia.read_wikipedia(dump))


def _computed(request: Request, entry: Entry) -> "Corpus | Missing":
    if entry.name == "python-code":
        documents = read_standard_library(request.max_files)
        where = "the standard library of the running Python"
        return _corpus(entry.name, entry, documents, where)
    versions = installed_versions(entry.package)
    if not versions:
        return Missing("installed packages", f"none of {', '.join(entry.package)} is installed")
    listed = ", ".join(f"{package} {version}" for package, version in versions.items())
    documents = cached_documents(entry.name, listed, lambda: read_docstrings(versions))
    return _corpus(entry.name, entry, documents, f"the docstrings of {listed}")


def _corpus(name: str, entry: Entry | None, documents: list[str], where: str) -> Corpus:
    licence, citation = (entry.licence, entry.citation) if entry else (NO_PAPERS, NO_PAPERS)
    return make_corpus(name, documents, licence=licence, citation=citation, source=where)
