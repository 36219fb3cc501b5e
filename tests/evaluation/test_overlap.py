from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.evaluation import longest_common_subsequence, rouge
from course_lib.evaluation.overlap import rouge_units

letters = st.lists(st.sampled_from("abc"), max_size=6)


@given(letters, letters)
def test_the_longest_common_subsequence_is_found(first: list[str], second: list[str]) -> None:
    def all_of(units: list[str]) -> set[tuple[str, ...]]:
        return {part for n in range(len(units) + 1) for part in combinations(units, n)}

    expected = max(len(part) for part in all_of(first) & all_of(second))
    assert longest_common_subsequence(first, second) == expected
    assert longest_common_subsequence(second, first) == expected


def test_the_examples_of_the_paper() -> None:
    """Lin 2004, section 3.1."""
    reference = "police killed the gunman"
    assert rouge("police kill the gunman", reference).rouge_l.recall == 3 / 4
    assert rouge("the gunman kill police", reference).rouge_l.recall == 2 / 4
    assert rouge("the gunman police killed", reference).rouge_l.recall == 2 / 4


def test_numbers_of_googles_script() -> None:
    """What rouge-score 0.1.2 gives without stemming, run once."""
    scores = rouge(
        "The cat, sat on THE mat; it's 3.5 m", "A cat sat there on the old mat. It is 3.5m"
    )
    found = [round(one.f1, 6) for one in scores]
    assert found == [0.608696, 0.285714, 0.608696]


def test_chinese_is_counted_by_characters() -> None:
    scores = rouge("红猫坐", "红猫坐着 A4")
    assert (scores.rouge1.n_right, scores.rouge1.n_predicted, scores.rouge1.n_expected) == (3, 3, 5)
    assert scores.rouge2.n_right == 2
    assert rouge_units("𠮷 Straße 3,5_x") == ["𠮷", "straße", "3", "5", "x"]


def test_the_best_of_several_references_counts_score_by_score() -> None:
    right = ["a b c d", "d c"]
    scores = rouge("c d", right)
    assert scores.rouge1.f1 == 1.0  # the second
    assert scores.rouge2.f1 == pytest.approx(2 / 4)  # the first: 1 of 1 and 1 of 3 pairs
    assert rouge("x", "a").rouge2.f1 != rouge("x", "a").rouge2.f1  # neither has a pair: NaN


def test_nothing_shares_nothing_and_all_shares_all() -> None:
    same = rouge("a cat sat", "A cat sat!")
    assert [one.f1 for one in same] == [1.0] * 3
    assert [one.f1 for one in rouge("", "a cat sat")] == [0.0] * 3


@pytest.mark.parametrize("references", ["", [], ["a", "…"]])
def test_a_reference_must_have_words(references) -> None:
    with pytest.raises(ValueError, match="references must be texts with words"):
        rouge("a", references)
