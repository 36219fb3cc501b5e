import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import run_checks  # noqa: E402
from run_checks import Check, Outcome, all_checks, run_check, summary  # noqa: E402


def python(program: str, limit_seconds: float = 60.0) -> Check:
    """Make a check of a one-line program."""
    return Check("sample", (sys.executable, "-c", program), limit_seconds)


def test_the_order_is_the_promised_one() -> None:
    names = [check.name for check in all_checks()]
    assert names == [
        "installation", "ruff", "format", "basedpyright", "floors",
        "pytest", "bugs", "drift", "nbval",
    ]  # fmt: skip


def test_every_lesson_is_given_to_nbval() -> None:
    command = all_checks()[-1].command
    lessons = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {Path(item).name for item in command if item.endswith(".ipynb")} == lessons
    assert "--nbval-cell-timeout=120" in command
    assert command[command.index("--dist") + 1] == "loadscope"


@pytest.mark.parametrize(("program", "verdict"), [("pass", "ok"), ("exit(3)", "FAILED")])
def test_the_exit_status_decides(program: str, verdict: str) -> None:
    outcome = run_check(python(program))
    assert (outcome.name, outcome.verdict) == ("sample", verdict)
    assert 0 < outcome.seconds < 30


def test_checks_run_offline_with_one_thread_in_the_repository() -> None:
    program = (
        "import os; assert os.environ['HF_HUB_OFFLINE'] == os.environ['OMP_NUM_THREADS'] == '1'; "
        "assert os.environ['COURSE_PROGRESS'] == 'off'; assert os.path.exists('pyproject.toml')"
    )
    assert run_check(python(program)).verdict == "ok"


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX only")
def test_a_time_out_ends_the_check_and_what_it_started(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        f"open({str(note)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    outcome = run_check(python(program, limit_seconds=3.0))
    assert outcome.verdict == "TIMED OUT"
    assert 3 <= outcome.seconds < 20
    import psutil

    time.sleep(0.2)
    child = int(note.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_the_summary_adds_up() -> None:
    lines = summary([Outcome("a", "ok", 1.5), Outcome("b", "TIMED OUT", 2.0)]).splitlines()
    assert [line.split() for line in lines] == [
        ["a", "1.5", "s", "ok"],
        ["b", "2.0", "s", "TIMED", "OUT"],
        ["total", "3.5", "s"],
    ]


def test_a_failed_check_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bad, good = python("exit(1)"), Check("later", (sys.executable, "-c", "print('still here')"))
    monkeypatch.setattr(run_checks, "all_checks", lambda: [bad, good])
    monkeypatch.setattr(sys, "argv", ["run_checks.py"])
    assert run_checks.main() == 1
    output = capfd.readouterr().out
    assert "still here" in output
    assert output.rindex("=== times ===") > output.rindex("=== later ===")


def test_without_an_installation_nothing_else_runs(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = Check("installation", (sys.executable, "-c", "exit(1)"))
    monkeypatch.setattr(run_checks, "all_checks", lambda: [broken, python("print('ran')")])
    monkeypatch.setattr(sys, "argv", ["run_checks.py"])
    assert run_checks.main() == 1
    assert "\nran" not in capfd.readouterr().out


def test_checks_can_be_chosen_by_name(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = [python("exit(1)"), Check("other", (sys.executable, "-c", "pass"))]
    monkeypatch.setattr(run_checks, "all_checks", lambda: checks)
    monkeypatch.setattr(sys, "argv", ["run_checks.py", "other"])
    assert run_checks.main() == 0
    monkeypatch.setattr(sys, "argv", ["run_checks.py", "nosuch"])
    with pytest.raises(SystemExit):
        run_checks.main()
    assert "no check is called nosuch" in capfd.readouterr().err


def test_the_makefile_gives_what_the_readme_gives() -> None:
    """Every target of the Makefile is described in the README without make."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    recipes = [line.removeprefix("\t@") for line in makefile.splitlines() if line[:1] == "\t"]
    for recipe in recipes[1:]:  # the first prints the help
        for command in recipe.replace("$(PYTHON)", "python3").split(" && "):
            assert command.replace("python3 ", "").replace(".venv/bin/", "") in readme


def test_make_help_names_every_target() -> None:
    # `make test` runs this test, and a make inside a make prints where it is.
    command = ["make", "--no-print-directory"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    targets = [line.split()[1] for line in done.stdout.splitlines()]
    assert targets == ["help", "course", "test", "lab", "lessons", "bugs"]
