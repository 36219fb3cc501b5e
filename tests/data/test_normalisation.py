import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.normalisation import normalise_text

# Drawn often, so that what interacts meets: letters with accents, blanks, marks of no width.
NASTY = st.text(st.sampled_from("aeÅ\u0301\u200b\u00ad \t\n\r\v\u00a0\u3000Ａ，\u1100\u1161\ufeff"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301", "café"),
        ("a\r\nb\rc\u2028d\x85e\x0bf", "a\nb\nc\nd\ne\nf"),
        ("zero\u200bwidth \ufeffmark, so\u00adft\u2060 hyphen", "zerowidth mark, soft hyphen"),
        ("bell\x07 and nul\x00 and\x9b c1", "bell and nul and c1"),
        ("left\u202eright\u200f tag\U000e0041", "leftright tag"),
        ("ＡＺａｚ０９", "AZaz09"),
        ("你好，世界！（真的？）：“好”；。", "你好，世界！（真的？）：“好”；。"),
        ("a\u00a0b\u3000c\u2009d\u202fe", "a b c d e"),
        ("a   b \t  c", "a b\tc"),
        ("  a  \n  b\t\n", "a\nb"),
        ("a\n\n\n \n\nb\n\nc", "a\n\nb\n\nc"),
        ("① ﬁ ½ ＠／：［｀｛", "① ﬁ ½ ＠／：［｀｛"),
        ("e\u200b\u0301", "é"),
        ("Ｅ\u0301", "É"),
        ("", ""),
        (" \r\n\t\u200b ", ""),
    ],
)
def test_by_hand(text: str, expected: str) -> None:
    assert normalise_text(text) == expected


@settings(deadline=None, max_examples=300)
@given(st.text() | NASTY)
def test_twice_is_once(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once


@settings(deadline=None)
@given(st.text() | NASTY)
def test_what_the_result_never_holds(text: str) -> None:
    normal = normalise_text(text)
    assert unicodedata.is_normalized("NFC", normal)
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in normal)
    assert not any(unicodedata.category(c) in ("Zs", "Zl", "Zp") and c != " " for c in normal)
    assert all(gap not in normal for gap in ("  ", "\n\n\n", " \n", "\n ", "\t\n", "\u200b"))
    assert normal == normal.strip(" \t\n")


@settings(deadline=None)
@given(st.text("abc XYZ.,我你。\n"))
def test_plain_text_keeps_its_words(text: str) -> None:
    assert normalise_text(text).split() == text.split()


def test_a_lone_surrogate_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"must be valid Unicode; got the lone surrogate U\+D83D at character 3"
    ):
        normalise_text("cut\ud83d")
    with pytest.raises(ValueError, match=r"U\+DFFF at character 0"):
        normalise_text("\udfff")
    assert normalise_text("whole 😀") == "whole 😀"
