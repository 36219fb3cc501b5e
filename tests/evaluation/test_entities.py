import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities, precision_recall_fscore_support

from course_lib.evaluation import (
    Entity,
    count_repairs,
    entity_scores,
    spans_to_tags,
    tags_to_spans,
)

# Also tags that a tagger should not, but does write: I- after O, and a change of type inside.
TAGS = st.sampled_from(["O", "O", "B-A", "I-A", "B-B", "I-B", "B-A-1", "I-A-1"])
SENTENCE = st.lists(TAGS, max_size=11)


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str]]]:
    expected = draw(st.lists(SENTENCE, min_size=1, max_size=5))
    predicted = [draw(st.lists(TAGS, min_size=len(s), max_size=len(s))) for s in expected]
    return predicted, expected


@settings(deadline=None)
@given(SENTENCE)
def test_entities_are_those_of_seqeval(tags: list[str]) -> None:
    expected = [Entity(start, last + 1, kind) for kind, start, last in get_entities(tags)]
    assert tags_to_spans(tags) == expected


@settings(deadline=None)
@given(SENTENCE)
def test_spans_survive_the_way_through_tags_which_repairs_them(tags: list[str]) -> None:
    spans = tags_to_spans(tags)
    clean = spans_to_tags(reversed(spans), len(tags))
    assert tags_to_spans(clean) == spans
    assert count_repairs(clean) == 0
    assert sum(a != b for a, b in zip(clean, tags, strict=True)) == count_repairs(tags)


@settings(deadline=None)
@given(corpora())
def test_scores_are_those_of_seqeval(corpus: tuple[list[list[str]], list[list[str]]]) -> None:
    predicted, expected = corpus
    scores = entity_scores(predicted, expected)
    if not scores.per_type:
        assert math.isnan(scores.micro.f1)
        return
    arguments = (expected, predicted)
    found = (scores.micro.precision, scores.micro.recall, scores.micro.f1)
    micro = precision_recall_fscore_support(*arguments, average="micro", zero_division=0)
    assert [0.0 if math.isnan(x) else x for x in found] == pytest.approx(micro[:3])
    columns = precision_recall_fscore_support(*arguments, average=None, zero_division=0)
    for counts, *row in zip(scores.per_type.values(), *columns, strict=True):
        found = (counts.precision, counts.recall, counts.f1, counts.n_expected)
        assert [0.0 if math.isnan(x) else x for x in found] == pytest.approx(row)
    assert scores.n_repaired == sum(count_repairs(tags) for tags in predicted)


def test_neighbours_and_repairs_by_hand() -> None:
    tags = ["I-PER", "B-PER", "I-PER", "I-LOC", "O", "I-LOC", "I-LOC"]
    assert tags_to_spans(tags) == [(0, 1, "PER"), (1, 3, "PER"), (3, 4, "LOC"), (5, 7, "LOC")]
    assert count_repairs(tags) == 3
    assert tags_to_spans([]) == []


def test_scores_by_hand() -> None:
    expected = [["B-PER", "I-PER", "O", "B-LOC"], ["B-ORG", "O"], ["O", "O", "B-LOC"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["B-LOC", "O"], ["I-PER", "O", "B-LOC"]]
    scores = entity_scores(predicted, expected)
    # Found: PER LOC, LOC, PER LOC; right are the two LOC at their places; there are four.
    assert scores.micro == (2, 5, 4)
    assert scores.per_type == {"LOC": (2, 3, 2), "ORG": (0, 0, 1), "PER": (0, 2, 1)}
    assert list(scores.per_type) == ["LOC", "ORG", "PER"]
    assert scores.micro.f1 == pytest.approx(4 / 9)
    assert scores.n_repaired == 1


def test_the_same_place_in_another_sentence_is_another_entity() -> None:
    scores = entity_scores([["B-A"], ["O"], ["B-A"]], [["O"], ["B-A"], ["B-A"]])
    assert scores.micro == (1, 2, 2)


def test_a_tagger_that_finds_nothing_scores_zero() -> None:
    scores = entity_scores([["O", "O", "O"]], [["O", "B-A", "O"]])
    assert scores.micro.f1 == 0.0
    assert math.isnan(scores.micro.precision)


@pytest.mark.parametrize("tag", ["PER", "B", "I-", "B-", "E-PER", "b-PER", "", "O-PER"])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(ValueError, match=f"got '{tag}' at position 1"):
        tags_to_spans(["O", tag])


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(2, 2, "A")], "got 2 to 2"),
        ([(-1, 2, "A")], "got -1 to 2"),
        ([(3, 6, "A")], "n_tokens=5; got 3 to 6"),
        ([(1, 2, "")], "must have a type; got none for 1 to 2"),
        ([(0, 3, "A"), (2, 4, "B")], "must not overlap; got 2 to 4"),
    ],
)
def test_impossible_spans_are_refused(spans: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spans_to_tags(spans, 5)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1; got 0 and 0"):
        entity_scores([], [])
    with pytest.raises(ValueError, match="same number of sentences, at least 1; got 1 and 2"):
        entity_scores([["O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="got 1 and 2 in sentence 1"):
        entity_scores([["O"], ["O"]], [["O"], ["O", "O"]])
