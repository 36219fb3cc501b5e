"""The course is usable from its wheel alone: data, lessons and command are inside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import json
import course_lib
from course_lib import data
from course_lib.lesson.setup_cell import project_url
pairs, reviews = data.load("wordsim353"), data.load("reviews-zh")
places = [data.notebooks_path(), *map(data.data_path, ["catalog.toml", "facts", "quizzes"])]
places.append(data.data_path("checkpoints/course-vectors"))
notebooks = sorted(path.name for path in data.notebooks_path().glob("*.ipynb"))
print("PROBE" + json.dumps([course_lib.__file__, len(pairs), list(map(str, places)), notebooks,
                            project_url(), {split: len(rows) for split, rows in reviews.items()}]))
"""


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel without an isolated environment, so without the network."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=source,
        capture_output=True,
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.mark.slow
def test_the_wheel_carries_all_that_a_learner_needs(
    bare_environment, repository_copy, tmp_path
) -> None:
    wheel = build_wheel(repository_copy, tmp_path / "dist")
    installed = bare_environment.run("-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
    assert installed.returncode == 0, installed.stderr
    done = bare_environment.run("-c", PROBE)
    assert done.returncode == 0, done.stderr
    file, n_pairs, places, notebooks, url, reviews = json.loads(done.stdout.partition("PROBE")[2])
    assert n_pairs == 353
    assert reviews == {"train": 240, "validation": 60, "test": 60, "hard": 64}
    for place in (file, *places):
        assert Path(place).is_relative_to(bare_environment.folder), place
    assert notebooks == sorted(path.name for path in repository_copy.glob("notebooks/*.ipynb"))
    assert notebooks
    assert f'"{url}"' in (repository_copy / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_runs_from_the_wheel(bare_environment, repository_copy, tmp_path) -> None:
    wheel = build_wheel(repository_copy, tmp_path / "dist")
    bare_environment.run("-m", "pip", "install", "--quiet", "--no-deps", str(wheel))
    command = bare_environment.python.with_name("course")
    done = subprocess.run(
        [str(command), "--help"],
        cwd=bare_environment.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("doctor", "run", "start", "progress"):
        assert name in done.stdout
