"""What every model of word vectors offers after `fit`."""

from typing import TYPE_CHECKING

from course_lib.embeddings.vectors import WordVectors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


class FittedVectors:
    """Keeps the vectors that `fit` made, and answers questions with them.

    Attributes:
        losses: The loss along the way, from the start of training to its end.
    """

    losses: list[float]

    def __init__(self) -> None:
        self.losses = []
        self._vectors: WordVectors | None = None

    @property
    def vectors(self) -> WordVectors:
        """The trained vectors.

        Raises:
            RuntimeError: If `fit` has not been called.
        """
        if self._vectors is None:
            raise RuntimeError(f"{type(self).__name__} has no vectors yet; call fit(sentences).")
        return self._vectors

    def most_similar(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Find the nearest neighbours of a word, see `WordVectors.most_similar`."""
        return self.vectors.most_similar(word, n)

    def to_gensim(self) -> "KeyedVectors":
        """Copy words, vectors and counts into gensim's `KeyedVectors`."""
        return self.vectors.to_gensim()
