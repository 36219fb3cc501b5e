import sys
import unicodedata

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import printable, split_pretokens
from course_lib.tokenizers.pretokens import (
    BYTE_NAMES,
    bytes_of,
    check_text,
    check_texts,
    split_chunks,
)

REFERENCE = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
# All but the insides of large blocks: Chinese characters, unassigned planes, private use.
POINTS = (
    *(
        *range(0x20010),
        *range(0x2A6D0, 0x2A710),
        *range(0x2B730, 0x2B750),
        *range(0x2B810, 0x2B830),
    ),
    *(*range(0x2CE90, 0x2CEC0), *range(0x2EBD0, 0x2EC00), *range(0x2EE50, 0x2EE70)),
    *(*range(0x2F7F0, 0x30010), *range(0x31340, 0x31360), *range(0x323A0, 0x323C0)),
    *(*range(0xE0000, 0xE0200), *range(0x10FF00, sys.maxunicode + 1)),
)
CHARACTERS = [chr(p) for p in POINTS if not 0xD800 <= p < 0xE000]
texts = st.one_of(
    st.text(),
    st.text(alphabet="aé从3²!'s \n\t\u00a0\u2003\x1c🙂\u0301"),
    st.from_regex(r"[ -~\s]*"),
)


def reference_split(text: str) -> list[str]:
    return [text[start:end] for _, (start, end) in REFERENCE.pre_tokenize_str(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello world", ["Hello", " world"]),
        ("we'll they've I'M", ["we", "'ll", " they", "'ve", " I", "'", "M"]),
        ("don't 'tis", ["don", "'t", " '", "tis"]),
        ("x=  3;\n\n  y", ["x", "=", " ", " 3", ";", "\n\n ", " y"]),
        ("end  \n", ["end", "  \n"]),
        ("a\x1cb", ["a", "\x1c", "b"]),
        ("从前有2只²Ⅳ", ["从前有", "2", "只", "²Ⅳ"]),
    ],
)
def test_the_cut_by_hand(text: str, expected: list[str]) -> None:
    assert split_pretokens(text) == expected


def test_every_character_is_of_the_same_kind_as_in_the_reference() -> None:
    """Python's own tables are older or newer; see the ranges in the module."""
    for start in range(0, len(CHARACTERS), 4096):
        text = "".join(f"a{c}1{c}!{c}" for c in CHARACTERS[start : start + 4096])
        assert split_pretokens(text) == reference_split(text), hex(ord(CHARACTERS[start]))


def test_the_newest_letters_and_numbers_are_known_whatever_python_runs() -> None:
    assert split_pretokens("a\U00016d40\U0001ccf0!") == ["a\U00016d40", "\U0001ccf0", "!"]
    assert unicodedata.unidata_version < "17", "a newer table has letters the reference lacks"


@settings(deadline=None)
@given(texts)
def test_the_cut_is_that_of_the_reference_and_loses_nothing(text: str) -> None:
    pretokens = split_pretokens(text)
    assert pretokens == reference_split(text)
    assert "".join(pretokens) == text


@settings(deadline=None)
@given(texts)
def test_chunks_hold_whole_pretokens(text: str) -> None:
    chunks = split_chunks(text)
    assert "".join(chunks) == text
    assert [p for chunk in chunks for p in split_pretokens(chunk)] == split_pretokens(text)


def test_chunks_end_only_at_white_space() -> None:
    assert split_chunks("it's  a\n b!?\x1c c") == ["it's", " ", " a", "\n", " b!?\x1c", " c"]


def test_byte_names_are_those_of_the_reference() -> None:
    assert sorted(BYTE_NAMES.values()) == sorted(REFERENCE.alphabet())
    assert list(BYTE_NAMES) != sorted(BYTE_NAMES)
    assert sorted(BYTE_NAMES) == list(range(256))
    assert [BYTE_NAMES[byte] for byte in b"\x00 \x7f\xad~\xff\n"] == list("ĀĠġŃ~ÿĊ")


@given(st.binary())
def test_printable_names_can_be_read_back(token: bytes) -> None:
    assert bytes_of(printable(token)) == token
    assert printable(token).isprintable()


@settings(deadline=None)
@given(st.text(min_size=1))
def test_printable_names_are_those_of_the_reference(text: str) -> None:
    assert printable(text.encode()) == "".join(n for n, _ in REFERENCE.pre_tokenize_str(text))


def test_a_name_that_stands_for_no_byte_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stand for bytes; got ' ' in 'a b'"):
        bytes_of("a b")


def test_what_is_no_text_is_refused_with_the_place() -> None:
    assert check_text("fine 🙂") == "fine 🙂"
    with pytest.raises(ValueError, match=r"got the lone surrogate '\\ud83d' at character 2\."):
        check_text("ab\ud83dc")
    with pytest.raises(TypeError, match="one string; got bytes"):
        check_text(b"ab")  # pyright: ignore  # wrong on purpose
    with pytest.raises(TypeError, match="several texts"):
        check_texts("one")
    assert check_texts(["one"]) == ["one"]
