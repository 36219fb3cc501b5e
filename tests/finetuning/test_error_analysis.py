import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from course_lib.evaluation import proportion_interval
from course_lib.finetuning.classifier import Classifier, ClassifierConfig
from course_lib.finetuning.encoders import wrap_encoder
from course_lib.finetuning.error_analysis import (
    closest_neighbours,
    most_confidently_wrong,
    text_vectors,
    worst_slices,
    wrong_with_neighbours,
)
from course_lib.finetuning.strategies import FrozenFeatures
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["good", "bad film", "a good film", "the bad", "good the film", "bad bad a film"]
LABELS = ["pos", "neg"] * 3


def make_classifier() -> Classifier:
    sizes = {"max_len": 11, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=10, **sizes), make_generator(0)).eval()
    encoder = wrap_encoder(model, WordPieceTokenizer([*MARKS, "good", "bad", "film", "the", "a"]))
    config = ClassifierConfig(pooling="mean", n_rows=2)
    classifier = Classifier(encoder, FrozenFeatures(), config)
    classifier.fit(TEXTS, LABELS)
    return classifier


@pytest.mark.parametrize("k", [1, 5, 13])
def test_neighbours_are_those_of_scikit_learn(k: int) -> None:
    rng = np.random.default_rng(0)
    vectors, train = rng.normal(size=(7, 5)), rng.normal(size=(13, 5))
    rows, cosines = closest_neighbours(vectors, train, k)
    distances, expected = NearestNeighbors(metric="cosine").fit(train).kneighbors(vectors, k)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(cosines, 1 - distances, atol=1e-12)


def test_length_does_not_matter_and_of_equals_the_earlier_comes_first() -> None:
    train = np.array([[0.0, 1.0], [2.0, 0.0], [9.0, 0.0], [-1.0, 0.0]])
    rows, cosines = closest_neighbours(np.array([[0.5, 0.0]]), train, 4)
    assert rows.tolist() == [[1, 2, 0, 3]]
    assert cosines.tolist() == [[1.0, 1.0, 0.0, -1.0]]


def test_neighbours_refuse_bad_tables() -> None:
    table = np.eye(3)
    with pytest.raises(ValueError, match=r"one width; got shapes \(3, 3\) and \(2, 2\)"):
        closest_neighbours(table, np.eye(2), 1)
    with pytest.raises(ValueError, match=r"one width; got shapes \(3, 3\) and \(3,\)"):
        closest_neighbours(table, np.ones(3), 1)
    for k in (0, 4):
        with pytest.raises(ValueError, match=f"k must be between 1 and 3; got k={k}"):
            closest_neighbours(table, table, k)
    with pytest.raises(ValueError, match=r"train_vectors must be .* length of 0\.0 in row 1"):
        closest_neighbours(table, np.array([[1.0, 0, 0], [0, 0, 0]]), 1)
    with pytest.raises(ValueError, match=r"vectors must be .* length of nan in row 0"):
        closest_neighbours(table * np.nan, table, 1)
    with pytest.raises(ValueError, match=r"vectors must be .* length of inf in row 2"):
        closest_neighbours(np.diag([1.0, 1.0, np.inf]), table, 1)


def test_vectors_are_those_the_head_reads_in_the_order_of_the_texts() -> None:
    classifier = make_classifier()
    vectors = text_vectors(classifier, TEXTS)
    head = classifier.model.classifier
    logits = vectors @ head.weight.detach().double().numpy().T + head.bias.detach().numpy()
    probabilities = torch.tensor(logits).softmax(dim=1).numpy()
    np.testing.assert_allclose(probabilities, classifier.predict_proba(TEXTS), atol=1e-5)


def test_the_most_confident_errors_come_first() -> None:
    texts, labels = ["a", "b", "c", "d", "e"], [0, 1, 2, 2, 1]
    table = np.array(
        [[0.2, 0.5, 0.3], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2], [0.7, 0.3, 0.0]]
    )
    found = most_confidently_wrong((texts, labels), table, (0, 1, 2))
    assert [(one.text, one.expected, one.predicted, one.confidence) for one in found] == [
        ("b", 1, 0, 0.7),
        ("e", 1, 0, 0.7),
        ("d", 2, 0, 0.6),
        ("a", 0, 1, 0.5),
    ]
    (worst,) = most_confidently_wrong((texts, labels), table, (0, 1, 2), n_texts=1)
    assert worst == found[0]


