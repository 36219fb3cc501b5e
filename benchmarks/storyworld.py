"""The story world: tokens per CPU-second, over the aim of 100,000.

    OMP_NUM_THREADS=1 python benchmarks/storyworld.py [--stories 5000] [--repeats 3]

Complete records are made: text, tokens with their log-probabilities, entities, summary, questions
and turns. Seconds are those of the processor; the grammar is compiled before the clock starts. Its
largest memory is printed for two sizes, so that one can see that it does not grow.
"""

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Sequence
from itertools import islice

from course_lib.data.storyworld import stream_stories

AIM_TOKENS_PER_SECOND = 100_000
LANGUAGES = (("en",), ("zh",), ("en", "zh"))


def tokens_per_second(n_stories: int, languages: Sequence[str], seed: int) -> float:
    """Time the writing of stories; the tokens of all languages count."""
    stories = stream_stories(seed, languages=languages)
    next(stories)
    start = time.process_time()
    n_tokens = 0
    for story in islice(stories, n_stories):
        n_tokens += sum(len(told.tokens) for told in story.told.values())
    return n_tokens / (time.process_time() - start)


def peak_kilobytes(n_stories: int) -> float:
    """Measure the most memory that Python objects take while stories stream by."""
    stories = stream_stories(0)
    tracemalloc.start()
    for _ in islice(stories, n_stories):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e3


def main() -> None:
    """Print one line a language, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for languages in LANGUAGES:
        rates = [
            tokens_per_second(arguments.stories, languages, seed)
            for seed in range(arguments.repeats)
        ]
        rate = statistics.median(rates)
        print(
            f"{'+'.join(languages):6} {rate:9,.0f} tokens per CPU-second "
            f"({min(rates):,.0f} to {max(rates):,.0f}), "
            f"{rate / AIM_TOKENS_PER_SECOND:.2f} times the aim"
        )
    for n_stories in (100, 2_000):
        print(f"{n_stories:6,} stories: at most {peak_kilobytes(n_stories):,.0f} kB of new objects")


if __name__ == "__main__":
    main()
