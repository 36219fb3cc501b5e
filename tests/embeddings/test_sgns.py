import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn.functional import binary_cross_entropy_with_logits

from course_lib.embeddings import (
    keep_probabilities,
    negative_weights,
    sgns_gradients,
    sgns_loss,
    skip_gram_pairs,
)
from course_lib.seeding import make_generator


def make_vectors(n_pairs: int = 3, n_negatives: int = 5, d_embed: int = 7) -> tuple:
    generator = make_generator(0)
    shapes = ((n_pairs, d_embed), (n_pairs, d_embed), (n_pairs, n_negatives, d_embed))
    return tuple(
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    )


def test_pairs_by_hand() -> None:
    assert skip_gram_pairs([5, 5, 6, 7], window=2) == [
        *[(5, 5), (5, 6)],
        *[(5, 5), (5, 6), (5, 7)],
        *[(6, 5), (6, 5), (6, 7)],
        *[(7, 5), (7, 6)],
    ]
    assert skip_gram_pairs([3], window=2) == []
    with pytest.raises(ValueError, match="got window=0"):
        skip_gram_pairs([1, 2], window=0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 5))
def test_whoever_is_my_context_has_me_as_context(ids: list[int], window: int) -> None:
    pairs = skip_gram_pairs(ids, window)
    assert sorted(pairs) == sorted((context, center) for center, context in pairs)


def test_negative_weights_by_hand() -> None:
    weights = negative_weights(np.array([81, 16, 0]))
    expected = torch.tensor([27 / 35, 8 / 35, 0.0], dtype=torch.float64)
    torch.testing.assert_close(weights, expected)
    assert negative_weights([0, 1]).tolist() == [0.0, 1.0]  # one running word is enough
    torch.testing.assert_close(
        negative_weights([1, 3], power=1.0), torch.tensor([0.25, 0.75], dtype=torch.float64)
    )


def test_keep_probabilities_by_hand() -> None:
    # Shares 0.9 and 0.1 with threshold 0.09: √0.1 + 0.1, and √0.9 + 0.9 > 1.
    found = keep_probabilities(torch.tensor([90, 10]), sample=0.09)
    expected = torch.tensor([math.sqrt(0.1) + 0.1, 1.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected)
    assert keep_probabilities([7, 1], sample=0.0).tolist() == [1.0, 1.0]
    assert keep_probabilities([7, 0]).tolist()[1] == 1.0


@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=9), st.floats(1e-6, 1.0))
def test_probabilities_fall_with_frequency(counts: list[int], sample: float) -> None:
    counts = sorted(counts)
    kept, drawn = keep_probabilities(counts, sample), negative_weights(counts)
    assert ((kept > 0) & (kept <= 1)).all()
    assert (kept.diff() <= 0).all()
    assert (drawn.diff() >= 0).all()
    assert drawn.sum().item() == pytest.approx(1.0)


@pytest.mark.parametrize("counts", [[-1, 2], [0, 0], [[1, 2]]])
@pytest.mark.parametrize("function", [negative_weights, keep_probabilities])
def test_impossible_counts_are_refused(function, counts: list) -> None:
    with pytest.raises(ValueError, match="counts must be a list of numbers ≥ 0"):
        function(counts)


@pytest.mark.parametrize("sample", [-1e-3, math.nan])
def test_a_bad_threshold_is_refused(sample: float) -> None:
    with pytest.raises(ValueError, match="sample must be ≥ 0"):
        keep_probabilities([1, 2], sample=sample)


def test_loss_is_binary_cross_entropy_of_true_and_random_pairs() -> None:
    center, context, negatives = make_vectors()
    scores = torch.cat(
        [
            torch.einsum("bd,bd->b", center, context)[:, None],
            torch.einsum("bd,bkd->bk", center, negatives),
        ],
        dim=1,
    )
    labels = torch.zeros_like(scores)
    labels[:, 0] = 1.0
    expected = binary_cross_entropy_with_logits(scores, labels, reduction="sum") / len(center)
    torch.testing.assert_close(sgns_loss(center, context, negatives), expected)


def test_loss_by_hand() -> None:
    center, context = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])
    negatives = torch.tensor([[[0.0, 0.0], [2.0, 0.0]]])
    expected = math.log1p(math.exp(-1)) + math.log(2) + math.log1p(math.exp(2))
    assert sgns_loss(center, context, negatives).item() == pytest.approx(expected)


def test_gradients_by_hand_equal_autograd() -> None:
    vectors = make_vectors()
    assert gradcheck(sgns_loss, vectors)
    expected = torch.autograd.grad(sgns_loss(*vectors), vectors)
    for found, reference in zip(sgns_gradients(*vectors), expected, strict=True):
        torch.testing.assert_close(found, reference)


def test_a_step_against_the_gradient_lowers_the_loss() -> None:
    vectors = make_vectors()
    before = sgns_loss(*vectors)
    moved = [v - 0.01 * g for v, g in zip(vectors, sgns_gradients(*vectors), strict=True)]
    assert sgns_loss(*moved) < before
