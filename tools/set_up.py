"""Make `.venv` and install the course into it; quick when nothing has changed since.

`python3 tools/set_up.py` installs the course; `--extra test` adds what `make test` needs.
Only the standard library is used, and no syntax newer than Python 3.8, so that an old Python
is told what it lacks instead of stopping at a syntax error.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, TOO_NEW = (3, 11), (3, 14)


def version_problem(version):
    """Return what to say if the course does not run on this Python, else None.

    Args:
        version: The Python version, as (major, minor, …).
    """
    if OLDEST <= tuple(version[:2]) < TOO_NEW:
        return None
    found = ".".join(str(part) for part in version[:2])
    return (
        f"Python must be 3.11, 3.12 or 3.13; this is Python {found}.\n"
        "If you have another one, name it: make course PYTHON=python3.12\n"
        "(without make: python3.12 tools/set_up.py)."
    )


def venv_python(folder):
    """Return where the Python of a virtual environment lies on this system."""
    if os.name == "nt":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def wanted_state(extra):
    """Return a digest of all that decides what is installed."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    digest.update(f"{ROOT} {extra}".encode())  # an editable install points at its folder
    return digest.hexdigest()


def install(folder, extra):
    """Create the environment if it is not there and install the course with its pins.

    Args:
        folder: The virtual environment.
        extra: Name of a group of optional dependencies; empty for the course alone.

    Raises:
        subprocess.CalledProcessError: If `venv` or `pip` fails; it has said why.
    """
    python = venv_python(folder)
    if not python.exists():
        print(f"Creating {folder.name} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    target = f".[{extra}]" if extra else "."
    print(f"Installing {target} with constraints.txt (some minutes the first time) …", flush=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "-c", "constraints.txt"]
    subprocess.run([*command, "-e", target], cwd=ROOT, check=True)


def set_up(folder, extra):
    """Bring the environment up to date, and do nothing if it is.

    Args:
        folder: The virtual environment.
        extra: Name of a group of optional dependencies; empty for the course alone.
    """
    stamp = folder / f".installed-{extra or 'course'}"
    state = wanted_state(extra)
    if stamp.exists() and stamp.read_text() == state:
        return
    start = time.perf_counter()
    install(folder, extra)
    stamp.write_text(state)
    (folder / ".installed-course").write_text(wanted_state(""))  # every extra contains it
    print(f"Installed in {time.perf_counter() - start:.0f} s.", flush=True)


def main():
    """Read the command line and set up."""
    parser = argparse.ArgumentParser(description="Make .venv and install the course into it.")
    parser.add_argument("--extra", default="", choices=["", "test", "docs", "grade"])
    arguments = parser.parse_args()
    problem = version_problem(sys.version_info)
    if problem:
        return problem
    try:
        set_up(ROOT / ".venv", arguments.extra)
    except subprocess.CalledProcessError as error:
        return (
            f"Set-up failed (exit status {error.returncode}); the lines above say why.\n"
            "On Debian and Ubuntu, venv needs the system package python3-venv."
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
