from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.models.ngram_table import Level, NGramTable, entry_counts_of, next_counts

V = 5
"""Tokens 0 to 4; the start token is 5."""
TEXTS = [[0, 1, 0, 1, 4], [0, 1, 2, 4], [4], [3, 3, 4]]

sentences = st.lists(
    st.lists(st.integers(0, V - 1), min_size=1, max_size=6), min_size=1, max_size=5
)


def contexts_of(level: int, table: NGramTable) -> list[tuple[int, ...]]:
    """Spell the contexts of a level, newest token first, by walking up to the root."""
    if level == 0:
        return [()]
    above, keys = contexts_of(level - 1, table), table.levels[level].context_keys
    return [(*above[key // (V + 1)], int(key % (V + 1))) for key in keys]


def brute_force(texts: list[list[int]], n_context: int) -> Counter[tuple[tuple[int, ...], int]]:
    """Count what followed each context of a length, by slicing; nothing shared."""
    counts: Counter[tuple[tuple[int, ...], int]] = Counter()
    for text in texts:
        line = [V, *text]
        for end in range(1, len(line)):
            if end >= n_context:
                counts[tuple(reversed(line[end - n_context : end])), line[end]] += 1
    return counts


def counted(level: int, table: NGramTable) -> dict[tuple[tuple[int, ...], int], int]:
    spelled, rows = contexts_of(level, table), table.levels[level]
    owners = rows.entry_contexts(V)
    return {
        (spelled[owner], int(key % V)): int(count)
        for owner, key, count in zip(owners, rows.entry_keys, rows.entry_counts, strict=True)
    }


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_counts_are_those_of_slicing(order: int) -> None:
    table = NGramTable(TEXTS, order, V)
    assert len(table.levels) == order
    for level in range(order):
        assert counted(level, table) == brute_force(TEXTS, level)


@settings(deadline=None, max_examples=30)
@given(sentences, st.integers(1, 4))
def test_any_counts_are_those_of_slicing(texts: list[list[int]], order: int) -> None:
    table = NGramTable(texts, order, V)
    for level in range(order):
        assert counted(level, table) == brute_force(texts, level)


def test_parents_and_starts() -> None:
    table = NGramTable(TEXTS, 3, V)
    for level in (1, 2):
        spelled, above = contexts_of(level, table), contexts_of(level - 1, table)
        parents = table.levels[level].parents(V)
        assert [above[parent] for parent in parents] == [context[:-1] for context in spelled]
        starts = table.levels[level].starts_sentence
        assert starts.tolist() == [context[-1] == V for context in spelled]
    assert table.levels[0].starts_sentence.tolist() == [False]
    assert table.levels[0].context_keys.tolist() == [0]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_contexts_of_new_sentences_are_found_or_not(order: int) -> None:
    table = NGramTable(TEXTS, order, V)
    new = [[0, 1, 2, 2, 4], [4], [1, 0, 1]]
    found, words, available = table.find_contexts(new)
    assert words.tolist() == [token for text in new for token in text]
    column = 0
    for text in new:
        for end in range(len(text)):
            assert available[column] == min(end + 1, order - 1)
            for level in range(order):
                line = [V, *text][: end + 1]
                context = tuple(reversed(line[-level:])) if level else ()
                spelled = contexts_of(level, table)
                whole = len(context) == level and context in spelled
                assert found[level, column] == (spelled.index(context) if whole else -1)
            column += 1


def test_a_context_is_followed_as_far_as_it_was_seen() -> None:
    table = NGramTable(TEXTS, 4, V)
    spelled = [contexts_of(level, table) for level in range(4)]
    path = table.find_path([0, 1])
    assert path == [
        0,
        spelled[1].index((1,)),
        spelled[2].index((1, 0)),
        spelled[3].index((1, 0, V)),
    ]
    assert table.is_whole([0, 1], path)
    assert table.find_path([0, 1, 0, 1])[3] == spelled[3].index((1, 0, 1))
    assert table.find_path([2, 1]) == path[:2]  # 1 was never seen behind 2
    assert not table.is_whole([2, 1], path[:2])
    assert table.find_path([]) == [0, spelled[1].index((V,))]
    assert table.is_whole([], table.find_path([]))
    assert table.is_whole([2], [0]) is False


def test_a_level_that_no_sentence_reaches_is_empty() -> None:
    table = NGramTable([[4]], 4, V)
    assert len(table.levels[2].context_keys) == len(table.levels[3].entry_keys) == 0
    found, _, _ = table.find_contexts([[1, 2, 4]])
    assert (found[2:] == -1).all()


def test_counts_are_looked_up_and_spread() -> None:
    level = Level(
        context_keys=np.array([2, 9]),
        starts_sentence=np.array([False, False]),
        entry_keys=np.array([1, 3, 5, 9]),  # context 0: tokens 1 and 3; context 1: 0 and 4
        entry_counts=np.array([7, 2, 1, 8]),
    )
    counts = entry_counts_of(
        level, level.entry_counts, np.array([0, 0, 1, 1]), np.array([3, 0, 4, 1]), V
    )
    assert counts.tolist() == [2, 0, 8, 0]
    assert next_counts(level, level.entry_counts, 0, V).tolist() == [0, 7, 0, 2, 0]
    assert next_counts(level, level.entry_counts, 1, V).tolist() == [1, 0, 0, 0, 8]
    assert next_counts(level, np.array([1, 1, 1, 1]), 1, V).sum() == 2
