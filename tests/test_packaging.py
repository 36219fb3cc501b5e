"""pyproject.toml, constraints.txt and environment.yml say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CORE = [Requirement(item) for item in PROJECT["dependencies"]]
TEST = [Requirement(item) for item in PROJECT["optional-dependencies"]["test"]]
CONDA_NAMES = {"pytorch": "torch"}
ONLY_IN_CONDA = {"python", "pip", "hatchling"}  # the interpreter, and what installs this project


def pins() -> dict[str, str]:
    """Read constraints.txt: canonical package name to version."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==\S+", line) for line in entries)
    pairs = [line.split("==") for line in entries]
    assert len({canonicalize_name(name) for name, _ in pairs}) == len(pairs)
    return {canonicalize_name(name): version for name, version in pairs}


def conda_ranges() -> dict[str, SpecifierSet]:
    """Read environment.yml: canonical package name to accepted versions."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    parsed = [Requirement(item) for item in listed if isinstance(item, str)]
    return {canonicalize_name(CONDA_NAMES.get(r.name, r.name)): r.specifier for r in parsed}


@pytest.mark.parametrize("requirement", CORE + TEST, ids=lambda r: r.name)
def test_every_dependency_is_pinned_inside_its_range(requirement: Requirement) -> None:
    pinned = pins()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pinned)


def test_pins_are_plain_versions() -> None:
    for name, version in pins().items():
        assert Version(version).local is None, f"{name}: a local suffix exists on one index only"


def test_constraints_hold_no_address_path_or_option() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    entries = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in entries if re.search(r"://|/|@|^-", line)]


def test_conda_lists_the_same_packages_in_the_same_ranges() -> None:
    expected = {canonicalize_name(r.name): r.specifier for r in CORE}
    found = {name: r for name, r in conda_ranges().items() if name not in ONLY_IN_CONDA}
    assert found == expected


def test_conda_takes_the_same_pythons() -> None:
    assert conda_ranges()["python"] == SpecifierSet(PROJECT["requires-python"])


def test_the_pinned_torch_is_the_one_that_was_run() -> None:
    import torch

    assert Version(torch.__version__).public == pins()["torch"]


def test_the_constraints_are_complete() -> None:
    """Everything the course pulls in, at any depth, is pinned; checked on this very machine."""
    from importlib import metadata

    pinned, seen = pins(), set()
    todo = [requirement.name for requirement in CORE + TEST]
    while todo:
        name = canonicalize_name(todo.pop())
        if name in seen:
            continue
        seen.add(name)
        for text in metadata.requires(name) or []:
            child = Requirement(text)
            if child.marker is None or child.marker.evaluate({"extra": ""}):
                todo.append(child.name)
    assert sorted(seen - set(pinned)) == []
