"""Rules of the house that no linter knows."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("course_lib", "tests", "tools", "benchmarks", "notebooks/src")
    for path in (ROOT / folder).rglob("*.py")
)
LESSON_SOURCES = "notebooks/src/"
HEAVY = {"transformers", "datasets", "matplotlib"}
# Spelled in pieces, so that this file does not contain what it forbids.
INDEX_HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "download.pytorch" + ".org")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root|tmp|work|opt)/|/(?:home|Users)/[a-z]+/")


def text_files() -> list[Path]:
    """List the files that git has or would add; all of them if this is not a clone."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listing.stdout.splitlines() if (path := ROOT / name).is_file()]


def imported_modules(path: Path) -> set[str]:
    """Return the top-level names of all that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("name", [n for n in PYTHON_FILES if not n.startswith(LESSON_SOURCES)])
def test_files_are_short(name: str) -> None:
    n_lines = len((ROOT / name).read_text("utf-8").splitlines())
    assert n_lines <= 400, f"{name} has {n_lines} lines: one file holds one idea"


@pytest.mark.parametrize("name", PYTHON_FILES)
def test_annotations_are_evaluated(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    future = [
        n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "__future__"
    ]
    assert not future, "shape annotations are executed in tests: no postponed evaluation"


def test_no_file_names_a_package_index_or_a_folder_of_one_machine() -> None:
    offending = []
    for path in text_files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a checkpoint
        hosts = [host for host in INDEX_HOSTS if host in text]
        found = hosts + [match.group() for match in MACHINE_PATHS.finditer(text)]
        offending += [f"{path.relative_to(ROOT)}: {item}" for item in found]
    assert not offending


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see /ro" + "ot/x", True),
        ("'/tm" + "p/build/a.txt'", True),
        ("/ho" + "me/ada/course", True),
        ("a/wo" + "rk/b and notebooks/wo" + "rk/", False),
        ("build/tm" + "p/x", False),
    ],
)
def test_machine_paths_are_recognised(text: str, expected: bool) -> None:
    assert bool(MACHINE_PATHS.search(text)) is expected


def test_what_the_library_imports_is_declared() -> None:
    providers = importlib.metadata.packages_distributions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {canonicalize_name(Requirement(item).name) for item in project["dependencies"]}
    undeclared = set()
    for path in (ROOT / "course_lib").rglob("*.py"):
        for module in imported_modules(path) - set(sys.stdlib_module_names) - {"course_lib"}:
            names = {canonicalize_name(name) for name in providers.get(module, [module])}
            if not names & declared:
                undeclared.add(f"{path.relative_to(ROOT)}: {module}")
    assert not undeclared


def test_importing_the_library_stays_light() -> None:
    packages = sorted(
        f"course_lib.{path.parent.name}" for path in (ROOT / "course_lib").glob("*/__init__.py")
    )
    program = (
        "import importlib, sys\n"
        f"for name in {['course_lib', *packages]}: importlib.import_module(name)\n"
        f"print(sorted({HEAVY} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
