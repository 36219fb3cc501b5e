"""Quizzes: buttons where a learner can click, plain text elsewhere; answers are never stored."""

import html
import os
import textwrap
from functools import partial
from typing import TYPE_CHECKING, Any

from course_lib.lesson.lessons import lesson_prefix
from course_lib.lesson.progress import note_quiz
from course_lib.lesson.quiz_files import DIAGNOSTIC, LETTERS, Choice, Question, load_quiz
from course_lib.plotting.listener import has_listener

if TYPE_CHECKING:
    import ipywidgets

WIDTH_CHARACTERS = 92


def quiz(lesson: str) -> None:
    """Show the quiz of a lesson.

    In JupyterLab, Notebook, VS Code and Colab the choices are buttons. Where nobody can click
    (a notebook executed by a program, a terminal, or with `COURSE_QUIZ=text`) the questions are
    printed; `answer_quiz` then tells whether an answer is right.

    Args:
        lesson: Its number or name.

    Raises:
        FileNotFoundError: If the lesson has no quiz.
        ValueError: If there is no such lesson, or its quiz is not well formed.
    """
    name, questions = load_quiz(lesson)
    text = write_quiz(name if name == DIAGNOSTIC else lesson_prefix(name), questions)
    if not _can_click():
        print(text)
        return
    from IPython.display import display

    box = make_widgets(name, questions)
    # Viewers without widgets (a printed page, a code host) show the plain text instead.
    display({**(box._repr_mimebundle_() or {}), "text/plain": text}, raw=True)


def answer_quiz(lesson: str, number: int, letter: str) -> None:
    """Say whether a choice is right, and why.

    Args:
        lesson: Its number or name.
        number: Of the question, from 1.
        letter: Of the choice: "a" is the first.

    Raises:
        FileNotFoundError: If the lesson has no quiz.
        ValueError: If there is no such lesson, question or choice.
    """
    name, questions = load_quiz(lesson)
    if not 1 <= number <= len(questions):
        raise ValueError(f"number must be between 1 and {len(questions)}; got number={number}.")
    choice = questions[number - 1].choice(letter)
    note_quiz(name, number, right=choice.correct)
    print(textwrap.fill(_write_feedback(choice), WIDTH_CHARACTERS))


def write_quiz(prefix: str, questions: tuple[Question, ...]) -> str:
    """Write a quiz as plain text, without the answers.

    Args:
        prefix: The lesson, as the learner names it in `answer_quiz`.
        questions: Its questions.
    """
    blocks = []
    for number, question in enumerate(questions, start=1):
        lines = [_fill(f"{number}. ", question.text)]
        lines += [
            _fill(f"   {letter}) ", choice.text)
            for letter, choice in zip(LETTERS, question.choices, strict=False)
        ]
        blocks.append("\n".join(lines))
    blocks.append(f'To answer question 1 with a: answer_quiz("{prefix}", 1, "a")')
    return "\n\n".join(blocks)


def _fill(mark: str, text: str) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        WIDTH_CHARACTERS,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
    )


def _write_feedback(choice: Choice) -> str:
    verdict = "✓ Right." if choice.correct else "✗ Not quite."
    return f"{verdict} {' '.join(choice.explanation.split())}"


def make_widgets(lesson: str, questions: tuple[Question, ...]) -> "ipywidgets.VBox":
    """Make a column of questions with a button for each choice.

    Explanations reach the page only on a click, so a notebook saved before shows no answer.

    Args:
        lesson: Full name, under which the answers are remembered.
        questions: Its questions.
    """
    import ipywidgets

    rows: list[ipywidgets.Widget] = []
    for number, question in enumerate(questions, start=1):
        feedback = ipywidgets.HTML()
        rows.append(ipywidgets.HTML(f"<b>{number}.</b> {html.escape(question.text)}"))
        for letter, choice in zip(LETTERS, question.choices, strict=False):
            button = ipywidgets.Button(
                description=f"{letter})  {' '.join(choice.text.split())}",
                layout=ipywidgets.Layout(width="auto", height="auto"),
            )
            button.style.text_align = "left"
            button.on_click(partial(_on_click, lesson, number, choice, feedback))
            rows.append(button)
        rows.append(feedback)
    return ipywidgets.VBox(rows)


def _on_click(lesson: str, number: int, choice: Choice, feedback: Any, _button: object) -> None:
    note_quiz(lesson, number, right=choice.correct)
    feedback.value = html.escape(_write_feedback(choice))


def _can_click() -> bool:
    """Say whether someone is there, and has not asked for text."""
    return os.environ.get("COURSE_QUIZ", "").strip().lower() != "text" and has_listener()
