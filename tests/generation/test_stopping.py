from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.generation import StopStrings, cut_at_stop
from course_lib.generation.stopping import stop_at
from course_lib.tokenizers import BPETokenizer, ByteTokenizer, WordPieceTokenizer
from course_lib.tokenizers.wordpiece import SPECIAL_TOKENS

TEXTS = st.text(alphabet="abé小", max_size=12)
STRINGS = st.lists(st.text(alphabet="abé小", min_size=1, max_size=4), min_size=1, max_size=3)
BYTES = ByteTokenizer()


def cut_by_brute_force(text: str, strings: list[str]) -> str:
    """Read one character after the other, and stop when one of the strings is complete."""
    for end in range(len(text) + 1):
        complete = [string for string in strings if text[:end].endswith(string)]
        if complete:
            return text[: end - max(map(len, complete))]
    return text


def test_the_first_is_the_one_that_is_complete_first() -> None:
    assert cut_at_stop("xabcd", ["abcd", "bc"]) == "xa"
    assert cut_at_stop("xabcd", ["bc", "abc"]) == "x"  # complete together: the longest
    assert cut_at_stop("Yes. No. Yes.", [". ", "!"]) == "Yes"
    assert cut_at_stop("end", ["end"]) == ""
    assert cut_at_stop("", ["end"]) == ""
    assert cut_at_stop("an end?", ["End"]) == "an end?"


@settings(deadline=None)
@given(TEXTS, STRINGS)
def test_cutting_agrees_with_reading_character_by_character(text: str, strings: list[str]) -> None:
    assert cut_at_stop(text, strings) == cut_by_brute_force(text, strings)


@settings(deadline=None)
@given(TEXTS, STRINGS, st.data())
def test_pieces_are_cut_as_the_whole_is_and_nothing_is_held_for_long(
    text: str, strings: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    starts, ends = [0, *cuts], [*cuts, len(text)]
    read: list[str] = []

    def pieces() -> Iterator[str]:
        for a, b in zip(starts, ends, strict=True):
            read.append(text[a:b])
            yield read[-1]

    shown = ""
    whole = cut_by_brute_force(text, strings)
    for piece in stop_at(pieces(), strings):
        assert piece
        shown += piece
        so_far = "".join(read)
        held = max((n for s in strings for n in range(len(s)) if so_far.endswith(s[:n])), default=0)
        if len(read) < len(starts) and so_far == cut_by_brute_force(so_far, strings):
            assert shown == so_far[: len(so_far) - held]
    assert shown == whole
    if whole != text:  # nothing is read behind the string
        assert "".join(read[:-1]) == cut_by_brute_force("".join(read[:-1]), strings)


def test_what_may_begin_a_stop_string_waits_by_hand() -> None:
    shown = list(stop_at(["so", " E", "N", "d ", "aE", "ND!", "more"], ["END"]))
    assert shown == ["so", " ", "ENd ", "a"]
    assert list(stop_at(["so E", "N"], ["END"])) == ["so ", "EN"]


@settings(deadline=None)
@given(TEXTS, STRINGS)
def test_it_says_stop_with_the_token_that_completes_a_string(text: str, strings: list[str]) -> None:
    stop = StopStrings(BYTES.decode, strings)
    ids = BYTES.encode(text)
    answers = [stop(ids[: n + 1]) for n in range(len(ids))]
    cut = cut_by_brute_force(text, strings)
    if True not in answers:
        assert cut == text
        return
    written = ids[: answers.index(True) + 1]
    assert cut_at_stop(BYTES.decode(written), strings) == cut
    assert cut_by_brute_force(BYTES.decode(written[:-1]).rstrip("�"), strings) == BYTES.decode(
        written[:-1]
    ).rstrip("�")


def test_strings_over_several_tokens_and_in_the_middle_of_one() -> None:
    tokenizer = BPETokenizer.train(["and then. and then! 小猫"] * 3, vocab_size=270)
    ids = tokenizer.encode("and then! and then. and")
    tokens = [tokenizer.decode([i]) for i in ids]
    assert max(map(len, tokens)) > 2
    stop = StopStrings(tokenizer.decode, ["n. a"])
    answers = [stop(ids[: n + 1]) for n in range(len(ids))]
    written = ids[: answers.index(True) + 1]
    assert cut_at_stop(tokenizer.decode(written), ["n. a"]) == "and then! and the"
    assert "n. a" not in tokenizer.decode(written[:-1])


def test_only_the_last_tokens_are_decoded() -> None:
    n_decoded = []

    def decode(ids: list[int]) -> str:
        n_decoded.append(len(ids))
        return BYTES.decode(ids)

    stop = StopStrings(decode, ["猫", "ab", "abcde"])
    assert not stop(BYTES.encode("x" * 1000))
    assert n_decoded == [6]


def test_a_blank_that_a_tokenizer_drops_before_the_first_token_is_found() -> None:
    def decode(ids: list[int]) -> str:
        return "".join(map(chr, ids)).removeprefix(" ")  # as SentencePiece does

    assert StopStrings(decode, [" b"])(list(map(ord, "aa b")))
    wordpiece = WordPieceTokenizer([*SPECIAL_TOKENS, "a", "b", "##c"])
    assert StopStrings(wordpiece.decode, [" bc"])(wordpiece.encode("a a a bc"))
    assert not StopStrings(wordpiece.decode, ["a b"])(wordpiece.encode("a a a bc a a"))


@pytest.mark.parametrize("take", [cut_at_stop, stop_at, StopStrings])
def test_no_string_at_all_and_an_empty_one_are_refused(take: Any) -> None:
    first = str if take is StopStrings else ""
    with pytest.raises(TypeError, match=r"strings must be several, such as \['end'\]"):
        take(first, "end")
    for strings in ([], ["end", ""]):
        with pytest.raises(ValueError, match="at least one, none of them empty"):
            take(first, strings)
