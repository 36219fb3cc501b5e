"""Names in a text: which words are a person, a place, a thing."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from course_lib.data.units import word_places
from course_lib.evaluation import tags_to_spans
from course_lib.finetuning import Tagger
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import warn_of_foreign

SENTENCE_ENDS = frozenset("。！？.!?\n")


class Stretch(NamedTuple):
    """Words of a text that are read at once.

    Attributes:
        row: The number of the text.
        places: Where the words stand in it.
    """

    row: int
    places: list[tuple[int, int]]


class TokenClassificationPipeline:
    """Finds the entities of a text.

    A long text is read stretch by stretch, each of whole sentences if they are not too long; so
    nothing is cut off.

    Args:
        tagger: Fitted.
        languages: Those that it has read; texts in another are warned of. None: not known.
        batch_size: How many texts are read together (≥ 1).
    """

    def __init__(self, tagger: Tagger, *, languages: Sequence[str] | None, batch_size: int) -> None:
        self.tagger = tagger
        self.languages = languages
        self.batch_size = batch_size

    def __call__(self, inputs: str | Sequence[str]) -> list[Any]:
        """Find the entities of a text or of many.

        Args:
            inputs: A text, or a list of texts.

        Returns:
            For each text a list of entities in their order, each with `entity_group` (its type),
            `score` (the mean chance of its words' tags), `word`, `start` and `end` (in
            characters, `end` not included). For a list of texts a list of such lists.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty.

        Warns:
            UserWarning: If texts could not be answered or are in another language.
        """
        if not is_many(inputs):
            found = answer_one(inputs, _check, self._find)
            self._warn([inputs])
            return found
        texts = list(inputs)
        self._warn(texts)
        return answer_many(texts, _check, self._find, self.batch_size)

    def _find(self, texts: Sequence[str]) -> list[list[dict[str, Any]]]:
        stretches = [
            Stretch(row, places) for row, text in enumerate(texts) for places in self._split(text)
        ]
        words = [[texts[row][a:b] for a, b in places] for row, places in stretches]
        found: list[list[dict[str, Any]]] = [[] for _ in texts]
        chances = self.tagger.predict_proba(words)
        for stretch, of_words in zip(stretches, chances, strict=True):
            found[stretch.row] += self._read(texts[stretch.row], stretch.places, of_words)
        return found

    def _split(self, text: str) -> list[list[tuple[int, int]]]:
        """Split a text into stretches that fit the model, at sentence ends where possible."""
        framing = self.tagger.encoder.framing
        room = self.tagger.encoder.limit(self.tagger.config.max_tokens)
        room -= len(framing.start) + len(framing.end)
        stretches: list[list[tuple[int, int]]] = []
        begun: list[tuple[int, int]] = []
        n_tokens, last_end = [], 0  # of the words in `begun`; how many of them end with a sentence
        for place in word_places(text):
            begun.append(place)
            n_tokens.append(len(framing.encode(" " + text[slice(*place)])))
            while sum(n_tokens) > room and len(begun) > 1:
                cut = last_end or len(begun) - 1
                stretches.append(begun[:cut])
                begun, n_tokens, last_end = begun[cut:], n_tokens[cut:], 0
            if text[place[0]] in SENTENCE_ENDS:
                last_end = len(begun)
        return [*stretches, begun]

    def _read(
        self, text: str, places: Sequence[tuple[int, int]], chances: np.ndarray
    ) -> list[dict[str, Any]]:
        """Read the entities of a stretch off the chances of its words' tags."""
        best = np.nan_to_num(chances).argmax(axis=1)
        tags = [
            "O"
            if np.isnan(row).any()
            else str(self.tagger.classes[k])  # NaN: a word without pieces
            for row, k in zip(chances, best, strict=True)
        ]
        entities = []
        for span in tags_to_spans(tags):
            start, end = places[span.start][0], places[span.end - 1][1]
            scores = [chances[word, best[word]] for word in range(span.start, span.end)]
            entities.append(
                {
                    "entity_group": span.type,
                    "score": float(np.mean(scores)),
                    "word": text[start:end],
                    "start": start,
                    "end": end,
                }
            )
        return entities

    def _warn(self, texts: Sequence[Any]) -> None:
        if self.languages:
            warn_of_foreign(texts, self.languages, "this tagger")


def _check(text: Any) -> str:
    return require_text(text, "the text")
