from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.finetuning.classifier import Classifier, ClassifierConfig
from course_lib.finetuning.encoders import wrap_encoder
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.learning_curves import (
    LearningCurve,
    doubling_sizes,
    learning_curve,
    stratified_order,
)
from course_lib.finetuning.seeds import fit_seeds
from course_lib.finetuning.strategies import FrozenFeatures, FullFineTuning
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAIN = (["a", "b", "a a", "b b", "a b a", "b a b", "a a a"], ["x", "y", "x", "y", "x", "y", "x"])
TEST = (["a", "b", "b a b b", "a a b a"], ["x", "y", "y", "x"])


def make_classifier() -> Classifier:
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1, "d_ff": 5}
    model = BERT(BERTConfig(vocab_size=7, **sizes), make_generator(0)).eval()
    encoder = wrap_encoder(model, WordPieceTokenizer([*MARKS, "a", "b"]))
    strategy = FullFineTuning(plan=TrainingPlan(n_epochs=1, n_rows=3))
    return Classifier(encoder, strategy, ClassifierConfig(pooling="mean"))


def test_sizes_double_up_to_all() -> None:
    assert doubling_sizes(6920) == [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 6920]
    assert doubling_sizes(32) == [16, 32]
    assert doubling_sizes(10) == [10]
    assert doubling_sizes(1, smallest=1) == [1]
    with pytest.raises(ValueError, match="n_texts and smallest must be ≥ 1; got n_texts=0"):
        doubling_sizes(0)


def test_an_order_by_hand() -> None:
    labels = ["a"] * 6 + ["b"] * 3
    order = stratified_order(labels, seed=4)
    for n, counts in {2: (1, 1), 3: (2, 1), 6: (4, 2), 9: (6, 3)}.items():
        found = Counter(labels[row] for row in order[:n])
        assert (found["a"], found["b"]) == counts
    assert stratified_order(labels, seed=4) == order
    labels = ["a"] * 2 + ["b"] * 6  # after a b b b b, a has 1 of 6 rows and should have 1.5
    assert "".join(labels[row] for row in stratified_order(labels, seed=0)) == "abbbbabb"
    assert len({tuple(stratified_order(labels, seed)) for seed in range(5)}) == 5


@settings(deadline=None)
@given(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=60),
    st.integers(min_value=0, max_value=99),
)
def test_every_beginning_holds_every_class_and_none_too_often(labels: list[str], seed: int) -> None:
    order = stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    shares = {c: n / len(labels) for c, n in Counter(labels).items()}
    for n in range(len(shares), len(labels) + 1):
        counts = Counter(labels[row] for row in order[:n])
        for label, share in shares.items():
            assert 1 <= counts[label] < max(1, share * n) + 1


def test_the_texts_of_a_seed_are_nested_and_all_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[tuple[int, int], list[str]] = {}

    def spy(self: Classifier, texts: list[str], labels: list[str], dev: None) -> None:
        assert dict(zip(*TRAIN, strict=True)) | dict(zip(texts, labels, strict=True)) == dict(
            zip(*TRAIN, strict=True)
        )
        seen[self.config.seed, len(texts)] = list(texts)

    monkeypatch.setattr(Classifier, "fit", spy)
    monkeypatch.setattr(Classifier, "predict", lambda self, texts: ["x"] * len(texts))
    curve = learning_curve(make_classifier(), TRAIN, TEST, sizes=(2, 4, 7), seeds=(1, 5, 8))
    assert curve.sizes == [2, 4, 7]
    assert curve.means == [0.5] * 3
    assert curve.sds == [0.0] * 3
    for seed in (1, 5, 8):
        small, middle, everything = (set(seen[seed, size]) for size in (2, 4, 7))
        assert small < middle < everything == set(TRAIN[0])
    assert len({tuple(sorted(seen[seed, 2])) for seed in (1, 5, 8)}) > 1


def test_all_labels_give_the_scores_of_the_same_fits() -> None:
    classifier = make_classifier()
    curve = learning_curve(classifier, TRAIN, TEST, seeds=(0, 3), sizes=[7])
    for seed in (0, 3):
        order = stratified_order(TRAIN[1], seed)
        shuffled = [TRAIN[0][row] for row in order], [TRAIN[1][row] for row in order]
        expected = fit_seeds(classifier, shuffled, TEST, seeds=(seed, seed + 1))
        assert curve.points[7].scores[seed] == expected.scores[seed]


def test_a_strategy_for_each_size() -> None:
    asked: list[int] = []

    def strategy_for(size: int) -> FrozenFeatures:
        asked.append(size)
        return FrozenFeatures()

    classifier = make_classifier()
    curve = learning_curve(
        classifier, TRAIN, TEST, sizes=(2, 7), seeds=(0, 1), strategy_for=strategy_for
    )
    assert asked == [2, 7]
    frozen = Classifier(classifier.encoder, FrozenFeatures(), classifier.config)
    assert curve == learning_curve(frozen, TRAIN, TEST, sizes=(2, 7), seeds=(0, 1))
    assert isinstance(curve, LearningCurve)


@pytest.mark.parametrize("sizes", [(), (1, 4), (4, 4), (4, 2), (4, 8)])
def test_sizes_must_rise_within_bounds(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"sizes must rise, from at least 2 .* to at most 7"):
        learning_curve(make_classifier(), TRAIN, TEST, sizes=sizes, seeds=(0, 1))


def test_one_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seeds must be two or more, all different"):
        learning_curve(make_classifier(), TRAIN, TEST, seeds=(0,))
    classifier = make_classifier()
    other = Classifier(classifier.encoder, classifier.strategy, replace(classifier.config, seed=9))
    with pytest.raises(ValueError, match="labels of train must be as many"):
        learning_curve(other, (["a"], ["x", "y"]), TEST)
