import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.units import is_han, text_units, word_places


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("The cat, the CAT.", ["The", "cat", "the", "CAT"]),
        ("don't / don’t / re-run / a--b", ["don't", "don’t", "re-run", "a", "b"]),
        ("我爱你，3.14！", ["我", "爱", "你", "3.14"]),
        ("用Python写code", ["用", "Python", "写", "code"]),
        ("4,858,979 in 2015, 7. x_1", ["4,858,979", "in", "2015", "7", "x", "1"]),
        ("〇𠀀 café ひと", ["〇", "𠀀", "café", "ひと"]),
        (" -- '?' …", []),
    ],
)
def test_units_by_hand(text: str, units: list[str]) -> None:
    assert text_units(text) == units


@settings(deadline=None)
@given(st.text())
def test_units_are_parts_of_the_text_in_order(text: str) -> None:
    end = 0
    for unit in text_units(text):
        start = text.index(unit, end)
        assert not any(map(is_han, text[end:start])), "no Chinese character is passed over"
        end = start + len(unit)


@pytest.mark.parametrize("character", "猫〇㐀一鿿𠀀")
def test_chinese_characters(character: str) -> None:
    assert is_han(character)


@pytest.mark.parametrize("unit", ["a", "，", "ひ", "한", "1", "", "猫狗"])
def test_not_one_chinese_character(unit: str) -> None:
    assert not is_han(unit)


@given(st.text())
def test_places_cover_all_but_white_space_in_order(text: str) -> None:
    places = word_places(text)
    flat = [edge for place in places for edge in place]
    assert flat == sorted(flat)
    covered = "".join(text[a:b] for a, b in places)
    assert covered == re.sub(r"\s", "", text)


def test_words_marks_and_chinese_characters_stand_apart() -> None:
    text = "Omar's kite (old): 红 风筝，3.5_x"
    found = [text[a:b] for a, b in word_places(text)]
    expected = [
        "Omar",
        "'",
        "s",
        "kite",
        "(",
        "old",
        ")",
        ":",
        "红",
        "风",
        "筝",
        "，",
        "3",
        ".",
        "5",
        "_",
        "x",
    ]
    assert found == expected
