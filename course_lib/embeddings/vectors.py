"""Trained word vectors: look up, compare, find neighbours, solve analogies.

Letters in shapes: V words, D length of a vector, N questions.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from course_lib.embeddings import storage
from course_lib.tokenizers import describe_unknown

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

_EPSILON = 1e-6  # keeps the quotient of 3CosMul finite; the value gensim uses


def analogy_scores(
    directions: Float[np.ndarray, "V D"],
    ids: Int[np.ndarray, "N 3"],
    method: Literal["add", "mul"] = "add",
) -> Float[np.ndarray, "N V"]:
    """Score every word as the answer to "a is to b as c is to ?".

    Args:
        directions: Vectors scaled to length 1.
        ids: The words a, b, c of each question.
        method: "add": cos(x, b) - cos(x, a) + cos(x, c). "mul": cos(x, b) · cos(x, c) / cos(x, a),
            with cosines moved to 0 … 1, so that no single large term decides.

    Returns:
        One score per question and word. The words of the question score high themselves; exclude
        them.

    Raises:
        ValueError: If `method` is unknown.

    Reference:
        Levy & Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word
        Representations", eqs. 2 (3CosAdd) and 4 (3CosMul).
    """
    a, b, c = (directions[ids[:, column]] for column in range(3))
    if method == "add":
        return (b - a + c) @ directions.T
    if method != "mul":
        raise ValueError(f"method must be 'add' or 'mul'; got {method!r}.")
    to_a, to_b, to_c = ((1 + vector @ directions.T) / 2 for vector in (a, b, c))
    return to_b * to_c / (to_a + _EPSILON)


class WordVectors:
    """A vector for each of V words, usually the most frequent word first.

    Attributes:
        words: The words.
        matrix: Their vectors, one row each.
        counts: How often each was seen in training; None if not known.

    Example:
        >>> vectors = WordVectors(["up", "high", "left"], np.array([[0, 2], [1, 2], [-1, 0]]))
        >>> [(word, round(cosine, 2)) for word, cosine in vectors.most_similar("up", n=2)]
        [('high', 0.89), ('left', 0.0)]
    """

    words: list[str]
    matrix: Float[np.ndarray, "V D"]
    counts: Int[np.ndarray, " V"] | None

    def __init__(
        self,
        words: Sequence[str],
        matrix: np.ndarray,
        counts: np.ndarray | None = None,
    ) -> None:
        """Put words and vectors together.

        Args:
            words: All different.
            matrix: One row per word; kept as 32-bit floats.
            counts: One count per word, if known.

        Raises:
            ValueError: If the lengths disagree, a word occurs twice, or a number is not finite.
        """
        self.words = list(words)
        self.matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        self.counts = None if counts is None else np.asarray(counts, dtype=np.int64)
        self._ids = {word: index for index, word in enumerate(self.words)}
        self._check()
        lengths = np.linalg.norm(self.matrix, axis=1, keepdims=True)
        self.directions = self.matrix / np.where(lengths > 0, lengths, 1.0)

    def _check(self) -> None:
        n_words = len(self.words)
        if self.matrix.ndim != 2 or len(self.matrix) != n_words or n_words == 0:
            raise ValueError(
                f"matrix must have one row for each of the {n_words} words (at least one); "
                f"got shape {self.matrix.shape}."
            )
        if self.counts is not None and self.counts.shape != (n_words,):
            raise ValueError(
                f"counts must have {n_words} entries, one per word; got shape {self.counts.shape}."
            )
        if len(self._ids) != n_words:
            twice = next(word for i, word in enumerate(self.words) if self._ids[word] != i)
            raise ValueError(f"words must all be different; got {twice!r} twice.")
        if not np.isfinite(self.matrix).all():
            bad = self.words[int(np.argmin(np.isfinite(self.matrix).all(axis=1)))]
            raise ValueError(f"matrix must hold finite numbers; got NaN or infinity for {bad!r}.")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __getitem__(self, word: str) -> Float[np.ndarray, " D"]:
        return self.matrix[self.id_of(word)]

    @property
    def d_embed(self) -> int:
        """Length of each vector."""
        return self.matrix.shape[1]

    def id_of(self, word: str) -> int:
        """Look up the row of a word.

        Raises:
            ValueError: If the word has no vector; the message names near spellings.
        """
        if word not in self._ids:
            raise ValueError(describe_unknown(word, self.words))
        return self._ids[word]

    def find(self, word: str) -> str | None:
        """Find a word as it is written, else in lower case; None if neither is known."""
        return next((form for form in (word, word.lower()) if form in self._ids), None)

    def first(self, n_words: int) -> "WordVectors":
        """Keep only the first `n_words` words, the most frequent ones as a rule."""
        if n_words >= len(self):
            return self
        counts = None if self.counts is None else self.counts[:n_words]
        return WordVectors(self.words[:n_words], self.matrix[:n_words], counts)

    def similarity(self, a: str, b: str) -> float:
        """Compute the cosine of the angle between the vectors of two words (0 for a zero vector).

        Raises:
            ValueError: If a word has no vector.
        """
        first, second = self.directions[self.id_of(a)], self.directions[self.id_of(b)]
        return float(first.astype(np.float64) @ second.astype(np.float64))

    def _best(
        self, scores: Float[np.ndarray, " V"], n: int, exclude: Iterable[str]
    ) -> list[tuple[str, float]]:
        if n < 1:
            raise ValueError(f"n must be ≥ 1; got n={n}.")
        excluded = {self._ids[word] for word in exclude if word in self._ids}
        order = np.argsort(-scores, kind="stable")[: n + len(excluded)]
        kept = [index for index in order.tolist() if index not in excluded]
        return [(self.words[index], float(scores[index])) for index in kept[:n]]

    def nearest(
        self, vector: Float[np.ndarray, " D"], n: int = 10, exclude: Iterable[str] = ()
    ) -> list[tuple[str, float]]:
        """Find the words whose vectors point most nearly in the direction of a vector.

        Args:
            vector: Any vector of the right length.
            n: How many words (≥ 1).
            exclude: Words to leave out.

        Returns:
            Words with their cosines, the nearest first.

        Raises:
            ValueError: If `vector` has another length, or `n` is below 1.
        """
        vector = np.asarray(vector, dtype=np.float32)
        if vector.shape != (self.d_embed,):
            raise ValueError(f"vector must have shape ({self.d_embed},); got {vector.shape}.")
        length = float(np.linalg.norm(vector))
        return self._best(self.directions @ vector / (length or 1.0), n, exclude)

    def most_similar(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Find the nearest neighbours of a word.

        Args:
            word: A known word; it is not its own neighbour.
            n: How many neighbours (≥ 1).

        Returns:
            Words with their cosines, the nearest first.

        Raises:
            ValueError: If the word has no vector, or `n` is below 1.
        """
        return self.nearest(self[word], n, exclude=(word,))

    def analogy(
        self, a: str, b: str, c: str, n: int = 5, method: Literal["add", "mul"] = "add"
    ) -> list[tuple[str, float]]:
        """Answer "a is to b as c is to ?". The three words themselves are left out.

        Args:
            a: As "man" in man : king = woman : ?
            b: As "king".
            c: As "woman".
            n: How many answers (≥ 1).
            method: "add" (3CosAdd) or "mul" (3CosMul), see `analogy_scores`.

        Returns:
            Words with their scores, the best first. With "add", scores are cosines with b - a + c.

        Raises:
            ValueError: If a word has no vector, `method` is unknown, or `n` is below 1.
        """
        ids = np.array([[self.id_of(word) for word in (a, b, c)]])
        scores = analogy_scores(self.directions, ids, method)[0]
        if method == "add":
            first, second, third = self.directions[ids[0]]
            scores = scores / (float(np.linalg.norm(second - first + third)) or 1.0)
        return self._best(scores, n, exclude=(a, b, c))

    def to_gensim(self) -> "KeyedVectors":
        """Copy words, vectors and counts into gensim's `KeyedVectors`."""
        return storage.to_gensim(self.words, self.matrix, self.counts)

    @classmethod
    def from_gensim(cls, keyed_vectors: "KeyedVectors") -> "WordVectors":
        """Copy words, vectors and, if there are any, counts from gensim's `KeyedVectors`."""
        return cls(*storage.from_gensim(keyed_vectors))

    def save_word2vec_text(self, path: str | Path) -> None:
        """Write the text format of the word2vec program (without counts).

        Args:
            path: The file to write.

        Raises:
            ValueError: If a word contains white space, which the format cannot hold.
        """
        storage.write_word2vec_text(Path(path), self.words, self.matrix)

    @classmethod
    def load_word2vec_text(cls, path: str | Path) -> "WordVectors":
        """Read the text format of the word2vec program, also as gensim writes it.

        Raises:
            ValueError: If the file does not keep to the format; the message names the line.
        """
        return cls(*storage.read_word2vec_text(Path(path)))

    def save(self, path: str | Path, dtype: Literal["float32", "float16"] = "float32") -> None:
        """Write words, vectors and counts into one safetensors file.

        Args:
            path: The file to write.
            dtype: "float16" halves the file and rounds to about three digits.
        """
        storage.write_safetensors(Path(path), self.words, self.matrix.astype(dtype), self.counts)

    @classmethod
    def load(cls, path: str | Path) -> "WordVectors":
        """Read what `save` wrote.

        Raises:
            ValueError: If the file holds no word vectors.
        """
        return cls(*storage.read_safetensors(Path(path)))


def load_course_vectors() -> WordVectors:
    """Load the vectors that come with the course; their card says how they were trained.

    Raises:
        DigestMismatchError: If the file is not the one that the card describes.
    """
    # Imported here so that word vectors can be used without the data door's dependencies.
    from course_lib.data import check_digest, data_path

    folder = data_path("checkpoints/course-vectors")
    expected = (folder / "vectors.sha256").read_text(encoding="utf-8").split()[0]
    check_digest(folder / "vectors.safetensors", expected, "course-vectors")
    return WordVectors.load(folder / "vectors.safetensors")
