from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from course_lib.pipelines import SemanticSearchPipeline, split_passages
from course_lib.pipelines.semantic_search import MOST_CHARACTERS, search_terms

TEXTS = [
    "The cat sat on the mat.",
    "A dog ran in Rome.",
    "奥马尔修好了风筝。",
    "Two cats and a dog",
]


def make() -> SemanticSearchPipeline:
    return SemanticSearchPipeline(None, batch_size=2).add(TEXTS)


def test_scores_are_the_cosines_of_tf_idf() -> None:
    words = TfidfVectorizer(analyzer=search_terms, sublinear_tf=True).fit(TEXTS)
    query = "A dog on the mat in Rome"
    expected = (words.transform([query]) @ words.transform(TEXTS).T).toarray()[0]
    found = make()(query, top_k=4)
    assert [row["corpus_id"] for row in found] == [n for n in np.argsort(-expected) if expected[n]]
    for row in found:
        assert row["score"] == pytest.approx(expected[row["corpus_id"]])
        assert row["text"] == TEXTS[row["corpus_id"]]
        assert row["source"] == str(row["corpus_id"])


def test_chinese_is_found_without_blanks() -> None:
    (row,) = make()("谁修好了风筝？", top_k=3)
    assert row["text"] == TEXTS[2]


def test_nothing_in_common_is_nothing_found() -> None:
    assert make()("zebra") == []
    assert make()(["zebra", "Rome"])[1][0]["corpus_id"] == 1


def test_an_encoder_may_give_the_vectors() -> None:
    def embed(texts: list[str]) -> np.ndarray:  # counts of two letters
        counts = np.array([[text.count("a") + 1, text.count("o")] for text in texts], dtype=float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    search = SemanticSearchPipeline(embed, batch_size=2).add(TEXTS)  # pyright: ignore
    found = search("aao", top_k=2)
    expected = embed(TEXTS) @ embed(["aao"])[0]  # type: ignore
    assert [row["corpus_id"] for row in found] == np.argsort(-expected)[:2].tolist()
    assert [row["score"] for row in found] == pytest.approx(np.sort(expected)[::-1][:2])


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.md").write_text("# Cats\n\nThey sleep.\n\nThey eat fish.", "utf-8")
    (tmp_path / "deep" / "b.txt").write_text("Dogs bark.", "utf-8")
    (tmp_path / "c.py").write_text("cats = 1", "utf-8")
    (tmp_path / "empty.txt").write_text("\n", "utf-8")
    search = SemanticSearchPipeline(None, batch_size=2).add(tmp_path)
    found = [passage.text for passage in search.passages]
    assert found == [
        "# Cats\nThey sleep.",
        "They eat fish.",
        "Dogs bark.",
    ]
    (row,) = search("who barks? dogs!")
    assert row["source"] == str(tmp_path / "deep" / "b.txt")
    one_file = SemanticSearchPipeline(None, batch_size=2).add(tmp_path / "a.md")
    assert len(one_file.passages) == 2


def test_what_is_added_later_is_found_too() -> None:
    search = make()
    assert search("zebra") == []
    search.add(["a zebra"])
    assert search("zebra")[0]["corpus_id"] == 4


def test_passages() -> None:
    assert split_passages("a\n\n\n# T\n\n## U\n\nb\r\n\r\nc") == ["a", "# T\n## U\nb", "c"]
    assert split_passages("# only\n\n") == ["# only"]
    assert split_passages("  \n") == []
    sentence = "word " * 20 + "end. "
    pieces = split_passages(sentence * 40)
    assert len(pieces) > 1
    assert all(len(piece) <= MOST_CHARACTERS and piece.endswith("end.") for piece in pieces)
    assert " ".join(pieces).split() == (sentence * 40).split()
    assert "".join(split_passages("x" * 5000)) == "x" * 5000


def test_wrong_calls(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Call \.add"):
        SemanticSearchPipeline(None, batch_size=2)("cat")
    with pytest.raises(ValueError, match="top_k must be ≥ 1"):
        make()("cat", top_k=0)
    with pytest.raises(ValueError, match=r"must be a folder with \.txt or \.md files"):
        make().add(str(tmp_path))
    with pytest.raises(ValueError, match="A single text goes into a list"):
        make().add("The cat sat.")
    with pytest.raises(TypeError, match="text 1 must be a text"):
        make().add(["a", 3])  # pyright: ignore
    with pytest.raises(ValueError, match="at least one passage"):
        make().add([])
    with pytest.warns(UserWarning, match="1 of 2 inputs"):
        assert make()(["", "Rome"])[1][0]["corpus_id"] == 1
