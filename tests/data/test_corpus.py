import dataclasses

import pytest

from course_lib.data.corpus import make_corpus
from course_lib.data.digests import digest_of_documents


def test_a_corpus_counts_its_words_and_carries_its_papers() -> None:
    documents = ["one two\tthree", "", "four\n\nfive"]
    corpus = make_corpus("toy", documents, licence="CC0", citation="Us 2026", source="a test")
    assert corpus.n_words == 5
    assert corpus.digest == digest_of_documents(documents)
    assert (corpus.licence, corpus.citation, corpus.source) == ("CC0", "Us 2026", "a test")
    assert repr(corpus) == "Corpus('toy': 3 documents, 5 words; licence: CC0; found in a test)"


def test_one_document_is_not_documents() -> None:
    corpus = make_corpus("toy", ["a b"], licence="CC0", citation="", source="here")
    assert "1 document, 2 words" in repr(corpus)


def test_a_corpus_cannot_be_changed() -> None:
    corpus = make_corpus("toy", [], licence="CC0", citation="", source="here")
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.licence = "other"  # pyright: ignore[reportAttributeAccessIssue]
