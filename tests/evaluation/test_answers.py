from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.evaluation import (
    answer_f1,
    answer_f1_zh,
    exact_match,
    exact_match_zh,
    normalize_answer,
    normalize_answer_zh,
)

SCORES = [exact_match, answer_f1, exact_match_zh, answer_f1_zh]
ENGLISH = st.text(alphabet="aAtheTHEn .,'-\n", max_size=15)
CHINESE = st.text(alphabet="北京市的，。 ab3.", max_size=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat", "cat"),
        ("a an the", ""),
        ("U.S.A.", "usa"),  # punctuation goes before articles: no "a" stands alone here
        ("A.", ""),
        ("another theme", "another theme"),  # articles are whole words
        ("the-cat", "thecat"),  # punctuation is left out, not replaced by a blank
        ("$1,000.50", "100050"),
        ("  two\t\nlines ", "two lines"),
        ("l’été – “oui”", "l’été – “oui”"),  # only ASCII's marks are punctuation to the script
        ("ÀÉ", "àé"),
        ("rock–the–boat", "rock– –boat"),  # a blank takes the place of an article
        ("", ""),
    ],
)
def test_english_normalisation_by_hand(text: str, expected: str) -> None:
    assert normalize_answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("《红楼梦》（上）", "红楼梦上"),
        ("  Python－3 ", "python3"),
        ("北京，上海", "北京上海"),
        ("北京,上海", "北京,上海"),  # ASCII's comma is not in the script's list
        ("北 京", "北 京"),  # nor is white space, except at the ends
        ("等等……", "等等……"),  # the list holds "……", which no single character equals
        ("‘甲’", "‘甲"),  # of the single quotes, the list holds the closing one only
        ("。", ""),
    ],
)
def test_chinese_normalisation_by_hand(text: str, expected: str) -> None:
    assert normalize_answer_zh(text) == expected


@pytest.mark.parametrize(
    ("predicted", "gold", "match", "f1"),
    [
        ("the Nile", ["Nile"], 1, 1),
        ("Nile river", ["river Nile"], 0, 1),  # words in any order
        ("river", ["river Nile"], 0, 2 / 3),
        ("no no no", ["no"], 0, 0.5),  # a repeated word is right once: 1 of 3, and 1 of 1
        ("no no no", ["no no"], 0, 0.8),
        ("Paris", ["London", "in Paris", "Rome"], 0, 2 / 3),  # the best of several
        ("Paris", ["London"], 0, 0),
        ("the", ["Paris"], 0, 0),  # nothing is left of it, so it is "no answer"
        ("the", [], 1, 1),
        ("Paris", [], 0, 0),
        ("Paris", ["", "the"], 0, 0),
        ("", ["", "Paris"], 0, 0),  # the text has an answer, so an empty one is wrong
    ],
)
def test_english_scores_by_hand(predicted: str, gold: list[str], match: float, f1: float) -> None:
    assert exact_match(predicted, gold) == match
    assert answer_f1(predicted, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("predicted", "gold", "match", "f1"),
    [
        ("北京。", ["北京"], 1, 1),
        ("京北", ["北京"], 0, 0.5),  # one character in a row, of two and of two
        ("北和京", ["北京"], 0, 0.4),  # no gap is bridged: 1 of 3, and 1 of 2
        ("1998年", ["1998年5月"], 0, 2 / 3),  # units 1998 年 against 1998 年 5 月
        ("1998", ["1999"], 0, 0),  # a number is one unit
        ("3.5", ["3.7"], 0, 0),
        ("3.5米", ["3.5 米"], 0, 1),  # white space is no unit, but exact match sees it
        ("iPhone手机", ["iphone手机"], 1, 1),
        ("deep learning", ["deep learning方法"], 0, 2 / 3),  # 2 of 2, and 2 of 4
        ("5月,6月", ["5月6月"], 0, 4 / 9),  # the comma is a unit, and splits the piece
        ("上海", ["北京", "上海市"], 0, 0.8),
        ("", [], 1, 1),
        ("《》", [], 1, 1),
        ("北京", [], 0, 0),
        ("", ["北京"], 0, 0),
    ],
)
def test_chinese_scores_by_hand(predicted: str, gold: list[str], match: float, f1: float) -> None:
    assert exact_match_zh(predicted, gold) == match
    assert answer_f1_zh(predicted, gold) == pytest.approx(f1)


@settings(deadline=None)
@given(CHINESE, CHINESE)
def test_the_chinese_f1_is_symmetric_and_finds_the_longest_piece(a: str, b: str) -> None:
    # Without words and numbers, units are characters, and the pieces can be listed.
    a, b = (normalize_answer_zh("".join(c for c in text if c in "北京市的")) for text in (a, b))
    assert answer_f1_zh(a, [b]) == pytest.approx(answer_f1_zh(b, [a]))
    pieces = [
        end - start
        for start, end in product(range(len(a) + 1), repeat=2)
        if start < end and a[start:end] in b
    ]
    expected = 2 * max(pieces, default=0) / (len(a) + len(b)) if a + b else 1.0
    assert answer_f1_zh(a, [b]) == pytest.approx(expected)


@settings(deadline=None)
@given(st.one_of(ENGLISH, CHINESE), st.lists(st.one_of(ENGLISH, CHINESE), max_size=3))
def test_what_matches_exactly_has_f1_one_and_more_gold_never_hurts(
    predicted: str, gold: list[str]
) -> None:
    for match, f1 in ((exact_match, answer_f1), (exact_match_zh, answer_f1_zh)):
        assert 0 <= match(predicted, gold) <= f1(predicted, gold) <= 1
        if any(normalize_answer(g) and normalize_answer_zh(g) for g in gold):
            assert f1(predicted, [*gold, "北京 the cat"]) >= f1(predicted, gold)


@settings(deadline=None)
@given(ENGLISH, CHINESE)
def test_normalising_twice_is_normalising_once_in_english(english: str, chinese: str) -> None:
    assert normalize_answer(normalize_answer(english)) == normalize_answer(english)
    assert exact_match(english, [english]) == answer_f1(english, [english]) == 1
    assert exact_match_zh(chinese, [chinese]) == answer_f1_zh(chinese, [chinese]) == 1


@pytest.mark.parametrize("score", SCORES)
def test_one_text_is_no_list_of_answers(score) -> None:
    with pytest.raises(ValueError, match="must be a list of texts; got the text 'Paris'"):
        score("Paris", "Paris")


def test_a_long_chinese_answer_is_compared_character_by_character() -> None:
    gold = "的一是" * 80  # few characters, each very often: difflib's shortcut would skip them
    assert answer_f1_zh(gold, [gold]) == 1.0
    assert answer_f1_zh(gold[:120], [gold]) == pytest.approx(2 / 3)
