"""Search in a folder of texts: by words, or by the vectors of an encoder."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_lib.data.textfiles import decode_text, read_bytes
from course_lib.data.units import is_han, text_units
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text

Embed = Callable[[Sequence[str]], np.ndarray]
"""Gives one vector of length 1 per text, as `FeatureExtractionPipeline.embed` does."""

SUFFIXES = (".txt", ".md")
APOSTROPHE = re.compile("['’]")
MOST_CHARACTERS = 1200
"""A longer paragraph is split, so that what is found can be read at a glance."""


class Passage(NamedTuple):
    """A piece of text that can be found.

    Attributes:
        text: The piece.
        source: The file that it is from, or the number of the text that was given.
    """

    text: str
    source: str


class SemanticSearchPipeline:
    """Finds the passages that are closest to a query.

    Without an encoder a passage is the words it has, weighed by how rare they are (tf-idf): a
    small encoder finds less than that (docs/pipelines.md has the figures). With one it is a
    vector. In either case closeness is the cosine, and scikit-learn's index finds neighbours.

    Args:
        embed: Gives the vectors; None: words are compared.
        batch_size: How many queries are answered together (≥ 1).

    Attributes:
        passages: What can be found.

    Reference:
        Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval",
        Information Processing & Management 24(5)
    """

    def __init__(self, embed: Embed | None, *, batch_size: int) -> None:
        self.embed = embed
        self.batch_size = batch_size
        self.passages: list[Passage] = []
        self._index: tuple[Callable[[Sequence[str]], Any], Any] | None = None

    def add(self, texts: str | Path | Iterable[str]) -> "SemanticSearchPipeline":
        """Add texts that can be found.

        Args:
            texts: A folder, of which every .txt and .md is read; such a file; or texts. They are
                split into passages at blank lines; a heading goes with what follows it.

        Returns:
            Itself.

        Raises:
            TypeError: If one of the texts is none.
            ValueError: If there is no text, or no such file.
        """
        if isinstance(texts, str | Path):
            named = _read_files(Path(texts))
        else:
            named = [(str(number), text) for number, text in enumerate(texts)]
        found = [
            Passage(piece, source)
            for source, text in named
            for piece in split_passages(require_text(text, f"text {source}"))
        ]
        if not found:
            raise ValueError("texts must hold at least one passage; got none.")
        self.passages = [*self.passages, *found]
        self._index = None  # is built anew when something is asked
        return self

    def __call__(self, inputs: str | Sequence[str], top_k: int = 5) -> list[Any]:
        """Find passages for a query or for many.

        Args:
            inputs: A query, or a list of queries.
            top_k: How many passages are wanted at most (≥ 1).

        Returns:
            For each query a list of `{"corpus_id", "score", "text", "source"}`, the closest
            first: number of the passage, cosine, passage, where it is from. Passages that share
            nothing with the query (a cosine of 0 or less) are left out.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input is empty, nothing was added, or `top_k` below 1.

        Warns:
            UserWarning: If queries could not be answered.
        """
        if top_k < 1:
            raise ValueError(f"top_k must be ≥ 1; got top_k={top_k}.")
        if not self.passages:
            raise ValueError("there must be texts to search in; got none. Call .add(…) first.")

        def answer(queries: Sequence[str]) -> list[list[dict[str, Any]]]:
            return self._find(queries, top_k)

        if is_many(inputs):
            return answer_many(inputs, _check, answer, self.batch_size)
        return answer_one(inputs, _check, answer)

    def _find(self, queries: Sequence[str], top_k: int) -> list[list[dict[str, Any]]]:
        vectors_of, neighbours = self._built()
        n_wanted = min(top_k, len(self.passages))
        distances, rows = neighbours.kneighbors(vectors_of(queries), n_neighbors=n_wanted)
        return [
            [
                {
                    "corpus_id": int(row),
                    "score": float(1 - distance),
                    "text": self.passages[row].text,
                    "source": self.passages[row].source,
                }
                for distance, row in sorted(zip(of_query.round(9), of_rows, strict=True))
                if distance < 1
            ]
            for of_query, of_rows in zip(distances, rows, strict=True)
        ]

    def _built(self) -> tuple[Callable[[Sequence[str]], Any], Any]:
        if self._index is None:
            from sklearn.neighbors import NearestNeighbors

            texts = [passage.text for passage in self.passages]
            if self.embed is None:
                from sklearn.feature_extraction.text import TfidfVectorizer

                terms: Any = search_terms  # the annotation of scikit-learn forgets functions
                words = TfidfVectorizer(analyzer=terms, sublinear_tf=True).fit(texts)
                vectors_of: Callable[[Sequence[str]], Any] = words.transform
            else:
                vectors_of = self.embed
            neighbours = NearestNeighbors(metric="cosine", algorithm="brute")
            self._index = vectors_of, neighbours.fit(vectors_of(texts))
        return self._index


def split_passages(text: str) -> list[str]:
    r"""Split a text at blank lines; a heading (a line that begins with #) goes with what follows.

    Args:
        text: Any text.

    Returns:
        Its passages, each of at most about 1,200 characters.

    Example:
        >>> split_passages("# Cats\n\nThey sleep.\n\nThey eat.")
        ['# Cats\nThey sleep.', 'They eat.']
    """
    blocks = [block.strip() for block in text.replace("\r\n", "\n").split("\n\n")]
    passages: list[str] = []
    headings = ""
    for block in filter(None, blocks):
        if block.startswith("#") and "\n" not in block:
            headings += block + "\n"
        else:
            passages += _pieces(headings + block)
            headings = ""
    return [*passages, headings.strip()] if headings else passages


def search_terms(text: str) -> list[str]:
    """List what a text is found by: its words, and pairs of neighbouring Chinese characters.

    Args:
        text: Any text; capitals do not matter, words such as "the" and "who" are left out, and
            what stands behind an apostrophe is.

    Example:
        >>> search_terms("The cat's 红风筝")
        ['cat', '红', '风', '筝', '红风', '风筝']
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    units = [APOSTROPHE.split(unit)[0] for unit in text_units(text.lower())]
    words = [unit for unit in units if unit not in ENGLISH_STOP_WORDS]
    return words + [a + b for a, b in pairwise(units) if is_han(a) and is_han(b)]


def _pieces(block: str) -> list[str]:
    """Cut a long block into pieces, between lines or at blanks where there are some."""
    pieces = []
    while len(block) > MOST_CHARACTERS:
        head = block[:MOST_CHARACTERS]
        ends = [head.rfind(mark) + len(mark) for mark in ("\n", ". ", "。", " ")]
        cut = next((end for end in ends if end > MOST_CHARACTERS // 2), MOST_CHARACTERS)
        pieces.append(block[:cut].strip())
        block = block[cut:].strip()
    return [*pieces, block] if block else pieces


def _read_files(path: Path) -> list[tuple[str, str]]:
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise ValueError(
            f"texts must be a folder with .txt or .md files, or such a file; got {str(path)!r}. "
            "A single text goes into a list."
        )
    named = [(str(file), decode_text(read_bytes(file), file)) for file in files]
    return [(name, text) for name, text in named if text.strip()]


def _check(query: Any) -> str:
    return require_text(query, "the query")
