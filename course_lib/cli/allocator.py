"""Settings of the C library's memory allocator under which training on a CPU is faster.

A training step frees large arrays and asks for the same ones again. Left alone, glibc gives such
memory back to the system each time, which then clears every page before handing it out once more.
Told to keep it, the process stays as large as it once was, and a step does not wait for pages.

glibc reads the settings when a process starts, so they go into the environment of processes that
are about to be started; a running process must replace itself to get them.
"""

import os
import platform
import sys
from collections.abc import Mapping, Sequence

from course_lib.cli.finding import Finding

GIB = 2**30

ALLOCATOR_SETTINGS = {
    # Free memory at the end of the heap is given back from this size on, in bytes.
    "MALLOC_TRIM_THRESHOLD_": str(4 * GIB),
    # From this size on, an array has pages of its own, which go back as soon as it is freed.
    "MALLOC_MMAP_THRESHOLD_": str(4 * GIB),
    # The heap grows by at least this many bytes more than is asked for.
    "MALLOC_TOP_PAD_": str(GIB // 4),
}
"""For glibc, after https://man7.org/linux/man-pages/man3/mallopt.3.html; others ignore them."""

OLDEST_GLIBC = (2, 36)
"""The oldest in which all three were seen to work; one that refuses the second, as the manual page
says, but takes the first, would give back even small arrays."""

TRAINING_COMMANDS = ("train", "recipe")
"""The subcommands that train in the process of `course` itself."""


def has_allocator_settings() -> bool:
    """Say whether this Python runs on a C library that knows the settings."""
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(int(part) for part in version.split(".")) >= OLDEST_GLIBC


def allocator_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what to add to the environment of a process that will train.

    Args:
        environment: What it would be started with; settings that are there already stay.

    Returns:
        Names and values; none if the C library does not know them.
    """
    if not has_allocator_settings():
        return {}
    return {name: value for name, value in ALLOCATOR_SETTINGS.items() if name not in environment}


def restart_with_settings() -> None:
    """Replace this process by itself with the settings, unless it has them or cannot have them.

    Where nothing is to be done, it returns. It must come first: what was computed is lost.
    """
    settings = allocator_settings(os.environ)
    if settings:
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **settings})


def restart_if_it_trains(arguments: Sequence[str]) -> None:
    """Call `restart_with_settings` if the subcommand is one that trains.

    Args:
        arguments: Those of `course`.
    """
    if arguments and arguments[0] in TRAINING_COMMANDS:
        restart_with_settings()


def check_allocator(environment: Mapping[str, str]) -> Finding:
    """Say whether freed memory is kept, and who takes care of it.

    Args:
        environment: That of this process.
    """
    subject = "Allocator"
    if not has_allocator_settings():
        text = f"no glibc from {OLDEST_GLIBC[0]}.{OLDEST_GLIBC[1]} on, so nothing is set"
        return Finding(state="ok", subject=subject, text=text)
    missing = allocator_settings(environment)
    if not missing:
        text = "freed memory is kept, so that training on the CPU is faster"
        return Finding(state="ok", subject=subject, text=text)
    text = "`course train`, `recipe`, `run`, `start` and `lab` keep freed memory: faster on the CPU"
    fix = "for scripts of your own, before python: " + " ".join(
        f"{name}={value}" for name, value in missing.items()
    )
    return Finding(state="ok", subject=subject, text=text, fix=fix)
