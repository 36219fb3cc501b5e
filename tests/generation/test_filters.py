import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close
from transformers import (
    MinPLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from course_lib.generation import keep_min_p, keep_top_k, keep_top_p, keep_typical
from course_lib.seeding import make_generator

FILTERS = {
    "top_k": (keep_top_k, TopKLogitsWarper, (1, 2, 7, 31)),
    "top_p": (keep_top_p, TopPLogitsWarper, (0.01, 0.5, 0.9, 0.999)),
    "min_p": (keep_min_p, MinPLogitsWarper, (0.01, 0.1, 0.5, 1.0)),
    "typical": (keep_typical, TypicalLogitsWarper, (0.01, 0.2, 0.5, 0.95)),
}


def random_logits() -> Tensor:
    return 3 * torch.randn(13, 31, generator=make_generator(0), dtype=torch.float64)


@pytest.mark.parametrize("name", FILTERS)
def test_agrees_with_transformers(name: str) -> None:
    ours, theirs, values = FILTERS[name]
    for value in values:
        logits = random_logits()
        expected = theirs(value)(None, logits.clone())
        assert_close(ours(logits, value), expected, rtol=0, atol=0)
        assert logits.equal(random_logits())  # the input is left alone


@pytest.mark.parametrize("name", FILTERS)
def test_logits_and_log_probs_keep_the_same(name: str) -> None:
    ours, _, values = FILTERS[name]
    for value in values:
        logits = random_logits()
        kept = ours(logits, value).isfinite()
        assert kept.equal(ours(logits.log_softmax(dim=-1), value).isfinite())
        assert kept.any(dim=-1).all()
        assert_close(ours(logits, value)[kept], logits[kept], rtol=0, atol=0)


@pytest.mark.parametrize("name", FILTERS)
def test_a_batch_is_its_rows(name: str) -> None:
    ours, _, values = FILTERS[name]
    logits = random_logits()
    rows = torch.stack([ours(row, values[1]) for row in logits])
    assert_close(ours(logits, values[1]), rows, rtol=0, atol=0)


@pytest.mark.parametrize("name", FILTERS)
def test_filtering_twice_with_ruled_out_tokens_is_no_nan(name: str) -> None:
    ours, _, values = FILTERS[name]
    logits = random_logits()
    logits[:, 3:] = -math.inf
    assert not ours(logits, values[1]).isnan().any()
    assert not ours(logits, values[1])[:, 3:].isfinite().any()
    among_three = ours(logits[:, :3], values[1])
    assert_close(ours(logits, values[1])[:, :3], among_three, rtol=0, atol=0)


def test_by_hand() -> None:
    log_probs = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.float64).log()

    def kept(filtered: Tensor) -> list[int]:
        return filtered.isfinite().nonzero().flatten().tolist()

    assert kept(keep_top_k(log_probs, 3)) == [1, 2, 3]
    assert kept(keep_top_k(log_probs, 99)) == [0, 1, 2, 3]
    assert kept(keep_top_p(log_probs, 0.39)) == [1]
    assert kept(keep_top_p(log_probs, 0.41)) == [1, 3]
    assert kept(keep_top_p(log_probs, 1.0)) == [0, 1, 2, 3]
    assert kept(keep_min_p(log_probs, 0.49)) == [1, 2, 3]
    assert kept(keep_min_p(log_probs, 0.51)) == [1, 3]
    assert kept(keep_min_p(log_probs, 1.0)) == [1]
    # Entropy 1.280 nats; surprises 2.303, 0.916, 1.609, 1.204: nearest are 3, 2, 1, 0.
    assert kept(keep_typical(log_probs, 0.29)) == [3]
    assert kept(keep_typical(log_probs, 0.49)) == [2, 3]
    assert kept(keep_typical(log_probs, 0.51)) == [1, 2, 3]


def test_a_set_that_reaches_p_exactly_is_large_enough() -> None:
    even = torch.zeros(4)
    assert keep_top_p(even, 0.5).isfinite().tolist() == [True, True, False, False]
    assert keep_typical(even, 0.25).isfinite().tolist() == [True, False, False, False]


def test_equally_likely_tokens_at_the_border_of_top_k_all_stay() -> None:
    even = torch.tensor([0.25, 0.25, 0.4, 0.1]).log()
    assert keep_top_k(even, 2).isfinite().tolist() == [True, True, True, False]


@settings(deadline=None, max_examples=30)
@given(st.floats(0.01, 0.99), st.integers(0, 1000))
def test_the_nucleus_is_the_smallest_set_that_reaches_p(p: float, seed: int) -> None:
    probs = torch.rand(11, generator=make_generator(seed), dtype=torch.float64).softmax(dim=0)
    kept = keep_top_p(probs.log(), p).isfinite()
    assert probs[kept].sum() >= p - 1e-12
    assert probs[kept].sum() - probs[kept].min() < p
    assert probs[kept].min() >= probs[~kept].max() if not kept.all() else True


@pytest.mark.parametrize("p", [0.0, -0.1, 1.1, math.nan])
@pytest.mark.parametrize("filter_", [keep_top_p, keep_min_p, keep_typical])
def test_a_share_out_of_range_is_refused(p: float, filter_) -> None:
    with pytest.raises(ValueError, match=f"p must be > 0 and ≤ 1; got p={p}"):
        filter_(torch.zeros(3), p)


def test_top_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="k must be ≥ 1; got k=0"):
        keep_top_k(torch.zeros(3), 0)
