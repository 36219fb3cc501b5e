"""Plant one-line bugs in the library, one at a time, and fail if the tests let one live.

`python tools/plant_bugs.py` tries every bug in the packages that hold mathematics;
`--sample 12` tries a small fixed sample; names of files restrict it to them. No file is
changed: a child process imports the library with the bug in it and runs the mirrored test.
"""

import argparse
import importlib.abc
import importlib.util
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from bugs import Bug, find_bugs  # noqa: E402

PACKAGES = (
    "evaluation",
    "tokenizers",
    "nn",
    "embeddings",
    "models",
    "generation",
    "compute",
    "training",
)
COMPARED = ("course_lib/models/", "course_lib/generation/", "course_lib/finetuning/")
"""What begins so is tested against transformers."""

LIMIT_SECONDS = 120
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "agg",
    "COURSE_PLANTED_BUG": "1",
}


class BuggyLoader(importlib.abc.SourceLoader):
    """Loads one module from a text instead of its file."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def get_filename(self, fullname: str) -> str:
        """Return the file the text stands for."""
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        """Return the text, whatever is asked for; there is no compiled copy."""
        return self.text.encode()

    def get_code(self, fullname: str) -> CodeType:
        """Compile the text, past Python's cache of compiled files."""
        return compile(self.text, str(self.path), "exec")


class BuggyFinder(importlib.abc.MetaPathFinder):
    """Answers for one module, before Python's own finders do."""

    def __init__(self, name: str, loader: BuggyLoader) -> None:
        self.name, self.loader = name, loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the buggy module's spec if it is the one asked for."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self.loader, is_package=False)


def mirrored_test(module: str) -> str:
    """Name the test file of a library file: `course_lib/a/b.py` → `tests/a/test_b.py`.

    Example:
        >>> mirrored_test("course_lib/nn/loss.py")
        'tests/nn/test_loss.py'
    """
    path = Path(module)
    return (Path("tests", *path.parts[1:-1]) / f"test_{path.name}").as_posix()


def judges_of(root: Path, module: str) -> list[str]:
    """Find what judges a file: first its mirrored test, then all tests of its package."""
    mirrored = mirrored_test(module)
    package = Path(mirrored).parent.as_posix()
    return [mirrored, package] if (root / mirrored).exists() else [package]


def run_test(root: Path, judge: str, module: str, text: str | None) -> int:
    """Run a judge in this process, with the bug in the module; return pytest's exit code."""
    import pytest

    if text is not None:
        name = module.removesuffix(".py").replace("/", ".")
        sys.meta_path.insert(0, BuggyFinder(name, BuggyLoader(root / module, text)))
    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ.update(ENVIRONMENT)
    arguments = ["-x", "-q", "--no-header"]
    for plugin in ("cacheprovider", "xdist", "nbval", "anyio"):  # not needed, and slow to import
        arguments += ["-p", f"no:{plugin}"]
    arguments += ["-m", "not slow and not network"]
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # warm_up imported plugins
    return int(pytest.main([*arguments, judge]))


def run_in_child(root: Path, judge: str, module: str, text: str | None) -> str:
    """Run a judge in a child process; return "passed", "failed" or "too long"."""
    if not hasattr(os, "fork"):
        return _run_in_subprocess(root, judge, module, text)
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        code = 1
        try:
            code = run_test(root, judge, module, text)
        finally:
            os._exit(code)
    return _wait(child)


def _wait(child: int) -> str:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "passed" if os.waitstatus_to_exitcode(status) == 0 else "failed"
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "too long"


def _run_in_subprocess(root: Path, judge: str, module: str, text: str | None) -> str:
    command = [sys.executable, __file__, "--root", str(root), "--judge", judge, "--child", module]
    try:
        done = subprocess.run(
            command, input=text or "", text=True, capture_output=True, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return "too long"
    return "passed" if done.returncode == 0 else "failed"


def harmless(root: Path) -> dict[str, str]:
    """Read the bugs that change nothing anyone can see, with the reason, by digest."""
    path = root / "tools" / "harmless_bugs.toml"
    if not path.exists():
        return {}
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["bug"]
    return {row["digest"]: row["reason"] for row in rows}


def modules_of(root: Path, packages: Sequence[str]) -> list[str]:
    """List the library files of some packages; an `__init__` only re-exports."""
    paths = (path for name in packages for path in (root / "course_lib" / name).glob("*.py"))
    return sorted(p.relative_to(root).as_posix() for p in paths if p.name != "__init__.py")


def choose(bugs: list[Bug], sample: int | None) -> list[Bug]:
    """Take a fixed sample (the smallest digests), at most one bug a file until all had one."""
    if sample is None:
        return bugs
    seen: dict[str, int] = {}
    ranked: list[tuple[int, str, Bug]] = []
    for bug in sorted(bugs, key=lambda bug: bug.digest):
        seen[bug.module] = seen.get(bug.module, 0) + 1
        ranked.append((seen[bug.module], bug.digest, bug))
    return [bug for _, _, bug in sorted(ranked, key=lambda row: row[:2])[:sample]]


def hunt(root: Path, bugs: list[Bug]) -> list[Bug]:
    """Plant each bug and return the survivors, printing one line a bug.

    A bug that outlives its module's test is tried against all tests of the package.

    Raises:
        SystemExit: If a module's test fails without any bug: then nothing can be concluded.
    """
    for module in sorted({bug.module for bug in bugs}):
        judge = judges_of(root, module)[0]
        if run_in_child(root, judge, module, None) != "passed":
            raise SystemExit(f"{judge} must pass before bugs are planted.")
    survivors = []
    for number, bug in enumerate(bugs, start=1):
        source = (root / bug.module).read_text(encoding="utf-8")
        text, judges = bug.plant(source), judges_of(root, bug.module)
        lives = all(run_in_child(root, judge, bug.module, text) == "passed" for judge in judges)
        verdict = "LIVES" if lives else "killed"
        print(f"[{number}/{len(bugs)}] {verdict} {bug.digest} {bug.module}:{bug.line} {bug.after}")
        sys.stdout.flush()
        if lives:
            survivors.append(bug)
    return survivors


def warm_up(bugs: list[Bug]) -> None:
    """Import what the tests need once, so that each forked child starts with it."""
    os.environ.update(ENVIRONMENT)  # transformers reads it when it is imported
    names = ["numpy", "torch", "torch._dynamo", "scipy.stats", "pytest", "hypothesis", "jaxtyping"]
    if any(bug.module.startswith(COMPARED) for bug in bugs):
        families = ("gpt2", "llama", "bert", "marian")
        names += [f"transformers.models.{name}.modeling_{name}" for name in families]
    for name in names:
        importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)


def main() -> int:
    """Run the tool; return 1 if a bug lives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="library files; all of the mathematics if none")
    parser.add_argument("--sample", type=int, help="try only this many bugs, always the same")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository")
    parser.add_argument("--judge", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return run_test(options.root, options.judge, options.child, sys.stdin.read() or None)
    modules = options.modules or modules_of(options.root, PACKAGES)
    known = harmless(options.root)
    bugs = [bug for module in modules for bug in find_bugs(options.root, module)]
    bugs = choose([bug for bug in bugs if bug.digest not in known], options.sample)
    warm_up(bugs)
    survivors = hunt(options.root, bugs)
    print(f"{len(bugs)} bugs planted, {len(survivors)} survived, {len(known)} known as harmless.")
    for bug in survivors:
        print(f"  {bug.digest} {bug.module}:{bug.line} in {bug.function}")
        print(f"    - {bug.before}\n    + {bug.after}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
