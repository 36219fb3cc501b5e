import shutil
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data import data_path
from course_lib.embeddings import (
    WordVectors,
    analogy_scores,
    cosine_similarity,
    load_course_vectors,
)
from course_lib.errors import DigestMismatchError

N_WORDS, D_EMBED = 23, 7
SHIPPED = "checkpoints/course-vectors"


@pytest.fixture
def vectors() -> WordVectors:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(N_WORDS)]
    return WordVectors(words, rng.normal(size=(N_WORDS, D_EMBED)), np.arange(N_WORDS, 0, -1))


def assert_same_ranking(found: list, expected: list) -> None:
    assert [word for word, _ in found] == [word for word, _ in expected]
    np.testing.assert_allclose(
        [score for _, score in found], [score for _, score in expected], rtol=0, atol=1e-6
    )


def test_looking_up(vectors: WordVectors) -> None:
    assert len(vectors) == N_WORDS
    assert vectors.d_embed == D_EMBED
    assert "w3" in vectors
    assert "x" not in vectors
    np.testing.assert_array_equal(vectors["w3"], vectors.matrix[3])
    assert vectors.matrix.dtype == np.float32


def test_find_tries_lower_case() -> None:
    vectors = WordVectors(["paris", "US", "us"], np.eye(3))
    assert vectors.find("Paris") == "paris"
    assert vectors.find("US") == "US"
    assert vectors.find("rome") is None


def test_neighbours_agree_with_gensim(vectors: WordVectors) -> None:
    reference = vectors.to_gensim()
    for word in ("w0", "w11"):
        assert_same_ranking(vectors.most_similar(word, 5), reference.most_similar(word, topn=5))
    assert vectors.similarity("w1", "w2") == pytest.approx(
        float(reference.similarity("w1", "w2")), abs=1e-6
    )


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")  # by gensim itself
def test_analogies_agree_with_gensim(vectors: WordVectors) -> None:
    reference = vectors.to_gensim()
    question = {"positive": ["w5", "w9"], "negative": ["w2"], "topn": 6}
    added = vectors.analogy("w2", "w5", "w9", n=6)
    assert [word for word, _ in added] == [word for word, _ in reference.most_similar(**question)]
    multiplied = vectors.analogy("w2", "w5", "w9", n=6, method="mul")
    assert_same_ranking(multiplied, reference.most_similar_cosmul(**question))


def test_scores_of_added_analogies_are_cosines(vectors: WordVectors) -> None:
    a, b, c = vectors.directions[[2, 5, 9]]
    ((word, score),) = vectors.analogy("w2", "w5", "w9", n=1)
    assert score == pytest.approx(cosine_similarity(b - a + c, vectors[word]), abs=1e-6)


def test_planted_analogy() -> None:
    royal, male, female = np.eye(3)
    words = ["man", "king", "woman", "queen", "tree"]
    matrix = np.array([male, male + royal, female, female + royal, -royal])
    vectors = WordVectors(words, matrix)
    for method in ("add", "mul"):
        assert vectors.analogy("man", "king", "woman", method=method)[0][0] == "queen"
        # The question's own words would win if they were allowed to.
        scores = analogy_scores(vectors.directions, np.array([[0, 1, 2]]), method)[0]
        assert np.isfinite(scores).all()
    answers = {word for word, _ in vectors.analogy("man", "king", "woman", n=5)}
    assert answers == {"queen", "tree"}


def test_nearest_leaves_out_what_it_is_told(vectors: WordVectors) -> None:
    word, cosine = vectors.nearest(3 * vectors["w4"], n=1)[0]
    assert word == "w4"
    assert cosine == pytest.approx(1.0)
    others = vectors.nearest(vectors["w4"], n=N_WORDS, exclude=["w4", "never-seen"])
    assert "w4" not in dict(others)
    assert len(others) == N_WORDS - 1


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(0.01, 100))
def test_length_does_not_matter_to_neighbours(seed: int, factor: float) -> None:
    matrix = np.random.default_rng(seed).normal(size=(5, 3)).astype(np.float32)
    before = WordVectors(list("abcde"), matrix).most_similar("a", 4)
    stretched = WordVectors(list("abcde"), matrix * np.float32(factor)).most_similar("a", 4)
    np.testing.assert_allclose(
        [score for _, score in before], [score for _, score in stretched], atol=1e-5
    )


def test_a_zero_vector_is_similar_to_nothing() -> None:
    vectors = WordVectors(["zero", "one"], np.array([[0.0, 0.0], [1.0, 0.0]]))
    assert vectors.similarity("zero", "one") == 0.0
    assert vectors.most_similar("zero", 1) == [("one", 0.0)]


