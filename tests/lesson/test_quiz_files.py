import re
from pathlib import Path

import pytest

from course_lib.lesson.lessons import LESSONS
from course_lib.lesson.quiz_files import DIAGNOSTIC, LETTERS, load_quiz, read_quiz

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "data" / "quizzes").glob("*.toml"))

GOOD = """
[[question]]
text = "How many?"
[[question.choice]]
text = "One"
correct = false
explanation = "Too few."
[[question.choice]]
text = "Two"
correct = true
explanation = "As many."
[[question.choice]]
text = "Three"
correct = false
explanation = "Too many."
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "99_toy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_quiz_is_read(tmp_path: Path) -> None:
    (question,) = read_quiz(write(tmp_path, GOOD))
    assert question.text == "How many?"
    assert [choice.text for choice in question.choices] == ["One", "Two", "Three"]
    assert question.choice("b").correct
    assert question.choice(" C ").explanation == "Too many."


@pytest.mark.parametrize("letter", ["d", "", "ab", "1"])
def test_a_letter_that_is_not_there_is_refused(tmp_path: Path, letter: str) -> None:
    (question,) = read_quiz(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match=f"one of a, b, c; got {letter!r}"):
        question.choice(letter)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (GOOD, "", r"99_toy\.toml must hold \[\[question\]\] tables"),
        (GOOD, "question = 3", r"must hold \[\[question\]\] tables"),
        (GOOD, "question = [3]", r"question 1 must be a table; got 3"),
        ("[[question]]\n", "title = 'x'\n[[question]]\n", r"and nothing else"),
        ('"How many?"', '"How many?', r"99_toy\.toml must be TOML; .*line 3"),
        ('"How many?"', '" "', r"question 1: text must be a str, not empty; got ' '"),
        ("correct = true", "correct = 1", r"question 1, choice b: correct must be a bool"),
        ("correct = true", "correct = false", r"exactly one choice must be correct; got 0"),
        ("correct = false", "correct = true", r"exactly one choice must be correct; got 3"),
        ('explanation = "As many."\n', "", r"choice b: explanation must be a str.*got None"),
        ('text = "Two"', 'test = "Two"', r"choice b: unknown field 'test'; there are text"),
        ('"Three"', '"One"', r"question 1: the choices must differ"),
        (
            '[[question.choice]]\ntext = "One"\ncorrect = false\nexplanation = "Too few."\n',
            "",
            r"there must be 3 to 8 choices; got 2",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=message):
        read_quiz(write(tmp_path, GOOD.replace(old, new)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_quizzes_of_the_course_are_well_formed(path: Path) -> None:
    questions = read_quiz(path)
    assert load_quiz(path.stem) == (path.stem, questions)
    assert len(questions) == 5 or (path.stem == DIAGNOSTIC and len(questions) > 5)
    assert len({question.text for question in questions}) == len(questions)
    written = " ".join(choice.explanation for q in questions for choice in q.choices)
    assert not re.search(r"@\w+@", written)  # a place kept for a section's number
    for question in questions:
        explanations = {choice.explanation for choice in question.choices}
        assert len(explanations) == len(question.choices)
    right = [
        letter
        for question in questions
        for letter, choice in zip(LETTERS, question.choices, strict=False)
        if choice.correct
    ]
    assert len(set(right)) >= 3, f"the right answers are {right}: too easy to guess"


def test_every_lesson_has_a_quiz() -> None:
    assert {path.stem for path in FILES} == {DIAGNOSTIC, *LESSONS}
