"""Fixtures shared by tests of the tools: a course of one toy lesson, and an empty environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

CHECKED = ("nn", "models", "generation", "compute", "training", "finetuning")
if "COURSE_PLANTED_BUG" not in os.environ:  # the bug is planted by a hook of its own
    install_import_hook([f"course_lib.{name}" for name in CHECKED], "beartype.beartype")

ROOT = Path(__file__).resolve().parents[1]

TOY_LESSON_PACKAGE = """
class Run:
    def summary(self):
        print("mine: none")


def start(name):
    print("lesson", name)
    return Run()


def check(key, answer):
    print(key, "looked at")
    return getattr(__import__("course_lib.toy", fromlist=["toy"]), answer.__name__)
"""

TOY_LIBRARY = '''
"""A toy library."""

import math
from collections.abc import Sequence
from math import sqrt as root

LIMIT = 100.0


def halve(x: float) -> float:
    """Return half of `x`."""
    return x / 2


def norm(values: Sequence[float]) -> float:
    """Return the length of a vector.

    Args:
        values: Its coordinates.
    """
    total = sum(value * value for value in values)
    return min(root(total), LIMIT)


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def entropy(chances: Sequence[float]) -> float:
    """Return the entropy, in nats."""
    return -sum(p * math.log(p) for p in chances if p > 0)


def spread(values: Sequence[float]) -> float:
    """Return half the difference of largest and smallest."""
    width = max(values) - min(values)
    return halve(width) + 0 * mean(values)
'''

TOY_BROKEN = '''
"""The toy library's broken versions."""

from collections.abc import Sequence
from math import log


def norm(values: Sequence[float]) -> float:
    """Forget the root, and take a logarithm."""
    # Seen in the wild.
    return log(sum(value * value for value in values))
'''

TOY_LESSON = """
# %% [markdown]
# # 01 · A toy
# **The question:** does it build?

# %% [markdown]
# ## You will be able to
# - build; see [section 1](#1-·-One-(core)) and [the quiz](01_toy.ipynb#Quiz)
#
# ## Before you start
# Nothing.
#
# ## Recall
# Nothing.
#
# ## Set-up

# %%
# @setup

# %% [markdown]
# ## 1 · One *(core)*

# %%
# @exercise course_lib.toy:mean

# %%
# NBVAL_CHECK_OUTPUT
from course_lib.lesson import check

mean = check("01:mean", mean)

# %%
# @sync course_lib.toy:spread

# %%
# NBVAL_CHECK_OUTPUT
spread([1.0, 3.0])

# %%
# @scratch course_lib.toy:halve
def half_by_hand(x):
    total = 0.0
    while total + total < x:
        total += 0.5
    # a comment to make it longer
    return total

# %%
from course_lib.toy import halve
from math import isclose as assert_close

assert_close(half_by_hand(3.0), halve(3.0))

# %% [markdown]
# ## Known truth
# ## Real text
# ## On a GPU

# %% tags=["gpu"]
1 + 1

# %% [markdown]
# ## Exercises

# %%
# @exercise course_lib.toy:norm

# %%
norm = check("01:norm", norm)

# %%
# @exercise course_lib.toy:entropy

# %%
entropy = check("01:entropy", entropy)

# %% [markdown]
# ## In your own words

# %% [markdown]
# <!-- @answer why-toys -->
# *Your answer*

# %% [markdown]
# ## Claims, tested
# ## Quiz
# ## Summary
# ## Further reading

# %%
run.summary()
"""


@dataclass(frozen=True)
class ToyCourse:
    """A course of one lesson, in a folder of its own."""

    root: Path

    @property
    def source(self) -> Path:
        return self.root / "notebooks" / "src" / "01_toy.py"

    @property
    def library(self) -> Path:
        return self.root / "course_lib" / "toy.py"

    @property
    def notebook(self) -> Path:
        return self.root / "notebooks" / "01_toy.ipynb"

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def toy_course(tmp_path: Path) -> ToyCourse:
    """A small library and a small lesson that obeys every rule."""
    course = ToyCourse(tmp_path / "toy")
    package = course.root / "course_lib"
    files = {
        package / "__init__.py": "",
        package / "toy.py": TOY_LIBRARY.lstrip(),
        package / "toy_broken.py": TOY_BROKEN.lstrip(),
        package / "lesson" / "__init__.py": TOY_LESSON_PACKAGE,
        course.source: TOY_LESSON.lstrip(),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return course


@dataclass(frozen=True)
class BareEnvironment:
    """A virtual environment that sees every installed package, but not the course."""

    folder: Path

    @property
    def python(self) -> Path:
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        return self.folder / scripts / "python"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run its Python, offline, away from the repository."""
        mine = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COURSE_", "PIP_"))
        }
        offline = {
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of "build isolation"
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "HF_HUB_OFFLINE": "1",
        }
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**mine, **offline, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def bare_environment(tmp_path: Path) -> BareEnvironment:
    """An empty environment with torch and the other dependencies in sight.

    A `.pth` file shows it the packages installed here. The course is installed here through a
    `.pth` file of its own, and those do not count in a folder that is itself shown that way.
    """
    bare = BareEnvironment(tmp_path / "bare")
    venv.create(bare.folder, with_pip=False, symlinks=sys.platform != "win32")
    site = bare.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    here = sysconfig.get_path("purelib")
    Path(site, "dependencies.pth").write_text(f"{here}\n", encoding="utf-8")
    return bare


@pytest.fixture
def repository_copy(tmp_path: Path) -> Path:
    """The repository's own files, uncommitted ones too, as a clone would hold them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    copy = tmp_path / "clone"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy
