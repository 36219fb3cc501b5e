"""Words as counts: bags of words, TF-IDF, co-occurrence, PPMI, and their compression by SVD.

Letters in shapes: D documents (or sentences), V words of the vocabulary, N running words.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Literal, NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import svds

from course_lib.tokenizers import Vocabulary, check_sentences


class TokenStream(NamedTuple):
    """All known words of a corpus in one row, with the number of the sentence of each."""

    ids: Int[np.ndarray, " N"]
    sentence_numbers: Int[np.ndarray, " N"]


def frequent_vocabulary(sentences: Iterable[Sequence[str]], min_count: int) -> Vocabulary:
    """Collect the words that are frequent enough to learn vectors for.

    Args:
        sentences: Lists of words.
        min_count: Words seen less often are left out (≥ 1).

    Raises:
        TypeError: If `sentences` is a string, or holds strings.
        ValueError: If there is no word, or fewer than 2 different ones are frequent enough.
    """
    everything = Vocabulary.from_sentences(sentences)
    if len(everything) == 0:
        raise ValueError("sentences must contain words; got an empty corpus.")
    counts = dict(zip(everything.words, everything.counts.tolist(), strict=True))
    frequent = Vocabulary({word: count for word, count in counts.items() if count >= min_count})
    if len(frequent) < 2:
        raise ValueError(
            f"sentences must contain at least 2 different words seen min_count={min_count} times "
            f"or more; got {len(frequent)} (of {len(everything)} different words). Lower min_count "
            "or take more text."
        )
    return frequent


def encode_stream(sentences: Iterable[Sequence[str]], vocabulary: Vocabulary) -> TokenStream:
    """Encode sentences into one long array of ids. Unknown words are dropped.

    Args:
        sentences: Lists of words.
        vocabulary: Gives the ids.

    Raises:
        TypeError: If `sentences` is a string, or holds strings.
    """
    kept = check_sentences(sentences)
    lengths = np.fromiter(map(len, kept), np.int64, len(kept))
    ids = {word: index for index, word in enumerate(vocabulary.words)}
    found = map(ids.get, chain.from_iterable(kept), repeat(-1))
    encoded = np.fromiter(found, np.int64, int(lengths.sum()))
    known = encoded >= 0
    return TokenStream(encoded[known], np.repeat(np.arange(len(kept)), lengths)[known])


def _shape_of(matrix: sparse.csr_array) -> tuple[int, int]:
    return cast(tuple[int, int], matrix.shape)  # scipy's own annotation allows None


def bag_of_words(
    sentences: Iterable[Sequence[str]], vocabulary: Vocabulary, *, binary: bool = False
) -> sparse.csr_array:
    """Count how often each word occurs in each sentence (or document); the order is lost.

    Args:
        sentences: Lists of words; one row each.
        vocabulary: One column per word. Unknown words are dropped.
        binary: Record only whether a word occurs (1) or not (0).

    Returns:
        Whole numbers, shape (D, V), sparse.

    Raises:
        TypeError: If `sentences` is a string, or holds strings.

    Example:
        >>> sentences = [["a", "b", "a"], ["c"]]
        >>> bag_of_words(sentences, Vocabulary.from_sentences(sentences)).toarray().tolist()
        [[2, 1, 0], [0, 0, 1]]
    """
    kept = check_sentences(sentences)
    stream = encode_stream(kept, vocabulary)
    ones = np.ones(len(stream.ids), dtype=np.int64)
    counts = sparse.csr_array(
        (ones, (stream.sentence_numbers, stream.ids)), shape=(len(kept), len(vocabulary))
    )
    counts.sum_duplicates()
    if binary:
        counts.data[:] = 1
    return counts


def tf_idf(counts: sparse.csr_array) -> sparse.csr_array:
    """Weigh counts by how rare a word is: count · ln(D / number of documents with the word).

    A word that is in every document gets weight 0.

    Args:
        counts: Counts of words per document, shape (D, V), as from `bag_of_words`.

    Returns:
        The weights, same shape, sparse.

    Raises:
        ValueError: If there is no document.

    Reference:
        Spärck Jones 1972, "A statistical interpretation of term specificity and its application in
        retrieval". Unlike scikit-learn's default, the logarithm is not smoothed, 1 is not added to
        it, and rows are not scaled to length 1.

    Example:
        >>> counts = sparse.csr_array([[2, 1], [0, 1]])
        >>> tf_idf(counts).toarray().round(3).tolist()
        [[1.386, 0.0], [0.0, 0.0]]
    """
    n_documents, n_words = _shape_of(counts)
    if n_documents == 0:
        raise ValueError("counts must have at least one row (document); got none.")
    n_with_word = np.bincount(counts.nonzero()[1], minlength=n_words)
    inverse_frequency = np.log(n_documents / np.maximum(n_with_word, 1))
    return sparse.csr_array(counts.astype(np.float64) @ sparse.diags_array(inverse_frequency))


def cooccurrence_counts(
    sentences: Iterable[Sequence[str]],
    vocabulary: Vocabulary,
    *,
    window: int = 5,
    weighting: Literal["flat", "harmonic"] = "flat",
) -> sparse.csr_array:
    """Count how often each word stands near each other word, in the same sentence.

    Unknown words are dropped first, so the window reaches over them.

    Args:
        sentences: Lists of words.
        vocabulary: Gives rows and columns.
        window: Words count as near if at most this many positions apart (≥ 1).
        weighting: "flat" adds 1 for each neighbour; "harmonic" adds 1/distance, as GloVe does.

    Returns:
        A symmetric table, shape (V, V), sparse: row = word, column = neighbour.

    Raises:
        TypeError: If `sentences` is a string, or holds strings.
        ValueError: If `window` or `weighting` is not one of the above.

    Example:
        >>> sentences = [["a", "b", "c"]]
        >>> vocabulary = Vocabulary.from_sentences(sentences)
        >>> cooccurrence_counts(sentences, vocabulary, window=1).toarray().tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if window < 1:
        raise ValueError(f"window must be ≥ 1; got window={window}.")
    if weighting not in ("flat", "harmonic"):
        raise ValueError(f"weighting must be 'flat' or 'harmonic'; got {weighting!r}.")
    ids, numbers = encode_stream(sentences, vocabulary)
    shape = (len(vocabulary), len(vocabulary))
    total = sparse.csr_array(shape, dtype=np.float64)
    for distance in range(1, min(window, len(ids) - 1) + 1):
        together = numbers[distance:] == numbers[:-distance]
        left, right = ids[:-distance][together], ids[distance:][together]
        weight = 1.0 if weighting == "flat" else 1.0 / distance
        total += sparse.csr_array((np.full(len(left), weight), (left, right)), shape=shape)
    return sparse.csr_array(total + total.T)


