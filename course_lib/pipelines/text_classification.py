"""The class of a text, such as its sentiment."""

from collections.abc import Sequence
from typing import Any

from course_lib.finetuning import Classifier
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import warn_of_foreign

Scores = list[dict[str, Any]]
"""Labels and their scores, the likeliest first."""


class TextClassificationPipeline:
    """Says which class each text belongs to, and how likely that is.

    Args:
        classifier: Fitted.
        languages: Those that it has read; texts in another are warned of. None: not known.
        batch_size: How many texts are read together (≥ 1).
    """

    def __init__(
        self, classifier: Classifier, *, languages: Sequence[str] | None, batch_size: int
    ) -> None:
        self.classifier = classifier
        self.languages = languages
        self.batch_size = batch_size

    def __call__(self, inputs: str | Sequence[str], top_k: int | None = 1) -> list[Any]:
        """Classify a text or many.

        Args:
            inputs: A text, or a list of texts.
            top_k: How many labels are given (≥ 1); None: all.

        Returns:
            For a text, a list of `{"label": …, "score": …}`, the likeliest first. For a list one
            such dictionary a text, or, unless `top_k` is 1, one such list a text.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, or `top_k` below 1.

        Warns:
            UserWarning: If texts were cut, could not be answered or are in another language.
        """
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k must be ≥ 1, or None for all labels; got top_k={top_k}.")

        def answer(texts: Sequence[str]) -> list[Scores]:
            return [scores[:top_k] for scores in self._score(texts)]

        if not is_many(inputs):
            scores = answer_one(inputs, _check, answer)
            self._warn([inputs])
            return scores
        texts = list(inputs)
        self._warn(texts)
        found = answer_many(texts, _check, answer, self.batch_size)
        if top_k != 1:
            return found
        return [scores if isinstance(scores, dict) else scores[0] for scores in found]

    def _score(self, texts: Sequence[str]) -> list[Scores]:
        probabilities = self.classifier.predict_proba(texts)
        names = [str(label) for label in self.classifier.classes]
        return [
            [{"label": names[k], "score": float(row[k])} for k in row.argsort(stable=True)[::-1]]
            for row in probabilities
        ]

    def _warn(self, texts: Sequence[Any]) -> None:
        if self.languages:
            warn_of_foreign(texts, self.languages, "this classifier")


def _check(text: Any) -> str:
    return require_text(text, "the text")
