from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from course_lib.embeddings.storage import (
    read_safetensors,
    read_word2vec_text,
    to_gensim,
    write_safetensors,
    write_word2vec_text,
)


@pytest.mark.parametrize("word", ["new york", "", "tab\t", "line\n"])
def test_the_text_format_cannot_hold_white_space(tmp_path: Path, word: str) -> None:
    path = tmp_path / "vectors.txt"
    with pytest.raises(ValueError, match="free of white space"):
        write_word2vec_text(path, ["fine", word], np.zeros((2, 3)))
    assert not path.exists()


def test_the_text_format_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    write_word2vec_text(path, ["été", "b"], np.array([[0.5, -2.0], [1e-9, 0.1]], np.float32))
    expected = "2 2\nété 0.5 -2\nb 9.99999972e-10 0.100000001\n"
    assert path.read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 0.1 0.2\n", r"line 1 of bad\.txt must be 'V D'; got 'a 0.1 0.2'"),
        ("1 x\na 0.1\n", r"line 1 of bad\.txt must be 'V D'; got '1 x'"),
        ("1 2\na 0.1\n", "line 2 of bad.txt must hold a word and 2 numbers; got 1 numbers"),
        ("2 1\na 0.1\n", "must hold 2 words, says line 1; got 1"),
        ("", "line 1"),
    ],
)
def test_broken_text_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_word2vec_text(path)


def test_any_word_and_missing_counts_survive_our_own_file(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    words = ["new york", 'quote"', "语言", ""]
    write_safetensors(path, words, np.ones((4, 3), np.float16), None)
    found_words, matrix, counts = read_safetensors(path)
    assert found_words == words
    assert matrix.dtype == np.float16
    assert counts is None
    assert "语言".encode() in path.read_bytes()  # legible in the file's header


def test_a_text_file_without_words_keeps_its_width(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("0 3\n", encoding="utf-8")
    words, matrix, counts = read_word2vec_text(path)
    assert (words, matrix.shape, matrix.dtype, counts) == ([], (0, 3), np.float32, None)


def test_other_files_are_refused(tmp_path: Path) -> None:
    other, text = tmp_path / "other.safetensors", tmp_path / "text.safetensors"
    save_file({"weight": np.zeros(3)}, other)
    with pytest.raises(ValueError, match=r"must hold word vectors; got tensors \['weight'\]"):
        read_safetensors(other)
    save_file({"matrix": np.zeros((1, 3))}, other)  # but whose vectors are they?
    with pytest.raises(ValueError, match=r"must hold word vectors; got tensors \['matrix'\]"):
        read_safetensors(other)
    text.write_text("not one of these files", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.safetensors must be a safetensors file"):
        read_safetensors(text)


def test_gensim_gets_no_counts_where_none_are_known() -> None:
    keyed_vectors = to_gensim(["a", "b"], np.eye(2, dtype=np.float32), None)
    assert "count" not in keyed_vectors.expandos
    assert keyed_vectors.index_to_key == ["a", "b"]
