"""`course data`: which data sets the course knows, and which of them are on this machine."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.cli.finding import Finding

if TYPE_CHECKING:
    from course_lib.data import Entry


def place_of(entry: "Entry") -> str | None:
    """Say where a data set lies on this machine, without reading it; None if it is not there.

    Args:
        entry: What the catalog says of it.
    """
    from course_lib.data import data_path
    from course_lib.data.loading import STORYWORLD

    if entry.name == STORYWORLD:
        return "made when asked for"
    if entry.kind == "embedded":
        return "the course" if data_path(".").joinpath("sets", entry.name).is_dir() else None
    if entry.kind == "computed" or in_packages(entry):
        return "installed packages"
    mirror = os.environ.get("COURSE_DATA_DIR")
    folders = [Path(mirror).expanduser() / name for name in entry.mirror_folders if mirror]
    if any(folder.is_dir() for folder in folders):
        return "$COURSE_DATA_DIR"
    return "the hub's cache" if in_hub_cache(entry) else None


def in_packages(entry: "Entry") -> bool:
    """Tell whether the files of a data set lie in the package that ships it."""
    from course_lib.data.python_sources import package_folder

    folders = [package_folder(package) for package in entry.package]
    return any(
        folder is not None and all((folder / file.path).is_file() for file in entry.files)
        for folder in folders
    )


def in_hub_cache(entry: "Entry") -> bool:
    """Tell whether every file of a data set was fetched from the hub before."""
    from huggingface_hub import try_to_load_from_cache

    if entry.kind != "hub":
        return False
    cached = [
        try_to_load_from_cache(
            entry.hub_id, file.path, repo_type="dataset", revision=entry.revision
        )
        for file in entry.files
    ]
    return all(isinstance(path, str) for path in cached)


def check_data() -> Finding:
    """Say which data sets are here, for `course doctor`."""
    from course_lib.data import catalog

    return judge_data(list(catalog().values()))


def judge_data(entries: Sequence["Entry"]) -> Finding:
    """Tell what the lessons need from what is an extra.

    Args:
        entries: The data sets to look for. What comes with the course or its packages must be
            there; what only the hub or a classroom's folder has may be missing.
    """
    absent = [entry for entry in entries if place_of(entry) is None]
    here = f"{len(entries) - len(absent)} of {len(entries)} sets are here"
    needed = [entry.name for entry in absent if entry.kind not in ("hub", "mirror")]
    if needed:
        text = f"{here}; missing: {', '.join(needed)}"
        fix = "reinstall: pip install -c constraints.txt --force-reinstall -e ."
        return Finding(state="missing", subject="Data", text=text, fix=fix)
    if absent:
        names = ", ".join(entry.name for entry in absent)
        text = f"{here}, all that the lessons need; not here: {names}"
        fix = (
            "load(name) fetches what is on the hub and says where to get the rest; "
            "without a network see README, 'Offline'"
        )
        return Finding(state="note", subject="Data", text=text, fix=fix)
    return Finding(state="ok", subject="Data", text=here)


def listing(entries: Sequence["Entry"]) -> str:
    """Write the data sets one after the other: name, place, size and licence.

    Args:
        entries: What the catalog says of them.
    """
    blocks = []
    for entry in entries:
        place = place_of(entry)
        state = f"here: {place}" if place else "not here"
        blocks.append(
            f"{entry.name:<20}{state}\n    size:    {entry.size}\n    licence: {entry.licence}"
        )
    return "\n".join(blocks)


def command() -> None:
    """List the data sets: name, size, licence, and where each is."""
    from course_lib.data import catalog

    print(listing(list(catalog().values())))
