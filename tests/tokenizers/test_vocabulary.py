from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import Vocabulary, check_sentences, describe_unknown

SENTENCES = [["b", "a", "c"], ["a", "b"], ["d", "a"]]


def test_words_are_ordered_by_count_then_alphabet() -> None:
    vocabulary = Vocabulary.from_sentences(SENTENCES)
    assert vocabulary.words == ["a", "b", "c", "d"]
    assert vocabulary.counts.dtype == np.int64
    assert vocabulary.counts.tolist() == [3, 2, 1, 1]
    assert len(vocabulary) == 4
    assert Vocabulary.from_sentences([["d", "b"], ["c", "a"]]).words == ["a", "b", "c", "d"]
    assert "d" in vocabulary
    assert "e" not in vocabulary


def test_rare_words_and_the_tail_can_be_left_out() -> None:
    assert Vocabulary.from_sentences(SENTENCES, min_count=2).words == ["a", "b"]
    assert Vocabulary.from_sentences(SENTENCES, max_size=3).words == ["a", "b", "c"]
    assert Vocabulary.from_sentences(SENTENCES, max_size=1).words == ["a"]
    assert Vocabulary.from_sentences(SENTENCES, min_count=2, max_size=9).words == ["a", "b"]


def test_encode_drops_unknown_words() -> None:
    assert Vocabulary.from_sentences(SENTENCES).encode(["d", "x", "a"]) == [3, 0]


def test_an_unknown_word_is_named_with_its_near_spellings() -> None:
    vocabulary = Vocabulary.from_sentences([["queen", "green", "king"]])
    with pytest.raises(ValueError, match=r"got 'queeen'\. Near spellings: queen"):
        vocabulary.id_of("queeen")
    near = describe_unknown("queen", ["queens", "queeny", "queena", "queene", "queent"])
    assert near.count(", ") == 2  # three of the five
    assert describe_unknown("zzz", ["a"]) == "word must be one of the 1 known words; got 'zzz'."


@pytest.mark.parametrize(
    ("bad", "message"),
    [("a plain string", "one plain string"), (["a b", "c"], "the string 'a b' as sentence 0")],
)
def test_strings_are_refused_with_the_reason(bad: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Vocabulary.from_sentences(bad)  # type: ignore[arg-type]


def test_a_generator_is_read_once_and_kept() -> None:
    assert check_sentences(sentence for sentence in SENTENCES) == SENTENCES


@pytest.mark.parametrize("bad", [{"min_count": 0}, {"max_size": 0}])
def test_limits_below_one_are_refused(bad: dict[str, int]) -> None:
    (name,) = bad
    with pytest.raises(ValueError, match=rf"{name} must be ≥ 1.*got {name}=0"):
        Vocabulary.from_sentences(SENTENCES, **bad)


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=2))))
def test_counts_agree_with_counter_and_ids_round_trip(sentences: list[list[str]]) -> None:
    vocabulary = Vocabulary.from_sentences(sentences)
    everything = [word for sentence in sentences for word in sentence]
    found = dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))
    assert found == Counter(everything)
    assert [vocabulary.words[index] for index in vocabulary.encode(everything)] == everything
