"""Byte-pair encoding: our CPU time over that of Hugging Face's `tokenizers` (Rust).

    python benchmarks/tokenizers.py [--corpus PATH] [--megabytes 10] [--repeats 3]

Both get the same documents, in one process, and take turns; `tokenizers` runs on one thread. Ours
encodes with an empty memory each time, document by document. The script stops if merges or ids
differ. Seconds are those of the processor.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from course_lib.data import Corpus, load
from course_lib.tokenizers import BPETokenizer, printable

Result = TypeVar("Result")
SUFFIXES = (".txt", ".md")


class Contest(NamedTuple):
    """CPU-seconds of both sides, one figure a turn.

    Attributes:
        ours: Of this library.
        theirs: Of `tokenizers`.
    """

    ours: list[float]
    theirs: list[float]

    def ratio(self) -> float:
        """Our median over theirs."""
        return statistics.median(self.ours) / statistics.median(self.theirs)


def import_peer() -> ModuleType:
    """Import `tokenizers`, and not this script, which has the same name."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != here]
    return importlib.import_module("tokenizers")


def read_documents(path: Path | None, n_bytes: int) -> list[str]:
    """Read text files, or the Python docstrings if None, up to a number of bytes."""
    if path is None:
        corpus = load("python-docs")
        if not isinstance(corpus, Corpus):
            raise TypeError(f"python-docs must be a text corpus; got {type(corpus).__name__}.")
        documents = corpus.documents
    else:
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        documents = [f.read_text(encoding="utf-8") for f in files if f.suffix in SUFFIXES]
    kept: list[str] = []
    for document in documents:
        if n_bytes <= 0:
            break
        kept.append(document)
        n_bytes -= len(document.encode())
    return kept


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Do some work; return what it gives and its CPU-seconds, those of all threads."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def train_theirs(documents: Sequence[str], vocab_size: int) -> Any:
    """Train the same kind of tokenizer with `tokenizers`."""
    peer = import_peer()
    byte_level = peer.pre_tokenizers.ByteLevel
    tokenizer = peer.Tokenizer(peer.models.BPE())
    tokenizer.pre_tokenizer = byte_level(add_prefix_space=False)
    trainer = peer.trainers.BpeTrainer(
        vocab_size=vocab_size, show_progress=False, initial_alphabet=byte_level.alphabet()
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def compare_training(documents: Sequence[str], vocab_size: int, repeats: int) -> Contest:
    """Train both in turns, and make sure that they learn the same."""
    contest = Contest([], [])
    for _ in range(repeats):
        ours, seconds = timed(lambda: BPETokenizer.train(documents, vocab_size=vocab_size))
        contest.ours.append(seconds)
        theirs, seconds = timed(lambda: train_theirs(documents, vocab_size))
        contest.theirs.append(seconds)
        merges = [tuple(pair) for pair in json.loads(theirs.to_str())["model"]["merges"]]
        if [(printable(a), printable(b)) for a, b in ours.merges] != merges:
            raise SystemExit("the merges differ")
    return contest


def compare_encoding(documents: Sequence[str], vocab_size: int, repeats: int) -> Contest:
    """Encode with both in turns, and make sure that they give the same ids."""
    peer = import_peer()
    contest = Contest([], [])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        BPETokenizer.train(documents, vocab_size=vocab_size).save(path)
        for _ in range(repeats):
            tokenizer, theirs = BPETokenizer.load(path), peer.Tokenizer.from_file(str(path))
            found, seconds = timed(lambda t=tokenizer: [t.encode(text) for text in documents])
            contest.ours.append(seconds)
            encodings, seconds = timed(lambda t=theirs: t.encode_batch(list(documents)))
            contest.theirs.append(seconds)
            if found != [encoding.ids for encoding in encodings]:
                raise SystemExit("the ids differ")
    return contest


def main() -> None:
    """Run the contests and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="text file or folder; default: python-docs")
    parser.add_argument("--megabytes", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--vocab-sizes", type=int, nargs="+", default=[1000, 8000])
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import_peer()
    documents = read_documents(options.corpus, int(options.megabytes * 1e6))
    megabytes = sum(len(document.encode()) for document in documents) / 1e6
    print(f"{len(documents):,} documents, {megabytes:.1f} MB", flush=True)
    for vocab_size in options.vocab_sizes:
        contest = compare_training(documents, vocab_size, options.repeats)
        print(
            f"training, {vocab_size} tokens: ours {statistics.median(contest.ours):.2f} s, "
            f"tokenizers {statistics.median(contest.theirs):.2f} s, same merges; "
            f"ours takes {contest.ratio():.2f}x the CPU time",
            flush=True,
        )
        contest = compare_encoding(documents, vocab_size, options.repeats)
        print(
            f"encoding, {vocab_size} tokens: ours {megabytes / statistics.median(contest.ours):.2f}"
            f" MB per CPU-second, tokenizers {megabytes / statistics.median(contest.theirs):.2f}, "
            f"same ids; ours encodes {1 / contest.ratio():.2f}x as much",
            flush=True,
        )


if __name__ == "__main__":
    main()
