"""A text corpus: documents, and what one must know before using them."""

from dataclasses import dataclass
from functools import cached_property

from course_lib.data.digests import digest_of_documents


@dataclass(frozen=True, repr=False)
class Corpus:
    """Texts with their papers.

    Attributes:
        name: The name it was loaded by.
        documents: The texts; what counts as one document is said on the corpus's card.
        licence: What one may do with the texts.
        citation: Whom to cite.
        digest: SHA-256 of the documents, so that two runs can be shown to have read the same.
        source: Where it was found, in words.
    """

    name: str
    documents: list[str]
    licence: str
    citation: str
    digest: str
    source: str

    @cached_property
    def n_words(self) -> int:
        """The number of pieces between white space, in all documents."""
        return sum(len(document.split()) for document in self.documents)

    def __repr__(self) -> str:
        n_documents = len(self.documents)
        return (
            f"Corpus({self.name!r}: {n_documents:,} document{'s' * (n_documents != 1)}, "
            f"{self.n_words:,} words; licence: {self.licence}; found in {self.source})"
        )


def make_corpus(
    name: str, documents: list[str], *, licence: str, citation: str, source: str
) -> Corpus:
    """Build a corpus and compute its digest.

    Args:
        name: The name it is loaded by.
        documents: The texts.
        licence: What one may do with them.
        citation: Whom to cite.
        source: Where it was found, in words.
    """
    digest = digest_of_documents(documents)
    return Corpus(name, documents, licence, citation, digest, source)
