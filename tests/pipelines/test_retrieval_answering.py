from collections.abc import Sequence
from typing import Any

import pytest

from course_lib.finetuning import Answer
from course_lib.pipelines import RetrievalAnsweringPipeline, SemanticSearchPipeline

TEXTS = ["The cat sat on the mat.", "A cat ran in Rome.", "The dog slept."]


class LastWord:
    """Answers with the last word of a passage; surer the shorter the passage."""

    def __init__(self, silent: Sequence[str] = ()) -> None:
        self.silent = silent
        self.asked: list[tuple[str, str]] = []

    def predict(self, questions: Sequence[str], passages: Sequence[str]) -> list[Answer]:
        self.asked += zip(questions, passages, strict=True)
        answers = []
        for passage in passages:
            word = passage.rstrip(".").split()[-1]
            start = passage.index(word)
            none = 1.0 if word in self.silent else 0.1
            score = 1 / len(passage)
            text = word if score > none or word not in self.silent else ""
            answers.append(Answer(text, start, start + len(word), score, none, 0, 0))
        return answers


def make(reader: Any) -> RetrievalAnsweringPipeline:
    search = SemanticSearchPipeline(None, batch_size=2)
    return RetrievalAnsweringPipeline(search, reader, batch_size=2).add(TEXTS)


def test_the_surest_answer_of_the_passages_found_is_given() -> None:
    reader = LastWord()
    found = make(reader)("Which cat?", top_k=2)
    assert found["answer"] == "Rome"
    score = 1 / len(TEXTS[1])
    assert found["score"] == pytest.approx(score / (score + 0.1))
    assert (found["text"], found["source"]) == (TEXTS[1], "1")
    assert [row["corpus_id"] for row in found["passages"]] == [0, 1]
    assert reader.asked == [("Which cat?", TEXTS[0]), ("Which cat?", TEXTS[1])]


def test_no_answer_is_said_with_the_closest_passage() -> None:
    found = make(LastWord(silent=("mat", "Rome")))("Which cat?", top_k=2)
    assert (found["answer"], found["score"], found["text"]) == ("", 0.0, TEXTS[0])


def test_nothing_found_is_no_answer() -> None:
    reader = LastWord()
    found = make(reader)("Zebras?")
    assert found == {"answer": "", "score": 0.0, "text": "", "source": "", "passages": []}
    assert reader.asked == []


def test_many_questions_keep_their_passages_apart() -> None:
    pipe = make(LastWord())
    questions = ["Did the dog sleep?", "Zebras?", "cat"]
    found = pipe(questions, top_k=2)
    assert found == [pipe(question, top_k=2) for question in questions]
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        assert "error" in pipe(["", "cat"])[0]
