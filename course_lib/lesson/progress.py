"""The learner's progress: one local JSON file, written so that a power cut cannot spoil it."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import course_lib

FORMAT = 1


@dataclass
class ExerciseProgress:
    """How far the learner is with one exercise.

    Attributes:
        solved: Whether the last check passed.
        n_checks: How often it was checked.
        n_hints: How many hints were opened, from 0 to 4.
    """

    solved: bool = False
    n_checks: int = 0
    n_hints: int = 0


@dataclass
class Progress:
    """All that is remembered about a learner.

    Attributes:
        exercises: By key, such as "01:sgns_loss".
        quizzes: By lesson, then by question number (as text, since JSON has no other keys):
            whether the first answer was right.
    """

    exercises: dict[str, ExerciseProgress] = field(default_factory=dict)
    quizzes: dict[str, dict[str, bool]] = field(default_factory=dict)


def work_folder() -> Path:
    """Name the folder for what the learner makes; it need not exist yet.

    Returns:
        `$COURSE_WORK_DIR` if that is set; else `work/` in the repository, when running from one;
        else "llm-course" in the home folder.
    """
    chosen = os.environ.get("COURSE_WORK_DIR")
    if chosen:
        return Path(chosen).expanduser()
    repository = Path(course_lib.__file__).resolve().parents[1]
    if (repository / "pyproject.toml").is_file() and (repository / "notebooks").is_dir():
        return repository / "work"
    return Path.home() / "llm-course"


def progress_path() -> Path:
    """Name the progress file; it need not exist yet."""
    return work_folder() / "progress.json"


def is_progress_on() -> bool:
    """Say whether progress is kept: yes, unless `COURSE_PROGRESS=off`."""
    return os.environ.get("COURSE_PROGRESS", "on").strip().lower() != "off"


def load_progress() -> Progress:
    """Read the progress file; an unreadable one is set aside, with a message, and a new one begun.

    Returns:
        Empty progress if there is no file.
    """
    path = progress_path()
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Progress()
    except (ValueError, KeyError, TypeError, AttributeError):
        kept = _free_name(path)
        os.replace(path, kept)
        print(
            f"Your progress file was damaged and could not be read. It is kept as {kept.name} "
            f"beside a new one in {path.parent}; your notebooks are not touched."
        )
        return Progress()


def _parse(text: str) -> Progress:
    stored = json.loads(text)
    if stored["format"] != FORMAT:
        raise ValueError(f"format must be {FORMAT}; got {stored['format']!r}.")
    exercises = {str(key): ExerciseProgress(**entry) for key, entry in stored["exercises"].items()}
    quizzes = {
        str(lesson): {str(number): bool(right) for number, right in answers.items()}
        for lesson, answers in stored["quizzes"].items()
    }
    return Progress(exercises, quizzes)


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    return kept


def save_progress(progress: Progress) -> None:
    """Write the progress file: completely, or not at all.

    Args:
        progress: What to write.
    """
    write_json(progress_path(), {"format": FORMAT, **asdict(progress)})


def write_json(path: Path, content: object) -> None:
    """Write a JSON file through a temporary one beside it, so that no reader sees a half of it.

    Args:
        path: Where to; missing folders are made.
        content: Anything JSON can hold; NaN and infinity it cannot.

    Raises:
        ValueError: If there is a NaN or an infinity in it.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def note_exercise(key: str, *, passed: bool) -> None:
    """Remember the verdict of a check.

    Args:
        key: The exercise.
        passed: Whether the answer was right.
    """

    def change(progress: Progress) -> None:
        entry = progress.exercises.setdefault(key, ExerciseProgress())
        entry.solved = passed
        entry.n_checks += 1

    _update(change)


def note_hint(key: str, n_hints: int) -> None:
    """Remember how many hints of an exercise were opened.

    Args:
        key: The exercise.
        n_hints: So many, with this one.
    """

    def change(progress: Progress) -> None:
        entry = progress.exercises.setdefault(key, ExerciseProgress())
        entry.n_hints = max(entry.n_hints, n_hints)

    _update(change)


def note_quiz(lesson: str, number: int, *, right: bool) -> None:
    """Remember the first answer to a quiz question; later ones do not count.

    Args:
        lesson: Full name.
        number: Of the question, from 1.
        right: Whether the answer was right.
    """
    _update(lambda progress: progress.quizzes.setdefault(lesson, {}).setdefault(str(number), right))


def _update(change: Callable[[Progress], object]) -> None:
    if not is_progress_on():
        return
    try:
        progress = load_progress()
        change(progress)
        save_progress(progress)
    except OSError as error:  # a read-only folder must not stop a lesson
        print(f"Your progress could not be saved in {work_folder()}: {error.strerror}.")
