"""The catalog: what the course knows by name, its licence, its source and its digest."""

import difflib
import tomllib
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from course_lib.data.paths import data_path

KINDS = ("embedded", "installed", "computed", "mirror", "hub")
RETURNS = ("Corpus", "Dataset", "DatasetDict")


@dataclass(frozen=True, kw_only=True)
class CatalogFile:
    """One file of a data set.

    Attributes:
        path: Its path inside the package, the data folder or the hub's repository.
        sha256: The digest its bytes must have; None where nobody could verify one.
        n_bytes: Its size.
        split: The split it belongs to, "" if the data set has none.
    """

    path: str
    sha256: str | None = None
    n_bytes: int
    split: str = ""

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A data set that the course knows.

    Attributes:
        name: What `load` calls it.
        kind: Where it comes from first: "embedded" in the repository, "installed" with a
            dependency, "computed" from installed packages, the "mirror" of a classroom (and
            nowhere else: `$COURSE_DATA_DIR`), or the "hub".
        returns: What `load` gives: "Corpus", "Dataset" or "DatasetDict".
        description: What it is, in a sentence or two.
        licence: What one may do with it, and where that is stated.
        citation: Whom to cite.
        size: How much it is, in words.
        package: The package that ships it, or the packages it is computed from.
        files: Its files, where their bytes are fixed.
        hub_id: The data set's address on the Hugging Face hub.
        revision: The full commit hash that is loaded from the hub, or at which the repository's
            files were read.
        labels: Names of the classes of the column "label", in the order of their numbers.
        folders: Where it may lie inside a mirror, beside a folder of its own name.
        repository: The address of the public repository a mirror gets it from.
        repository_path: The file or folder in that repository, which may have a pattern.
    """

    name: str
    kind: str
    returns: str
    description: str
    licence: str
    citation: str
    size: str
    package: tuple[str, ...] = ()
    files: tuple[CatalogFile, ...] = ()
    hub_id: str = ""
    revision: str = ""
    labels: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    repository: str = ""
    repository_path: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.name}: kind must be one of {KINDS}; got {self.kind!r}.")
        if self.returns not in RETURNS:
            raise ValueError(
                f"{self.name}: returns must be one of {RETURNS}; got {self.returns!r}."
            )
        if self.kind == "hub" and not (self.hub_id and len(self.revision) == 40):
            raise ValueError(f"{self.name}: a hub entry must have hub_id and a full revision.")
        if self.kind == "mirror" and not (self.repository_path and len(self.revision) == 40):
            raise ValueError(
                f"{self.name}: a mirror entry must have repository_path and a full revision."
            )

    @property
    def card(self) -> str:
        """The path of its card inside the data folder."""
        return f"cards/{self.name}.md"

    @property
    def mirror_folders(self) -> tuple[str, ...]:
        """Where it may lie inside `$COURSE_DATA_DIR`, in the order in which we look."""
        return (self.name, *self.folders)

    def file_named(self, name: str) -> CatalogFile | None:
        """Find the file with a given name (without folders), if the catalog lists one."""
        return next((file for file in self.files if file.name == name), None)


def catalog() -> dict[str, Entry]:
    """List every data set the course knows by name.

    Returns:
        Name to entry, in the catalog's order.

    Raises:
        ValueError: If an entry of `data/catalog.toml` lacks a field or has an unknown one.

    Example:
        >>> catalog()["wordsim353"].returns
        'Dataset'
    """
    tables = tomllib.loads(data_path("catalog.toml").read_text(encoding="utf-8"))
    return {name: _entry(name, table) for name, table in tables.items()}


def near_names(name: str) -> list[str]:
    """List the catalog's names that look like a given one, the most alike first.

    Args:
        name: What somebody typed.
    """
    known = list(catalog())
    return difflib.get_close_matches(name.lower().replace("_", "-"), known, n=3, cutoff=0.6)


def _entry(name: str, table: dict[str, Any]) -> Entry:
    table = dict(table)
    files = tuple(CatalogFile(**file) for file in table.pop("file", ()))
    known = {field.name for field in fields(Entry)} - {"name", "files"}
    if unknown := set(table) - known:
        raise ValueError(f"catalog.toml, {name}: unknown field {sorted(unknown)[0]!r}.")
    for field in ("package", "labels", "folders"):
        table[field] = tuple(table.get(field, ()))
    try:
        return Entry(name=name, files=files, **table)
    except TypeError as error:
        raise ValueError(f"catalog.toml, {name}: {error}.") from error
