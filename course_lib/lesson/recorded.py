"""Results measured on a GPU: kept with device, date and versions, shown to all others."""

import hashlib
import json
import platform
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from course_lib.data import data_path
from course_lib.errors import DigestMismatchError, RecordRefusedError
from course_lib.lesson.progress import work_folder, write_json
from course_lib.scale import Scale

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A recorded result, or the statement that there is none yet.

    Attributes:
        name: Of the result, such as "05-pretraining".
        result: The numbers; empty if not yet measured.
        device: The GPU.
        date: When it was measured, in UTC.
        scale: "t4" or "full".
        versions: Of Python, torch, CUDA and the course.
        digest: SHA-256 of all the rest.
    """

    name: str
    result: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    date: str = ""
    scale: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    digest: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is a result."""
        return bool(self.digest)

    def __str__(self) -> str:
        if not self.measured:
            return f"{self.name}: not yet measured on a GPU."
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.name}: recorded on {self.date} with {self.device}, scale {self.scale} "
            f"({versions}); not computed here."
        )

    def compute_digest(self) -> str:
        """Compute the SHA-256 of everything but the digest itself."""
        content = {name: value for name, value in asdict(self).items() if name != "digest"}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


def record(name: str, result: dict[str, Any], *, scale: Scale, device: torch.device) -> Recorded:
    """Record what a GPU cell has measured.

    It is written to `recorded/` in the learner's work folder; `data/recorded/` in the repository
    is where the course keeps those that were reviewed.

    Args:
        name: Small letters, digits and hyphens, such as "05-pretraining".
        result: Numbers, texts, lists and dictionaries; no NaN, no infinity, and not empty.
        scale: The scale it was measured at.
        device: The device it was measured on.

    Raises:
        RecordRefusedError: If it was not measured on a CUDA GPU at scale t4 or full.
        ValueError: If the name or the result cannot be recorded.
    """
    check_result(name, result)
    if device.type != "cuda" or not torch.cuda.is_available():
        raise RecordRefusedError(f"{name} must be measured on a CUDA GPU; this ran on {device}.")
    if scale not in (Scale.T4, Scale.FULL):
        raise RecordRefusedError(f"{name} must be measured at scale t4 or full; got {scale}.")
    unsigned = Recorded(
        name=name,
        result=json.loads(json.dumps(result)),
        device=torch.cuda.get_device_name(device),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        scale=scale.value,
        versions={
            "Python": platform.python_version(),
            "torch": torch.__version__,
            "CUDA": str(torch.version.cuda),
            "course_lib": version("course-lib"),
        },
    )
    signed = Recorded(**{**asdict(unsigned), "digest": unsigned.compute_digest()})
    write_json(_own_path(name), asdict(signed))
    return signed


def check_result(name: str, result: dict[str, Any]) -> None:
    """Check that a result can be recorded under a name; a dry run checks no more than this.

    Args:
        name: Of the result.
        result: The numbers.

    Raises:
        ValueError: If the name is malformed, the result empty, or JSON cannot hold it.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name must be small letters, digits and hyphens; got name={name!r}.")
    if not isinstance(result, dict) or not result:
        raise ValueError(f"result must be a dictionary with something in it; got {result!r}.")
    try:
        json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"result must be plain numbers, texts, lists, dicts: {error}.") from None


def load_recorded(name: str) -> Recorded:
    """Find a recorded result: the course's own, else the learner's.

    Args:
        name: Of the result.

    Returns:
        The record; one that is not `measured` if there is none.

    Raises:
        DigestMismatchError: If the file was altered after it was recorded.
        ValueError: If the name is malformed.
    """
    check_result(name, {"any": "thing"})
    for path in (_course_path(name), _own_path(name)):
        if path is not None and path.is_file():
            return _read(path)
    return Recorded(name=name)


def _read(path: Path) -> Recorded:
    stored = Recorded(**json.loads(path.read_text(encoding="utf-8")))
    found = stored.compute_digest()
    if stored.digest != found:
        raise DigestMismatchError(
            f"{path.name} was altered after it was recorded: its digest is {found[:12]}…, the file "
            f"says {stored.digest[:12]}…. Measure again, or restore the file."
        )
    return stored


def _course_path(name: str) -> Path | None:
    try:
        return data_path(f"recorded/{name}.json")
    except FileNotFoundError:
        return None


def _own_path(name: str) -> Path:
    return work_folder() / "recorded" / f"{name}.json"
