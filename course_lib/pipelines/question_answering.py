"""Answers to questions, each copied out of a context, or none."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from course_lib.finetuning import Answer, Answerer
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import warn_of_foreign


class Asked(NamedTuple):
    """A question and the text that it is put to."""

    question: str
    context: str


class QuestionAnsweringPipeline:
    """Finds the piece of a context that answers a question, or says that there is none.

    A context longer than the model reads is read in windows that overlap.

    Args:
        answerer: Fitted.
        languages: Those that it has read; questions in another are warned of. None: not known.
        batch_size: How many questions are answered together (≥ 1).
    """

    def __init__(
        self, answerer: Answerer, *, languages: Sequence[str] | None, batch_size: int
    ) -> None:
        self.answerer = answerer
        self.languages = languages
        self.batch_size = batch_size

    def __call__(
        self,
        inputs: Any = None,
        *,
        question: str | Sequence[str] | None = None,
        context: str | Sequence[str] | None = None,
        handle_impossible_answer: bool = True,
    ) -> Any:
        """Answer a question or many.

        Args:
            inputs: A dictionary with "question" and "context", or a list of them; or give the
                two that follow.
            question: A question, or a list of questions.
            context: What each is put to: as many as the questions, or one for all.
            handle_impossible_answer: Whether the answer may be "", where the model thinks that
                the context has none; else the best piece is given in any case. (In transformers
                this is off by default; the model then never says that it does not know.)

        Returns:
            `{"score": …, "start": …, "end": …, "answer": …}`, or for lists a list of these.
            `score` is the chance of the answer given; of "no answer" if it is "". `start` and
            `end` (not included) count characters of the context; both are 0 for "".

        Raises:
            TypeError: If the one input has not the form above.
            ValueError: If questions and contexts are not as many, or the one input has an empty
                question or context.

        Warns:
            UserWarning: If a question was cut, some could not be answered or are in another
                language.
        """
        if (inputs is None) == (question is None and context is None):
            raise TypeError(
                "question= and context= must be given together, or one input (a dictionary with "
                "both, or a list of such), and not both ways."
            )
        asked = inputs if inputs is not None else _pair(question, context)

        def answer(batch: Sequence[Asked]) -> list[dict[str, Any]]:
            questions, contexts = zip(*batch, strict=True)
            found = self.answerer.predict(questions, contexts)
            return [
                _as_dictionary(of_one, of_context, handle_impossible_answer)
                for of_one, of_context in zip(found, contexts, strict=True)
            ]

        if not is_many(asked):
            found = answer_one(asked, _check, answer)
            self._warn([asked])
            return found
        many = list(asked)
        self._warn(many)
        return answer_many(many, _check, answer, self.batch_size)

    def _warn(self, asked: Sequence[Any]) -> None:
        if self.languages:
            questions = [item.get("question") for item in asked if isinstance(item, Mapping)]
            warn_of_foreign(questions, self.languages, "this answerer")


def _pair(question: Any, context: Any) -> Any:
    """Put questions and contexts together; one context may serve all questions."""
    if not is_many(question):
        return {"question": question, "context": context}
    questions = list(question)
    contexts = list(context) if is_many(context) else [context] * len(questions)
    if len(contexts) != len(questions):
        raise ValueError(
            f"context must be one text, or as many as the questions ({len(questions)}); got "
            f"{len(contexts)}."
        )
    return [{"question": q, "context": c} for q, c in zip(questions, contexts, strict=True)]


def _check(asked: Any) -> Asked:
    if not isinstance(asked, Mapping) or not {"question", "context"} <= asked.keys():
        raise TypeError(f"the input must be a dictionary with question and context; got {asked!r}.")
    return Asked(
        require_text(asked["question"], "question"), require_text(asked["context"], "context")
    )


def _as_dictionary(found: Answer, context: str, may_be_none: bool) -> dict[str, Any]:
    if may_be_none and not found.text:
        return {"score": found.no_answer_score, "start": 0, "end": 0, "answer": ""}
    start, end = found.best_start, found.best_end
    return {"score": found.score, "start": start, "end": end, "answer": context[start:end]}
