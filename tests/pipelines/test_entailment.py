from pathlib import Path

import numpy as np
import pytest

from course_lib.finetuning import load_classifier
from course_lib.pipelines import Writer
from course_lib.pipelines.entailment import EntailmentScorer, load_scorer
from tests.pipelines.tiny import make_folder


def folder_with(path: Path, *names: str) -> Path:
    return make_folder(
        path,
        "BertForSequenceClassification",
        id2label=dict(enumerate(names)),
        label2id={name: k for k, name in enumerate(names)},
    )


def test_two_classes_are_enough_in_either_order(tmp_path: Path) -> None:
    first = EntailmentScorer(load_classifier(folder_with(tmp_path / "a", "entailment", "not")))
    second = EntailmentScorer(load_classifier(folder_with(tmp_path / "b", "not", "ENTAIL")))
    scores = [scorer("a cat", ["cat", "dog"], "a {}.", True) for scorer in (first, second)]
    assert ((scores[0] > 0) & (scores[0] < 1)).all()
    np.testing.assert_allclose(scores[0] + scores[1], 1, atol=1e-6)  # the same logits, turned
    one = first("a cat", ["cat", "dog"], "a {}.", False)
    assert one.sum() == pytest.approx(1)


def test_the_kind_of_model_decides(tmp_path: Path) -> None:
    folder_with(tmp_path, "contradiction", "neutral", "entailment")
    assert isinstance(load_scorer(tmp_path), EntailmentScorer)
    assert isinstance(load_scorer("story-gpt-draft"), Writer)
