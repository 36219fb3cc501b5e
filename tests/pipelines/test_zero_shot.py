from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import pipeline as their_pipeline

from course_lib.generation import token_log_probs
from course_lib.pipelines import ZeroShotClassificationPipeline, load_writer, pipeline
from course_lib.pipelines.zero_shot import HYPOTHESIS
from tests.pipelines.tiny import make_folder

LABELS = ["cat", "dog", "rome", "not good"]
TEXTS = ["the cat sat on a mat", "a dog ran"]
TEMPLATE = "a {} is good."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ["contradiction", "neutral", "entailment"]
    return make_folder(
        tmp_path_factory.mktemp("nli"),
        "BertForSequenceClassification",
        id2label=dict(enumerate(names)),
        label2id={name: k for k, name in enumerate(names)},
    )


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_model_of_entailment_says_what_it_says_in_transformers(
    folder: Path, multi_label: bool
) -> None:
    theirs = their_pipeline("zero-shot-classification", model=str(folder))
    expected = theirs(TEXTS, LABELS, hypothesis_template=TEMPLATE, multi_label=multi_label)
    ours = pipeline("zero-shot-classification", folder)
    found = ours(TEXTS, LABELS, hypothesis_template=TEMPLATE, multi_label=multi_label)
    for one, other in zip(found, expected, strict=True):
        assert set(one) == {"sequence", "labels", "scores"}
        assert one["sequence"] == other["sequence"]
        assert one["labels"] == other["labels"]
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
    assert ours(TEXTS[0], LABELS, hypothesis_template=TEMPLATE, multi_label=multi_label) == found[0]


def test_another_classifier_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, "BertForSequenceClassification", id2label={0: "a", 1: "b"})
    with pytest.raises(ValueError, match=r"must know whether a text entails another.*'a', 'b'"):
        pipeline("zero-shot-classification", tmp_path)


@pytest.fixture(scope="module")
def classify() -> ZeroShotClassificationPipeline:
    return pipeline("zero-shot-classification", "story-gpt")


def by_hand(text: str, label: str) -> float:
    """Nats a token of the label and what follows it, after the text."""
    writer = load_writer("story-gpt")
    before, after = "This text is about", "."
    choice = writer.coder.encode(f" {label}{after}")
    ids = torch.tensor([[*writer.encode(text + before), *choice]])
    return token_log_probs(writer.model, ids)[0, -len(choice) :].double().mean().item()


def test_a_language_model_scores_what_the_text_changes(
    classify: ZeroShotClassificationPipeline,
) -> None:
    text, labels = "Omar mended the kite.", ["a kite", "a dancer", "the moon"]
    gains = np.array([by_hand(text + "\n", label) - by_hand("", label) for label in labels])
    powers = np.exp(gains)
    expected = dict(zip(labels, powers / powers.sum(), strict=True))
    found = classify(text, labels)
    assert dict(zip(found["labels"], found["scores"], strict=True)) == pytest.approx(
        expected, abs=1e-4
    )
    assert found["scores"] == sorted(found["scores"], reverse=True)
    assert found["labels"][0] == "a kite"
    both = classify(text, labels, multi_label=True)
    one_by_one = dict(zip(labels, 1 / (1 + np.exp(-gains)), strict=True))
    assert dict(zip(both["labels"], both["scores"], strict=True)) == pytest.approx(
        one_by_one, abs=1e-4
    )


def test_labels_may_stand_in_one_text_and_long_texts_keep_their_ends(
    classify: ZeroShotClassificationPipeline,
) -> None:
    assert classify("A kite.", "kite, moon") == classify("A kite.", ["kite", "moon"])
    end = "Omar mended the kite. " * 100
    assert classify("x " * 900 + end, ["kite", "moon"])["scores"] == pytest.approx(
        classify("y " * 90 + end, ["kite", "moon"])["scores"], abs=1e-3
    )


@pytest.mark.parametrize(
    ("labels", "template", "message"),
    [
        ([], HYPOTHESIS, "candidate_labels must be at least one"),
        (["a", ""], HYPOTHESIS, "none empty"),
        (["a", "a "], HYPOTHESIS, "all different"),
        (["a"], "about it", r"hypothesis_template must hold \{\} once"),
        (["a"], "{} {}", r"hypothesis_template must hold \{\} once"),
    ],
)
def test_bad_labels(
    classify: ZeroShotClassificationPipeline, labels: list[str], template: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        classify("A kite.", labels, hypothesis_template=template)


def test_a_bad_text_in_a_list_spoils_nothing(classify: ZeroShotClassificationPipeline) -> None:
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        found = classify(["", "A kite."], ["kite", "moon"])
    assert "error" in found[0]
    assert found[1] == classify("A kite.", ["kite", "moon"])
