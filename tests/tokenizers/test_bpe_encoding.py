from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import bpe_encoding
from course_lib.tokenizers.bpe_encoding import ChunkCache, PretokenCache

BYTES = {bytes([byte]): byte for byte in range(256)}
IDS = BYTES | {b"ab": 256, b"bc": 257, b"abc": 258, b"aa": 259, b"aaaa": 260, "é".encode(): 261}
MERGES = [
    (b"b", b"c"),
    (b"a", b"b"),
    (b"a", b"bc"),
    (b"a", b"a"),
    (b"aa", b"aa"),
    (b"\xc3", b"\xa9"),
]


@pytest.mark.parametrize(
    ("pretoken", "expected"),
    [
        ("ab", (256,)),
        ("abc", (258,)),  # bc is more urgent than ab
        ("abab", (256, 256)),
        ("aaa", (259, 97)),  # from the left
        ("aaaaa", (260, 97)),
        ("caab", (99, 97, 256)),
        ("é", (261,)),
        ("è", (0xC3, 0xA8)),
        ("z", (122,)),
        ("zy", (122, 121)),
        ("", ()),
    ],
)
def test_merging_by_hand(pretoken: str, expected: tuple[int, ...]) -> None:
    assert PretokenCache(IDS, MERGES)[pretoken] == expected


def plain_merging(word: str) -> tuple[int, ...]:
    """Take the most urgent pair, merge its leftmost place, and look again from the start."""
    tokens = [bytes([byte]) for byte in word.encode()]
    while True:
        pairs = list(pairwise(tokens))
        known = [(MERGES.index(pair), at) for at, pair in enumerate(pairs) if pair in MERGES]
        if not known:
            return tuple(IDS[token] for token in tokens)
        _, at = min(known)
        tokens[at : at + 2] = [tokens[at] + tokens[at + 1]]


@settings(deadline=None)
@given(st.text(alphabet="abcé"))
def test_merging_agrees_with_the_plain_way(word: str) -> None:
    assert PretokenCache(IDS, MERGES)[word] == plain_merging(word)


def test_what_was_met_is_remembered_and_memory_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpe_encoding, "CACHE_LIMIT", 3)
    pretokens = PretokenCache(IDS, MERGES)
    chunks = ChunkCache(pretokens)
    for chunk in ("ab.", "ab", "a!"):
        assert chunks[chunk] is chunks[chunk]
    assert list(chunks) == ["ab.", "ab", "a!"]
    assert list(pretokens) == ["!"]  # ab, the full stop and a were there before
    assert chunks["ab?"] == (256, 63)
    assert list(chunks) == ["ab?"]
    assert pretokens["ab"] == (256,)


def test_a_chunk_is_cut_before_it_is_merged() -> None:
    ids = IDS | {b"a!": 262}
    assert ChunkCache(PretokenCache(ids, [*MERGES, (b"a", b"!")]))["a!"] == (97, 33)
