import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close
from transformers import NoRepeatNGramLogitsProcessor, RepetitionPenaltyLogitsProcessor

from course_lib.generation import forbid_repeated_ngrams, penalise_repetition
from course_lib.generation.penalties import banned_by_ngrams
from course_lib.seeding import make_generator

TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=17)


@settings(deadline=None, max_examples=50)
@given(TEXTS, st.sampled_from([0.5, 1.0, 1.3, 2.0]))
def test_the_penalty_agrees_with_transformers(ids: list[int], penalty: float) -> None:
    logits = torch.randn(5, generator=make_generator(0), dtype=torch.float64)
    theirs = RepetitionPenaltyLogitsProcessor(penalty)(torch.tensor([ids]), logits[None].clone())
    assert_close(penalise_repetition(logits, ids, penalty), theirs[0], rtol=0, atol=0)


@settings(deadline=None, max_examples=100)
@given(TEXTS, st.integers(1, 4))
def test_ngrams_agree_with_transformers(ids: list[int], n: int) -> None:
    logits = torch.randn(5, generator=make_generator(0), dtype=torch.float64)
    theirs = NoRepeatNGramLogitsProcessor(n)(torch.tensor([ids]), logits[None].clone())
    assert_close(forbid_repeated_ngrams(logits, ids, n), theirs[0], rtol=0, atol=0)


def test_banned_tokens_by_hand() -> None:
    text = [3, 1, 2, 3, 1, 4, 3, 1]
    assert banned_by_ngrams(text, 3) == [2, 4]  # what followed 3 1
    assert banned_by_ngrams(text, 2) == [2, 4]  # what followed 1
    assert banned_by_ngrams(text, 1) == [1, 2, 3, 4]
    assert banned_by_ngrams([5], 2) == []
    assert banned_by_ngrams([], 2) == []
    assert banned_by_ngrams([7, 7], 2) == [7]


def test_a_text_without_tokens_is_not_penalised() -> None:
    logits = torch.tensor([1.0, -1.0])
    assert penalise_repetition(logits, [], 2.0).tolist() == [1.0, -1.0]
    assert forbid_repeated_ngrams(logits, [0], 2) is logits


@pytest.mark.parametrize("penalty", [0.0, -1.0, math.nan])
def test_a_penalty_out_of_range_is_refused(penalty: float) -> None:
    with pytest.raises(ValueError, match=f"penalty must be > 0; got penalty={penalty}"):
        penalise_repetition(torch.zeros(3), [0], penalty)


def test_empty_ngrams_are_refused() -> None:
    with pytest.raises(ValueError, match="n must be ≥ 1; got n=0"):
        forbid_repeated_ngrams(torch.zeros(3), [0], 0)
