from pathlib import Path

import pytest
from transformers import pipeline as their_pipeline

from course_lib.pipelines import TokenClassificationPipeline, pipeline
from tests.pipelines.tiny import make_folder

TAGS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}
TEXTS = [
    "the cat sat on a mat.",
    "a dog ran in rome, rome!",
    "红猫 is not good",
    "who sat in rome?",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tagger")
    names = {"id2label": TAGS, "label2id": {name: k for k, name in TAGS.items()}}
    return make_folder(path, "BertForTokenClassification", max_len=16, **names)


@pytest.fixture(scope="module")
def tag(folder: Path) -> TokenClassificationPipeline:
    return pipeline("ner", folder, batch_size=2)


def test_it_finds_what_transformers_finds(folder: Path, tag: TokenClassificationPipeline) -> None:
    theirs = their_pipeline("ner", model=str(folder), aggregation_strategy="simple")
    found = tag(TEXTS)
    assert any(found)
    for ours, expected in zip(found, theirs(TEXTS), strict=True):
        # theirs begins a new entity only at B-, so an I- after O does not count; ours repairs it
        key = [(row["entity_group"], row["start"], row["end"]) for row in ours]
        assert key == [(row["entity_group"], row["start"], row["end"]) for row in expected]
        scores = [float(row["score"]) for row in expected]
        assert [row["score"] for row in ours] == pytest.approx(scores, abs=1e-5)


def test_words_are_pieces_of_the_text(tag: TokenClassificationPipeline) -> None:
    for text, entities in zip(TEXTS, tag(TEXTS), strict=True):
        for entity in entities:
            assert text[entity["start"] : entity["end"]] == entity["word"]
            assert 0 < entity["score"] <= 1
    assert tag(TEXTS[1]) == tag(TEXTS[1:2])[0]


def test_a_long_text_is_read_to_its_end(tag: TokenClassificationPipeline) -> None:
    sentence = "a dog ran in rome, rome! "
    once = tag(sentence)
    found = tag(sentence * 40)  # 8 tokens each; 14 fit
    assert once
    assert len(found) == 40 * len(once)
    last = found[-1]
    assert last["start"] == 39 * len(sentence) + once[-1]["start"]


def test_a_sentence_too_long_for_the_model_is_cut_between_words(
    tag: TokenClassificationPipeline,
) -> None:
    text = "cat " * 50 + "rome"
    places = [place for part in tag._split(text) for place in part]
    assert places == [*((4 * n, 4 * n + 3) for n in range(50)), (200, 204)]
    assert all(len(part) <= 14 for part in tag._split(text))
    assert len(tag._split(text)) == 4


def test_bad_texts(tag: TokenClassificationPipeline) -> None:
    with pytest.raises(ValueError, match="more than white space"):
        tag("  ")
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        assert tag(["", TEXTS[1]])[1] == tag(TEXTS[1])
