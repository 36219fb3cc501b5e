import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from course_lib.embeddings import sgns_gradients, sgns_loss
from course_lib.embeddings.window_gradients import (
    cbow_gradients,
    cbow_loss,
    skip_gram_gradients,
    skip_gram_loss,
)
from course_lib.seeding import make_generator

N_CHUNKS, N_CENTERS, N_CONTEXTS, N_SHARED, D_EMBED = 3, 5, 11, 7, 2


@pytest.fixture
def chunk() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = make_generator(0)
    shapes = ((N_CHUNKS, N_CENTERS, D_EMBED), (N_CHUNKS, N_CONTEXTS, D_EMBED), (N_SHARED, D_EMBED))
    center, context, negatives = (
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    )
    mask = (torch.rand(N_CHUNKS, N_CENTERS, N_CONTEXTS, generator=generator) < 0.4).double()
    mask[1, 2] = 0.0  # a centre without context
    return center, context, negatives, mask


def expand_to_pairs(center, context, negatives, mask) -> tuple:
    """Write the same pairs out one by one, each with all negatives."""
    chunk_ids, center_ids, context_ids = mask.nonzero(as_tuple=True)
    pairs = center[chunk_ids, center_ids], context[chunk_ids, context_ids]
    expanded = negatives.expand(len(chunk_ids), -1, -1)
    return (chunk_ids, center_ids, context_ids), (*pairs, expanded)


def test_skip_gram_loss_is_that_of_the_pairs(chunk) -> None:
    _, pairs = expand_to_pairs(*chunk)
    loss_sum, n_pairs = skip_gram_loss(*chunk, N_SHARED)
    assert n_pairs == len(pairs[0])
    torch.testing.assert_close(loss_sum / n_pairs, sgns_loss(*pairs))


def test_skip_gram_gradients_are_those_of_the_pairs(chunk) -> None:
    (chunk_ids, center_ids, context_ids), pairs = expand_to_pairs(*chunk)
    by_pair = [gradient * len(pairs[0]) for gradient in sgns_gradients(*pairs)]
    expected = [torch.zeros_like(part) for part in chunk[:3]]
    expected[0].index_put_((chunk_ids, center_ids), by_pair[0], accumulate=True)
    expected[1].index_put_((chunk_ids, context_ids), by_pair[1], accumulate=True)
    expected[2] += by_pair[2].sum(dim=0)
    for found, reference in zip(skip_gram_gradients(*chunk, N_SHARED), expected, strict=True):
        torch.testing.assert_close(found, reference)


def test_shared_negatives_count_as_the_wanted_number(chunk) -> None:
    full, n_pairs = skip_gram_loss(*chunk, N_SHARED)
    part, _ = skip_gram_loss(*chunk, 2)
    none, _ = skip_gram_loss(*chunk, 0)
    torch.testing.assert_close(part - none, (full - none) * 2 / N_SHARED)
    assert n_pairs > 0


def test_cbow_loss_is_that_of_mean_contexts(chunk) -> None:
    center, context, negatives, mask = chunk
    chunk_ids, center_ids = mask.any(dim=-1).nonzero(as_tuple=True)
    means = torch.stack(
        [context[n, mask[n, i] > 0].mean(dim=0) for n, i in zip(chunk_ids, center_ids, strict=True)]
    )
    expanded = negatives.expand(len(means), -1, -1)
    loss_sum, n_centers = cbow_loss(*chunk, N_SHARED)
    assert n_centers == len(means) == N_CHUNKS * N_CENTERS - 1
    reference = sgns_loss(means, center[chunk_ids, center_ids], expanded)
    torch.testing.assert_close(loss_sum / n_centers, reference)


@pytest.mark.parametrize(
    ("loss", "gradients"), [(skip_gram_loss, skip_gram_gradients), (cbow_loss, cbow_gradients)]
)
def test_gradients_by_hand_equal_autograd(chunk, loss, gradients) -> None:
    *vectors, mask = chunk

    def loss_sum(*parts: Tensor) -> Tensor:
        return loss(*parts, mask, 5)[0]

    assert gradcheck(loss_sum, vectors)
    expected = torch.autograd.grad(loss_sum(*vectors), vectors)
    with torch.no_grad():
        found = gradients(*vectors, mask, 5)
    for ours, reference in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, reference)


@pytest.mark.parametrize("gradients", [skip_gram_gradients, cbow_gradients])
def test_a_centre_without_context_stays_where_it_is(chunk, gradients) -> None:
    with torch.no_grad():
        d_center, _, _ = gradients(*chunk, 5)
    assert not d_center[1, 2].any()
    assert d_center[0].any()
