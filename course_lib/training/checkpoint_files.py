"""Checkpoints on the disk: whole or not there at all, and refused when anything in them changed.

A checkpoint is a folder `step-00000123`: one safetensors file for each group of tensors, and
`checkpoint.json`, which holds the rest and the digest of every file. Nothing is ever unpickled: a
pickle may run any program when it is opened, and safetensors holds numbers only.

It is written under a temporary name, forced to the disk, and renamed in a single step. A process
that is killed at any moment leaves either the whole checkpoint or a leftover with a temporary
name, which the next write removes. Only one process at a time may write into a folder.
"""

import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from course_lib.errors import CheckpointError

FORMAT = "course_lib training checkpoint 1"
MANIFEST = "checkpoint.json"
PICKLE_SIGNS = (b"\x80", b"PK")  # how Python's pickles begin, and the zip files of torch.save
_STEP_NAME = re.compile(r"step-([0-9]{8,})")
_GROUP_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Attributes:
        step: How many optimiser steps had been taken.
        tensors: The tensors by name, in groups such as `model` and `optimizer`; on the CPU.
        meta: What is not a tensor, as JSON.
        versions: Of Python, torch and this library, when it was written.
    """

    step: int
    tensors: dict[str, dict[str, Tensor]]
    meta: dict[str, Any]
    versions: dict[str, str]


def write_checkpoint(
    folder: str | os.PathLike[str],
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    meta: Mapping[str, Any],
) -> Path:
    """Write a checkpoint that nobody ever sees half of.

    Costs the memory of the largest group once more. A checkpoint of the same step gives way.

    Args:
        folder: Where a run's checkpoints lie; made if needed.
        step: How many optimiser steps were taken (≥ 0).
        tensors: In groups; each becomes a file. Tensors may share memory; they are written apart.
        meta: Anything that JSON can hold, exactly.

    Returns:
        The new checkpoint's own folder.

    Raises:
        ValueError: If `step` is negative, or a group's name would not do as a file's.
        CheckpointError: If the disk is full or the folder cannot be written to. The checkpoints
            that were there are untouched.

    Reference:
        Pillai et al. 2014, "All File Systems Are Not Created Equal", OSDI,
        https://www.usenix.org/conference/osdi14/technical-sessions/presentation/pillai
    """
    if step < 0:
        raise ValueError(f"step must be ≥ 0; got step={step}.")
    for group in tensors:
        if not _GROUP_NAME.fullmatch(group):
            raise ValueError(f"a group's name must be like 'model' or 'rng'; got {group!r}.")
    path = Path(folder) / f"step-{step:08d}"
    partial = _temporary(path, "new")
    with _explained(f"the checkpoint of step {step} could not be written to {folder}"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(path.parent)
            _write_files(partial, step, tensors, meta)
            _move_into_place(partial, path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return path


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint, unless a single byte of it differs from what was written.

    Args:
        path: The checkpoint's own folder.

    Raises:
        CheckpointError: If a file is missing, truncated, altered, of another checkpoint or
            another program, or a pickle. The message names it, and the newest good checkpoint
            beside it.
    """
    path = Path(path)
    try:
        return _read(path)
    except CheckpointError as error:
        good, _ = newest_good(path.parent)
        advice = (
            f"The newest good checkpoint in {path.parent} is {good.name}."
            if good
            else f"There is no good checkpoint in {path.parent}."
        )
        raise CheckpointError(f"{error} {advice}") from error


def list_checkpoints(folder: str | os.PathLike[str]) -> list[Path]:
    """List the checkpoints of a run, good or not, the oldest first.

    Args:
        folder: Where they lie; it need not exist.
    """
    found = [path for path in Path(folder).glob("step-*") if _STEP_NAME.fullmatch(path.name)]
    return sorted(found, key=_step_of)


def newest_good(folder: str | os.PathLike[str]) -> tuple[Path | None, list[str]]:
    """Find the newest checkpoint that can be read; every newer one is told of.

    Args:
        folder: Where the checkpoints lie; it need not exist.

    Returns:
        The checkpoint's own folder, or None; and what is wrong with those newer than it.
    """
    problems: list[str] = []
    for path in reversed(list_checkpoints(folder)):
        try:
            _read(path)
        except CheckpointError as error:
            problems.append(str(error))
        else:
            return path, problems
    return None, problems


def prune(folder: str | os.PathLike[str], keep: int) -> list[Path]:
    """Remove all checkpoints but the newest, and what killed writes left behind.

    Args:
        folder: Where the checkpoints lie.
        keep: How many stay (≥ 1).

    Returns:
        Those that are gone, the oldest first.

    Raises:
        ValueError: If `keep` is below 1.
        CheckpointError: If the folder cannot be written to.
    """
    if keep < 1:
        raise ValueError(f"keep must be ≥ 1; got keep={keep}.")
    old = list_checkpoints(folder)[:-keep]
    with _explained(f"old checkpoints could not be removed from {folder}"):
        for path in old:
            path.rename(_temporary(path, "old"))  # gone in a single step, as it came
        _remove_leftovers(Path(folder))
    return old


