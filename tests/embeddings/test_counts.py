import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from course_lib.embeddings import (
    WordVectors,
    bag_of_words,
    cooccurrence_counts,
    encode_stream,
    frequent_vocabulary,
    ppmi,
    skip_gram_pairs,
    tf_idf,
    truncated_svd,
)
from course_lib.tokenizers import Vocabulary

SENTENCES = [["a", "b", "a", "c"], ["b"], ["c", "a", "d", "d", "d"], ["b", "c"]]
SENTENCE_LISTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=7), max_size=5)


def test_the_stream_drops_unknown_words_and_numbers_sentences() -> None:
    vocabulary = Vocabulary.from_sentences([["a", "a", "b"]])
    stream = encode_stream([["a", "x", "b"], ["x"], ["b"]], vocabulary)
    assert stream.ids.tolist() == [0, 1, 1]
    assert stream.sentence_numbers.tolist() == [0, 0, 2]


def test_a_vocabulary_to_train_on_needs_two_words() -> None:
    assert frequent_vocabulary(SENTENCES, 3).words == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="sentences must contain words; got an empty corpus"):
        frequent_vocabulary([], 1)
    with pytest.raises(ValueError, match=r"min_count=4 times or more; got 0 \(of 4 different"):
        frequent_vocabulary(SENTENCES, 4)
    assert len(frequent_vocabulary([["x", "y"]], 1)) == 2


@pytest.mark.parametrize("binary", [False, True])
def test_bags_agree_with_scikit_learn(binary: bool) -> None:
    vocabulary = Vocabulary.from_sentences(SENTENCES)
    reference = CountVectorizer(
        vocabulary=vocabulary.words, analyzer=lambda words: words, binary=binary
    )
    expected = reference.fit_transform(SENTENCES).toarray()
    assert np.array_equal(bag_of_words(SENTENCES, vocabulary, binary=binary).toarray(), expected)


def test_a_bag_forgets_the_order() -> None:
    vocabulary = Vocabulary.from_sentences(SENTENCES)
    turned = [sentence[::-1] for sentence in SENTENCES]
    difference = bag_of_words(SENTENCES, vocabulary) - bag_of_words(turned, vocabulary)
    assert difference.nnz == 0 or not difference.toarray().any()


def test_tf_idf_is_scikit_learns_without_its_additions() -> None:
    counts = bag_of_words(SENTENCES, Vocabulary.from_sentences(SENTENCES))
    reference = TfidfTransformer(norm=None, smooth_idf=False)  # count · (ln(D / df) + 1)
    expected = reference.fit_transform(counts).toarray() - counts.toarray()
    np.testing.assert_allclose(tf_idf(counts).toarray(), expected, atol=1e-12)


def test_tf_idf_by_hand_and_its_zero() -> None:
    counts = sparse.csr_array([[3, 1, 0], [0, 1, 0]])
    expected = [[3 * np.log(2), 0, 0], [0, 0, 0]]
    np.testing.assert_allclose(tf_idf(counts).toarray(), expected)
    with pytest.raises(ValueError, match="at least one row"):
        tf_idf(sparse.csr_array((0, 3)))


@settings(deadline=None)
@given(SENTENCE_LISTS, st.integers(1, 4))
def test_cooccurrence_counts_the_skip_gram_pairs(sentences: list[list[str]], window: int) -> None:
    vocabulary = Vocabulary.from_sentences([["a", "b", "c", "d"]])
    expected = np.zeros((4, 4))
    for sentence in sentences:
        for center, context in skip_gram_pairs(vocabulary.encode(sentence), window):
            expected[center, context] += 1
    counts = cooccurrence_counts(sentences, vocabulary, window=window).toarray()
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(counts, counts.T)


def test_harmonic_counts_by_hand() -> None:
    vocabulary = Vocabulary({"a": 3, "b": 2, "c": 1})
    counts = cooccurrence_counts([["a", "b", "c"]], vocabulary, window=2, weighting="harmonic")
    np.testing.assert_allclose(counts.toarray(), [[0, 1, 0.5], [1, 0, 1], [0.5, 1, 0]])


@pytest.mark.parametrize(
    ("options", "message"),
    [({"window": 0}, "got window=0"), ({"weighting": "linear"}, "got 'linear'")],
)
def test_bad_windows_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cooccurrence_counts(SENTENCES, Vocabulary.from_sentences(SENTENCES), **options)


