import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cosine as cosine_distance

from course_lib.data import load
from course_lib.embeddings import WordVectors, cosine_similarity, evaluate_similarity

COORDINATES = st.lists(st.floats(-10, 10), min_size=3, max_size=3)


@settings(deadline=None)
@given(COORDINATES, COORDINATES)
def test_cosine_agrees_with_scipy_and_is_symmetric(a: list[float], b: list[float]) -> None:
    if np.linalg.norm(a) < 1e-6 or np.linalg.norm(b) < 1e-6:
        return
    found = cosine_similarity(a, b)
    assert found == pytest.approx(1 - cosine_distance(a, b), abs=1e-9)
    assert found == pytest.approx(cosine_similarity(b, a), abs=1e-12)


def test_bad_vectors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one length; got shapes \(2,\), \(3,\)"):
        cosine_similarity([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="got a vector of zeros"):
        cosine_similarity([0, 0], [1, 2])


@pytest.fixture(scope="module")
def pairs() -> list[dict]:
    return list(load("wordsim353"))


@pytest.fixture(scope="module")
def vectors(pairs: list[dict]) -> WordVectors:
    """Random vectors for most of the words of the pairs, in lower case."""
    words = sorted({pair[column].lower() for pair in pairs for column in ("word1", "word2")})[30:]
    return WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 11)))


def test_agrees_with_gensim_on_the_same_vectors(
    vectors: WordVectors, pairs: list[dict], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.tsv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ([pair["word1"], pair["word2"], pair["score"]] for pair in pairs)
        csv.writer(file, delimiter="\t").writerows(rows)
    _, spearman, percent_missing = vectors.to_gensim().evaluate_word_pairs(str(path))
    score = evaluate_similarity(vectors, pairs)
    assert score.spearman == pytest.approx(spearman[0], abs=1e-6)
    assert score.n_used + score.n_missing == len(pairs) == 353
    assert 100 * score.n_missing / 353 == pytest.approx(percent_missing)
    assert score.n_missing > 0
    assert score.interval.low < score.spearman < score.interval.high


def test_ratings_that_rank_as_the_cosines_score_one(vectors: WordVectors) -> None:
    rows = [
        {"word1": a, "word2": b, "score": 10 * vectors.similarity(a, b)}
        for a, b in zip(vectors.words[:20], vectors.words[20:40], strict=True)
    ]
    assert evaluate_similarity(vectors, rows).spearman == pytest.approx(1.0)
    assert evaluate_similarity(vectors, rows).interval == pytest.approx((1.0, 1.0))


def test_two_known_pairs_are_the_least(vectors: WordVectors) -> None:
    rows = [{"word1": vectors.words[0], "word2": "zzz", "score": 1.0}]
    with pytest.raises(ValueError, match=r"at least 2 .* got 0 \(1 with an unknown word\)"):
        evaluate_similarity(vectors, rows)
    known = [
        {"word1": a, "word2": b, "score": 10 * vectors.similarity(a, b)}
        for a, b in zip(vectors.words[:2], vectors.words[2:4], strict=True)
    ]
    score = evaluate_similarity(vectors, known + rows)
    assert (score.spearman, score.n_used, score.n_missing) == (pytest.approx(1.0), 2, 1)
