from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from course_lib.finetuning.classifier import Classifier, ClassifierConfig
from course_lib.finetuning.encoders import Encoder, wrap_encoder
from course_lib.finetuning.fitting import TrainingPlan
from course_lib.finetuning.strategies import (
    FromScratch,
    FrozenFeatures,
    FullFineTuning,
    GradualUnfreezing,
    LoRAFineTuning,
)
from course_lib.models import BERT, BERTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer
from course_lib.training import AdamWConfig

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = ["good", "bad film", "a good film", "the bad", "good the film", "bad bad a film"] * 3
LABELS = ["pos", "neg"] * 9
FAST = TrainingPlan(n_epochs=8, n_rows=6, optimizer=AdamWConfig(learning_rate=1e-2))
LONG = TrainingPlan(n_epochs=20, n_rows=6, optimizer=AdamWConfig(learning_rate=3e-2))
STRATEGIES = {
    "frozen": FrozenFeatures(),
    "full": FullFineTuning(plan=FAST),
    "scratch": FromScratch(plan=FAST),
    "gradual": GradualUnfreezing(plan=LONG),
    "lora": LoRAFineTuning(plan=replace(LONG, n_epochs=60)),
}


def make_encoder(max_len: int = 11) -> Encoder:
    config = BERTConfig(
        vocab_size=10, max_len=max_len, d_model=6, n_heads=3, n_layers=2, d_ff=5, dropout=0.1
    )
    tokenizer = WordPieceTokenizer([*MARKS, "good", "bad", "film", "the", "a"])
    return wrap_encoder(BERT(config, make_generator(0)).eval(), tokenizer)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_learns_and_repeats_itself(name: str) -> None:
    encoder = make_encoder()
    before = {key: tensor.clone() for key, tensor in encoder.state_dict().items()}
    config = ClassifierConfig(pooling="mean")
    classifier = Classifier(encoder, STRATEGIES[name], config)
    fitted = classifier.fit(TEXTS, LABELS, dev=(TEXTS[:6], LABELS[:6]))
    probabilities = classifier.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert classifier.predict(TEXTS) == LABELS
    assert classifier.classes == ("neg", "pos")
    assert (fitted.best_step is None) == (name == "frozen")
    for key, tensor in encoder.state_dict().items():  # the pretrained one stays as it is
        assert torch.equal(tensor, before[key])
    classifier.fit(TEXTS, LABELS, dev=(TEXTS[:6], LABELS[:6]))
    np.testing.assert_array_equal(classifier.predict_proba(TEXTS), probabilities)


def test_predictions_do_not_depend_on_the_company() -> None:
    classifier = Classifier(make_encoder(), STRATEGIES["full"])
    classifier.fit(TEXTS, LABELS)
    together = classifier.predict_proba(TEXTS[:6])
    for text, row in zip(TEXTS[:6], together, strict=True):
        np.testing.assert_allclose(classifier.predict_proba([text])[0], row, atol=1e-6)
    assert classifier.predict([]) == []


def test_frozen_features_give_the_numbers_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    encoder = make_encoder().double()
    for labels in (LABELS, ["a", "b", "c"] * 6):
        classifier = Classifier(encoder, FrozenFeatures(), ClassifierConfig(pooling="mean"))
        classifier.fit(TEXTS, labels)
        with torch.no_grad():
            rows = [
                encoder(torch.tensor([ids])).mean(dim=1)[0] for ids in encoder.encode_all(TEXTS)
            ]
        features = StandardScaler().fit_transform(torch.stack(rows).numpy())
        expected = LogisticRegression(max_iter=1000).fit(features, labels).predict_proba(features)
        np.testing.assert_allclose(classifier.predict_proba(TEXTS), expected, atol=1e-6)


def test_a_saved_classifier_predicts_the_same(tmp_path: Path) -> None:
    classifier = Classifier(make_encoder(), STRATEGIES["lora"], ClassifierConfig(pooling="mean"))
    classifier.fit(TEXTS, [int(label == "pos") for label in LABELS])
    classifier.save(tmp_path)
    again = Classifier.load(tmp_path)
    assert again.classes == (0, 1)
    assert again.model.pooling == "mean"
    np.testing.assert_array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))


def test_a_head_that_does_not_fit_is_named(tmp_path: Path) -> None:
    classifier = Classifier(make_encoder(), FrozenFeatures())
    with pytest.raises(ValueError, match=r"must be fitted first; call \.fit"):
        classifier.save(tmp_path)
    classifier.fit(TEXTS, LABELS)
    classifier.save(tmp_path)
    head = load_file(tmp_path / "head.safetensors")
    save_file({**head, "weight": torch.zeros(3, 6)}, tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match=r"(?s)must fit 2 classes and .* d_model=6 .*got \(3, 6\)"):
        Classifier.load(tmp_path)
    save_file({**head, "bias": torch.tensor([0.0, torch.nan])}, tmp_path / "head.safetensors")
    with pytest.raises(ValueError, match=r"NaN or infinity in classifier\.bias"):
        Classifier.load(tmp_path)
    (tmp_path / "head.safetensors").unlink()
    with pytest.raises(ValueError, match=r"must hold head\.safetensors"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["good", "bad"], ["pos"], "labels must hold at least two classes; got only 'pos'"),
        (["good"], ["pos", "neg"], "labels must be as many as the texts; got 1 texts and 2"),
        (["good", ""], ["pos", "neg"], "texts must not be empty; got '' in row 1"),
        (["good", "bad"], ["pos", 1], "labels must be all strings or all integers; got int, str"),
    ],
)
def test_bad_input_is_named(texts: list[str], labels: list[str | int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Classifier(make_encoder(), FrozenFeatures()).fit(texts, labels)


def test_labels_must_be_among_the_classes_and_every_class_there() -> None:
    classifier = Classifier(make_encoder(), FrozenFeatures(), ClassifierConfig(classes=(0, 1, 2)))
    with pytest.raises(ValueError, match=r"among the classes \[0, 1, 2\]; got 3 in row 1"):
        classifier.fit(["good", "bad"], [0, 3])
    with pytest.raises(ValueError, match=r"every class at least once; got none of \[2\]"):
        classifier.fit(["good", "bad"], [0, 1])
    with pytest.raises(ValueError, match="classes must be two or more, all different"):
        ClassifierConfig(classes=("a", "a"))


def test_long_texts_are_cut_and_told() -> None:
    classifier = Classifier(make_encoder(max_len=4), FrozenFeatures())
    with pytest.warns(UserWarning, match="6 of 18 texts had more than 4 tokens"):
        classifier.fit(["good", "bad", "good good good"] * 6, ["pos", "neg", "pos"] * 6)


def test_early_stopping_keeps_the_best_weights() -> None:
    plan = TrainingPlan(
        n_epochs=30, n_rows=6, optimizer=AdamWConfig(learning_rate=3e-2), patience=2
    )
    classifier = Classifier(make_encoder(), FullFineTuning(plan=plan))
    wrong = ["neg" if label == "pos" else "pos" for label in LABELS[:6]]
    fitted = classifier.fit(TEXTS, LABELS, dev=(TEXTS[:6], wrong))
    assert fitted.history.stopped_by == "patience"
    best = min(fitted.history.evaluations, key=lambda e: e.nats_per_token)
    assert fitted.best_step == best.step < fitted.history.evaluations[-1].step
    column = [classifier.classes.index(label) for label in wrong]
    nats = -np.log(classifier.predict_proba(TEXTS[:6])[range(6), column]).mean()
    assert_close(float(nats), best.nats_per_token, atol=1e-5, rtol=1e-5)  # of float32
