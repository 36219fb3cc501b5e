"""Text from what is installed anyway: docstrings of the packages, source of the standard library.

Nothing is imported and nothing is run: the source files are parsed (`ast`) or read.
"""

import ast
import importlib.util
import sysconfig
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

IMPORT_NAMES = {"scikit-learn": "sklearn"}
TEST_FOLDERS = {"test", "tests", "testing", "idle_test"}
NOT_STANDARD = {"site-packages", "dist-packages"}
Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def package_folder(package: str) -> Path | None:
    """Find the folder of an installed package without importing it.

    Args:
        package: The name it is installed by ("scikit-learn", not "sklearn").

    Returns:
        Its folder, or None if it is not installed.
    """
    spec = importlib.util.find_spec(IMPORT_NAMES.get(package, package))
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Look up the versions of those packages that are installed.

    Args:
        packages: The names they are installed by.
    """
    versions = {}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def read_docstrings(packages: Iterable[str]) -> list[str]:
    """Read the docstrings of packages: modules, classes and functions, each different one once.

    Takes about half a minute for four million words. Tests are left out.

    Args:
        packages: The names they are installed by; one that is not installed is skipped.

    Returns:
        The docstrings, without their indentation, in the order of packages, files and lines.
    """
    found: dict[str, None] = {}
    for package in packages:
        folder = package_folder(package)
        if folder is not None:
            for path in source_files(folder):
                found.update(dict.fromkeys(docstrings_of(path)))
    return list(found)


def docstrings_of(path: Path) -> Iterator[str]:
    """Go through the docstrings in one source file, from top to bottom.

    Args:
        path: A Python file. One that does not parse (a template, another version's syntax) has
            no docstrings.
    """
    content = path.read_bytes()
    if b'"""' not in content and b"'''" not in content:
        return  # spares parsing a third of all files
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # their invalid escapes are not our business
            tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for definition in _definitions(tree):
        if docstring := ast.get_docstring(definition):
            yield docstring


def read_standard_library(max_files: int | None = None) -> list[str]:
    """Read the source of Python's standard library, one document a file.

    Args:
        max_files: Stop after so many files; None reads all.

    Returns:
        The files' text in the order of their paths, without tests and empty files.

    Raises:
        ValueError: If `max_files` is not positive.
    """
    if max_files is not None and max_files < 1:
        raise ValueError(f"max_files must be at least 1; got max_files={max_files}.")
    documents: list[str] = []
    for path in source_files(Path(sysconfig.get_path("stdlib"))):
        if len(documents) == max_files:
            break
        try:
            with tokenize.open(path) as stream:  # honours the file's own coding line
                text = stream.read()
        except (SyntaxError, UnicodeDecodeError):
            continue  # files that show what a wrong encoding does
        if text.strip():
            documents.append(text)
    return documents


def source_files(folder: Path) -> list[Path]:
    """List the Python files in a folder and below, without tests and without other packages.

    Args:
        folder: The folder of a package or of the standard library.
    """
    skipped = TEST_FOLDERS | NOT_STANDARD
    paths = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(path for path in paths if not skipped & set(path.relative_to(folder).parts[:-1]))


def _definitions(tree: ast.Module) -> Iterator[Definition]:
    """Go through statements only: docstrings hang on statements, and expressions are many."""
    yield tree
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        inner = (
            [
                child
                for field in ("body", "handlers", "orelse", "finalbody", "cases")
                for child in getattr(node, field, None) or ()
            ]
            if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case)
            else []
        )
        waiting.extend(reversed(inner))
