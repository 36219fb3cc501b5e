"""Where things lie: the embedded data, the notebooks, and the folder for caches."""

import csv
import os
import sys
from pathlib import Path

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
CACHE_NAME = "llm-course"


def data_path(relative: str | os.PathLike[str]) -> Path:
    """Find a file or folder of the embedded data.

    Args:
        relative: Its path inside the data folder, for example "facts/topics.csv".

    Returns:
        The absolute path: in the repository's `data/`, or in the installed wheel's copy of it.

    Raises:
        FileNotFoundError: If it is not there.
    """
    return _inside(data_folder(), relative, "the course's data folder")


def notebooks_path() -> Path:
    """Find the folder of the lessons: the repository's `notebooks/`, or the wheel's copy of it.

    Raises:
        FileNotFoundError: If neither is there.
    """
    return _embedded("notebooks", "_notebooks")


def data_folder() -> Path:
    """Find the folder of the embedded data.

    Raises:
        FileNotFoundError: If there is neither the repository's `data/` nor the wheel's copy.
    """
    return _embedded("data", "_data")


def read_facts(name: str) -> list[dict[str, str]]:
    """Read a table of facts, each with its source, from `data/facts/<name>.csv`.

    Args:
        name: The table's name, without ".csv".

    Returns:
        One dictionary a row, column name to cell; every cell is a string.

    Raises:
        FileNotFoundError: If there is no such table; the message lists the tables there are.
        ValueError: If a row has more or fewer cells than the header.
    """
    folder = data_path("facts")
    table = folder / f"{name}.csv"
    if not table.is_file():
        names = ", ".join(sorted(path.stem for path in folder.glob("*.csv"))) or "none"
        raise FileNotFoundError(f"No table of facts {name!r} in {folder}; there are: {names}.")
    with table.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                raise ValueError(
                    f"{table}, line {reader.line_num}: a row must have as many cells as the "
                    f"header ({len(reader.fieldnames or ())})."
                )
            rows.append(row)
    return rows


def cache_folder() -> Path:
    """Name the folder for what is expensive to compute twice; it need not exist yet.

    Returns:
        `$COURSE_CACHE_DIR` if that is set, else "llm-course" in the platform's cache folder.
    """
    chosen = os.environ.get("COURSE_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / CACHE_NAME


def _embedded(in_repository: str, in_wheel: str) -> Path:
    carried = PACKAGE_FOLDER / in_wheel
    beside = PACKAGE_FOLDER.parent / in_repository
    for folder in (carried, beside):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"The course's {in_repository} folder must be at {carried} (installed) or {beside} "
        "(repository); it is in neither. Reinstall course_lib, or run from a full checkout."
    )


def _inside(folder: Path, relative: str | os.PathLike[str], what: str) -> Path:
    path = folder / relative
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"relative must stay inside {what}; got {os.fspath(relative)!r}.")
    if not path.exists():
        raise FileNotFoundError(f"{os.fspath(relative)} is not in {what} ({folder}).")
    return path
