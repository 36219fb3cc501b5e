"""Contamination: shares by hand, and what is planted is found."""

import pytest

from course_lib.data.contamination import overlap_shares

SENTENCE = "one two three four five six seven eight nine ten eleven"


def test_shares_by_hand() -> None:
    # The runs of "a b a b c": ab, ba, bc; the training texts hold ab and bc.
    assert overlap_shares(["a b a b c"], ["A, B!", "b c"], n_units=2) == pytest.approx([2 / 3])


def test_no_run_reaches_over_two_training_texts() -> None:
    assert overlap_shares(["a b c d"], ["a b", "c d"], n_units=4) == [0.0]


def test_a_copied_half_is_half() -> None:
    words = SENTENCE.split()
    test = " ".join([*words, "and", *reversed(words)])  # 16 runs of 8, the first 4 copied
    assert overlap_shares([test], [SENTENCE]) == [4 / 16]
    assert overlap_shares([SENTENCE, test], [test]) == [1.0, 1.0]


def test_short_and_empty_texts() -> None:
    assert overlap_shares(["six seven", "", "!?"], [SENTENCE, "", "Six: seven"]) == [1.0, 0.0, 0.0]
    assert overlap_shares(["six seven"], [SENTENCE]) == [0.0]
    assert overlap_shares([], [SENTENCE]) == []
    assert overlap_shares([SENTENCE], []) == [0.0]


def test_training_texts_may_be_read_once() -> None:
    assert overlap_shares([SENTENCE, SENTENCE], iter([SENTENCE])) == [1.0, 1.0]


def test_runs_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"n_units must be ≥ 1; got n_units=0"):
        overlap_shares(["a"], ["a"], n_units=0)
    assert overlap_shares(["a b"], ["a"], n_units=1) == [0.5]
