"""The first code cell of every lesson, and the badge that opens it on Colab: one home for both."""

import tomllib
from importlib.metadata import metadata
from pathlib import Path
from urllib.parse import urlsplit

import course_lib

UNPUBLISHED = "--"  # GitHub forbids two hyphens in a row in the name of an owner

SETUP = """\
# Set-up: run this first. On Colab it installs the course, and leaves torch as it is.
try:
    from course_lib import lesson
except ModuleNotFoundError as error:
    if error.name != "course_lib":
        raise
    import importlib.metadata, os, pathlib, subprocess, sys, tempfile

    source = os.environ.get("COURSE_INSTALL_FROM")
    source = source or "git+@URL@"
    torch = [f"torch=={it.version}" for it in importlib.metadata.distributions(name="torch")][:1]
    keep = pathlib.Path(tempfile.mkdtemp(), "keep.txt")
    keep.write_text("".join(torch))
    print("Installing the course from", source, "and keeping", *torch, "...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(keep), source]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"Could not install the course from {source}:\\n{done.stderr}") from None
    print("Installed.")
    importlib.invalidate_caches()
    from course_lib import lesson

run = lesson.start("@LESSON@")
"""


def project_url() -> str:
    """Return the repository's address, which is authored in `pyproject.toml` alone.

    A checkout reads the file itself, so that an edit counts at once; an installed package reads
    the copy of the address in its own metadata.
    """
    pyproject = Path(course_lib.__file__).resolve().parents[1] / "pyproject.toml"
    if pyproject.is_file():
        return tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    entries = metadata("course-lib").get_all("Project-URL") or []
    return dict(entry.split(", ", 1) for entry in entries)["Repository"]


def setup_cell(lesson: str) -> str:
    """Write a lesson's set-up cell.

    Until the package is there it uses nothing but the standard library. `COURSE_INSTALL_FROM`
    overrides the address, for instance with a local clone.

    Args:
        lesson: The lesson's full name.

    Example:
        >>> print(setup_cell("01_word_embeddings").splitlines()[-1])
        run = lesson.start("01_word_embeddings")
    """
    return SETUP.replace("@URL@", project_url()).replace("@LESSON@", lesson).rstrip()


def colab_badge(lesson: str) -> str:
    """Write the badge that opens a lesson on Colab, in Markdown.

    Args:
        lesson: The lesson's full name.

    Returns:
        The badge; empty if the repository is not on GitHub, the only host Colab opens, or if its
        owner is one that GitHub cannot have: then the course is unpublished, and a badge would be
        a dead link.
    """
    address = urlsplit(project_url())
    owner = address.path.strip("/").partition("/")[0]
    if address.netloc != "github.com" or UNPUBLISHED in owner:
        return ""
    colab = "https://colab.research.google.com"
    repository = address.path.strip("/").removesuffix(".git")
    page = f"{colab}/github/{repository}/blob/main/notebooks/{lesson}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({page})"
