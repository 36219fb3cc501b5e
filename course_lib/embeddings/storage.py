"""Word vectors to and from files and gensim."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Parts = tuple[list[str], np.ndarray, np.ndarray | None]


def to_gensim(words: list[str], matrix: np.ndarray, counts: np.ndarray | None) -> "KeyedVectors":
    """Copy words, vectors and counts into gensim's `KeyedVectors`."""
    from gensim.models import KeyedVectors  # takes seconds to import

    keyed_vectors = KeyedVectors(vector_size=matrix.shape[1])
    keyed_vectors.add_vectors(words, matrix)
    if counts is not None:
        for word, count in zip(words, counts.tolist(), strict=True):
            keyed_vectors.set_vecattr(word, "count", count)
    return keyed_vectors


def from_gensim(keyed_vectors: "KeyedVectors") -> Parts:
    """Copy words, vectors and, if there are any, counts from gensim's `KeyedVectors`."""
    counts = keyed_vectors.expandos.get("count")
    kept = None if counts is None else np.array(counts, dtype=np.int64)
    words = [str(word) for word in keyed_vectors.index_to_key]
    return words, np.array(keyed_vectors.vectors), kept


def write_word2vec_text(path: Path, words: list[str], matrix: np.ndarray) -> None:
    """Write a line "V D", then a line with the word and its numbers for each word.

    Raises:
        ValueError: If a word contains white space or is empty.
    """
    spaced = next((word for word in words if word.split() != [word]), None)
    if spaced is not None:
        raise ValueError(f"words must be free of white space in this format; got {spaced!r}.")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{matrix.shape[0]} {matrix.shape[1]}\n")
        for word, row in zip(words, matrix, strict=True):
            # Nine digits are enough to get the same 32-bit number back.
            file.write(word + " " + " ".join(f"{number:.9g}" for number in row) + "\n")


def read_word2vec_text(path: Path) -> Parts:
    """Read what `write_word2vec_text` and other programs write.

    Raises:
        ValueError: If a line does not fit the format; the message names it.
    """
    with path.open(encoding="utf-8", newline="\n") as file:
        header = file.readline().split()
        if len(header) != 2 or not all(number.isdecimal() for number in header):
            raise ValueError(f"line 1 of {path.name} must be 'V D'; got {' '.join(header)[:60]!r}.")
        n_words, d_embed = int(header[0]), int(header[1])
        words, rows = [], []
        for number, line in enumerate(file, start=2):
            word, *numbers = line.split()
            if len(numbers) != d_embed:
                raise ValueError(
                    f"line {number} of {path.name} must hold a word and {d_embed} numbers; "
                    f"got {len(numbers)} numbers."
                )
            words.append(word)
            rows.append(np.array(numbers, dtype=np.float32))
    if len(words) != n_words:
        raise ValueError(f"{path.name} must hold {n_words} words, says line 1; got {len(words)}.")
    return words, np.stack(rows) if rows else np.empty((0, d_embed), np.float32), None


def write_safetensors(
    path: Path, words: list[str], matrix: np.ndarray, counts: np.ndarray | None
) -> None:
    """Write one file: the tensors `matrix` and `counts`; the words as JSON in its header."""
    tensors = {"matrix": np.ascontiguousarray(matrix)}
    if counts is not None:
        tensors["counts"] = counts
    save_file(tensors, path, metadata={"words": json.dumps(words, ensure_ascii=False)})


def read_safetensors(path: Path) -> Parts:
    """Read what `write_safetensors` wrote.

    Raises:
        ValueError: If the file is damaged or holds no word vectors.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            words = (file.metadata() or {}).get("words")
            names = set(file.keys())
            if words is None or "matrix" not in names:
                raise ValueError(
                    f"{path.name} must hold word vectors; got tensors {sorted(names)}."
                )
            counts = file.get_tensor("counts") if "counts" in names else None
            return json.loads(words), file.get_tensor("matrix"), counts
    except SafetensorError as error:
        raise ValueError(f"{path.name} must be a safetensors file; got: {error}.") from error
