import itertools

import datasketch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data.deduplication import (
    Duplicate,
    bands_and_rows,
    find_duplicates,
    jaccard,
    shingles_of,
)

WORDS = [f"w{i}" for i in range(101)]
TEXT = " ".join(WORDS)


def changed(*places: int) -> str:
    """The text of 101 words with other words in some places."""
    return " ".join(f"x{i}" if i in places else word for i, word in enumerate(WORDS))


def test_shingles_by_hand() -> None:
    assert shingles_of("The cat, the cat!", 2) == {("the", "cat"), ("cat", "the")}
    assert shingles_of("我爱你 OK", 3) == {("我", "爱", "你"), ("爱", "你", "ok")}
    assert shingles_of("Too short", 5) == {("too", "short")}
    assert shingles_of("just five words are enough", 5) == {
        ("just", "five", "words", "are", "enough")
    }
    assert shingles_of("?!", 5) == frozenset()


def test_jaccard_by_hand() -> None:
    first, second = shingles_of("a b c d", 1), shingles_of("c d e", 1)
    assert jaccard(first, second) == 2 / 5
    assert jaccard(first, first) == 1.0
    assert jaccard(first, frozenset()) == 0.0
    assert jaccard(frozenset(), frozenset()) == 1.0


def test_exact_duplicates_are_the_same_after_normalisation() -> None:
    documents = ["The cafe\u0301 is open.", "Ａ café", "The  café is\u00a0open.\r\n", "A café", ""]
    assert find_duplicates(documents) == [
        Duplicate(2, 0, "exact", 1.0),
        Duplicate(3, 1, "exact", 1.0),
    ]


def test_case_and_punctuation_make_a_near_duplicate() -> None:
    assert find_duplicates(["Yes, we can do it now!", "yes we can do it NOW"]) == [
        Duplicate(1, 0, "near", 1.0)
    ]
    assert find_duplicates(["Yes!", "yes", "no"]) == [Duplicate(1, 0, "near", 1.0)]


def test_similarities_by_hand() -> None:
    # 101 words have 97 shingles of five. One word inside changes 5 of them: 92 / (97 + 5).
    # At the very end it changes one: 96 / 98. Two words far apart: 87 / 107.
    found = find_duplicates([TEXT, changed(50), changed(100), changed(20, 70)])
    assert found == [
        Duplicate(1, 0, "near", 92 / 102),
        Duplicate(2, 0, "near", 96 / 98),
        Duplicate(3, 0, "near", 87 / 107),
    ]


def test_the_threshold_is_reached_or_not() -> None:
    documents = [TEXT, changed(20, 70)]
    assert len(find_duplicates(documents, threshold=87 / 107)) == 1
    assert find_duplicates(documents, threshold=87 / 107 + 1e-9) == []
    assert find_duplicates([TEXT, changed(20, 50, 70)]) == []  # 82 / 112


def test_shingle_size_counts() -> None:
    # Of single words, one in 101 changes: 100 / 102.
    assert find_duplicates([TEXT, changed(50)], shingle_size=1)[0].similarity == 100 / 102


def test_chinese_is_cut_into_characters() -> None:
    text = "春眠不觉晓处处闻啼鸟夜来风雨声花落知多少白日依山尽黄河入海流"  # 30 characters
    documents = [text, text[:-1] + "去"]
    assert find_duplicates(documents) == [Duplicate(1, 0, "near", 25 / 27)]


def test_chains_do_not_reach_further_than_the_threshold() -> None:
    # Each step changes one more word. Row 1 is near row 0 and goes; row 3 is too far from row 0,
    # stays, though it is near the dropped row 2, and then takes row 4.
    steps = [changed(*range(10, 10 + 30 * n, 30)) for n in range(4)]
    found = find_duplicates([*steps, changed(10, 40, 70, 100)])
    assert [(d.index, d.of_index) for d in found] == [(1, 0), (2, 0), (4, 3)]


def test_the_nearest_of_several_and_then_the_first_is_named() -> None:
    far, near = changed(20, 40, 60), changed(60, 80)
    assert find_duplicates([far, near]) == []
    # Row 2 differs from row 0 in two places, from row 1 in one place.
    assert find_duplicates([far, near, changed(60)])[0].of_index == 1
    # Row 2 is as far from row 0 as from row 1: one place each.
    left, right = changed(20, 40, 60), changed(20, 40, 80)
    assert find_duplicates([left, right], threshold=0.85) == []
    assert find_duplicates([left, right, changed(20, 40)], threshold=0.85)[0].of_index == 0


def test_documents_without_words_are_no_near_duplicates() -> None:
    assert find_duplicates(["", "!!!", "???", "…"]) == []
    assert find_duplicates([]) == []


