import json
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import pytest

from course_lib.lesson import setup_cell as module
from course_lib.lesson.setup_cell import colab_badge, project_url, setup_cell

PROBE = """
import json, sys, torch, course_lib
print("PROBE" + json.dumps([torch.__version__, torch.__file__, course_lib.__file__]))
"""


def test_the_cell_is_short_and_needs_only_the_standard_library_at_first() -> None:
    cell = setup_cell("01_word_embeddings")
    assert len(cell.splitlines()) <= 25
    assert max(len(line) for line in cell.splitlines()) <= 100
    compile(cell, "<set-up>", "exec")
    assert cell.endswith('\nrun = lesson.start("01_word_embeddings")')
    assert f"git+{project_url()}" in cell


def test_the_address_is_the_one_in_pyproject() -> None:
    pyproject = Path(module.__file__).resolve().parents[2] / "pyproject.toml"
    assert f'Repository = "{project_url()}"' in pyproject.read_text(encoding="utf-8")


def test_an_installed_package_reads_the_address_from_its_metadata(monkeypatch, tmp_path) -> None:
    expected = project_url()
    entry = "Repository, https://github.com/from/metadata"
    monkeypatch.setattr(module.course_lib, "__file__", str(tmp_path / "course_lib" / "__init__.py"))
    assert project_url() == expected  # the metadata of the environment that runs this test
    message = EmailMessage()
    message["Project-URL"] = "Homepage, https://example.org"
    message["Project-URL"] = entry
    monkeypatch.setattr(module, "metadata", lambda name: message)
    assert project_url() == "https://github.com/from/metadata"


def test_a_checkouts_own_pyproject_counts_before_the_metadata(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(module.course_lib, "__file__", str(tmp_path / "course_lib" / "__init__.py"))
    text = '[project.urls]\nRepository = "https://github.com/from/pyproject"\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert project_url() == "https://github.com/from/pyproject"


@pytest.mark.parametrize("ending", ["", ".git", "/"])
def test_the_badge_opens_the_lesson_on_colab(monkeypatch, ending) -> None:
    monkeypatch.setattr(module, "project_url", lambda: f"https://github.com/someone/course{ending}")
    assert colab_badge("00_start_here").endswith(
        "](https://colab.research.google.com/github/someone/course/blob/main/notebooks/"
        "00_start_here.ipynb)"
    )
    monkeypatch.setattr(module, "project_url", lambda: "https://gitlab.com/someone/course")
    assert colab_badge("00_start_here") == ""


def test_an_unpublished_course_has_no_badge_because_it_would_be_a_dead_link(monkeypatch) -> None:
    monkeypatch.setattr(module, "project_url", lambda: "https://github.com/some--one/course")
    assert colab_badge("00_start_here") == ""
    monkeypatch.setattr(module, "project_url", lambda: "https://github.com/someone/my--course")
    assert "/someone/my--course/" in colab_badge("00_start_here")


def test_an_error_inside_the_course_is_not_taken_for_its_absence(tmp_path) -> None:
    package = tmp_path / "course_lib"
    package.mkdir()
    (package / "__init__.py").write_text("import a_missing_dependency\n", encoding="utf-8")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{setup_cell('01_toy')}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "No module named 'a_missing_dependency'" in done.stderr
    assert "Installing" not in done.stdout


@pytest.mark.slow
def test_it_installs_the_course_from_a_clone_and_leaves_torch_alone(
    bare_environment, repository_copy
) -> None:
    before = bare_environment.run("-c", "import torch; print(torch.__version__, torch.__file__)")
    missing = bare_environment.run("-c", "import course_lib")
    assert "No module named 'course_lib'" in missing.stderr
    script = f"{setup_cell('01_word_embeddings')}\n{PROBE}"
    done = bare_environment.run("-c", script, COURSE_INSTALL_FROM=str(repository_copy))
    assert done.returncode == 0, done.stderr
    assert f"Installing the course from {repository_copy} and keeping torch==" in done.stdout
    version, torch_file, course_file = json.loads(done.stdout.partition("PROBE")[2])
    assert [version, torch_file] == before.stdout.split()
    assert Path(course_file).is_relative_to(bare_environment.folder)
    assert not list(bare_environment.folder.rglob("torch*"))
    again = bare_environment.run("-c", script)
    assert "Installing" not in again.stdout


@pytest.mark.slow
def test_a_failed_installation_says_from_where_and_why(bare_environment, tmp_path) -> None:
    nowhere = tmp_path / "nowhere"
    done = bare_environment.run("-c", setup_cell("01_toy"), COURSE_INSTALL_FROM=str(nowhere))
    assert done.returncode != 0
    assert f"RuntimeError: Could not install the course from {nowhere}" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr
