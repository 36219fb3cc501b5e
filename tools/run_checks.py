"""All checks of `make test`, in order, with the seconds each took; works without make.

`python3 tools/run_checks.py` sets up `.venv` first, runs every check even if an earlier one
failed, and exits with 1 if any did. Names restrict the run: `run_checks.py ruff pytest`.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from set_up import venv_python  # noqa: E402

PYTHON = str(venv_python(ROOT / ".venv"))
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",  # two test processes share two cores
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "agg",
    "COURSE_PROGRESS": "off",
    "COURSE_CACHE_DIR": str(ROOT / "build" / "cache"),
}


@dataclass(frozen=True)
class Check:
    """One command of the list.

    Attributes:
        name: As it stands in the summary and on the command line.
        command: The program and its arguments.
        limit_seconds: When to stop it and call it failed.
    """

    name: str
    command: tuple[str, ...]
    limit_seconds: float = 600.0


@dataclass(frozen=True)
class Outcome:
    """How a check ended: `verdict` is ok, FAILED or TIMED OUT."""

    name: str
    verdict: str
    seconds: float


def all_checks() -> list[Check]:
    """List the checks in the order in which they run; the cheap ones first."""
    lessons = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb"))
    module = (PYTHON, "-m")
    pytest = (*module, "pytest", "-n", "2")
    nbval = ("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120")
    return [
        Check("installation", (sys.executable, "tools/set_up.py", "--extra", "test"), 1200.0),
        Check("ruff", (*module, "ruff", "check", ".")),
        Check("format", (*module, "ruff", "format", "--check", ".")),
        Check("basedpyright", (*module, "basedpyright")),
        Check("floors", (str(Path(PYTHON).with_name("lint-imports")),)),
        Check("pytest", (*pytest, "-m", "not network", "--durations=15"), 1500.0),
        Check("bugs", (PYTHON, "tools/plant_bugs.py", "--sample", "10")),
        Check("drift", (PYTHON, "tools/lessons.py", "check")),
        Check("nbval", (*pytest, *nbval, "--dist", "loadscope", *lessons), 900.0),
    ]


def run_check(check: Check) -> Outcome:
    """Run one check, its output passing straight through, and time it."""
    print(f"\n=== {check.name} ===", flush=True)
    start = time.perf_counter()
    process = subprocess.Popen(
        check.command,
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT},
        start_new_session=True,  # so that a time-out reaches kernels and workers as well
    )
    try:
        verdict = "ok" if process.wait(check.limit_seconds) == 0 else "FAILED"
    except subprocess.TimeoutExpired:
        verdict = "TIMED OUT"
    finally:
        stop(process)
    return Outcome(check.name, verdict, time.perf_counter() - start)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a check's process, and on POSIX all that it started."""
    if process.poll() is not None:
        return
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def summary(outcomes: list[Outcome]) -> str:
    """Write the itemised times, one check a line, and their total.

    Example:
        >>> print(summary([Outcome("ruff", "ok", 1.26), Outcome("pytest", "FAILED", 100)]))
        ruff               1.3 s  ok
        pytest           100.0 s  FAILED
        total            101.3 s
    """
    lines = [f"{item.name:<14}{item.seconds:8.1f} s  {item.verdict}" for item in outcomes]
    total = sum(item.seconds for item in outcomes)
    return "\n".join([*lines, f"{'total':<14}{total:8.1f} s"])


def main() -> int:
    """Run the checks named on the command line, or all; return the exit status."""
    checks = all_checks()
    parser = argparse.ArgumentParser(description="Run the checks of `make test`.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(c.name for c in checks))
    names = parser.parse_args().names
    unknown = set(names) - {check.name for check in checks}
    if unknown:
        parser.error(f"no check is called {', '.join(sorted(unknown))}.")
    outcomes = []
    for check in checks:
        if names and check.name not in names:
            continue
        outcomes.append(run_check(check))
        if check.name == "installation" and outcomes[-1].verdict != "ok":
            break  # nothing else can run
    print(f"\n=== times ===\n{summary(outcomes)}", flush=True)
    return int(any(outcome.verdict != "ok" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
