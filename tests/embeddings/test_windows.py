from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.embeddings import TokenStream, negative_weights, skip_gram_pairs
from course_lib.embeddings.windows import CHUNK_TOKENS, Chunks, draw_chunks, draw_negatives


def make_stream(lengths: list[int]) -> TokenStream:
    """All ids different, so that a pair tells where it stood."""
    return TokenStream(np.arange(sum(lengths)), np.repeat(np.arange(len(lengths)), lengths))


def pairs_of(chunks: Chunks, window: int) -> Counter:
    n, i, j = chunks.pair_mask().nonzero(as_tuple=True)
    centers = chunks.context_ids[n, i + window]
    contexts = chunks.context_ids[n, j]
    return Counter(zip(centers.tolist(), contexts.tolist(), strict=True))


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=7), st.integers(1, 4), st.integers(0, 99))
def test_chunks_hold_pairs_of_one_sentence_only(lengths: list[int], window: int, seed: int) -> None:
    stream = make_stream(lengths)
    keep = np.ones(len(stream.ids))
    found = pairs_of(draw_chunks(stream, keep, window, np.random.default_rng(seed)), window)
    sentences = np.split(stream.ids, np.cumsum(lengths)[:-1])
    widest = [pair for ids in sentences for pair in skip_gram_pairs(ids.tolist(), window)]
    nearest = [pair for ids in sentences for pair in skip_gram_pairs(ids.tolist(), 1)]
    assert found <= Counter(widest)  # nothing twice, nothing too far, nothing across sentences
    assert found >= Counter(nearest)  # every window reaches at least one word


def test_a_window_of_one_gives_exactly_the_pairs_of_the_lesson() -> None:
    stream = make_stream([3, 1, 70])
    chunks = draw_chunks(stream, np.ones(74), 1, np.random.default_rng(0))
    sentences = (range(3), range(3, 4), range(4, 74))
    expected = Counter(pair for ids in sentences for pair in skip_gram_pairs(list(ids), 1))
    assert pairs_of(chunks, 1) == expected
    assert chunks.context_ids.shape == (3, CHUNK_TOKENS + 2)


def test_windows_are_drawn_evenly() -> None:
    stream = make_stream([64_000])
    chunks = draw_chunks(stream, np.ones(64_000), 4, np.random.default_rng(0))
    share = torch.bincount(chunks.n_left.flatten().long(), minlength=5)[1:] / 64_000
    # A share of 1/4 of 64,000 has a standard deviation of 0.0017.
    torch.testing.assert_close(share, torch.full((4,), 0.25), atol=0.009, rtol=0)
    inside = (chunks.n_left == 4) | (chunks.n_right == 4)
    assert torch.equal(chunks.n_left[inside][:100], chunks.n_right[inside][:100])


def test_words_are_kept_as_often_as_they_should() -> None:
    ids = np.tile([0, 1, 2], 30_000)
    stream = TokenStream(ids, np.zeros_like(ids))
    chunks = draw_chunks(stream, np.array([1.0, 0.0, 0.3]), 1, np.random.default_rng(0))
    centers = chunks.context_ids[:, 1:-1][(chunks.n_left > 0) | (chunks.n_right > 0)]
    counts = torch.bincount(centers.flatten(), minlength=3).tolist()
    assert counts[0] == 30_000
    assert counts[1] == 0
    assert abs(counts[2] - 9_000) < 400  # five standard deviations


def test_order_is_shuffled_and_repeats_with_the_seed() -> None:
    stream = make_stream([3200])
    first, again, other = (
        draw_chunks(stream, np.ones(3200), 2, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first.context_ids, again.context_ids)
    assert torch.equal(first.n_left, again.n_left)
    assert not torch.equal(first.context_ids, other.context_ids)
    starts = first.context_ids[:, 2]
    assert not torch.equal(starts, starts.sort().values)


def test_if_nothing_is_kept_one_empty_chunk_remains() -> None:
    chunks = draw_chunks(make_stream([5]), np.zeros(5), 2, np.random.default_rng(0))
    assert len(chunks.context_ids) == 1
    assert not chunks.pair_mask().any()


def test_negatives_are_spread_over_their_distribution() -> None:
    weights = negative_weights([81, 16, 1, 1]).numpy()
    rng = np.random.default_rng(0)
    drawn = draw_negatives(np.cumsum(weights), (5000, 37), rng)
    assert drawn.shape == (5000, 37)
    share = np.bincount(drawn.flatten(), minlength=4) / drawn.numel()
    np.testing.assert_allclose(share, weights, atol=0.005)
    # Every row has close to its expected number of the first word: at most one off.
    per_row = (drawn == 0).sum(dim=1).numpy()
    assert np.abs(per_row - 37 * weights[0]).max() <= 1


def test_a_running_sum_rounded_below_one_draws_known_words_only() -> None:
    drawn = draw_negatives(np.array([0.5, 0.9]), (3, 40), np.random.default_rng(0))
    # 40 slices of 1/40: the first half draws word 0; the slices past 0.9 fall to the last word.
    assert drawn.tolist() == [[0] * 20 + [1] * 20] * 3
