import re
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning import load_encoder
from course_lib.pipelines import load_writer, pipeline, task_names
from course_lib.pipelines.registry import MAKERS
from tests.pipelines.tiny import make_folder

STORY = (
    "Omar never boasted of being a dancer, but he was the best one in Moonferry. Kwame had come to "
    "his door in tears, because a yellow kite had lost a corner. Piece by piece, Omar put right "
    "the yellow kite. From that day on, Omar was pleased."
)


def test_the_five_calls_of_beginner_tutorials_run_as_they_are_written() -> None:
    classifier = pipeline("sentiment-analysis")
    result = classifier("I love this movie!")
    assert result[0]["label"] in ("negative", "neutral", "positive")
    assert 1 / 3 < result[0]["score"] <= 1

    qa_pipeline = pipeline("question-answering")
    result = qa_pipeline(question="What was Omar's job?", context=STORY)
    assert result["answer"] == "dancer"
    assert STORY[result["start"] : result["end"]] == "dancer"
    assert 0.5 < result["score"] <= 1

    generator = pipeline("text-generation")
    result = generator("Once upon a time", max_new_tokens=8, num_return_sequences=1)
    assert result[0]["generated_text"].startswith("Once upon a time")
    assert len(result[0]["generated_text"]) > len("Once upon a time")

    summarizer = pipeline("summarization")
    result = summarizer(STORY)
    assert "Omar" in result[0]["summary_text"]
    assert "kite" in result[0]["summary_text"]
    assert len(result[0]["summary_text"]) < len(STORY)

    translator = pipeline("translation_en_to_zh")
    result = translator("Omar put right the yellow kite.")
    assert "奥马尔" in result[0]["translation_text"]
    assert "风筝" in result[0]["translation_text"]


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "text-classification": (("A fine day.",), {}),
    "zero-shot-classification": (("A fine day.",), {"candidate_labels": ["weather", "war"]}),
    "token-classification": ((STORY,), {}),
    "question-answering": ((), {"question": "Where did Omar live?", "context": STORY}),
    "summarization": ((STORY,), {}),
    "translation": (("Omar was pleased.",), {}),
    "fill-mask": (("Omar lived in[MASK].",), {}),
    "text-generation": (("Omar",), {"max_new_tokens": 3}),
    "chat": (("Hello",), {"max_new_tokens": 3}),
    "code-completion": (("import os\nx = ",), {"max_new_tokens": 8}),
    "feature-extraction": (("Omar",), {}),
}
FIELDS: dict[str, set[str]] = {
    "text-classification": {"label", "score"},
    "zero-shot-classification": {"sequence", "labels", "scores"},
    "token-classification": {"entity_group", "score", "word", "start", "end"},
    "question-answering": {"score", "start", "end", "answer"},
    "summarization": {"summary_text"},
    "translation": {"translation_text"},
    "fill-mask": {"score", "token", "token_str", "sequence"},
    "text-generation": {"generated_text"},
    "chat": {"generated_text"},
    "code-completion": {"generated_text", "parses"},
}


@pytest.mark.parametrize("task", CALLS)
def test_every_task_is_called_as_in_transformers(task: str) -> None:
    positional, named = CALLS[task]
    found = pipeline(task)(*positional, **named)
    if task == "feature-extraction":
        assert torch.tensor(found).shape[0] == 1
        assert torch.tensor(found).shape[2] == 256
        return
    first = found[0] if isinstance(found, list) else found
    assert set(first) == FIELDS[task]


def test_the_search_tasks_look_into_what_was_added() -> None:
    texts = [STORY, "Mira sold a red drum in Port Alder."]
    (row,) = pipeline("semantic-search").add(texts)("Who sold the drum?", top_k=1)
    assert set(row) == {"corpus_id", "score", "text", "source"}
    assert row["text"] == texts[1]
    found = pipeline("rag").add(texts)("What was Omar's job?")
    assert found["text"] == STORY
    assert found["answer"] == "dancer"


def test_entities_and_refusals_of_the_shipped_models() -> None:
    found = {(row["word"], row["entity_group"]) for row in pipeline("ner")(STORY)}
    assert {("Omar", "PER"), ("Moonferry", "LOC")} <= found
    asked = {"question": "What was the asking price in pennies?", "context": STORY}
    assert pipeline("question-answering")(asked)["answer"] == ""


def test_a_megabyte_of_text() -> None:
    long = STORY * (1_000_000 // len(STORY))
    with pytest.warns(UserWarning, match="lost their ends"):
        assert len(pipeline("sentiment-analysis")(long)) == 1
    with pytest.warns(UserWarning, match="had more than"):
        assert pipeline("summarization")(long)[0]["summary_text"]
    with pytest.warns(UserWarning, match="only their ends were read"):
        found = pipeline("text-generation")(long + " Omar", max_new_tokens=3)
    assert len(found[0]["generated_text"]) > len(long) + 5
    assert pipeline("semantic-search").add([long])("kite", top_k=1)[0]["score"] > 0


def test_an_unknown_task_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"task must be one of .*; got 'sumarization'\. Did you "):
        pipeline("sumarization")
    assert set(MAKERS) < set(task_names())


def test_only_two_languages_without_a_model() -> None:
    with pytest.raises(ValueError, match="name a Marian model"):
        pipeline("translation_en_to_fr")


def test_a_model_may_be_an_object_that_fits(tmp_path: Path) -> None:
    writer = load_writer("story-gpt-draft")
    assert pipeline("text-generation", writer).writer is writer
    encoder = load_encoder(make_folder(tmp_path, "BertModel"))
    assert pipeline("feature-extraction", encoder).encoder is encoder
    with pytest.raises(TypeError, match=r"must be a name, a folder or a Writer .*; got int"):
        pipeline("text-generation", 3)


def test_a_model_may_be_a_folder_named_by_a_string(tmp_path: Path) -> None:
    folder = str(make_folder(tmp_path, "BertForMaskedLM"))
    found = pipeline("fill-mask", folder)
    assert found.languages is None  # nobody says what it has read
    assert pipeline("fill-mask", "mini-bert").languages == ("en", "zh")
    assert len(found("the [MASK] sat", top_k=2)) == 2


def test_models_that_are_not_there() -> None:
    for task in ("text-classification", "ner", "question-answering", "text-generation"):
        with pytest.raises(WeightsNotFoundError, match=re.escape("'no/such-model'")):
            pipeline(task, "no/such-model")
    with pytest.raises(ValueError, match="batch_size must be ≥ 1"):
        pipeline("ner", batch_size=0)


def test_the_device_is_where_it_computes(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "BertModel")
    found = pipeline("feature-extraction", folder, device=-1)
    assert next(found.encoder.parameters()).device == torch.device("cpu")
    moved = pipeline("feature-extraction", folder, device="meta")
    assert next(moved.encoder.parameters()).device == torch.device("meta")


def test_a_fine_tuned_model_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mini-bert-tagger must hold classifier\.json"):
        pipeline("text-classification", "mini-bert-tagger")
