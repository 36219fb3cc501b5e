import os
import platform
import subprocess
import sys
from typing import NoReturn

import pytest

from course_lib.cli import allocator
from course_lib.cli.allocator import (
    ALLOCATOR_SETTINGS,
    allocator_settings,
    check_allocator,
    has_allocator_settings,
    restart_if_it_trains,
)

NAMES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_")
ON_GLIBC = pytest.mark.skipif(
    not has_allocator_settings(), reason="they are settings of glibc's allocator"
)


@pytest.fixture
def glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))


@pytest.mark.parametrize(
    ("library", "version", "expected"),
    [
        ("glibc", "2.36", True),
        ("glibc", "2.41", True),
        ("glibc", "3.0", True),
        ("glibc", "2.35", False),
        ("glibc", "2.9", False),
        ("musl", "9.9", False),
        ("", "", False),
    ],
)
def test_which_c_libraries_know_the_settings(
    library: str, version: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: (library, version))
    assert has_allocator_settings() is expected
    assert tuple(allocator_settings({})) == (NAMES if expected else ())


@pytest.mark.usefixtures("glibc")
def test_what_the_user_has_set_stays() -> None:
    settings = allocator_settings({"MALLOC_TOP_PAD_": "7", "PATH": ""})
    assert settings == {
        "MALLOC_TRIM_THRESHOLD_": "4294967296",
        "MALLOC_MMAP_THRESHOLD_": "4294967296",
    }
    assert ALLOCATOR_SETTINGS["MALLOC_TOP_PAD_"] == "268435456"


PROGRAM = """
import ctypes
libc = ctypes.CDLL(None)
libc.sbrk.restype = libc.malloc.restype = ctypes.c_void_p
libc.sbrk.argtypes = [ctypes.c_ssize_t]
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
before = libc.sbrk(0)
libc.free(libc.malloc(700 * 2**20))
print((libc.sbrk(0) - before) // 2**20)
"""


@ON_GLIBC
def test_the_allocator_obeys() -> None:
    """Measured from outside: after 700 MiB were taken and freed, the heap is larger."""
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    grown = []
    for environment in (plain, {**plain, **ALLOCATOR_SETTINGS}):
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        grown.append(int(done.stdout))
    assert grown[0] < 10
    assert grown[1] > 400  # not all 700: up to 256 MiB were there from the start


@pytest.mark.usefixtures("glibc")
@pytest.mark.parametrize("command", ["train", "recipe"])
def test_a_command_that_trains_starts_again_with_the_settings(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Replaced(Exception):
        pass

    def execve(path: str, arguments: list[str], environment: dict[str, str]) -> NoReturn:
        raise Replaced(path, arguments, environment)

    monkeypatch.setattr(allocator.os, "execve", execve)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_TOP_PAD_", "7")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "course_lib.cli", command, "x"])
    with pytest.raises(Replaced) as replaced:
        restart_if_it_trains([command, "x"])
    path, arguments, environment = replaced.value.args
    assert (path, arguments) == (sys.executable, ["python", "-m", "course_lib.cli", command, "x"])
    assert environment == {**os.environ, **ALLOCATOR_SETTINGS, "MALLOC_TOP_PAD_": "7"}


@pytest.mark.usefixtures("glibc")
@pytest.mark.parametrize("arguments", [[], ["doctor"], ["run", "train"], ["--help"]])
def test_other_commands_go_on(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    restart_if_it_trains(arguments)


@pytest.mark.usefixtures("glibc")
def test_nobody_starts_again_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "7")
    restart_if_it_trains(["train"])


@ON_GLIBC
def test_the_command_itself_starts_again() -> None:
    """Seen from outside: the same process, with the settings, whatever `train` then says."""
    program = (
        "import os, sys; from course_lib.cli.allocator import restart_if_it_trains; "
        "restart_if_it_trains(sys.argv[1:]); print(os.environ['MALLOC_TOP_PAD_'], sys.argv)"
    )
    plain = {name: value for name, value in os.environ.items() if name not in NAMES}
    command = [sys.executable, "-c", program, "train", "two words"]
    done = subprocess.run(command, capture_output=True, text=True, env=plain)
    assert done.stdout == "268435456 ['-c', 'train', 'two words']\n", done.stderr


@pytest.mark.usefixtures("glibc")
def test_the_doctor_explains() -> None:
    kept = check_allocator(ALLOCATOR_SETTINGS)
    assert (kept.state, kept.subject, kept.fix) == ("ok", "Allocator", "")
    assert kept.text == "freed memory is kept, so that training on the CPU is faster"
    partly = check_allocator({**ALLOCATOR_SETTINGS, "MALLOC_TOP_PAD_": "7"})
    assert partly == kept
    off = check_allocator({"MALLOC_TOP_PAD_": "7"})
    assert off.state == "ok"
    assert off.text.startswith("`course train`, ")
    assert off.fix.endswith(
        "python: MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_MMAP_THRESHOLD_=4294967296"
    )


def test_the_doctor_has_nothing_to_explain_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    finding = check_allocator({})
    assert (finding.state, finding.fix) == ("ok", "")
    assert finding.text == "no glibc from 2.36 on, so nothing is set"
