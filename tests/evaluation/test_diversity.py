import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from course_lib.evaluation import distinct_n


def test_by_hand() -> None:
    texts = [["a", "b", "a", "b", "a"], ["b", "a", "c"]]
    assert distinct_n(texts, n=1) == 3 / 8
    assert distinct_n(texts, n=2) == 3 / 6  # ab ba ab ba | ba ac: ab, ba, ac
    assert distinct_n(texts, n=3) == 3 / 4  # aba bab aba | bac


def test_no_ngram_lies_in_two_texts() -> None:
    assert distinct_n(["ab", "cd"], n=2) == 1
    assert distinct_n(["ab", "ab"], n=2) == 0.5
    with pytest.raises(ValueError, match=r"at least one text of 3 tokens or more; got none\."):
        distinct_n(["ab", "cd"], n=3)


def test_a_text_that_is_too_short_adds_nothing() -> None:
    assert distinct_n([[1, 2, 3, 4], [7], []], n=3) == 1


def test_a_loop_has_few_different_ngrams() -> None:
    assert distinct_n([[5, 6, 7] * 100], n=4) == 3 / 297


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n must be ≥ 1; got n=0\."):
        distinct_n(["abc"], n=0)
    with pytest.raises(ValueError, match="got none"):
        distinct_n([], n=1)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_scikit_learn_counts_the_same(n: int) -> None:
    lines = ["to be or not to be", "not to be is to be", "or or or"]
    counts = (
        CountVectorizer(ngram_range=(n, n), token_pattern=r"\w+").fit_transform(lines).toarray()
    )
    assert distinct_n([line.split() for line in lines], n) == counts.shape[1] / counts.sum()


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=5, max_size=40), st.integers(1, 5))
def test_one_text_written_twice_has_half_the_share(text: list[int], n: int) -> None:
    once = distinct_n([text], n)
    assert 0 < once <= 1
    assert distinct_n([text, text], n) == once / 2
