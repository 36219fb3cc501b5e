import sys
from pathlib import Path

import pytest

from course_lib.data import cache_folder, data_path, notebooks_path, paths, read_facts


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder without any embedded data yet."""
    package = tmp_path / "site" / "course_lib"
    package.mkdir(parents=True)
    monkeypatch.setattr(paths, "PACKAGE_FOLDER", package)
    return package


def test_data_path_finds_the_repository() -> None:
    catalog = data_path("catalog.toml")
    assert catalog.is_absolute()
    assert catalog.read_text(encoding="utf-8").count("[wordsim353]") == 1


def test_data_path_names_what_is_missing() -> None:
    with pytest.raises(FileNotFoundError, match=r"facts/nothing\.csv is not in the course's data"):
        data_path("facts/nothing.csv")


@pytest.mark.parametrize("relative", ["../pyproject.toml", "/etc/hostname", "facts/../../README"])
def test_data_path_stays_inside(relative: str) -> None:
    with pytest.raises(ValueError, match="relative must stay inside the course's data folder"):
        data_path(relative)


def test_the_wheel_s_copy_comes_before_a_folder_beside_it(installation: Path) -> None:
    beside, carried = installation.parent / "data", installation / "_data"
    for folder in (beside, carried):
        folder.mkdir()
        (folder / "x.txt").write_text(folder.name, encoding="utf-8")
    assert data_path("x.txt") == carried / "x.txt"
    (carried / "x.txt").unlink()
    carried.rmdir()
    assert data_path("x.txt") == beside / "x.txt"


def test_notebooks_path(installation: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"notebooks folder must be at .*_notebooks"):
        notebooks_path()
    (installation.parent / "notebooks").mkdir()
    assert notebooks_path() == installation.parent / "notebooks"
    (installation / "_notebooks").mkdir()
    assert notebooks_path() == installation / "_notebooks"


def write_table(installation: Path, content: str) -> None:
    folder = installation / "_data" / "facts"
    folder.mkdir(parents=True)
    (folder / "models.csv").write_text(content, encoding="utf-8")


def test_read_facts(installation: Path) -> None:
    write_table(installation, '\ufeffname,year\n"Word2Vec, skip-gram",2013\nBERT,2018\n')
    assert read_facts("models") == [
        {"name": "Word2Vec, skip-gram", "year": "2013"},
        {"name": "BERT", "year": "2018"},
    ]


def test_read_facts_lists_the_tables_there_are(installation: Path) -> None:
    write_table(installation, "name\n")
    with pytest.raises(FileNotFoundError, match=r"No table of facts 'modles' .* there are: models"):
        read_facts("modles")


@pytest.mark.parametrize("row", ["BERT", "BERT,2018,Google"])
def test_read_facts_refuses_a_ragged_row(installation: Path, row: str) -> None:
    write_table(installation, f"name,year\nGPT,2018\n{row}\n")
    with pytest.raises(ValueError, match=r"models\.csv, line 3: a row must have .*\(2\)"):
        read_facts("models")


def test_cache_folder_by_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


@pytest.mark.parametrize(
    ("platform", "variable", "inside_home"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", None, "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_cache_folder_of_the_platform(
    platform: str,
    variable: str | None,
    inside_home: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("COURSE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == tmp_path / inside_home / "llm-course"
    if variable:
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
        assert cache_folder() == tmp_path / "elsewhere" / "llm-course"
