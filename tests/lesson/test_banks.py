import pytest

from course_lib.lesson.banks import exercises_of, find_exercise
from course_lib.lesson.exercise import Exercise


def test_exercises_are_found_by_lesson_and_key(toy: Exercise) -> None:
    assert exercises_of("99") == (toy,)
    assert exercises_of("99_toy") == (toy,)
    assert exercises_of("A1_foundations") == exercises_of("a1") != ()
    assert find_exercise("99:scale_rows") is toy


def test_a_lesson_without_bank_has_no_exercises() -> None:
    assert exercises_of("98") == ()
    assert exercises_of("../98") == ()


def test_unknown_keys_are_answered_with_similar_ones() -> None:
    with pytest.raises(ValueError, match=r"'99:scale_row': did you mean 99:scale_rows\?"):
        find_exercise("99:scale_row")
    with pytest.raises(ValueError, match=r"did you mean 99:scale_rows\?"):
        find_exercise("99:zzz")
    with pytest.raises(ValueError, match=r"lesson '98' has none"):
        find_exercise("98:anything")
