import sys
from pathlib import Path

import pytest

from course_lib.data.python_sources import (
    docstrings_of,
    installed_versions,
    package_folder,
    read_docstrings,
    read_standard_library,
    source_files,
)

MODULE = '''"""The module."""

class Tool:
    """A tool.

        Indented.
    """

    def use(self):
        """Use it."""
        def inner():
            """Inside."""
        return "no docstring"

if Tool:
    async def later():
        """Later."""
else:
    def never():
        """Never."""

try:
    pass
except ValueError:
    def rescue():
        """Rescue."""
finally:
    match 1:
        case 1:
            def case():
                """Case \\d."""

def twice():
    """Use it."""

raise RuntimeError("nobody imports me")
'''
EXPECTED = [
    "The module.",
    "A tool.\n\nIndented.",
    "Use it.",
    "Inside.",
    "Later.",
    "Never.",
    "Rescue.",
    "Case \\d.",
    "Use it.",
]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path that must never be imported."""
    folder = tmp_path / "toypackage"
    (folder / "tests").mkdir(parents=True)
    (folder / "__init__.py").write_text(MODULE, encoding="utf-8")
    (folder / "broken.py").write_text('"""Docstring."""\ndef (', encoding="utf-8")
    (folder / "tests" / "test_x.py").write_text('"""A test."""', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_docstrings_in_their_order(package: Path) -> None:
    assert list(docstrings_of(package / "__init__.py")) == EXPECTED
    assert list(docstrings_of(package / "broken.py")) == []


def test_every_docstring_is_kept_once_and_nothing_is_imported(package: Path) -> None:
    assert read_docstrings(["toypackage", "no-such-package"]) == EXPECTED[:-1]
    assert "toypackage" not in sys.modules


def test_package_folder_goes_by_the_name_of_installation(package: Path) -> None:
    assert package_folder("toypackage") == package
    sklearn = package_folder("scikit-learn")
    assert sklearn is not None
    assert sklearn.name == "sklearn"
    assert package_folder("no-such-package") is None


def test_installed_versions() -> None:
    import numpy

    assert installed_versions(["numpy", "no-such-package"]) == {"numpy": numpy.__version__}


def test_source_files_leaves_tests_out(package: Path) -> None:
    assert [path.name for path in source_files(package)] == ["__init__.py", "broken.py"]


def test_a_folder_above_called_tests_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "tests" / "kept").mkdir(parents=True)
    (tmp_path / "tests" / "kept" / "a.py").touch()
    assert [path.name for path in source_files(tmp_path / "tests" / "kept")] == ["a.py"]


def test_standard_library_in_order() -> None:
    first = read_standard_library(max_files=7)
    assert len(first) == 7
    assert first[:3] == read_standard_library(max_files=3)
    assert all(text.strip() for text in first)
    assert "phased-in incompatible language changes" in first[0]


@pytest.mark.parametrize("max_files", [0, -1])
def test_max_files_must_be_positive(max_files: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1; got max_files={max_files}"):
        read_standard_library(max_files)
