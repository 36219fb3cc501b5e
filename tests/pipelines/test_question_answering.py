from pathlib import Path

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from course_lib.pipelines import QuestionAnsweringPipeline, pipeline
from tests.pipelines.tiny import make_folder

QUESTIONS = ["who sat?", "where is the dog?", "who ran in rome?", "is a cat good?"]
CONTEXT = "the cat sat on a mat. a dog ran in rome, not in the mat."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("answerer"), "BertForQuestionAnswering")


@pytest.fixture(scope="module")
def ask(folder: Path) -> QuestionAnsweringPipeline:
    return pipeline("question-answering", folder, batch_size=3)


def by_hand(folder: Path, question: str) -> dict[str, object]:
    """Read the best span off the logits of transformers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    batch = tokenizer(
        question,
        CONTEXT,
        return_tensors="pt",
        return_offsets_mapping=True,
        return_token_type_ids=True,
    )
    offsets = batch.pop("offset_mapping")[0].tolist()
    segments = batch["token_type_ids"][0].tolist()
    with torch.inference_mode():
        out = model(**batch)
    start, end = (x[0].double().softmax(dim=0) for x in (out.start_logits, out.end_logits))
    spans = [
        (float(start[i] * end[j]), i, j)
        for i in range(len(offsets))
        for j in range(i, min(len(offsets), i + 30))
        if segments[i] == segments[j] == 1 and offsets[j][1] > 0 and offsets[i][1] > 0
    ]
    best, i, j = max(spans)
    a, b = offsets[i][0], offsets[j][1]
    none = float(start[0] * end[0])
    return {"score": best, "start": a, "end": b, "answer": CONTEXT[a:b], "none": none}


def test_answers_are_the_best_spans_of_transformers(
    folder: Path, ask: QuestionAnsweringPipeline
) -> None:
    found = ask(question=QUESTIONS, context=CONTEXT, handle_impossible_answer=False)
    may_be_none = ask(question=QUESTIONS, context=CONTEXT)
    for question, one, other in zip(QUESTIONS, found, may_be_none, strict=True):
        expected = by_hand(folder, question)
        none = expected.pop("none")
        assert one == pytest.approx(expected, abs=1e-5)
        if none >= expected["score"]:
            assert other == {
                "score": pytest.approx(none, abs=1e-5),
                "start": 0,
                "end": 0,
                "answer": "",
            }
        else:
            assert other == one


def test_every_way_to_ask_gives_the_same(ask: QuestionAnsweringPipeline) -> None:
    asked = {"question": QUESTIONS[0], "context": CONTEXT}
    one = ask(**asked)
    assert ask(asked) == one
    assert ask([asked]) == [one]
    assert ask(question=[QUESTIONS[0]], context=[CONTEXT]) == [one]
    assert set(one) == {"score", "start", "end", "answer"}


def test_a_bad_question_in_a_list_spoils_nothing(ask: QuestionAnsweringPipeline) -> None:
    one = ask(question=QUESTIONS[1], context=CONTEXT)
    with pytest.warns(UserWarning, match="2 of 3 inputs"):
        found = ask(question=[QUESTIONS[1], "", "who?"], context=[CONTEXT, CONTEXT, None])
    assert found[0]["answer"] == one["answer"]
    assert found[1] == {"error": "question must hold more than white space; got ''."}
    assert "context must be a text" in found[2]["error"]


def test_an_answer_far_back_is_found(ask: QuestionAnsweringPipeline) -> None:
    long = CONTEXT + " a mat a mat." * 200
    found = ask(question=QUESTIONS[2], context=long, handle_impossible_answer=False)
    assert long[found["start"] : found["end"]] == found["answer"] != ""


def test_wrong_calls(ask: QuestionAnsweringPipeline) -> None:
    with pytest.raises(TypeError, match="must be given together"):
        ask()
    with pytest.raises(TypeError, match="must be given together"):
        ask({"question": "who?", "context": "a cat"}, question="who?")
    with pytest.raises(TypeError, match="dictionary with question and context"):
        ask("who sat?")
    with pytest.raises(ValueError, match=r"as many as the questions \(2\); got 3"):
        ask(question=["a", "b"], context=["a", "b", "c"])
    with pytest.raises(ValueError, match="context must hold"):
        ask(question="who?", context=" ")
