"""Skip-gram: our words per CPU-second over gensim's, and both WordSim-353 scores.

    OMP_NUM_THREADS=1 python benchmarks/word2vec.py [--corpus PATH] [--epochs 1]

Both train on the same sentences in one process and one thread, at equal epochs, width, window,
negatives and thinning; the two take turns. gensim gets the best of several learning rates, ours
keeps its default. Seconds are those of the processor, vocabulary and start-up included.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import NamedTuple

import torch

from course_lib.data import Corpus, load
from course_lib.embeddings import SkipGram, Word2VecConfig, WordVectors, evaluate_similarity
from course_lib.embeddings.similarity import SimilarityScore
from course_lib.tokenizers import sentences_of

GENSIM_RATES = (0.025, 0.05, 0.1)
SUFFIXES = (".txt", ".md")


class Result(NamedTuple):
    """One training run.

    Attributes:
        words_per_second: Running words of all epochs over CPU-seconds.
        score: On WordSim-353.
    """

    words_per_second: float
    score: SimilarityScore


def read_corpus(path: Path | None) -> list[list[str]]:
    """Read a text file, or every text file below a folder; the Python docstrings if None."""
    if path is None:
        corpus = load("python-docs")
        if not isinstance(corpus, Corpus):
            raise TypeError(f"python-docs must be a text corpus; got {type(corpus).__name__}.")
        return sentences_of(corpus.documents)
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
    if not files:
        raise SystemExit(f"--corpus must name a text file or a folder with some; got {path}.")
    return sentences_of(file.read_text(encoding="utf-8") for file in files)


def train_ours(sentences: list[list[str]], n_epochs: int, seed: int) -> Result:
    """Train this library's skip-gram with its defaults."""
    start = time.process_time()
    model = SkipGram(Word2VecConfig(n_epochs=n_epochs, seed=seed)).fit(sentences, progress=False)
    seconds = time.process_time() - start
    return measure(model.vectors, sentences, n_epochs, seconds)


def train_gensim(sentences: list[list[str]], n_epochs: int, seed: int, rate: float) -> Result:
    """Train gensim's skip-gram with the same settings and one worker."""
    from gensim.models import Word2Vec

    config = Word2VecConfig()
    start = time.process_time()
    model = Word2Vec(
        sentences,
        vector_size=config.d_embed,
        window=config.window,
        min_count=config.min_count,
        negative=config.n_negatives,
        sample=config.sample,
        sg=1,
        epochs=n_epochs,
        alpha=rate,
        seed=seed + 1,
        workers=1,
    )
    seconds = time.process_time() - start
    return measure(WordVectors.from_gensim(model.wv), sentences, n_epochs, seconds)


def measure(
    vectors: WordVectors, sentences: list[list[str]], n_epochs: int, seconds: float
) -> Result:
    """Turn a trained model and its time into a result."""
    n_words = sum(map(len, sentences)) * n_epochs
    return Result(n_words / seconds, evaluate_similarity(vectors, load("wordsim353").to_list()))


def report(name: str, results: list[Result]) -> float:
    """Print a contender's medians; return its words per second."""
    speed = statistics.median(result.words_per_second for result in results)
    scores = sorted(result.score.spearman for result in results)
    score = results[0].score
    print(
        f"{name:20} {speed:9,.0f} words per CPU-second   WordSim-353 "
        f"{statistics.median(scores):.3f} ({scores[0]:.3f} to {scores[-1]:.3f} over {len(scores)} "
        f"runs; first [{score.interval.low:.3f}, {score.interval.high:.3f}], n = {score.n_used})"
    )
    return speed


def main() -> None:
    """Run the contenders in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="text file or folder; default: python-docs")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    sentences = read_corpus(options.corpus)
    print(f"{sum(map(len, sentences)):,} words, {options.epochs} epoch(s), one thread", flush=True)
    ours: list[Result] = []
    theirs: dict[float, list[Result]] = {rate: [] for rate in GENSIM_RATES}
    for seed in range(options.repeats):
        ours.append(train_ours(sentences, options.epochs, seed))
        for rate, results in theirs.items():
            results.append(train_gensim(sentences, options.epochs, seed, rate))
    our_speed = report("ours, default rate", ours)
    their_speeds = [report(f"gensim, rate {rate:g}", results) for rate, results in theirs.items()]
    print(
        f"ours over the fastest gensim: {our_speed / max(their_speeds):.2f}x words per CPU-second"
    )


if __name__ == "__main__":
    main()