def set_aside(path: Path) -> Path:
    """Rename a bad checkpoint, so that it is neither listed nor kept in place of a good one.

    Args:
        path: The checkpoint's own folder.

    Returns:
        Its new name, `bad-step-00000123`; an earlier one of that name is removed.

    Raises:
        CheckpointError: If the folder cannot be written to.
    """
    aside = path.with_name(f"bad-{path.name}")
    with _explained(f"{path} could not be renamed"):
        if aside.exists():
            shutil.rmtree(aside)
        return path.rename(aside)


def _step_of(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _temporary(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}.partial")


def _remove_leftovers(folder: Path) -> None:
    for leftover in folder.glob(".step-*.partial"):
        shutil.rmtree(leftover)


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn the system's error into ours, which says what to do."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{what}: {error}. Free some space there, or give the right to write, or choose "
            "another folder."
        ) from error


def _write_files(
    partial: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    meta: Mapping[str, Any],
) -> None:
    """Write every group, then what describes them; all of it on the disk when this returns."""
    partial.mkdir()
    files = {}
    for group, named in tensors.items():
        content = save(_apart(named), metadata={"group": group, "step": str(step)})
        _write_synced(partial / f"{group}.safetensors", content)
        digest = hashlib.sha256(content).hexdigest()
        files[group] = {"n_bytes": len(content), "sha256": digest}
    manifest = {
        "format": FORMAT,
        "step": step,
        "versions": _versions(),
        "files": files,
        "meta": dict(meta),
    }
    _write_synced(partial / MANIFEST, _manifest_text(manifest).encode())
    _sync_folder(partial)


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bring tensors to the CPU, each with memory of its own, as safetensors wants them."""
    found: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        there = tensor.detach().cpu().contiguous()
        storage = there.untyped_storage().data_ptr()
        found[name] = there.clone() if storage in storages else there
        storages.add(storage)
    return found


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "course_lib": version("course-lib"),
    }


def _manifest_text(manifest: Mapping[str, Any]) -> str:
    """Render `checkpoint.json`, headed by the digest of all the rest of it."""
    digest = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    return json.dumps({"sha256": digest, **manifest}, indent=1) + "\n"


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, without which a rename may be forgotten."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move_into_place(partial: Path, path: Path) -> None:
    if path.exists():  # a full folder cannot be replaced by a rename
        path.rename(_temporary(path, "old"))
    partial.rename(path)
    _sync_folder(path.parent)
    _remove_leftovers(path.parent)


def _read(path: Path) -> Checkpoint:
    manifest = _read_manifest(path)
    step = manifest["step"]
    tensors = {
        group: _read_group(path / f"{group}.safetensors", step, expected)
        for group, expected in manifest["files"].items()
    }
    return Checkpoint(step, tensors, manifest["meta"], manifest["versions"])


def _read_manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    text = _read_bytes(file).decode(errors="replace")
    try:
        manifest = json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"{file} is truncated or altered: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(
            f"{file} is of another program or another version of this one: it must have the "
            f"format {FORMAT!r}."
        )
    manifest.pop("sha256", None)
    if _manifest_text(manifest) != text:
        raise CheckpointError(f"{file} is altered: it does not have the sha256 that it names.")
    if _STEP_NAME.fullmatch(path.name) and _step_of(path) != manifest["step"]:
        raise CheckpointError(
            f"{file} is of another checkpoint: it must be of step {_step_of(path)}; got step "
            f"{manifest['step']}."
        )
    return manifest


def _read_group(file: Path, step: int, expected: Mapping[str, Any]) -> dict[str, Tensor]:
    content = _read_bytes(file)
    if hashlib.sha256(content).hexdigest() != expected["sha256"]:
        raise CheckpointError(f"{file} {_what_happened(file, content, step, expected)}.")
    try:
        return load(content)
    except SafetensorError as error:
        raise CheckpointError(f"{file} {_other_kind(content)}.") from error


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise CheckpointError(f"{file} is missing.") from error
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error}.") from error


def _what_happened(file: Path, content: bytes, step: int, expected: Mapping[str, Any]) -> str:
    """Say how a file came not to have its digest, as far as one can tell."""
    header = _header_of(file)
    owner = str(step) if header is None else header.get("step", "unknown")
    if owner != str(step):
        return f"is of another checkpoint: it must be of step {step}; got step {owner}"
    if content and not _begins_like_safetensors(content):
        return _other_kind(content)
    if header is None and len(content) < expected["n_bytes"]:
        return f"is truncated: it must have {expected['n_bytes']} bytes; got {len(content)}"
    return f"is altered, or of another run: it must have sha256 {expected['sha256']}"


def _begins_like_safetensors(content: bytes) -> bool:
    return content[8:9] in (b"{", b"")  # JSON, after eight bytes that hold its length


def _other_kind(content: bytes) -> str:
    if content.startswith(PICKLE_SIGNS):
        return (
            "is a pickle, not safetensors; it was not opened, because a pickle may run any program"
        )
    return "is not a safetensors file"


def _header_of(file: Path) -> dict[str, str] | None:
    """Read what a safetensors file says of itself; None if it is not whole."""
    try:
        with safe_open(file, framework="pt") as opened:
            return opened.metadata() or {}
    except SafetensorError:
        return None
