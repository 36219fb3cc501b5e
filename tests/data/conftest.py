"""Data tests never touch the network, the user's caches or his environment variables."""

import os
import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest

from course_lib.data import paths


@pytest.fixture(autouse=True)
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Own cache folders, no classroom mirror, no network."""
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


OUTER_CACHE = os.environ.get("COURSE_CACHE_DIR")


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole run: the one set outside, if any, else a temporary folder."""
    return Path(OUTER_CACHE) if OUTER_CACHE else tmp_path_factory.mktemp("extracted")


@pytest.fixture
def shared_cache(session_cache: Path, monkeypatch: pytest.MonkeyPatch, sealed: None) -> Path:
    """What takes long to extract is extracted once for all tests."""
    monkeypatch.setenv("COURSE_CACHE_DIR", str(session_cache))
    return session_cache


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
