from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from course_lib.data import load
from course_lib.embeddings import WordVectors, evaluate_analogies


@pytest.fixture(scope="module")
def questions() -> list[dict]:
    return list(load("google-analogies"))


@pytest.fixture(scope="module")
def vectors(questions: list[dict]) -> WordVectors:
    """Vectors that solve some of the questions: a shared offset per side, and much noise."""
    rng = np.random.default_rng(0)
    found: dict[str, np.ndarray] = {}
    for question in questions[:6000]:
        for left, right in (("a", "b"), ("c", "d")):
            first, second = question[left].lower(), question[right].lower()
            base = found.setdefault(first, rng.normal(size=13))
            found.setdefault(second, base + 1.0 + rng.normal(size=13) * 0.4)
    words = sorted(found)
    return WordVectors(words, np.stack([found[word] for word in words]))


def write_questions(path: Path, questions: Iterable[dict]) -> None:
    section, lines = None, []
    for question in questions:
        if question["section"] != section:
            section = question["section"]
            lines.append(f": {section}")
        lines.append(" ".join(question[column] for column in "abcd"))
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("restrict_to", [30_000, 150])
def test_agrees_with_gensim_on_the_same_vectors(
    vectors: WordVectors, questions: list[dict], tmp_path: Path, restrict_to: int
) -> None:
    path = tmp_path / "questions.txt"
    write_questions(path, questions)
    _, sections = vectors.to_gensim().evaluate_word_analogies(str(path), restrict_vocab=restrict_to)
    expected = {
        section["section"]: (
            len(section["correct"]),
            len(section["correct"]) + len(section["incorrect"]),
        )
        for section in sections
        if section["correct"] or section["incorrect"]
    }
    n_right, n_used = expected.pop("Total accuracy")
    score = evaluate_analogies(vectors, questions, restrict_to=restrict_to)
    assert 0 < n_right < n_used
    assert score.by_section == expected
    assert score.n_used == n_used
    assert score.n_used + score.n_skipped == len(questions) == 19_544
    assert score.accuracy == pytest.approx(n_right / n_used)
    assert score.interval.low < score.accuracy < score.interval.high


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")  # by gensim itself
def test_products_agree_with_gensim_question_by_question(
    vectors: WordVectors, questions: list[dict]
) -> None:
    known = [q for q in questions if all(vectors.find(q[column]) for column in "abcd")][::97]
    reference = vectors.to_gensim()
    n_right = 0
    for question in known:
        a, b, c, d = (question[column].lower() for column in "abcd")
        best = reference.most_similar_cosmul(positive=[b, c], negative=[a], topn=1)
        n_right += best[0][0] == d
    score = evaluate_analogies(vectors, known, method="mul")
    assert round(score.accuracy * score.n_used) == n_right
    assert 0 < n_right < len(known)


def test_planted_offset_is_found_by_both_methods() -> None:
    rng = np.random.default_rng(1)
    base, offset = rng.normal(size=(5, 17)), rng.normal(size=17)
    words = [f"x{i}" for i in range(5)] + [f"y{i}" for i in range(5)]
    vectors = WordVectors(words, np.concatenate([base, base + offset]))
    rows = [
        {"section": "planted", "a": f"x{i}", "b": f"y{i}", "c": f"x{j}", "d": f"y{j}"}
        for i in range(5)
        for j in range(5)
        if i != j
    ]
    for method in ("add", "mul"):
        score = evaluate_analogies(vectors, rows, method=method)
        assert score.by_section["planted"] == (20, 20)
        assert score.accuracy == 1.0
        assert score.interval.high == 1.0


def test_questions_without_known_words_are_refused(vectors: WordVectors) -> None:
    rows = [{"section": "s", "a": "qqq", "b": "rrr", "c": "sss", "d": "ttt"}]
    with pytest.raises(ValueError, match="got none of 1"):
        evaluate_analogies(vectors, rows)
    with pytest.raises(ValueError, match="got restrict_to=0"):
        evaluate_analogies(vectors, rows, restrict_to=0)
    with pytest.raises(ValueError, match="got none of 1"):  # one word is allowed, but too few
        evaluate_analogies(vectors, rows, restrict_to=1)
