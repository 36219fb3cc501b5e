"""Read quizzes from `data/quizzes/<lesson>.toml`, and say clearly what is wrong with a file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.data import data_path
from course_lib.lesson.lessons import find_lesson

LETTERS = "abcdefgh"
DIAGNOSTIC = "00_diagnostic"
"""The quiz in lesson 00 that says what of A1 to skip; it is no lesson's own quiz."""


@dataclass(frozen=True)
class Choice:
    """One answer to choose.

    Attributes:
        text: The answer.
        correct: Whether it is the right one.
        explanation: Why it is right or wrong.
    """

    text: str
    correct: bool
    explanation: str


@dataclass(frozen=True)
class Question:
    """A question with its choices, of which exactly one is right.

    Attributes:
        text: The question.
        choices: At least three, in the order in which they are lettered.
    """

    text: str
    choices: tuple[Choice, ...]

    def choice(self, letter: str) -> Choice:
        """Return the choice with a letter.

        Args:
            letter: "a" is the first; upper case will do.

        Raises:
            ValueError: If no choice has this letter.
        """
        letters = LETTERS[: len(self.choices)]
        wanted = letter.strip().lower()
        if len(wanted) != 1 or wanted not in letters:
            raise ValueError(f"letter must be one of {', '.join(letters)}; got {letter!r}.")
        return self.choices[letters.index(wanted)]


def load_quiz(lesson: str) -> tuple[str, tuple[Question, ...]]:
    """Read the quiz of a lesson.

    Args:
        lesson: Its number or name, or "00_diagnostic".

    Returns:
        The lesson's full name (or "00_diagnostic"), and the questions.

    Raises:
        FileNotFoundError: If the lesson has no quiz.
        ValueError: If there is no such lesson, or its quiz is not well formed.
    """
    name = DIAGNOSTIC if lesson == DIAGNOSTIC else find_lesson(lesson)
    return name, read_quiz(data_path(f"quizzes/{name}.toml"))


def read_quiz(path: Path) -> tuple[Question, ...]:
    """Read and check a quiz file.

    Args:
        path: A TOML file with `[[question]]` tables (`text`) that hold `[[question.choice]]`
            tables (`text`, `correct`, `explanation`).

    Raises:
        ValueError: If anything is missing, empty, unknown or of a wrong type; the message names
            file, question and choice.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} must be TOML; {error}.") from None
    questions = content.get("question")
    if not isinstance(questions, list) or not questions or set(content) != {"question"}:
        raise ValueError(f"{path.name} must hold [[question]] tables and nothing else.")
    return tuple(
        _read_question(table, f"{path.name}, question {number}")
        for number, table in enumerate(questions, start=1)
    )


def _read_question(table: dict[str, Any], where: str) -> Question:
    _check_fields(table, {"text": str, "choice": list}, where)
    choices = tuple(
        _read_choice(choice, f"{where}, choice {letter}")
        for letter, choice in zip(LETTERS, table["choice"], strict=False)
    )
    if not 3 <= len(table["choice"]) <= len(LETTERS):
        n_choices = len(table["choice"])
        raise ValueError(f"{where}: there must be 3 to {len(LETTERS)} choices; got {n_choices}.")
    n_correct = sum(choice.correct for choice in choices)
    if n_correct != 1:
        raise ValueError(f"{where}: exactly one choice must be correct; got {n_correct}.")
    if len({choice.text for choice in choices}) < len(choices):
        raise ValueError(f"{where}: the choices must differ.")
    return Question(table["text"].strip(), choices)


def _read_choice(table: dict[str, Any], where: str) -> Choice:
    _check_fields(table, {"text": str, "correct": bool, "explanation": str}, where)
    return Choice(table["text"].strip(), table["correct"], table["explanation"].strip())


def _check_fields(table: object, fields: dict[str, type], where: str) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{where} must be a table; got {table!r}.")
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}; there are {', '.join(fields)}.")
    for name, kind in fields.items():
        value = table.get(name)
        if not isinstance(value, kind) or (isinstance(value, str) and not value.strip()):
            raise ValueError(
                f"{where}: {name} must be a {kind.__name__}, not empty; got {value!r}."
            )
