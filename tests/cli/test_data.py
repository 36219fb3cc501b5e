from pathlib import Path

import pytest

from course_lib.cli.data import judge_data, listing, place_of
from course_lib.data import CatalogFile, Entry, catalog

HUB = Entry(
    name="far-away",
    kind="hub",
    returns="Corpus",
    description="d",
    licence="CC0",
    citation="c",
    size="1 MB",
    files=(CatalogFile(path="train.parquet", n_bytes=1),),
    hub_id="nobody/nothing",
    revision="0" * 40,
)


def shipped_by(package: str) -> Entry:
    """Make an entry whose one file is missing or in `package`."""
    known = catalog()["wordsim353"]
    return Entry(
        name="pairs", kind="installed", returns="Dataset", description="d", licence="free",
        citation="c", size="9 pairs", package=(package,), files=known.files,
    )  # fmt: skip


def test_what_the_packages_ship_is_found() -> None:
    assert place_of(catalog()["wordsim353"]) == "installed packages"
    assert place_of(catalog()["python-code"]) == "installed packages"
    assert place_of(catalog()["storyworld"]) == "made when asked for"


@pytest.mark.parametrize("package", ["no_such_package", "numpy"])
def test_a_missing_package_or_file_is_noticed(package: str) -> None:
    assert place_of(shipped_by(package)) is None


def test_the_classroom_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    assert place_of(HUB) is None
    (tmp_path / "far-away").mkdir()
    assert place_of(HUB) == "$COURSE_DATA_DIR"


def test_a_mirror_s_set_is_found_where_the_catalog_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poems = catalog()["songci"]
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    assert place_of(poems) is None
    assert judge_data([poems]).state == "note"
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path))
    assert place_of(poems) is None
    (tmp_path / "lm" / "chinese-poetry" / "songci").mkdir(parents=True)
    assert place_of(poems) == "$COURSE_DATA_DIR"


def test_extras_may_be_missing_but_what_lessons_need_may_not() -> None:
    here, broken = catalog()["lee-news"], shipped_by("no_such_package")
    assert judge_data([here]).state == "ok"
    note, missing = judge_data([here, HUB]), judge_data([here, HUB, broken])
    assert (note.state, missing.state) == ("note", "missing")
    assert "1 of 2" in note.text
    assert note.text.endswith("far-away")
    assert missing.text == "1 of 3 sets are here; missing: pairs"


def test_the_listing_names_size_licence_and_place() -> None:
    assert listing([HUB, catalog()["lee-news"]]).splitlines()[:4] == [
        "far-away            not here",
        "    size:    1 MB",
        "    licence: CC0",
        "lee-news            here: installed packages",
    ]