def test_ppmi_by_hand() -> None:
    # Total 8; P(row 0) = 6/8, P(column 1) = 4/8, joint 4/8: ln(4/8 / (6/8 · 4/8)) = ln(4/3).
    counts = sparse.csr_array([[2.0, 4.0], [2.0, 0.0]])
    found = ppmi(counts, smoothing=1.0).toarray()
    np.testing.assert_allclose(found, [[0, np.log(4 / 3)], [np.log(2), 0]], atol=1e-12)


def test_smoothing_and_shift_by_hand() -> None:
    counts = sparse.csr_array([[0.0, 16.0], [1.0, 0.0]])
    # 1^0.75 = 1 and 16^0.75 = 8, so the contexts weigh 1/9 and 8/9.
    entry_01 = np.log((16 / 17) / ((16 / 17) * (8 / 9))) - 0.1
    entry_10 = np.log((1 / 17) / ((1 / 17) * (1 / 9))) - 0.1
    found = ppmi(counts, smoothing=0.75, shift=0.1).toarray()
    np.testing.assert_allclose(found, [[0, entry_01], [entry_10, 0]], atol=1e-12)


def test_independent_words_carry_no_information() -> None:
    counts = sparse.csr_array(np.outer([1.0, 2.0, 5.0], [3.0, 4.0, 7.0]))
    assert abs(ppmi(counts, smoothing=1.0)).max() < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing": 0.0}, "got smoothing=0.0"),
        ({"smoothing": 1.1}, "got smoothing=1.1"),
        ({"shift": -1.0}, "got shift=-1.0"),
        ({"shift": float("nan")}, "got shift=nan"),
    ],
)
def test_bad_ppmi_settings_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ppmi(sparse.csr_array([[1.0]]), **options)


def test_ppmi_keeps_what_is_above_0_alone() -> None:
    assert ppmi(sparse.csr_array([[1.0]])).nnz == 0  # as often as by chance
    stored_zero = sparse.csr_array(([0.2, 0.2, 0.0], ([0, 1, 1], [1, 0, 1])), shape=(2, 2))
    assert stored_zero.nnz == 3
    found = ppmi(stored_zero, smoothing=1.0)  # 0.4 in all: weights below 1 are counts, too
    assert found.nnz == 2
    np.testing.assert_allclose(found.toarray(), [[0, np.log(2)], [np.log(2), 0]])


def test_ppmi_needs_counts() -> None:
    with pytest.raises(ValueError, match="at least one co-occurrence; got none"):
        ppmi(sparse.csr_array((3, 3)))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_svd_agrees_with_numpy(power: float) -> None:
    matrix = np.random.default_rng(0).normal(size=(11, 7))
    left, strength, _ = np.linalg.svd(matrix)
    expected = left[:, :3] * strength[:3] ** power
    found = truncated_svd(sparse.csr_array(matrix), 3, seed=0, power=power)
    np.testing.assert_allclose(found * np.sign(found[0] * expected[0]), expected, atol=1e-9)
    largest = found[np.abs(found).argmax(axis=0), np.arange(3)]
    assert (largest > 0).all()


def test_the_seed_does_not_change_the_vectors() -> None:
    matrix = sparse.csr_array(np.random.default_rng(1).normal(size=(13, 13)))
    first, second = (truncated_svd(matrix, 2, seed=seed) for seed in (3, 4))
    np.testing.assert_allclose(first, second, atol=1e-9)
    np.testing.assert_array_equal(first, truncated_svd(matrix, 2, seed=3))


def test_svd_to_a_single_direction() -> None:
    found = truncated_svd(sparse.csr_array(np.outer([1.0, 2.0], [3.0, 4.0])), 1, seed=0, power=1.0)
    np.testing.assert_allclose(found, [[5.0], [10.0]])


@pytest.mark.parametrize("d_embed", [0, 5])
def test_svd_needs_fewer_directions_than_rows(d_embed: int) -> None:
    with pytest.raises(
        ValueError, match=rf"smaller side of the matrix \(5\); got d_embed={d_embed}"
    ):
        truncated_svd(sparse.csr_array(np.ones((5, 7))), d_embed, seed=0)


def test_ppmi_with_svd_finds_planted_neighbours(planted, neighbour_share) -> None:
    vocabulary = Vocabulary.from_sentences(planted)
    counts = cooccurrence_counts(planted, vocabulary, window=3)
    matrix = truncated_svd(ppmi(counts), 11, seed=0)
    assert neighbour_share(WordVectors(vocabulary.words, matrix)) >= 0.95
