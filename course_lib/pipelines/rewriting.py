"""Texts from texts: summaries and translations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import COURSE_LANGUAGES, is_chinese, warn_of_foreign


class Writes(Protocol):
    """Writes a text for each source: a `Rewriter`, or an encoder-decoder of transformers."""

    def predict(self, sources: Sequence[str]) -> list[str]:
        """Write a text for each source."""
        ...


NAMES = {"en": "English", "zh": "Chinese"}


class SummarizationPipeline:
    """Writes a short text that says what a long one says.

    Args:
        rewriter: Can summarise.
        languages: Those that it has read; texts in another are warned of. None: not known.
        batch_size: How many texts are read together (≥ 1).
    """

    def __init__(
        self, rewriter: Writes, *, languages: Sequence[str] | None, batch_size: int
    ) -> None:
        self.rewriter = rewriter
        self.languages = languages
        self.batch_size = batch_size

    def __call__(self, inputs: str | Sequence[str]) -> list[dict[str, Any]]:
        """Summarise a text or many.

        Args:
            inputs: A text, or a list of texts; what is too long for the model loses its end.

        Returns:
            One `{"summary_text": …}` for each text, also for a single one.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty.

        Warns:
            UserWarning: If texts were cut, could not be answered or are in another language.
        """
        texts = list(inputs) if is_many(inputs) else [inputs]
        if self.languages:
            warn_of_foreign(texts, self.languages, "this model")
        return _rewrite(inputs, self._check, self._summarise, self.batch_size)

    @staticmethod
    def _check(text: Any) -> str:
        return require_text(text, "the text")

    def _summarise(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        return [{"summary_text": text} for text in self.rewriter.predict(texts)]


@dataclass(frozen=True)
class Direction:
    """From which language into which, by their codes; a source of None: what the text is in."""

    source: str | None
    target: str | None


class TranslationPipeline:
    """Writes in one language what a text says in another.

    Args:
        rewriters: What translates into a language, by its code. A model of one direction, of
            which no more is known, stands under None.
        direction: From which language into which; None and None: from what the text is in, into
            the other one of the two that there are.
        batch_size: How many texts are read together (≥ 1).
    """

    def __init__(
        self,
        rewriters: dict[str | None, Writes],
        *,
        direction: Direction,
        batch_size: int,
    ) -> None:
        self.rewriters = rewriters
        self.direction = direction
        self.batch_size = batch_size

    def __call__(self, inputs: str | Sequence[str]) -> list[dict[str, Any]]:
        """Translate a text or many.

        Args:
            inputs: A text, or a list of texts; what is too long for the model loses its end.

        Returns:
            One `{"translation_text": …}` for each text, also for a single one.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, or surely not in the language that is translated
                from.

        Warns:
            UserWarning: If texts were cut, could not be answered or are in a language that the
                model has not read.
        """
        texts = list(inputs) if is_many(inputs) else [inputs]
        if None not in self.rewriters:
            warn_of_foreign(texts, COURSE_LANGUAGES, "this model")
        return _rewrite(inputs, self._check, self._translate, self.batch_size)

    def _check(self, text: Any) -> tuple[str, str | None]:
        """Return a text and the language that it is translated into."""
        text = require_text(text, "the text")
        if None in self.rewriters:
            return text, None
        source, target = self.direction.source, self.direction.target
        found = "zh" if is_chinese(text) else "en"
        if source is None:
            return text, next(name for name in self.rewriters if name != found)
        if found != source:
            raise ValueError(
                f"the text must be in {NAMES[source]}, to be translated into {NAMES[target or '']};"
                f" got one in {NAMES[found]}, {text[:40]!r}. For it take the task "
                f"'translation_{found}_to_{source}'."
            )
        return text, target

    def _translate(self, items: Sequence[tuple[str, str | None]]) -> list[dict[str, Any]]:
        written: dict[int, str] = {}
        for target, rewriter in self.rewriters.items():
            rows = [row for row, item in enumerate(items) if item[1] == target]
            texts = rewriter.predict([items[row][0] for row in rows])
            written |= zip(rows, texts, strict=True)
        return [{"translation_text": written[row]} for row in range(len(items))]


def _rewrite(
    inputs: Any,
    check: Callable[[Any], Any],
    rewrite: Callable[[Sequence[Any]], list[dict[str, Any]]],
    batch_size: int,
) -> list[dict[str, Any]]:
    if is_many(inputs):
        return answer_many(inputs, check, rewrite, batch_size)
    return [answer_one(inputs, check, rewrite)]