def brute_force(documents: list[str], threshold: float) -> list[tuple[int, int, float]]:
    """All pairs compared, without any hashing."""
    kept: list[int] = []
    found = []
    shingles = [shingles_of(document, 2) for document in documents]
    for row in range(len(documents)):
        pairs = [(jaccard(shingles[row], shingles[old]), -old) for old in kept]
        similarity, minus_old = max(pairs, default=(0.0, 0))
        if similarity >= threshold:
            found.append((row, -minus_old, similarity))
        else:
            kept.append(row)
    return found


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=8), max_size=12),
    st.sampled_from([0.5, 0.8, 1.0]),
)
def test_agrees_with_comparing_all_pairs(texts: list[list[str]], threshold: float) -> None:
    documents = [f"{' '.join(words)} {'.' * i}" for i, words in enumerate(texts)]  # none is exact
    found = find_duplicates(documents, threshold=threshold, shingle_size=2, n_permutations=256)
    assert [(d.index, d.of_index, d.similarity) for d in found] == brute_force(documents, threshold)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("ab 我\n", max_size=9), max_size=20))
def test_no_duplicate_is_left_after_dropping_what_is_found(documents: list[str]) -> None:
    found = find_duplicates(documents)
    rows = [duplicate.index for duplicate in found]
    assert rows == sorted(set(rows))
    assert all(duplicate.of_index < duplicate.index for duplicate in found)
    assert find_duplicates([d for row, d in enumerate(documents) if row not in rows]) == []


def test_the_seed_reaches_the_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = []
    generator = datasketch.MinHash.generator

    def watched(sets: object, **options: int) -> object:
        seeds.append(options["seed"])
        return generator(sets, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(datasketch.MinHash, "generator", watched)
    documents = [changed(*range(n)) for n in range(0, 80, 2)]
    first, again, other = (find_duplicates(documents, seed=seed) for seed in (0, 0, 1))
    assert seeds == [0, 0, 1]
    assert first == again == other  # what is reported is true whatever the seed


@pytest.mark.parametrize(
    ("threshold", "n_permutations", "bands", "rows"),
    [
        (0.8, 128, 25, 5),
        (0.5, 128, 64, 2),
        (1.0, 128, 2, 64),
        (0.9, 64, 10, 6),
        (0.06, 128, 128, 1),
    ],
)
def test_bands_and_rows(threshold: float, n_permutations: int, bands: int, rows: int) -> None:
    assert bands_and_rows(threshold, n_permutations) == (bands, rows)
    assert (1 - threshold**rows) ** bands <= 0.001
    if rows < n_permutations // 2:  # and one row more would miss too much
        assert (1 - threshold ** (rows + 1)) ** (n_permutations // (rows + 1)) > 0.001


def test_pairs_at_the_threshold_are_found() -> None:
    """400 pairs of similarity 0.8 exactly: about 0.02 of them are missed on average."""
    pairs = []
    for n in range(400):
        shared = [f"s{n}_{i}" for i in range(8)]
        pairs += [" ".join([*shared, f"a{n}"]), " ".join([*shared, f"b{n}"])]
    assert len(find_duplicates(pairs, threshold=0.8, shingle_size=1)) == 400


def test_agrees_with_the_definition_on_all_pairs_of_a_small_corpus() -> None:
    documents = [changed(*range(0, n, 9)) for n in range(0, 60, 9)]
    dropped = {duplicate.index for duplicate in find_duplicates(documents)}
    kept = [shingles_of(d, 5) for row, d in enumerate(documents) if row not in dropped]
    assert all(jaccard(a, b) < 0.8 for a, b in itertools.combinations(kept, 2))
    assert 0 < len(dropped) < len(documents) - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 0}, r"threshold must be above 0 and at most 1; got threshold=0\."),
        ({"threshold": 1.1}, r"threshold must be above 0 and at most 1; got threshold=1\.1\."),
        ({"shingle_size": 0}, r"shingle_size must be ≥ 1; got shingle_size=0\."),
        ({"seed": -1}, r"seed must be from 0 to 4294967295; got seed=-1\."),
        ({"seed": 2**32}, r"seed must be from 0 to 4294967295"),
        ({"n_permutations": 1}, r"to find pairs of similarity 0\.8; got n_permutations=1\. Raise"),
        ({"threshold": 0.05}, r"n_permutations must be enough .* 0\.05; got n_permutations=128"),
    ],
)
def test_impossible_arguments_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_duplicates(["a", "b"], **change)  # pyright: ignore[reportArgumentType]


def test_limits_are_accepted() -> None:
    assert find_duplicates(["a", "b"], threshold=1, shingle_size=1, seed=2**32 - 1) == []
    with pytest.raises(ValueError, match="lone surrogate"):
        find_duplicates(["a", "\ud800"])