def ppmi(
    counts: sparse.csr_array, *, smoothing: float = 0.75, shift: float = 0.0
) -> sparse.csr_array:
    """Turn co-occurrence counts into positive pointwise mutual information, in nats.

    The entry is max(0, ln(P(word, context) / (P(word) · P_α(context))) - shift): how much more
    often the two stand together than if each were placed by chance, with P_α(context) proportional
    to count(context)^α.

    Args:
        counts: Co-occurrence counts, shape (V, V): row = word, column = context.
        smoothing: The exponent α (0 < α ≤ 1). Below 1, rare contexts weigh less.
        shift: Subtracted before cutting at 0, in nats (≥ 0); ln k mirrors k negative samples.

    Returns:
        The positive entries, same shape, sparse.

    Raises:
        ValueError: If `counts` holds no count, or `smoothing` or `shift` is out of range.

    Reference:
        Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from
        Word Embeddings", eqs. 1–3.

    Example:
        >>> ppmi(sparse.csr_array([[0, 2], [2, 0]]), smoothing=1.0).toarray().round(3).tolist()
        [[0.0, 0.693], [0.693, 0.0]]
    """
    if not 0 < smoothing <= 1:
        raise ValueError(f"smoothing must lie above 0 and be at most 1; got smoothing={smoothing}.")
    if not 0 <= shift < np.inf:
        raise ValueError(f"shift must be ≥ 0 and finite; got shift={shift}.")
    table = sparse.coo_array(counts, dtype=np.float64)
    total = table.data.sum()
    if total <= 0:
        raise ValueError("counts must hold at least one co-occurrence; got none.")
    word_share = np.asarray(table.sum(axis=1)) / total
    context_weight = np.asarray(table.sum(axis=0)) ** smoothing
    context_share = context_weight / context_weight.sum()
    row, column = table.coords
    present = table.data > 0
    row, column, joint_share = row[present], column[present], table.data[present] / total
    information = np.log(joint_share / (word_share[row] * context_share[column])) - shift
    positive = information > 0
    return sparse.csr_array(
        (information[positive], (row[positive], column[positive])), shape=_shape_of(counts)
    )


def truncated_svd(
    matrix: sparse.csr_array, d_embed: int, *, seed: int, power: float = 0.5
) -> Float[np.ndarray, "V d_embed"]:
    """Compress each row of a matrix into a short vector, keeping as much of it as possible.

    With matrix ≈ U·S·Wᵀ, the vectors are U·S^power, the strongest direction first. The sign of a
    direction is arbitrary; here its largest entry is positive.

    Args:
        matrix: For example PPMI values, shape (V, C).
        d_embed: Length of the vectors (1 ≤ d_embed < min(V, C)).
        seed: Of the vector that the iteration starts from; it does not change the result.
        power: Weight of the singular values; 0 treats all directions alike.

    Returns:
        One vector per row, shape (V, d_embed).

    Raises:
        ValueError: If `d_embed` is out of range.

    Reference:
        Eckart & Young 1936, "The approximation of one matrix by another of lower rank"; power 0.5
        as in Levy, Goldberg & Dagan 2015, section 3.3.
    """
    smallest = min(_shape_of(matrix))
    if not 1 <= d_embed < smallest:
        raise ValueError(
            f"d_embed must be at least 1 and below the smaller side of the matrix ({smallest}); "
            f"got d_embed={d_embed}."
        )
    start = np.random.default_rng(seed).normal(size=smallest)
    left, strength, _ = svds(matrix.astype(np.float64), k=d_embed, v0=start)
    vectors = np.asarray(left) * np.asarray(strength) ** power
    vectors = vectors[:, np.argsort(-np.asarray(strength))]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(d_embed)]
    return vectors * np.where(largest < 0, -1.0, 1.0)
