from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.cli.run_settings import RUN, RunSettings, check_same, read_run
from course_lib.errors import CourseError

SETTINGS = RunSettings(
    text=["/a b.txt", "/猫.md"],
    text_sha256="00ff",
    preset="small",
    steps=None,
    seed=7,
    precision="bfloat16",
    float32_products="highest",
)


def test_settings_come_back_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "run"
    SETTINGS.write(folder)
    assert read_run(folder, resume=True) == SETTINGS
    assert [path.name for path in folder.iterdir()] == [RUN]


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_can_begin_where_nothing_is(resume: bool, tmp_path: Path) -> None:
    assert read_run(tmp_path, resume=resume) is None
    assert read_run(tmp_path / "new", resume=resume) is None


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(CourseError, match=r"must be a new or an empty folder; .* is not empty\.$"):
        read_run(tmp_path, resume=False)
    with pytest.raises(CourseError, match=r"must hold a run to resume; it has no run\.json"):
        read_run(tmp_path, resume=True)
    with pytest.raises(CourseError, match=r"--out must be a folder; .*thesis\.txt is a file"):
        read_run(tmp_path / "thesis.txt", resume=False)


def test_a_run_that_is_there_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "my run"
    SETTINGS.write(folder)
    command = rf"course train gpt --out '{folder}' --resume$"
    with pytest.raises(CourseError, match=command):
        read_run(folder, resume=False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"seed": 0}'])
def test_damaged_settings_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / RUN).write_text(content, "utf-8")
    with pytest.raises(CourseError, match=r"run\.json is damaged"):
        read_run(tmp_path, resume=True)


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(CourseError, match="cannot be written: "):
        SETTINGS.write(tmp_path / "file" / "run")


def test_options_are_those_of_the_beginning_or_left_out() -> None:
    check_same(SETTINGS, {"preset": None, "steps": None, "seed": None})
    check_same(SETTINGS, {"preset": "small", "steps": None, "seed": 7})
    with pytest.raises(CourseError, match=r"--seed must be as it was .*\(7\).*; got 0\."):
        check_same(SETTINGS, {"preset": None, "seed": 0})
    with pytest.raises(CourseError, match=r"--steps must be as it was .*\(60\).*; got 61\."):
        check_same(replace(SETTINGS, steps=60), {"steps": 61})
