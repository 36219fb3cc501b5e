import subprocess
import sys
import time
from importlib import metadata

import pytest

from course_lib.cli import doctor
from course_lib.cli.doctor import (
    check_device,
    check_disk,
    check_hub,
    check_memory,
    check_packages,
    check_python,
    findings,
    report,
)
from course_lib.cli.finding import Finding

GIB = 2**30


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 10, 9), "missing"), ((3, 11, 0), "ok"), ((3, 13, 7), "ok"), ((3, 14, 0), "missing")],
)
def test_python_versions(version: tuple[int, ...], state: str) -> None:
    finding = check_python(version, ">=3.11,<3.14")
    assert finding.state == state
    assert bool(finding.fix) == (state == "missing")


def test_all_packages_of_the_course_are_here() -> None:
    finding = check_packages(metadata.requires("course-lib") or [])
    assert finding.state == "ok"
    core = [text for text in metadata.requires("course-lib") or [] if "extra ==" not in text]
    assert finding.text == f"all {len(core)} are there, at versions that fit"


def test_each_missing_or_unfit_package_is_named() -> None:
    version = metadata.version("numpy")
    finding = check_packages(
        ["numpy<1", "scipy", "no-such-thing>=2", 'nor-this; extra == "docs"', "torch>=2"]
    )
    assert finding.state == "missing"
    assert finding.text == f"numpy is {version}, but must be <1; no-such-thing is not installed"
    assert "pip install -c constraints.txt" in finding.fix


def test_the_device_is_the_one_lessons_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert check_device().text.startswith("CPU, ")


def test_a_broken_torch_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    finding = check_device()
    assert (finding.state, finding.subject) == ("missing", "Device")


@pytest.mark.parametrize(("gib", "state"), [(1.9, "note"), (2.0, "ok")])
def test_memory(gib: float, state: str) -> None:
    finding = check_memory(int(gib * GIB))
    assert (finding.state, finding.text) == (state, f"{gib:.1f} GiB free")


@pytest.mark.parametrize(("gib", "state"), [(0.5, "note"), (1.0, "ok")])
def test_disk(gib: float, state: str) -> None:
    finding = check_disk(int(gib * GIB))
    assert (finding.state, bool(finding.fix)) == (state, state == "note")


def test_the_hub_is_not_asked_in_offline_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    finding = check_hub()
    assert finding.state == "note"
    assert "offline mode" in finding.text


def test_a_hub_that_never_answers_does_not_hold_us_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        start = time.perf_counter()
        finding = check_hub(patience_seconds=0.3)
    assert time.perf_counter() - start < 2
    assert finding.state == "note"


def test_a_missing_package_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["no-such-thing"])
    assert [item.subject for item in findings()] == ["Course", "Python", "Packages"]


def test_a_course_that_is_not_installed_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "metadata", absent)
    (finding,) = findings()
    assert (finding.state, finding.subject) == ("missing", "Course")


def test_the_report_shows_fixes_and_the_conclusion() -> None:
    found = [
        Finding(state="ok", subject="Python", text="3.11.7"),
        Finding(state="missing", subject="Packages", text="torch is not installed", fix="pip"),
    ]
    assert report(found).splitlines() == [
        "ok       Python    3.11.7",
        "missing  Packages  torch is not installed",
        "                   → pip",
        "",
        "The course cannot run yet: see Packages above.",
    ]
    assert report(found[:1]).endswith("The course can run here. Begin with: course start 00")


def test_the_command_runs_here_and_looks_at_everything() -> None:
    environment = {"HF_HUB_OFFLINE": "1", "PATH": ""}
    command = [sys.executable, "-m", "course_lib.cli", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    subjects = [line[9:18].strip() for line in done.stdout.splitlines() if line[:1].strip()]
    assert subjects[:9] == [
        "Course", "Python", "Packages", "Device", "Allocator", "Memory", "Disk", "Data", "Hub",
    ]  # fmt: skip
    assert done.stderr == ""
