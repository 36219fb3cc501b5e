from collections import Counter
from collections.abc import Sequence
from typing import cast

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch.testing import assert_close
from torch.utils.data import DataLoader, Dataset

from course_lib.data.batches import (
    Batches,
    InOrder,
    PackedBatches,
    PaddedBatches,
    PairBatch,
    PairBatches,
    TokenBatch,
    pad_texts,
    rows_of,
)

TEXTS = [[11, 12, 13], [21], [31, 32], [41, 42, 43, 44, 45], [51, 52], [61], [71, 72, 73]]


def real_texts(batch: TokenBatch) -> list[list[int]]:
    """The rows without their padding, which must stand at the end."""
    texts = [ids[mask].tolist() for ids, mask in zip(batch.ids, batch.mask, strict=True)]
    for text, mask in zip(texts, batch.mask, strict=True):
        assert mask.tolist() == [True] * len(text) + [False] * (len(mask) - len(text))
    return texts


def asked_for(batches: Batches[TokenBatch], indices: Sequence[int]) -> Counter[int]:
    """How often each id is a target of next-token prediction."""
    counts: Counter[int] = Counter()
    for index in indices:
        for text in real_texts(batches[index]):
            counts.update(text[1:])
    return counts


def test_packed_windows_by_hand() -> None:
    # 18 ids hold 5 windows of 3 targets at any offset of 0, 1 or 2: two batches of 2.
    batches = PackedBatches(torch.arange(100, 118), n_rows=2, n_tokens=3, seed=5)
    assert batches.n_batches == 2
    for index in range(12):
        ids, mask = batches[index]
        assert ids.dtype == torch.long
        assert ids.shape == mask.shape == (2, 4)
        assert mask.all()
        assert_close(ids, ids[:, :1] + torch.arange(4))  # neighbours in the text


def test_no_token_is_asked_for_twice_in_a_round() -> None:
    batches = PackedBatches(torch.arange(211), n_rows=3, n_tokens=7)
    assert batches.n_batches == (211 - 7) // 21
    for round_number in range(5):
        first = round_number * batches.n_batches
        counts = asked_for(batches, range(first, first + batches.n_batches))
        assert set(counts.values()) == {1}
        assert 211 - len(counts) < (3 + 1) * 7


