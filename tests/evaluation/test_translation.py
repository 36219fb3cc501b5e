import math

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.evaluation import (
    bleu,
    bleu_counts,
    bleu_of_counts,
    bootstrap_interval,
    chrf,
    chrf_counts,
    chrf_of_counts,
    clipped_precision,
    paired_bootstrap,
)

FOUND = ["the cat sat on the mat .", "a dog ran in Rome, home!", "red", "it's 3.5 m", "the the the"]
RIGHT = [
    "the cat sat on a mat .",
    "a dog ran home in Rome!",
    "a red kite",
    "it is 3.5 m",
    "the cat",
]
FOUND_ZH = ["红猫坐在垫子上。", "一只狗 ran 回家", "天"]
RIGHT_ZH = ["红猫坐在那张垫子上。", "一只狗跑回了家。", "好"]
words = st.lists(
    st.sampled_from(["the", "cat", "sat", "红", "猫", ",", "3.5"]), min_size=1, max_size=9
)


def test_bleu_is_that_of_sacrebleu() -> None:
    assert bleu(FOUND, RIGHT) == pytest.approx(sacrebleu.corpus_bleu(FOUND, [RIGHT]).score)
    expected = sacrebleu.corpus_bleu(FOUND_ZH, [RIGHT_ZH], tokenize="zh").score
    assert bleu(FOUND_ZH, RIGHT_ZH, "zh") == pytest.approx(expected)
    assert bleu(FOUND_ZH, RIGHT_ZH, "zh") > bleu(FOUND_ZH, RIGHT_ZH, "en")
    several = list(zip(RIGHT, FOUND[::-1], strict=True))
    expected = sacrebleu.corpus_bleu(FOUND, [list(one) for one in zip(*several, strict=True)]).score
    assert bleu(FOUND, several) == pytest.approx(expected)


@settings(max_examples=60)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_both_scores_are_those_of_sacrebleu(pairs: list[tuple[list[str], list[str]]]) -> None:
    found, right = ([" ".join(text) for text in side] for side in zip(*pairs, strict=True))
    assert bleu(found, right) == pytest.approx(sacrebleu.corpus_bleu(found, [right]).score)
    assert chrf(found, right) == pytest.approx(sacrebleu.corpus_chrf(found, [right]).score)
    assert 0 <= chrf(found, right) <= 100 + 1e-9


def test_chrf_of_several_references_takes_the_closest() -> None:
    expected = sacrebleu.corpus_chrf(FOUND, [RIGHT, FOUND[::-1]]).score
    assert chrf(FOUND, list(zip(RIGHT, FOUND[::-1], strict=True))) == pytest.approx(expected)
    assert chrf(FOUND_ZH, RIGHT_ZH) == pytest.approx(
        sacrebleu.corpus_chrf(FOUND_ZH, [RIGHT_ZH]).score
    )


def test_the_same_text_is_a_hundred_and_none_is_nothing() -> None:
    assert bleu(RIGHT, RIGHT) == pytest.approx(100)
    assert chrf(RIGHT, RIGHT) == pytest.approx(100)
    assert bleu([""] * 5, RIGHT) == chrf([""] * 5, RIGHT) == 0
    assert chrf(["xyz"], ["abc"]) == 0


def test_counts_by_hand() -> None:
    (row,) = bleu_counts(["the the the"], ["the cat and the dog"])
    assert row.tolist() == [3, 5, 2, 0, 0, 0, 3, 2, 1, 0]
    (row,) = chrf_counts(["a b"], ["abb"])
    assert row.tolist() == [2, 3, 2, 1, 2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    # Two orders count: precision 1 and 1, recall 2/3 and 1/2; F2 = 5pr / (4p + r).
    p, r = 1, (2 / 3 + 1 / 2) / 2
    assert chrf(["a b"], ["abb"]) == pytest.approx(100 * 5 * p * r / (4 * p + r))


def test_the_corpus_score_is_no_mean_of_sentences() -> None:
    counts = bleu_counts(FOUND, RIGHT)
    assert bleu_of_counts(counts) == pytest.approx(bleu(FOUND, RIGHT))
    alone = [bleu_of_counts(counts[[row]]) for row in range(len(counts))]
    assert abs(np.mean(alone) - bleu(FOUND, RIGHT)) > 5


def test_intervals_and_comparisons_draw_sentences() -> None:
    counts, copied = bleu_counts(FOUND * 9, RIGHT * 9), bleu_counts(RIGHT * 9, RIGHT * 9)
    low, high = bootstrap_interval(counts, bleu_of_counts, n_resamples=200)
    assert low < bleu(FOUND, RIGHT) < high
    result = paired_bootstrap(copied, counts, bleu_of_counts, n_resamples=100)
    assert result.difference == pytest.approx(100 - bleu(FOUND, RIGHT))
    assert result.share_ahead == 1
    low, high = bootstrap_interval(chrf_counts(FOUND, RIGHT), chrf_of_counts, n_resamples=200)
    assert low < chrf(FOUND, RIGHT) < high


def test_clipped_precision_of_the_paper() -> None:
    reference = ["the", "cat", "is", "on", "the", "mat"]
    assert clipped_precision(["the"] * 7, reference, 1) == pytest.approx(2 / 7)
    assert clipped_precision(
        ["the", "cat", "sat", "on", "the", "mat"], reference, 2
    ) == pytest.approx(3 / 5)
    assert math.isnan(clipped_precision(["the"], reference, 2))
    with pytest.raises(ValueError, match="n must be ≥ 1"):
        clipped_precision(["the"], reference, 0)


@pytest.mark.parametrize("score", [bleu, chrf])
def test_bad_input(score) -> None:
    with pytest.raises(ValueError, match="as many, at least one; got 2 and 1"):
        score(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="got 0 and 0"):
        score([], [])
    with pytest.raises(ValueError, match=r"references must not be empty; got \[' '\] in row 1"):
        score(["a", "b"], ["a", " "])
    with pytest.raises(ValueError, match="in row 0"):
        score(["a"], [[]])
    with pytest.raises(TypeError, match="lists of texts; got one text"):
        score("a", ["a"])
