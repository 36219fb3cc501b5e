"""What the tests of the trained models share: a corpus whose right neighbours are known."""

import numpy as np
import pytest

from course_lib.data.planted import CLASS_CONTEXTS, WORD_CLASSES, planted_sentences
from course_lib.embeddings import WordVectors


@pytest.fixture(scope="session")
def planted() -> list[list[str]]:
    """About 17,000 words of planted text."""
    return planted_sentences(3000, seed=0)


def share_of_neighbours_in_class(vectors: WordVectors) -> float:
    """Measure how many words have a word of their own class as nearest neighbour.

    A class is the words with the contexts that only they have; chance would give about 0.2.
    """
    class_of = {
        word: name
        for table in (WORD_CLASSES, CLASS_CONTEXTS)
        for name, words in table.items()
        for word in words
    }
    rows = [vectors.id_of(word) for word in class_of]
    known = WordVectors(list(class_of), vectors.matrix[rows])
    nearest = {word: known.most_similar(word, 1)[0][0] for word in class_of}
    return float(np.mean([class_of[word] == class_of[other] for word, other in nearest.items()]))


@pytest.fixture(scope="session")
def neighbour_share():
    """The measure above, as a fixture, since test files cannot import this one."""
    return share_of_neighbours_in_class
