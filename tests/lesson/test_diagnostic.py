"""The quiz that says what of A1 to skip must send learners to sections that exist."""

import re
from pathlib import Path

import pytest

from course_lib.lesson import quiz
from course_lib.lesson.quiz_files import DIAGNOSTIC, load_quiz

FOUNDATIONS = Path(__file__).parents[2] / "notebooks" / "src" / "A1_foundations.py"
SECTION = re.compile(r"^# ## (\d+) · (.+)$", re.MULTILINE)


def test_every_wrong_choice_names_a_section_of_a1() -> None:
    sections = dict(SECTION.findall(FOUNDATIONS.read_text(encoding="utf-8")))
    name, questions = load_quiz(DIAGNOSTIC)
    assert name == DIAGNOSTIC
    wrong = [c for question in questions for c in question.choices if not c.correct]
    assert len(wrong) >= 16
    for choice in wrong:
        found = re.search(r"Read A1, sections? (\d+(?: and \d+)?) \(([^)]+)\)", choice.explanation)
        assert found is not None, choice
        titles = [sections[number] for number in found[1].split(" and ")]
        for title, quoted in zip(titles, found[2].split("; "), strict=True):
            assert title.startswith(quoted), choice


def test_right_choices_say_what_to_skip_and_stand_in_different_places() -> None:
    _, questions = load_quiz(DIAGNOSTIC)
    places = [[choice.correct for choice in q.choices].index(True) for q in questions]
    assert len(set(places)) >= 3
    for question, place in zip(questions, places, strict=True):
        assert "You can skip" in question.choices[place].explanation


def test_its_text_names_its_own_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_QUIZ", "text")
    quiz(DIAGNOSTIC)
    assert f'answer_quiz("{DIAGNOSTIC}", 1, "a")' in capsys.readouterr().out
