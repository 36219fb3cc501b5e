"""What a training run was asked for: kept in its folder, so that it can be resumed as it began."""

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from course_lib.errors import CourseError

PresetName = Literal["tiny", "small", "gpt2"]

RUN = "run.json"
"""Where the settings lie in the folder of a run."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """What decides the outcome of a run.

    Attributes:
        text: The files, as absolute paths.
        text_sha256: Digest of what they hold.
        preset: Name of the sizes.
        steps: How many optimiser steps; None if the preset and the length of the text decide.
        seed: For all chance.
        precision: As in `TrainingConfig`.
        float32_products: As in `NumberFormat`.
    """

    text: list[str]
    text_sha256: str
    preset: PresetName
    steps: int | None
    seed: int
    precision: Literal["float32", "bfloat16", "float16"]
    float32_products: Literal["highest", "medium"]

    def write(self, folder: Path) -> None:
        """Write the settings into a folder, which is made; whole or not at all.

        Raises:
            CourseError: If that is not possible.
        """
        new = folder / f"{RUN}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(asdict(self), indent=1), "utf-8")
            os.replace(new, folder / RUN)
        except OSError as error:
            raise CourseError(f"{folder} cannot be written: {error.strerror}.") from error


def read_run(folder: Path, *, resume: bool) -> RunSettings | None:
    """Read the settings of the run that is to be resumed.

    Args:
        folder: Of the run.
        resume: Whether there may be a run in it.

    Returns:
        The settings; None if the folder is empty or not there, so that a new run can begin.

    Raises:
        CourseError: If the folder holds something and `resume` is False, or holds no run, or its
            settings are damaged.
    """
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"--out must be a folder; {folder} is a file.")
    if not folder.exists() or not any(folder.iterdir()):
        return None
    has_run = (folder / RUN).is_file()
    if not resume:
        hint = f" Go on with the run in it: {resume_command(folder)}" if has_run else ""
        raise CourseError(f"--out must be a new or an empty folder; {folder} is not empty.{hint}")
    if not has_run:
        raise CourseError(f"{folder} must hold a run to resume; it has no {RUN}.")
    try:
        return RunSettings(**json.loads((folder / RUN).read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise CourseError(f"{folder / RUN} is damaged ({error}); begin a new run.") from error


def check_same(recorded: RunSettings, given: Mapping[str, object]) -> None:
    """Refuse to resume a run with other options than it began with.

    Args:
        recorded: How it began.
        given: Values of options by name; None for those not given.

    Raises:
        CourseError: If one differs.
    """
    for name, value in given.items():
        before = getattr(recorded, name)
        if value is not None and value != before:
            raise CourseError(
                f"--{name} must be as it was when the run began ({before}), or left out; got "
                f"{value}. For another run, choose another --out."
            )


def resume_command(folder: Path) -> str:
    """Write the command that resumes a run, for a shell.

    Args:
        folder: Of the run.

    Example:
        >>> print(resume_command(Path("my model")))
        course train gpt --out 'my model' --resume
    """
    return shlex.join(["course", "train", "gpt", "--out", str(folder), "--resume"])
