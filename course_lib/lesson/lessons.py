"""The lessons there are, in teaching order, found from the notebooks folder."""

import re
from pathlib import Path

from course_lib.data import notebooks_path

_NAME = re.compile(r"(\d\d)([a-z]?)_\w+|([A-Z]\d)_\w+")


def _find_lessons() -> tuple[str, ...]:
    try:
        folder = notebooks_path()
    except FileNotFoundError:  # a broken installation; `course doctor` must still start to say so
        return ()
    return sort_lessons([*folder.glob("*.ipynb"), *folder.glob("src/*.py")])


def sort_lessons(paths: list[Path]) -> tuple[str, ...]:
    """Name the lessons among some files, in teaching order.

    Foundations ("A1_…") come after lesson 00, parts ("05a_…") in the order of their letters.

    Args:
        paths: Files; those that are not named like a lesson are left out.

    Example:
        >>> sort_lessons([Path("01_b.ipynb"), Path("A1_f.py"), Path("00_s.py"), Path("01_b.py")])
        ('00_s', 'A1_f', '01_b')
    """
    names = {path.stem for path in paths if _NAME.fullmatch(path.stem)}
    return tuple(sorted(names, key=_teaching_order))


def _teaching_order(name: str) -> tuple[int, str]:
    if name[0].isdigit():
        return int(name[:2]), name
    return 0, name  # after "00_…", because letters sort after digits


LESSONS: tuple[str, ...] = _find_lessons()


def find_lesson(text: str) -> str:
    """Find a lesson by its number or name.

    Args:
        text: "1", "01", "a1" or the full name, in upper or lower case.

    Returns:
        The full name, such as "01_word_embeddings".

    Raises:
        ValueError: If no lesson is called that; lists those there are.
    """
    wanted = text.strip().lower()
    wanted = wanted.zfill(2) if wanted.isdigit() else wanted
    for name in LESSONS:
        if wanted in (name.lower(), lesson_prefix(name)):
            return name
    known = ", ".join(LESSONS) or "none at all"
    raise ValueError(
        f"lesson must be the number or name of a lesson; got {text!r}: there is {known}."
    )


def lesson_prefix(name: str) -> str:
    """Return the part before the underscore, in lower case: the beginning of exercise keys.

    Args:
        name: A lesson's full name.

    Example:
        >>> lesson_prefix("A1_foundations")
        'a1'
    """
    return name.partition("_")[0].lower()
