"""`course doctor`: what is there, what is missing, and how to get it, in plain words."""

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import typer
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_lib.cli.allocator import check_allocator
from course_lib.cli.finding import Finding

INSTALL = "pip install -c constraints.txt -e .   (in the course's folder)"
GIB = 2**30


def check_python(version: Sequence[int], accepted: str) -> Finding:
    """Compare the Python version with the range that the course accepts.

    Args:
        version: (major, minor, micro).
        accepted: The range, as `pyproject.toml` writes it.

    Example:
        >>> check_python((3, 10, 2), ">=3.11,<3.14").state
        'missing'
    """
    found = ".".join(str(part) for part in version[:3])
    if found in SpecifierSet(accepted):
        return Finding(state="ok", subject="Python", text=found)
    fix = "install Python 3.11, 3.12 or 3.13, delete .venv, and set the course up again"
    text = f"{found}, but the course needs {accepted}"
    return Finding(state="missing", subject="Python", text=text, fix=fix)


def package_problem(requirement: Requirement) -> str | None:
    """Say what is wrong with an installed package, or None if nothing is."""
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return None
    return f"{requirement.name} is {found}, but must be {requirement.specifier}"


def check_packages(requirements: Sequence[str]) -> Finding:
    """Compare the installed packages with what the course requires.

    Args:
        requirements: As the course's metadata list them; those of optional groups are skipped.
    """
    parsed = [Requirement(text) for text in requirements]
    needed = [item for item in parsed if item.marker is None or item.marker.evaluate()]
    problems = [problem for item in needed if (problem := package_problem(item))]
    if problems:
        return Finding(state="missing", subject="Packages", text="; ".join(problems), fix=INSTALL)
    text = f"all {len(needed)} are there, at versions that fit"
    return Finding(state="ok", subject="Packages", text=text)


def check_device() -> Finding:
    """Say what the lessons will compute on."""
    try:
        import torch

        from course_lib.scale import choose_device
    except (ImportError, OSError) as error:  # OSError: a shared library of torch is missing
        return Finding(state="missing", subject="Device", text=f"no torch: {error}", fix=INSTALL)
    device = choose_device()
    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        text = f"GPU {card.name} with {card.total_memory / GIB:.0f} GiB"
        return Finding(state="ok", subject="Device", text=f"{text}, torch {torch.__version__}")
    kind = "Apple GPU" if device.type == "mps" else "CPU"
    text = f"{kind}, {os.cpu_count()} cores, torch {torch.__version__}; enough for every lesson"
    return Finding(state="ok", subject="Device", text=text)


def check_memory(available_bytes: int) -> Finding:
    """Compare the free memory with what the largest lesson needs.

    Args:
        available_bytes: What programs can still be given without swapping.
    """
    text = f"{available_bytes / GIB:.1f} GiB free"
    if available_bytes >= 2 * GIB:
        return Finding(state="ok", subject="Memory", text=text)
    fix = "a lesson takes up to 2 GiB: close other programs and other notebooks' kernels"
    return Finding(state="note", subject="Memory", text=text, fix=fix)


def check_disk(free_bytes: int) -> Finding:
    """Compare the free disk space with what the lessons' caches and outputs need.

    Args:
        free_bytes: Free space where the current folder lies.
    """
    text = f"{free_bytes / GIB:.1f} GiB free"
    if free_bytes >= GIB:
        return Finding(state="ok", subject="Disk", text=text)
    fix = "keep 1 GiB free for caches and for the lessons' outputs"
    return Finding(state="note", subject="Disk", text=text, fix=fix)


def check_hub(patience_seconds: float = 3.0) -> Finding:
    """Say whether data sets could be fetched from the Hugging Face hub.

    Args:
        patience_seconds: How long to wait for an answer.
    """
    from course_lib.data import why_hub_unreachable

    obstacle = why_hub_unreachable(patience_seconds)
    if obstacle is None:
        return Finding(state="ok", subject="Hub", text="the Hugging Face hub answers")
    fix = "nothing for the lessons, which need no network; larger data sets come from the hub"
    return Finding(state="note", subject="Hub", text=obstacle, fix=fix)


def findings() -> list[Finding]:
    """Look at everything, in the order in which it is shown.

    What comes after the packages needs them, so a missing package ends the list.
    """
    try:
        course = metadata.metadata("course-lib")
    except metadata.PackageNotFoundError:
        text = "the package course-lib is not installed in this Python"
        return [Finding(state="missing", subject="Course", text=text, fix=INSTALL)]
    found = [
        Finding(state="ok", subject="Course", text=f"version {course['Version']}"),
        check_python(sys.version_info[:3], course["Requires-Python"]),
        check_packages(metadata.requires("course-lib") or []),
    ]
    if found[-1].state == "missing":
        return found
    import psutil

    from course_lib.cli.data import check_data

    return [
        *found,
        check_device(),
        check_allocator(os.environ),
        check_memory(psutil.virtual_memory().available),
        check_disk(shutil.disk_usage(Path.cwd()).free),
        check_data(),
        check_hub(),
    ]


def report(found: Sequence[Finding]) -> str:
    """Write the findings, each with its fix, and what follows from them.

    Args:
        found: What was found.
    """
    lines = []
    for item in found:
        lines.append(f"{item.state:<8} {item.subject:<9} {item.text}")
        if item.fix:
            lines.append(f"{'':<18} → {item.fix}")
    missing = [item.subject for item in found if item.state == "missing"]
    if missing:
        return "\n".join(
            [*lines, "", f"The course cannot run yet: see {', '.join(missing)} above."]
        )
    return "\n".join([*lines, "", "The course can run here. Begin with: course start 00"])


def command() -> None:
    """Say what is there, what is missing, and how to get it."""
    found = findings()
    print(report(found))
    raise typer.Exit(int(any(item.state == "missing" for item in found)))
