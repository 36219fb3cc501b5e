import json
import os
from pathlib import Path

import pytest

from course_lib.lesson import load_progress, progress_path, work_folder
from course_lib.lesson import progress as module
from course_lib.lesson.progress import (
    ExerciseProgress,
    Progress,
    note_exercise,
    note_hint,
    note_quiz,
    save_progress,
    write_json,
)


@pytest.fixture(autouse=True)
def progress_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "on")


def test_progress_survives_the_round_trip() -> None:
    assert load_progress() == Progress()
    progress = Progress(
        {"01:sgns_loss": ExerciseProgress(True, 3, 2)}, {"01_word_embeddings": {"2": False}}
    )
    save_progress(progress)
    assert load_progress() == progress


def test_what_happened_is_remembered() -> None:
    note_exercise("01:a", passed=False)
    note_hint("01:a", 2)
    note_hint("01:a", 1)
    note_exercise("01:a", passed=True)
    note_quiz("01_words", 1, right=False)
    note_quiz("01_words", 1, right=True)
    progress = load_progress()
    assert progress.exercises == {"01:a": ExerciseProgress(solved=True, n_checks=2, n_hints=2)}
    assert progress.quizzes == {"01_words": {"1": False}}  # the first answer counts


def test_nothing_is_written_when_progress_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "off")
    note_exercise("01:a", passed=True)
    note_hint("01:a", 1)
    note_quiz("01_words", 1, right=True)
    assert not work_folder().exists()


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 2, "exercises": {}, "quizzes": {}}',
        '{"format": 1, "exercises": {"a": {"new": 1}}, "quizzes": {}}',
        '{"format": 1, "exercises": [], "quizzes": {}}',
        "\udcff",
    ],
)
def test_a_damaged_file_is_kept_and_a_new_one_begun(
    damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = progress_path()
    path.parent.mkdir(parents=True)
    damaged = damage.encode("utf-8", "surrogateescape")
    for number in (1, 2):
        path.write_bytes(damaged)
        note_exercise("01:a", passed=True)
        out = capsys.readouterr().out
        assert f"damaged and could not be read. It is kept as progress.damaged-{number}.json" in out
        assert path.with_name(f"progress.damaged-{number}.json").read_bytes() == damaged
        assert load_progress().exercises["01:a"].solved
    assert capsys.readouterr().out == ""


def test_an_interrupted_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "file.json"
    write_json(path, {"a": 1})

    def fail(source: str, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_json(path, {"a": 2})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["file.json"]


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nan"):
        write_json(tmp_path / "file.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_does_not_stop_the_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "file" / "work"))
    note_exercise("01:a", passed=True)
    assert "Your progress could not be saved" in capsys.readouterr().out


def test_the_work_folder_is_chosen_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_WORK_DIR", str(tmp_path / "chosen"))
    assert work_folder() == tmp_path / "chosen"
    monkeypatch.delenv("COURSE_WORK_DIR")
    package = tmp_path / "course_lib" / "__init__.py"
    monkeypatch.setattr(module.course_lib, "__file__", str(package))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert work_folder() == tmp_path / "home" / "llm-course"
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    assert work_folder() == tmp_path / "work"