def test_each_round_has_another_offset_and_another_order() -> None:
    batches = PackedBatches(torch.arange(211), n_rows=5, n_tokens=7)
    n = batches.n_batches
    rounds = [torch.cat([batches[r * n + i].ids for i in range(n)]) for r in range(60)]
    offsets = [{int(start) % 7 for start in windows[:, 0]} for windows in rounds]
    assert all(len(found) == 1 for found in offsets)  # one cut a round
    assert set.union(*offsets) == set(range(7))  # and in time every cut
    orders = {tuple((windows[:, 0] // 7).tolist()) for windows in rounds}
    assert len(orders) == len(rounds)


def test_every_window_is_left_out_at_times() -> None:
    batches = PackedBatches(torch.arange(24), n_rows=5, n_tokens=2)  # 11 windows, two batches of 5
    counts = asked_for(batches, range(2 * 60))
    assert set(counts) == set(range(1, 24))
    assert max(counts.values()) < 60  # each of the 60 rounds has left it out at least once


def test_a_text_smaller_than_a_batch_gives_the_windows_it_has() -> None:
    batches = PackedBatches(torch.arange(8), n_rows=5, n_tokens=3)
    assert batches.n_batches == 1
    assert {len(batches[index].ids) for index in range(20)} <= {1, 2}
    smallest = PackedBatches(torch.arange(4), n_rows=5, n_tokens=3)
    assert all(smallest[index].ids.tolist() == [[0, 1, 2, 3]] for index in range(20))


def test_the_smallest_integers_will_do() -> None:
    ids = torch.arange(40, dtype=torch.uint8)
    assert PackedBatches(ids, n_rows=2, n_tokens=5)[3].ids.dtype == torch.long


@pytest.mark.parametrize("seed", [0, 3])
def test_batches_depend_on_nothing_but_seed_and_index(seed: int) -> None:
    def make() -> list[Batches[TokenBatch]]:
        packed = PackedBatches(torch.arange(101), n_rows=2, n_tokens=5, seed=seed)
        return [packed, PaddedBatches(TEXTS, n_rows=2, seed=seed)]

    for batches, others in zip(make(), make(), strict=True):
        forwards = [batches[index] for index in range(23)]
        backwards = [others[index] for index in reversed(range(23))][::-1]
        for batch, other in zip(forwards, backwards, strict=True):
            assert_close(batch.ids, other.ids, rtol=0, atol=0)
            assert torch.equal(batch.mask, other.mask)


def test_another_seed_is_another_order() -> None:
    ids = torch.arange(997)
    first, second = (PackedBatches(ids, n_rows=3, n_tokens=5, seed=seed)[0].ids for seed in (0, 1))
    assert not torch.equal(first, second)
    texts = [[number] for number in range(41)]
    one, two = (PaddedBatches(texts, n_rows=41, seed=seed)[0].ids for seed in (0, 1))
    assert not torch.equal(one, two)


def test_padded_batches_hold_every_text_once_a_round() -> None:
    batches = PaddedBatches(TEXTS, n_rows=3, pad_id=9)
    assert batches.n_batches == 3
    rounds = []
    for first in (0, 3, 6):
        round_of_batches = [batches[first + place] for place in range(3)]
        assert [len(batch.ids) for batch in round_of_batches] == [3, 3, 1]
        texts = [text for batch in round_of_batches for text in real_texts(batch)]
        assert sorted(texts) == TEXTS
        assert all((batch.ids[~batch.mask] == 9).all() for batch in round_of_batches)
        rounds.append(texts)
    assert rounds[0] != rounds[1] != rounds[2]


def test_long_texts_lose_their_ends() -> None:
    batches = PaddedBatches(TEXTS, n_rows=7, max_tokens=2)
    assert sorted(real_texts(batches[0])) == [text[:2] for text in TEXTS]
    assert PaddedBatches(TEXTS, n_rows=7, max_tokens=1)[0].ids.shape == (7, 1)


def test_pad_texts_by_hand() -> None:
    ids, mask = pad_texts([[1, 2, 3], torch.tensor([4], dtype=torch.int16)], pad_id=8)
    assert ids.dtype == torch.long
    assert ids.tolist() == [[1, 2, 3], [4, 8, 8]]
    assert mask.tolist() == [[True, True, True], [True, False, False]]
    assert pad_texts([[1, 2], [4]]).ids.tolist() == [[1, 2], [4, 0]]


def test_pairs_stay_together() -> None:
    targets = [[text[0] + 900] * (len(text) + 1) for text in TEXTS]
    batches = PairBatches(TEXTS, targets, n_rows=3, seed=2, pad_id=9, max_tokens=4)
    assert batches.n_batches == 3
    seen = []
    for index in range(3, 6):
        batch = batches[index]
        assert isinstance(batch, PairBatch)
        sources, wanted = real_texts(batch.source), real_texts(batch.target)
        assert batch.source.ids.shape[1] == max(map(len, sources))
        for source, target in zip(sources, wanted, strict=True):
            assert target == [source[0] + 900] * min(len(TEXTS[source[0] // 10 - 1]) + 1, 4)
        assert (batch.target.ids[~batch.target.mask] == 9).all()
        seen += sources
    assert sorted(seen) == [text[:4] for text in TEXTS]
    one, two = (PairBatches(TEXTS, TEXTS, n_rows=7, seed=seed)[0].source.ids for seed in (0, 1))
    assert not torch.equal(one, two)


def test_in_order_is_a_loader_without_shuffling() -> None:
    loader = DataLoader(cast("Dataset[list[int]]", TEXTS), batch_size=3, collate_fn=list)
    in_order = InOrder(PaddedBatches(TEXTS, n_rows=3))
    assert [real_texts(batch) for batch in in_order] == list(loader)
    assert in_order.n_batches == len(loader)
    pairs = InOrder(PairBatches(TEXTS, TEXTS[::-1], n_rows=3))
    assert [real_texts(pair.source) for pair in pairs] == list(loader)
    assert [text for pair in pairs for text in real_texts(pair.target)] == TEXTS[::-1]


@hypothesis_settings(deadline=None)
@given(st.integers(1, 61), st.integers(1, 5), st.integers(1, 7))
def test_in_order_asks_for_every_token_but_the_first_once(
    n_more: int, n_rows: int, n_tokens: int
) -> None:
    ids = torch.arange(n_tokens + n_more)
    batches = InOrder(PackedBatches(ids, n_rows=n_rows, n_tokens=n_tokens, seed=1))
    texts = [text for batch in batches for text in real_texts(batch)]
    assert [token for text in texts for token in text[1:]] == ids[1:].tolist()
    assert all(len(text) == n_tokens + 1 for text in texts[:-1])


@pytest.mark.parametrize("index", [-1, 3])
def test_in_order_ends(index: int) -> None:
    with pytest.raises(IndexError, match=rf"index must be from 0 to 2; got index={index}\."):
        InOrder(PaddedBatches(TEXTS, n_rows=3))[index]


def test_there_is_no_batch_before_the_first() -> None:
    with pytest.raises(IndexError, match=r"index must be ≥ 0; got index=-1\."):
        PaddedBatches(TEXTS, n_rows=3)[-1]


@pytest.mark.parametrize("world_size", [1, 2, 3, 5])
def test_the_shares_of_all_processes_are_the_batch(world_size: int) -> None:
    batch = PairBatches(TEXTS[:3], TEXTS[2:5], n_rows=3)[0]
    shares = [rows_of(batch, rank, world_size) for rank in range(world_size)]
    for side in (0, 1):
        whole = batch[side]
        for part in (0, 1):
            joined = torch.empty_like(whole[part])
            for rank, share in enumerate(shares[:3]):
                joined[torch.arange(rank, 3, world_size)] = share[side][part]
            assert torch.equal(joined, whole[part])
    assert [len(share.source.ids) for share in shares][3:] == [0] * (world_size - 3)


def test_rows_of_tokens_by_hand() -> None:
    batch = TokenBatch(torch.tensor([[1], [2], [3]]), torch.tensor([[True], [False], [True]]))
    share = rows_of(batch, 0, 2)
    assert isinstance(share, TokenBatch)
    assert share.ids.tolist() == [[1], [3]]
    assert share.mask.tolist() == [[True], [True]]


@pytest.mark.parametrize(("rank", "world_size"), [(-1, 2), (2, 2)])
def test_no_such_process(rank: int, world_size: int) -> None:
    with pytest.raises(ValueError, match=rf"rank must be from 0 to 1; got rank={rank}\."):
        rows_of(pad_texts([[1]]), rank, world_size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rows": 0}, r"n_rows must be ≥ 1; got n_rows=0\."),
        ({"n_tokens": 0}, r"n_tokens must be ≥ 1; got n_tokens=0\."),
        ({"seed": -1}, r"seed must be ≥ 0; got seed=-1\."),
        ({"n_tokens": 10}, r"ids must be more than n_tokens=10; got 10 ids\."),
    ],
)
def test_packed_batches_say_what_is_wrong(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PackedBatches(torch.arange(10), **{"n_rows": 1, "n_tokens": 1, **options})


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (TEXTS, {"n_rows": 0}, r"n_rows must be ≥ 1; got n_rows=0\."),
        (TEXTS, {"seed": -1}, r"seed must be ≥ 0; got seed=-1\."),
        (TEXTS, {"max_tokens": 0}, r"max_tokens must be ≥ 1; got max_tokens=0\."),
        ([], {}, r"texts must hold at least one text; got none\."),
        ([[1], [], []], {}, r"texts must hold at least one id each; got none in row 1\."),
    ],
)
def test_padded_batches_say_what_is_wrong(
    texts: list[list[int]], options: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        PaddedBatches(texts, **{"n_rows": 1, **options})


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(
        ValueError, match=r"sources must be as many as targets; got 7 sources and 6"
    ):
        PairBatches(TEXTS, TEXTS[1:], n_rows=2)
