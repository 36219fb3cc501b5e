"""Train the word vectors that come with the course, and write their scores.

    COURSE_DATA_DIR=<folder with books, wikitext-2 and tinyshakespeare> \
        python tools/train_course_vectors.py data/checkpoints/course-vectors

The texts come through the data door: three from `$COURSE_DATA_DIR` (sources in the card), two
from installed packages. The vectors are stored in half precision, with their digest.
"""

import argparse
import hashlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from course_lib.data import Corpus, load
from course_lib.embeddings import (
    SkipGram,
    Word2VecConfig,
    WordVectors,
    evaluate_analogies,
    evaluate_similarity,
)
from course_lib.tokenizers import sentences_of

CORPORA = ("books", "wikitext-2", "tinyshakespeare", "wikipedia-excerpt", "python-docs")
CONFIG = Word2VecConfig(window=8, min_count=8, n_epochs=6, n_shared=512, seed=0)
END_OF_HEADER = "-------"


def body_of(text: str) -> str:
    r"""Leave out the title, author and year that stand above a book's first rule.

    Example:
        >>> body_of("# Emma\n## Jane Austen\n-------\n\nEmma Woodhouse, handsome").strip()
        'Emma Woodhouse, handsome'
    """
    head, rule, body = text.partition(END_OF_HEADER)
    return body if rule and len(head) < 1000 else text


def read_sentences() -> list[list[str]]:
    """Load every corpus and cut it into sentences of lower-case words, printing what was read."""
    sentences: list[list[str]] = []
    for name in CORPORA:
        corpus = load(name)
        if not isinstance(corpus, Corpus):
            raise TypeError(f"{name} must be a text corpus; got {type(corpus).__name__}.")
        part = sentences_of(body_of(document) for document in corpus.documents)
        n_words = sum(map(len, part))
        print(f"{name}: {len(corpus.documents):,} documents, {n_words:,} words, {corpus.digest}")
        sentences += part
    return sentences


def rows_of(name: str) -> list[dict[str, Any]]:
    """Load a labelled set as plain rows."""
    table = load(name)
    if not isinstance(table, Dataset):
        raise TypeError(f"{name} must be a table; got {type(table).__name__}.")
    return table.to_list()


def score_lines(vectors: WordVectors) -> list[str]:
    """Measure vectors on the course's lists, one line a score, with n and a 95 % interval."""
    lines = []
    for name in ("wordsim353", "simlex999"):
        score = evaluate_similarity(vectors, rows_of(name))
        low, high = score.interval
        n_pairs = f"n = {score.n_used}, {score.n_missing} unknown"
        lines.append(f"{name}: Spearman {score.spearman:.3f} [{low:.3f}, {high:.3f}], {n_pairs}")
    for method in ("add", "mul"):
        score = evaluate_analogies(vectors, rows_of("google-analogies"), method=method)
        low, high = score.interval
        n_asked = f"n = {score.n_used}, {score.n_skipped} skipped"
        value = f"accuracy {score.accuracy:.3f} [{low:.3f}, {high:.3f}]"
        lines.append(f"google-analogies, {method}: {value}, {n_asked}")
    return lines


def main() -> None:
    """Train, store, measure what was stored."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write vectors.safetensors")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    sentences = read_sentences()
    start = time.process_time()
    model = SkipGram(CONFIG).fit(sentences)
    print(f"{asdict(CONFIG)}\n{time.process_time() - start:.0f} CPU-seconds")
    trained = model.vectors
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "vectors.safetensors"
    trained.save(path, dtype="float16")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "vectors.sha256").write_text(f"{digest}  {path.name}\n", encoding="utf-8")
    print(f"{len(trained):,} words, {path.stat().st_size / 1e6:.1f} MB, sha256 {digest}")
    print("\n".join(score_lines(WordVectors.load(path))))


if __name__ == "__main__":
    main()
