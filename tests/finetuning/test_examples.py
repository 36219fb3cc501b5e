import pytest
import torch

from course_lib.data.batches import Batches, Examples, InOrder
from course_lib.finetuning.examples import (
    LabelledTexts,
    PairTexts,
    SpanTexts,
    TaggedTexts,
    by_length,
    rows_by_length,
)
from course_lib.nn.loss import IGNORE_ID

TEXTS = [[row + 1] * (1 + row * 7 % 23) for row in range(101)]
LABELS = [row % 3 for row in range(101)]


def make(seed: int = 0, n_rows: int = 4) -> LabelledTexts:
    return LabelledTexts(TEXTS, LABELS, n_classes=3, n_rows=n_rows, seed=seed, pad_id=0)


def test_every_text_comes_once_a_round_with_its_label() -> None:
    data = make()
    for first in (0, data.n_batches):
        batches = [data[first + place] for place in range(data.n_batches)]
        seen = [int(row) - 1 for batch in batches for row in batch.ids[:, 0]]
        assert sorted(seen) == list(range(101))
        labels = [int(label) for batch in batches for label in batch.labels]
        assert labels == [LABELS[row] for row in seen]


def test_what_comes_is_a_function_of_seed_and_index() -> None:
    assert torch.equal(make()[7].ids, make()[7].ids)
    assert [make(1).rows(i) for i in range(9)] != [make().rows(i) for i in range(9)]
    assert make().rows(0) != make().rows(make().n_batches)
    assert make().with_seed(1).rows(5) == make(1).rows(5)


def test_like_lengths_share_a_batch_and_nothing_is_padded_beyond_the_longest() -> None:
    data = make()
    n_padded = sum(int((~data[i].mask).sum()) for i in range(data.n_batches))
    n_tokens = sum(map(len, TEXTS))
    assert n_padded < 0.15 * n_tokens
    assert all(data[i].mask.any(dim=0).all() for i in range(data.n_batches))


def test_they_are_what_the_loop_reads() -> None:
    data = make()
    assert isinstance(data, Batches)
    assert isinstance(data, Examples)
    assert [len(batch.labels) for batch in InOrder(data)] == [4] * 25 + [1]


def test_tags_are_padded_with_what_does_not_count() -> None:
    tags = [[IGNORE_ID, 1, 0], [IGNORE_ID]]
    batch = TaggedTexts([[5, 6, 7], [8]], tags, n_tags=2, n_rows=2).take([0, 1])
    assert batch.tags.tolist() == [tags[0], [IGNORE_ID] * 3]


def test_spans_come_with_segments() -> None:
    pairs = [([2, 5, 3, 6, 3], [0, 0, 0, 1, 1]), ([2, 3, 3], [0, 0, 1])]
    batch = SpanTexts(pairs, [(3, 3), (0, 0)], n_rows=2).take([1, 0])
    assert batch.spans.tolist() == [[0, 0], [3, 3]]
    assert batch.segment_ids.tolist() == [[0, 0, 1, 0, 0], [0, 0, 0, 1, 1]]


def test_sources_come_with_their_targets_those_of_like_length_together() -> None:
    data = PairTexts(TEXTS, [[7] * (1 + len(text)) for text in TEXTS], n_rows=4, pad_id=0)
    assert isinstance(data, Batches)
    assert isinstance(data, Examples)
    assert [data.rows(index) for index in range(9)] == [make().rows(index) for index in range(9)]
    source, target = data[3]
    assert torch.equal(target.mask.sum(dim=1), source.mask.sum(dim=1) + 1)
    with pytest.raises(ValueError, match="sources must be as many as targets; got 2 sources and 1"):
        PairTexts([[1], [2]], [[1]], n_rows=2)


def test_another_seed_changes_the_order_and_nothing_else() -> None:
    data = make()
    assert data.with_seed(3).rows(0) == make(3).rows(0) != data.rows(0)
    assert data.seed == 0
    with pytest.raises(ValueError, match="seed must be ≥ 0; got seed=-1"):
        data.with_seed(-1)


def test_rows_are_shared_out_by_length() -> None:
    assert list(rows_by_length([[1, 1], [1], [2, 2, 2]], n_rows=2)) == [[1, 0], [2]]
    assert list(rows_by_length([], n_rows=2)) == []


def test_by_length_keeps_the_order_of_equals() -> None:
    assert by_length([[1, 1], [1], [2, 2], [2]]) == [1, 3, 0, 2]


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([[1], [2]], [0], "labels must be as many as the texts; got 2 texts and 1"),
        ([[1], [2]], [0, 3], "labels must be from 0 to 2; got 3 in row 1"),
        ([[1], [2]], [-1, 0], "labels must be from 0 to 2; got -1 in row 0"),
        ([[1], []], [0, 1], "at least one id each; got none in row 1"),
        ([], [], "texts must hold at least one text; got none"),
    ],
)
def test_bad_examples_are_named(texts: list[list[int]], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelledTexts(texts, labels, n_classes=3, n_rows=2)


def test_bad_tags_and_spans_are_named() -> None:
    with pytest.raises(ValueError, match="tags of row 0 must be as many"):
        TaggedTexts([[1, 2]], [[0]], n_tags=2, n_rows=1)
    with pytest.raises(ValueError, match="tags must be from 0 to 1; got 2"):
        TaggedTexts([[1, 2]], [[0, 2]], n_tags=2, n_rows=1)
    with pytest.raises(ValueError, match=r"spans must be inside of their 2 tokens.*got \(0, 2\)"):
        SpanTexts([([1, 2], [0, 1])], [(0, 2)], n_rows=1)
