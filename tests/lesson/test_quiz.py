import sys
import types

import ipywidgets
import pytest

from course_lib.lesson import answer_quiz, load_progress, quiz
from course_lib.lesson.quiz import make_widgets, write_quiz
from course_lib.lesson.quiz_files import Choice, Question

QUESTIONS = (
    Question(
        "How many words is <b>this</b> text, in   all?",
        (
            Choice("Two " + "and a half " * 12, False, "Halves are not words."),
            Choice("Eight", True, "Count the\nspaces."),
            Choice("None", False, "There is at least one."),
        ),
    ),
    Question("Really?", tuple(Choice(t, t == "Yes", f"It is {t}.") for t in ("Yes", "No", "Oh"))),
)


def run_in_front_end(monkeypatch: pytest.MonkeyPatch, allow_input: bool) -> list[dict[str, object]]:
    """Pretend to be in a Jupyter kernel; returns what is displayed."""
    shown: list[dict[str, object]] = []
    kernel = types.SimpleNamespace(_allow_stdin=allow_input)
    shell = types.SimpleNamespace(kernel=kernel)
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    display = types.SimpleNamespace(display=lambda bundle, raw: shown.append(bundle))
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


@pytest.fixture
def toy_quiz(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["course_lib.lesson.quiz"]
    monkeypatch.setattr(module, "load_quiz", lambda lesson: ("99_toy", QUESTIONS))


def buttons_and_feedback(box: ipywidgets.VBox) -> list[ipywidgets.Widget]:
    return [row for row in box.children if isinstance(row, ipywidgets.Button | ipywidgets.HTML)]


def test_the_text_shows_questions_and_choices_and_no_answer() -> None:
    text = write_quiz("99", QUESTIONS)
    assert "1. How many words is <b>this</b> text, in all?" in text
    assert "   b) Eight\n   c) None\n\n2. Really?\n   a) Yes" in text
    assert text.endswith('To answer question 1 with a: answer_quiz("99", 1, "a")')
    assert max(map(len, text.splitlines())) <= 92
    for question in QUESTIONS:
        for choice in question.choices:
            assert " ".join(choice.explanation.split()) not in text
    assert "✓" not in text
    assert "True" not in text


@pytest.mark.usefixtures("toy_quiz")
def test_answers_are_explained_and_the_first_is_remembered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "on")
    answer_quiz("99", 1, "a")
    answer_quiz("99", 1, "B")
    assert capsys.readouterr().out == (
        "✗ Not quite. Halves are not words.\n✓ Right. Count the spaces.\n"
    )
    assert load_progress().quizzes == {"99_toy": {"1": False}}


@pytest.mark.usefixtures("toy_quiz")
def test_questions_and_letters_that_are_not_there_are_refused() -> None:
    for number in (0, 3):
        with pytest.raises(ValueError, match=f"between 1 and 2; got number={number}"):
            answer_quiz("99", number, "a")
    with pytest.raises(ValueError, match="one of a, b, c"):
        answer_quiz("99", 1, "d")
    with pytest.raises(ValueError, match="lesson must be"):
        answer_quiz_of_no_lesson()


def answer_quiz_of_no_lesson() -> None:
    from course_lib.lesson.quiz_files import load_quiz

    load_quiz("no such lesson")


@pytest.mark.usefixtures("toy_quiz")
def test_without_a_front_end_the_quiz_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = write_quiz("99", QUESTIONS) + "\n"
    quiz("99")
    assert capsys.readouterr().out == expected
    shown = run_in_front_end(monkeypatch, allow_input=False)  # as nbclient and nbval do
    quiz("99")
    assert capsys.readouterr().out == expected
    monkeypatch.setenv("COURSE_QUIZ", "text")
    run_in_front_end(monkeypatch, allow_input=True)
    quiz("99")
    assert capsys.readouterr().out == expected
    assert shown == []


@pytest.mark.usefixtures("toy_quiz")
def test_with_a_front_end_there_are_buttons_and_text_beside_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run_in_front_end(monkeypatch, allow_input=True)
    quiz("99")
    (bundle,) = shown
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == write_quiz("99", QUESTIONS)
    assert capsys.readouterr().out == ""


def test_a_click_explains_and_nothing_is_on_the_page_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COURSE_PROGRESS", "on")
    rows = buttons_and_feedback(make_widgets("99_toy", QUESTIONS))
    title, first, second, _third, feedback, *_rest = rows
    assert title.value == "<b>1.</b> How many words is &lt;b&gt;this&lt;/b&gt; text, in   all?"
    assert second.description == "b)  Eight"
    state = repr([row.get_state() for row in rows])
    for question in QUESTIONS:
        for choice in question.choices:
            assert choice.explanation not in state
    second.click()
    assert feedback.value == "✓ Right. Count the spaces."
    first.click()
    assert feedback.value == "✗ Not quite. Halves are not words."
    assert load_progress().quizzes == {"99_toy": {"1": True}}