def test_errors_refuse_what_does_not_fit() -> None:
    table = np.full((2, 2), 0.5)
    with pytest.raises(ValueError, match="labels must be as many as the texts; got 2 texts and 1"):
        most_confidently_wrong((["a", "b"], [0]), table, (0, 1))
    with pytest.raises(ValueError, match=r"must be 2 rows of 3 columns.*got shape \(2, 2\)"):
        most_confidently_wrong((["a", "b"], [0, 1]), table, (0, 1, 2))
    with pytest.raises(ValueError, match=r"among the classes \[0, 1\]; got 7 in row 1"):
        most_confidently_wrong((["a", "b"], [0, 7]), table, (0, 1))
    with pytest.raises(ValueError, match=r"n_texts must be ≥ 1; got n_texts=0"):
        most_confidently_wrong((["a", "b"], [0, 1]), table, (0, 1), 0)


def test_every_error_gets_its_neighbours_with_their_labels() -> None:
    classifier = make_classifier()
    right = classifier.predict(TEXTS)
    assert wrong_with_neighbours(classifier, (TEXTS, LABELS), (TEXTS, right)) == []
    wrong = ["neg" if label == "pos" else "pos" for label in right[:3]]
    found = wrong_with_neighbours(classifier, (TEXTS, LABELS), (TEXTS[:3], wrong), k=2)
    assert {one.text for one in found} == set(TEXTS[:3])
    assert [one.confidence for one in found] == sorted(
        classifier.predict_proba(TEXTS[:3]).max(axis=1), reverse=True
    )
    vectors = text_vectors(classifier, TEXTS)
    for one in found:
        itself, other = one.neighbours
        assert (itself.text, itself.cosine) == (one.text, pytest.approx(1.0))
        row = TEXTS.index(other.text)
        assert other.label == LABELS[row]
        mine = vectors[TEXTS.index(one.text)]
        cosine = mine @ vectors[row] / np.linalg.norm(mine) / np.linalg.norm(vectors[row])
        assert other.cosine == pytest.approx(cosine)
    with pytest.raises(ValueError, match="k must be between 1 and 6; got k=7"):
        wrong_with_neighbours(classifier, (TEXTS, LABELS), (TEXTS[:3], wrong), k=7)
    with pytest.raises(ValueError, match="labels of train must be as many"):
        wrong_with_neighbours(classifier, (TEXTS, LABELS[:2]), (TEXTS, right))


def test_slices_by_hand_the_worst_first() -> None:
    predicted = [1, 1, 0, 0, 1, 0, 1]
    expected = [1, 1, 1, 0, 0, 1, 1]
    answers = {
        "negation": [False, False, True, True, True, True, False],
        "length": ["short", "short", "long", "short", "long", "long", "short"],
    }
    found = worst_slices(predicted, expected, answers, n_least=3, confidence=0.9)
    assert [(one.name, one.value, one.n_right, one.n_total) for one in found] == [
        ("length", "long", 0, 3),
        ("negation", True, 1, 4),
        ("length", "short", 4, 4),
        ("negation", False, 3, 3),
    ]
    assert found[1].accuracy == 0.25
    assert found[1].interval == proportion_interval(1, 4, confidence=0.9)


def test_a_slice_may_have_one_text() -> None:
    found = worst_slices([0, 1], [0, 0], {"row": [0, 1]}, n_least=1)
    assert [(one.value, one.accuracy) for one in found] == [(1, 0.0), (0, 1.0)]


def test_slices_refuse_few_texts_and_other_lengths() -> None:
    labels = ["a"] * 5
    answers = {"length": ["short", "long", "long", "long", "short"]}
    with pytest.raises(ValueError, match=r"n_least=3 texts; got 2 with length='short'\. Join"):
        worst_slices(labels, labels, answers, n_least=3)
    with pytest.raises(ValueError, match=r"answers to 'length' must be as many .*4 texts and 5"):
        worst_slices(labels[:4], labels[:4], answers)
    with pytest.raises(ValueError, match="expected labels must be as many"):
        worst_slices(labels, labels[:4], answers)
    with pytest.raises(ValueError, match=r"n_least must be ≥ 1; got n_least=0"):
        worst_slices(labels, labels, answers, n_least=0)
