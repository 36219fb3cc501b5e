"""Answers to questions from a whole folder: search for passages, then read them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from course_lib.finetuning import Answerer
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.semantic_search import SemanticSearchPipeline


class RetrievalAnsweringPipeline:
    """Finds passages that may answer a question, and copies the answer out of one of them.

    Args:
        search: Finds passages.
        answerer: Reads them.
        batch_size: How many questions are answered together (≥ 1).

    Reference:
        Chen et al. 2017, "Reading Wikipedia to Answer Open-Domain Questions",
        https://arxiv.org/abs/1704.00051
    """

    def __init__(
        self, search: SemanticSearchPipeline, answerer: Answerer, *, batch_size: int
    ) -> None:
        self.search = search
        self.answerer = answerer
        self.batch_size = batch_size

    def add(self, texts: str | Path | Iterable[str]) -> "RetrievalAnsweringPipeline":
        """Add texts that answers may be in; see `SemanticSearchPipeline.add`.

        Args:
            texts: A folder, a file, or texts.

        Returns:
            Itself.

        Raises:
            TypeError: As there.
            ValueError: As there.
        """
        self.search.add(texts)
        return self

    def __call__(self, inputs: str | Sequence[str], top_k: int = 3) -> Any:
        """Answer a question or many.

        Args:
            inputs: A question, or a list of questions.
            top_k: How many passages are read for each (≥ 1).

        Returns:
            `{"answer", "score", "text", "source", "passages"}`: the answer; how much likelier it
            is than "no answer" in its passage, as a share of both; the passage that it is from;
            where that is from; and all passages that were read, as the search gives them. If none
            gives an answer, it is "", and the passage is the closest one ("" if there is none).
            A list of these for many.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, nothing was added, or `top_k` below 1.

        Warns:
            UserWarning: If questions could not be answered, or were cut.
        """

        def answer(questions: Sequence[str]) -> list[dict[str, Any]]:
            found = [self.search(question, top_k=top_k) for question in questions]
            return self._read(questions, found)

        if is_many(inputs):
            return answer_many(inputs, _check, answer, self.batch_size)
        return answer_one(inputs, _check, answer)

    def _read(
        self, questions: Sequence[str], found: Sequence[list[dict[str, Any]]]
    ) -> list[dict[str, Any]]:
        pairs = [
            (question, hit["text"])
            for question, hits in zip(questions, found, strict=True)
            for hit in hits
        ]
        read = iter(self.answerer.predict([q for q, _ in pairs], [text for _, text in pairs]))
        answers = []
        for hits in found:
            best = {"answer": "", "score": 0.0, "text": "", "source": ""}
            if hits:
                best |= {"text": hits[0]["text"], "source": hits[0]["source"]}
            for hit in hits:
                one = next(read)
                both = one.score + one.no_answer_score
                share = one.score / both if both else 0.0
                if one.text and share > best["score"]:
                    best = {"answer": one.text, "score": share}
                    best |= {"text": hit["text"], "source": hit["source"]}
            answers.append(best | {"passages": hits})
        return answers


def _check(question: Any) -> str:
    return require_text(question, "the question")