def test_first_keeps_the_head(vectors: WordVectors) -> None:
    head = vectors.first(5)
    assert head.words == vectors.words[:5]
    assert head.counts is not None
    assert head.counts.tolist() == [23, 22, 21, 20, 19]
    assert vectors.first(N_WORDS) is vectors


def test_an_unknown_word_is_named_everywhere(vectors: WordVectors) -> None:
    queries = (
        lambda: vectors["w100"],
        lambda: vectors.most_similar("w100"),
        lambda: vectors.similarity("w1", "w100"),
        lambda: vectors.analogy("w1", "w100", "w2"),
    )
    for query in queries:
        with pytest.raises(ValueError, match=r"one of the 23 known words; got 'w100'. Near spel"):
            query()


@pytest.mark.parametrize(
    ("words", "matrix", "counts", "message"),
    [
        (["a", "b"], np.zeros((3, 2)), None, r"each of the 2 words .* got shape \(3, 2\)"),
        ([], np.zeros((0, 2)), None, "at least one"),
        (["a"], np.zeros(3), None, r"got shape \(3,\)"),
        (["a", "b", "a"], np.zeros((3, 2)), None, "got 'a' twice"),
        (["a", "b"], np.array([[0.0], [np.nan]]), None, "NaN or infinity for 'b'"),
        (["a", "b"], np.array([[0.0, 1.0], [2.0, np.inf]]), None, "NaN or infinity for 'b'"),
        (["a", "b"], np.zeros((2, 2)), np.array([1]), r"counts must have 2 entries"),
    ],
)
def test_what_does_not_fit_together_is_refused(words, matrix, counts, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WordVectors(words, matrix, counts)


def test_bad_queries_are_refused(vectors: WordVectors) -> None:
    with pytest.raises(ValueError, match=r"vector must have shape \(7,\); got \(3,\)"):
        vectors.nearest(np.zeros(3))
    with pytest.raises(ValueError, match="n must be ≥ 1; got n=0"):
        vectors.most_similar("w1", n=0)
    with pytest.raises(ValueError, match="method must be 'add' or 'mul'; got 'sub'"):
        vectors.analogy("w1", "w2", "w3", method="sub")  # type: ignore[arg-type]


def test_there_and_back_through_gensim(vectors: WordVectors) -> None:
    keyed_vectors = vectors.to_gensim()
    assert keyed_vectors.get_vecattr("w0", "count") == N_WORDS
    back = WordVectors.from_gensim(keyed_vectors)
    assert back.words == vectors.words
    np.testing.assert_array_equal(back.matrix, vectors.matrix)
    np.testing.assert_array_equal(back.counts, vectors.counts)


def test_word2vec_text_is_read_and_written_as_gensim_does(
    vectors: WordVectors, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.txt", tmp_path / "theirs.txt"
    vectors.save_word2vec_text(ours)
    read_by_gensim = KeyedVectors.load_word2vec_format(str(ours))
    assert read_by_gensim.index_to_key == vectors.words
    np.testing.assert_array_equal(read_by_gensim.vectors, vectors.matrix)
    vectors.to_gensim().save_word2vec_format(str(theirs))
    back = WordVectors.load_word2vec_text(theirs)
    assert back.words == vectors.words
    np.testing.assert_array_equal(back.matrix, vectors.matrix)


def test_our_own_file_keeps_everything(vectors: WordVectors, tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    vectors.save(path)
    back = WordVectors.load(path)
    assert back.words == vectors.words
    np.testing.assert_array_equal(back.matrix, vectors.matrix)
    np.testing.assert_array_equal(back.counts, vectors.counts)
    half = tmp_path / "half.safetensors"
    vectors.save(half, dtype="float16")
    np.testing.assert_allclose(WordVectors.load(half).matrix, vectors.matrix, rtol=1e-3)
    assert half.stat().st_size < path.stat().st_size


def test_the_course_vectors_are_worth_looking_at() -> None:
    vectors = load_course_vectors()
    assert vectors.counts is not None
    assert (np.diff(vectors.counts) <= 0).all()
    assert "queen" in dict(vectors.most_similar("king", 10))
    assert vectors.similarity("cat", "dog") > vectors.similarity("cat", "government") + 0.2


def test_altered_course_vectors_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(data_path(SHIPPED), tmp_path / "course-vectors")
    file = copy / "vectors.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr("course_lib.data.data_path", lambda relative: copy)
    with pytest.raises(DigestMismatchError, match="course-vectors"):
        load_course_vectors()


def test_the_card_names_the_digest_of_the_file() -> None:
    folder = data_path(SHIPPED)
    digest = (folder / "vectors.sha256").read_text(encoding="utf-8").split()[0]
    assert digest in (folder / "README.md").read_text(encoding="utf-8")
    assert (folder / "vectors.safetensors").stat().st_size <= 20 * 1024**2
