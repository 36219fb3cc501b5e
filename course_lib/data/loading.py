"""The one door to all data: `load(name)` looks in four places, in a fixed order."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Unpack, overload

from course_lib.data.catalog import Entry, catalog, near_names
from course_lib.data.corpus import Corpus
from course_lib.data.folder import FolderOptions
from course_lib.data.sources import (
    Missing,
    Request,
    from_embedded,
    from_hub,
    from_installed,
    from_mirror,
)
from course_lib.data.storyworld import WorldOptions, load_storyworld
from course_lib.errors import DataNotFoundError

if TYPE_CHECKING:
    import datasets

CorpusName = Literal[
    "wikipedia-excerpt",
    "lee-news",
    "python-docs",
    "python-code",
    "wikitext-2",
    "wikitext-103",
    "songci",
    "tangshi",
    "guwenguanzhi",
    "shijing",
    "lunyu",
    "tinyshakespeare",
    "books",
]
TableName = Literal[
    "movie-polarity", "wordsim353", "simlex999", "google-analogies", "tatoeba-en-zh"
]
SplitTableName = Literal[
    "reviews-en",
    "reviews-zh",
    "passages",
    "sentence-pairs",
    "dialogues",
    "counterfactual-pairs",
    "instructions",
    "cmrc2018",
    "chnsenticorp",
    "sst2",
    "ag-news",
    "trec",
    "wnut17",
    "xquad",
    "multi30k",
    "scitldr",
]
STORYWORLD = "storyworld"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*")


@overload
def load(name: CorpusName, *, split: str | None = None, max_files: int | None = None) -> Corpus: ...


@overload
def load(name: TableName) -> "datasets.Dataset": ...


@overload
def load(name: SplitTableName) -> "datasets.DatasetDict": ...


@overload
def load(name: SplitTableName, *, split: str) -> "datasets.Dataset": ...


@overload
def load(name: Literal["storyworld"], **world: Unpack[WorldOptions]) -> "datasets.DatasetDict": ...


@overload
def load(
    name: str,
    *,
    split: str | None = None,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    files: str | None = None,
    max_files: int | None = None,
) -> "Corpus | datasets.Dataset | datasets.DatasetDict": ...


def load(
    name: str,
    *,
    split: str | None = None,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    files: str | None = None,
    max_files: int | None = None,
    **world: Unpack[WorldOptions],
) -> "Corpus | datasets.Dataset | datasets.DatasetDict":
    """Load a data set by its name.

    It is looked for, in this order, in: 1 the course's own data (`data/sets`, or its copy in the
    installed wheel); 2 the installed packages; 3 the folder `$COURSE_DATA_DIR/<name>`; 4 the
    Hugging Face hub, at a pinned revision. Without a network this never waits: the hub is asked
    with a time limit before anything is downloaded.

    Args:
        name: A name from `catalog()`, or a folder's name in `$COURSE_DATA_DIR`.
        split: The split wanted, where there are several. Texts default to the training split,
            tables to all splits.
        encoding: The encoding of a folder's texts, if they are neither UTF-8 nor marked.
        columns: Names for the columns of a folder's tables that have no header.
        files: Read only those files of a folder that match this pattern, for example "*.csv".
        max_files: For "python-code": how many files to read.
        **world: For "storyworld", which is made when it is asked for: `size`, `seed`, `language`
            and what is planted; see `course_lib.data.storyworld.WorldOptions`.

    Returns:
        A `Corpus` for text. For tables a `Dataset`, or a `DatasetDict` if there are splits.

    Raises:
        DataNotFoundError: If it is in none of the four; says where we looked, why that failed,
            and the command that gets it.
        DigestMismatchError: If a file is not, byte for byte, what the catalog promises.
        ValueError: If a file is broken, or an option does not apply.

    Example:
        >>> load("wordsim353")[0]
        {'word1': 'love', 'word2': 'sex', 'score': 6.77}
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"name must be a data set's name such as 'lee-news'; got {name!r}.")
    entry = catalog().get(name)
    given = {"split": split, "encoding": encoding, "columns": columns, "files": files}
    _check_options(name, entry, {**given, "max_files": max_files, **world})
    if name == STORYWORLD:
        return load_storyworld(world)
    request = Request(
        name=name,
        entry=entry,
        folder=FolderOptions(split=split, encoding=encoding, columns=columns, files=files),
        max_files=max_files,
    )
    places: list[Missing] = []
    for look in (from_embedded, from_installed, from_mirror, from_hub):
        found = look(request)
        if not isinstance(found, Missing):
            return found
        places.append(found)
    raise DataNotFoundError(_not_found_message(name, entry, places))


def _check_options(name: str, entry: Entry | None, given: dict[str, object]) -> None:
    allowed = _options_of(name, entry)
    for option, value in given.items():
        if value is not None and option not in allowed:
            choice = " or ".join(allowed) or "left out"
            raise ValueError(f"options of load({name!r}) must be {choice}; got {option}={value!r}.")


def _options_of(name: str, entry: Entry | None) -> tuple[str, ...]:
    if name == STORYWORLD:
        return tuple(WorldOptions.__annotations__)
    if entry is None:
        return ("split", "encoding", "columns", "files")
    if entry.kind in ("embedded", "hub"):
        return ("split",)
    return ("max_files",) if name == "python-code" else ()


def _not_found_message(name: str, entry: Entry | None, places: list[Missing]) -> str:
    lines = [f"The data set {name!r} was not found. We looked in:"]
    lines += [f"  {i}. {p.place}: {p.reason}" for i, p in enumerate(places, start=1)]
    alike = [near for near in near_names(name) if near != name]
    if entry is None and alike:
        lines.append(f"Did you mean {' or '.join(map(repr, alike))}?")
    return "\n".join([*lines, "To get it:", f"  {_command_for(name, entry)}"])


def _command_for(name: str, entry: Entry | None) -> str:
    if entry is None:
        return (
            f"copy its files to a folder called {name!r}, and name the folder around it: "
            "export COURSE_DATA_DIR=/that/folder"
        )
    if entry.kind == "mirror":
        files = f"{entry.repository_path} of {entry.repository} at commit {entry.revision}"
        return (
            f"copy {files}, unpacked, to a folder called {name!r}, and name the folder around it: "
            "export COURSE_DATA_DIR=/that/folder"
        )
    if entry.kind == "hub":
        folder = entry.files[0].path.rpartition("/")[0]
        return (
            f"export COURSE_DATA_DIR=~/course-data && hf download {entry.hub_id} "
            f"--repo-type dataset --revision {entry.revision} --include '{folder}/*' "
            f'--local-dir "$COURSE_DATA_DIR/{name}"    (on a machine with a network)'
        )
    return f"python -m pip install --force-reinstall --no-deps {' '.join(entry.package)}"
