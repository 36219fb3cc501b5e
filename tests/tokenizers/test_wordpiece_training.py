from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import learn_wordpieces, pair_scores
from course_lib.tokenizers.wordpiece_training import join_pieces, split_letters

HUGS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}


def join_slowly(pieces: list[str], pair: tuple[str, str]) -> None:
    place = 0
    while place + 1 < len(pieces):
        if (pieces[place], pieces[place + 1]) == pair:
            pieces[place : place + 2] = [join_pieces(*pair)]
        place += 1


def learn_slowly(word_counts: dict[str, int], n_pieces: int, min_count: int) -> list[str]:
    """The definition: count every pair anew before each choice."""
    words = {word: list(split_letters(word)) for word in word_counts}
    known = sorted(set("".join(word_counts)))
    known += sorted({piece for pieces in words.values() for piece in pieces[1:]})
    while len(known) < n_pieces:
        pairs = Counter(
            pair for word, n in word_counts.items() for pair in [*pairwise(words[word])] * n
        )
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=("", ""))
        if pairs[best] < min_count:
            break
        for pieces in words.values():
            join_slowly(pieces, best)
        known += {join_pieces(*best)} - {*known}
    return known


@given(
    words=st.dictionaries(st.text("abc", min_size=1, max_size=9), st.integers(1, 7), min_size=1),
    extra=st.integers(0, 23),
    min_count=st.integers(1, 5),
)
@settings(deadline=None, max_examples=300)
def test_learning_follows_the_definition(words, extra: int, min_count: int) -> None:
    n_pieces = 6 + extra
    assert learn_wordpieces(words, n_pieces, min_count=min_count) == learn_slowly(
        words, n_pieces, min_count
    )


def test_learning_by_hand() -> None:
    # ##u ##g: 20, ##u ##n: 16, h ##ug: 15, p ##un: 12, hug ##s and p ##ug: 5, b ##un: 4
    characters = ["b", "g", "h", "n", "p", "s", "u", "##g", "##n", "##s", "##u"]
    joined = ["##ug", "##un", "hug", "pun", "hugs", "pug", "bun"]
    assert learn_wordpieces(HUGS, 99) == characters + joined
    assert learn_wordpieces(HUGS, 14) == characters + joined[:3]
    assert learn_wordpieces(HUGS, 11) == characters
    assert learn_wordpieces(HUGS, 99, min_count=5) == characters + joined[:-1]


def test_a_piece_found_twice_takes_one_place() -> None:
    pieces = learn_wordpieces({"abc": 5, "ab": 4, "xbc": 9}, 99)
    assert len(pieces) == len(set(pieces))


def test_room_for_all_characters_is_needed() -> None:
    with pytest.raises(ValueError, match=r"room for all 11 characters .* got room for 10"):
        learn_wordpieces(HUGS, 10)
    with pytest.raises(ValueError, match="min_count must be ≥ 1; got min_count=0"):
        learn_wordpieces(HUGS, 20, min_count=0)


def test_scores_by_hand() -> None:
    scores = pair_scores({split_letters(word): count for word, count in HUGS.items()})
    assert len(scores) == 6
    assert scores["##u", "##g"] == pytest.approx(20 / (36 * 20))
    assert scores["##u", "##n"] == pytest.approx(16 / (36 * 16))
    assert scores["##g", "##s"] == pytest.approx(5 / (20 * 5))
    assert scores["h", "##u"] == pytest.approx(15 / (15 * 36))


def test_scores_prefer_the_rare_where_counts_prefer_the_useful() -> None:
    words = {"the": 1009, "then": 101, "42": 1}
    scores = pair_scores({split_letters(word): count for word, count in words.items()})
    assert max(scores, key=lambda pair: scores[pair]) == ("4", "##2")
    assert scores["4", "##2"] == 1.0
    assert learn_wordpieces(words, 11)[-1] == "##he"  # as often as "th", and before it


@given(st.dictionaries(st.text("ab", min_size=1).map(split_letters), st.integers(1, 5)))
@settings(deadline=None)
def test_a_score_never_exceeds_one_over_the_rarer_count(words) -> None:
    singles: Counter[str] = Counter()
    for pieces, count in words.items():
        for piece in pieces:
            singles[piece] += count
    for (left, right), score in pair_scores(words).items():
        assert 0 < score <= 1 / max(singles[left], singles[right]) + 1e-12
