import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app
from course_lib.cli.start import lab_command
from course_lib.lesson.lessons import LESSONS


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect the commands that would have opened JupyterLab, which ends with status 3."""
    commands: list[list[str]] = []

    def pretend(command: list[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "work"))
    monkeypatch.setattr("course_lib.cli.start.subprocess.run", pretend)
    return commands


def test_start_makes_the_learners_copy_and_opens_it(lab: list[list[str]], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["start", LESSONS[-1].split("_")[0]])
    copy = tmp_path / "work" / f"{LESSONS[-1]}.ipynb"
    assert copy.is_file()
    assert f"Your copy: {copy}" in done.output.replace("\n", "")
    assert lab == [[sys.executable, "-m", "jupyterlab", copy.as_posix()]]
    assert done.exit_code == 3, "the status is JupyterLab's own"


def test_jupyterlab_keeps_freed_memory(
    lab: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    environments: list[dict[str, str]] = []

    def pretend(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
        environments.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("course_lib.cli.start.subprocess.run", pretend)
    monkeypatch.setattr("course_lib.cli.start.allocator_settings", lambda _: {"KEEP": "yes"})
    CliRunner().invoke(app, ["lab"])
    assert environments == [{**os.environ, "KEEP": "yes"}]
    assert lab == []


def test_start_twice_keeps_what_the_learner_wrote(lab: list[list[str]], tmp_path: Path) -> None:
    CliRunner().invoke(app, ["start", LESSONS[0], "--copy-only"])
    copy = tmp_path / "work" / f"{LESSONS[0]}.ipynb"
    copy.write_text(copy.read_text("utf-8").replace("# ", "# mine: ", 1), "utf-8")
    before = copy.read_text("utf-8")
    done = CliRunner().invoke(app, ["start", LESSONS[0], "--copy-only"])
    assert done.exit_code == 0
    assert "mine: " in before
    assert copy.read_text("utf-8") == before
    assert lab == []


def test_lab_opens_the_first_lesson_without_a_browser(lab: list[list[str]], tmp_path: Path) -> None:
    CliRunner().invoke(app, ["lab", "--no-browser"])
    assert lab == [lab_command(tmp_path / "work" / f"{LESSONS[0]}.ipynb", browser=False)]
    assert lab[0][-1] == "--no-browser"
