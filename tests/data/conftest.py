"""Data tests never touch the network, the user's caches or his environment variables."""

import os
from pathlib import Path

import huggingface_hub.constants
import pytest


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
