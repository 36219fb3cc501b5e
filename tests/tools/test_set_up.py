import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import set_up  # noqa: E402


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect what would have been run, in place of running it."""
    seen: list[list[str]] = []

    def pretend(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(command)
        if command[1:3] == ["-m", "venv"]:
            set_up.venv_python(Path(command[3])).parent.mkdir(parents=True)
            set_up.venv_python(Path(command[3])).touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(set_up.subprocess, "run", pretend)
    return seen


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 4), (3, 13, 9)])
def test_pythons_that_fit(version: tuple[int, ...]) -> None:
    assert set_up.version_problem(version) is None


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_pythons_that_do_not_fit_are_named_with_a_way_out(version: tuple[int, ...]) -> None:
    problem = set_up.version_problem(version)
    assert f"this is Python {version[0]}.{version[1]}" in problem
    assert "make course PYTHON=python3.12" in problem


def test_the_range_is_the_projects() -> None:
    import tomllib

    from packaging.specifiers import SpecifierSet

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    accepted = SpecifierSet(project["requires-python"])
    for minor in range(8, 17):
        fits = set_up.version_problem((3, minor, 1)) is None
        assert fits == (f"3.{minor}.1" in accepted)


def test_the_script_parses_on_an_old_python() -> None:
    import ast

    ast.parse((ROOT / "tools" / "set_up.py").read_text("utf-8"), feature_version=(3, 8))


def test_first_call_installs_with_the_pins_and_second_does_nothing(
    tmp_path: Path, commands: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "venv"
    set_up.set_up(folder, "test")
    first = list(commands)
    set_up.set_up(folder, "test")
    set_up.set_up(folder, "")  # the test group contains the course
    python = str(set_up.venv_python(folder))
    assert first == commands == [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", "-e", ".[test]"],
    ]  # fmt: skip
    assert "Installed in" in capsys.readouterr().out


def test_a_changed_pin_installs_again(
    tmp_path: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(set_up, "ROOT", tmp_path)
    set_up.set_up(tmp_path / "venv", "")
    with (tmp_path / "constraints.txt").open("a") as stream:
        stream.write("new==1\n")
    set_up.set_up(tmp_path / "venv", "")
    installs = [command for command in commands if "install" in command]
    assert len(installs) == 2
    assert installs[1][-2:] == ["-e", "."]


def test_a_failed_installation_leaves_no_stamp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str], **_: object) -> None:
        tmp_path.joinpath("venv").mkdir(exist_ok=True)
        raise subprocess.CalledProcessError(7, command)

    monkeypatch.setattr(set_up.subprocess, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        set_up.set_up(tmp_path / "venv", "")
    assert list((tmp_path / "venv").iterdir()) == []
