import re
from pathlib import Path
from typing import get_args

import pytest

from course_lib.data import Entry, catalog, data_path, paths
from course_lib.data.catalog import near_names
from course_lib.data.loading import CorpusName, SplitTableName, TableName

ENTRIES = list(catalog().values())
SHA256 = re.compile(r"[0-9a-f]{64}")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry: Entry) -> None:
    for field in ("description", "licence", "citation", "size"):
        assert getattr(entry, field).strip(), field
    for file in entry.files:
        assert file.n_bytes > 0
        assert file.sha256
        assert SHA256.fullmatch(file.sha256)
    if entry.kind != "mirror":  # whose files the catalog lists where it promises their bytes
        assert bool(entry.files) == (entry.kind in ("installed", "hub"))
    if entry.kind == "mirror":
        assert entry.repository.startswith("https://")
        assert entry.folders
    if entry.kind in ("hub", "mirror"):
        assert re.fullmatch(r"[0-9a-f]{40}", entry.revision)
    if entry.kind == "hub":
        assert {file.split for file in entry.files} == {"train", "validation", "test"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_has_a_card(entry: Entry) -> None:
    card = data_path(entry.card).read_text(encoding="utf-8")
    assert card.startswith(f"# {entry.name}\n")
    assert f'load("{entry.name}"' in card
    for heading in ("**Where from.**", "**How much.**", "**Licence.**", "**Cite.**"):
        assert heading in card


def test_every_card_has_an_entry() -> None:
    cards = {path.stem for path in data_path("cards").glob("*.md")}
    assert set(catalog()) <= cards


def test_the_types_of_load_agree_with_the_catalog() -> None:
    by_type = {
        "Corpus": set(get_args(CorpusName)),
        "Dataset": set(get_args(TableName)),
        "DatasetDict": set(get_args(SplitTableName)),
    }
    with_an_overload_of_its_own = {"storyworld"}
    for returns, names in by_type.items():
        entries = {entry.name for entry in ENTRIES if entry.returns == returns}
        assert entries - with_an_overload_of_its_own == names


def test_file_named() -> None:
    entry = catalog()["wikitext-2"]
    file = entry.file_named("test-00000-of-00001.parquet")
    assert file is not None
    assert (file.split, file.n_bytes) == ("test", 732610)
    assert entry.file_named("nothing") is None


def test_mirror_folders() -> None:
    assert catalog()["songci"].mirror_folders == ("songci", "lm/chinese-poetry/songci")
    assert catalog()["lee-news"].mirror_folders == ("lee-news",)


def test_near_names() -> None:
    assert near_names("Lee_News")[0] == "lee-news"
    assert near_names("wordsim")[0] == "wordsim353"
    assert near_names("zzzz") == []


GOOD = """
[toy]
kind = "computed"
returns = "Corpus"
description = "d"
licence = "l"
citation = "c"
size = "s"
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'colour = "red"\n', "toy: unknown field 'colour'"),
        (GOOD.replace('size = "s"\n', ""), "toy: .*missing .*'size'"),
        (GOOD.replace("computed", "magic"), "toy: kind must be one of .*; got 'magic'"),
        (GOOD.replace("Corpus", "Table"), "toy: returns must be one of .*; got 'Table'"),
        (GOOD.replace("computed", "hub"), "toy: a hub entry must have hub_id"),
        (GOOD.replace("computed", "hub") + 'hub_id = "a/b"\n', "toy: a hub entry must have .* rev"),
        (GOOD.replace("computed", "mirror"), "toy: a mirror entry must have repository_path and"),
        (
            GOOD.replace("computed", "mirror") + 'repository_path = "a"\nrevision = "0ff"\n',
            "toy: a mirror entry must have repository_path and a full revision",
        ),
    ],
)
def test_a_wrong_entry_is_named(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PACKAGE_FOLDER", tmp_path / "course_lib")
    (tmp_path / "data").mkdir()
    toml = tmp_path / "data" / "catalog.toml"
    toml.write_text(GOOD, encoding="utf-8")
    assert list(catalog()) == ["toy"]
    toml.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        catalog()
