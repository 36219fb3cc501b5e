import warnings
from pathlib import Path

import pytest
from transformers import pipeline as their_pipeline

from course_lib.pipelines import TextClassificationPipeline, pipeline
from tests.pipelines.tiny import make_folder

LABELS = {0: "bad", 1: "so-so", 2: "good"}
TEXTS = ["the cat sat on a mat", "a dog ran", "rome is not good", "the the the cat", "cats"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier")
    names = {"id2label": LABELS, "label2id": {name: k for k, name in LABELS.items()}}
    return make_folder(path, "BertForSequenceClassification", **names)


@pytest.fixture(scope="module")
def classify(folder: Path) -> TextClassificationPipeline:
    return pipeline("text-classification", folder, batch_size=2)


def test_it_says_what_transformers_says(folder: Path, classify: TextClassificationPipeline) -> None:
    theirs = their_pipeline("text-classification", model=str(folder))
    for top_k in (None, 2):
        for ours, expected in zip(
            classify(TEXTS, top_k=top_k), theirs(TEXTS, top_k=top_k), strict=True
        ):
            assert [row["label"] for row in ours] == [row["label"] for row in expected]
            scores = [row["score"] for row in expected]
            assert [row["score"] for row in ours] == pytest.approx(scores, abs=1e-5)
    assert [row["label"] for row in classify(TEXTS)] == [row["label"] for row in theirs(TEXTS)]
    (one,), (expected,) = classify(TEXTS[0]), theirs(TEXTS[0])
    assert one["label"] == expected["label"]
    assert one["score"] == pytest.approx(expected["score"], abs=1e-5)


def test_all_scores_sum_to_one_and_fall(classify: TextClassificationPipeline) -> None:
    scores = [row["score"] for row in classify(TEXTS[0], top_k=None)]
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert {row["label"] for row in classify(TEXTS[0], top_k=None)} == set(LABELS.values())


def test_a_bad_text_in_a_list_spoils_nothing(classify: TextClassificationPipeline) -> None:
    good = classify([TEXTS[0], TEXTS[1]])
    with pytest.warns(UserWarning, match="2 of 4 inputs could not be answered"):
        found = classify([TEXTS[0], " ", TEXTS[1], 3])  # pyright: ignore
    assert found[0] == pytest.approx(good[0])
    assert found[2]["label"] == good[1]["label"]
    assert found[1] == {"error": "the text must hold more than white space; got ' '."}
    assert "must be a text; got int" in found[3]["error"]


def test_a_single_bad_text_is_an_error(classify: TextClassificationPipeline) -> None:
    with pytest.raises(ValueError, match="more than white space"):
        classify("")
    with pytest.raises(TypeError, match="must be a text"):
        classify(None)  # pyright: ignore
    with pytest.raises(ValueError, match="top_k must be ≥ 1"):
        classify("a cat", top_k=0)


def test_cuts_are_told(classify: TextClassificationPipeline) -> None:
    with pytest.warns(UserWarning, match="1 of 1 texts had more than 64 tokens"):
        classify("cat " * 100)
    with pytest.warns(UserWarning, match="lost their ends"):
        assert len(classify(["cat " * 100, "a dog"])) == 2


def test_a_model_of_unknown_languages_warns_of_none(classify: TextClassificationPipeline) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        classify("Das ist nicht die Katze")


def test_a_model_that_read_english_warns_of_german(classify: TextClassificationPipeline) -> None:
    reader = TextClassificationPipeline(classify.classifier, languages=("en",), batch_size=2)
    with pytest.warns(UserWarning, match=r"1 of 2 texts look like none .*en.*Das ist nicht"):
        reader(["the cat", "Das ist nicht die Katze"])
    with pytest.warns(UserWarning, match="1 of 1 texts"):
        reader("Das ist nicht die Katze")


def test_a_folder_without_the_head_is_refused(tmp_path: Path) -> None:
    make_folder(tmp_path, "BertForMaskedLM")
    with pytest.raises(ValueError, match=r"must have the trained head .*classifier"):
        pipeline("text-classification", tmp_path)
