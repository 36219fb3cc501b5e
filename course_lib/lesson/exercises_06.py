"""The exercises of lesson 06, generation and prompting.

The one on how much texts repeat is here; each of the others is in a module of its own.
"""

from collections.abc import Callable, Hashable, Sequence
from itertools import chain, pairwise

from course_lib.lesson.cache_exercise import KV_CACHE
from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.lesson.nucleus_exercise import KEEP_TOP_P
from course_lib.lesson.penalty_exercise import PENALISE_REPETITION
from course_lib.lesson.recognising import right_but_for_the_error
from course_lib.lesson.sampling_exercise import SAMPLE_IDS
from course_lib.lesson.speculative_exercise import JUDGE_DRAFT

Texts = Sequence[Sequence[Hashable]]
Ngrams = list[tuple[Hashable, ...]]


def _ngrams(text: Sequence[Hashable], n: int) -> Ngrams:
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def _pooled(texts: Texts, n: int) -> Ngrams:
    return [one for text in texts for one in _ngrams(text, n)]


def _distinct(
    score: Callable[[Texts, int], float], *, checks: bool = True
) -> Callable[[Texts, int], float]:
    """Make a twin of `distinct_n` from what it does with good arguments."""

    def twin(texts: Texts, n: int) -> float:
        if checks and (n < 1 or not _pooled(texts, n)):
            raise ValueError("no n-gram")
        return score(texts, n)

    return twin


def _over_tokens(texts: Texts, n: int) -> float:
    return len(set(_pooled(texts, n))) / sum(map(len, texts))


def _share(ngrams: Ngrams) -> float:
    return len(set(ngrams)) / len(ngrams)


def _mean_of_texts(texts: Texts, n: int) -> float:
    shares = [_share(_ngrams(text, n)) for text in texts if len(text) >= n]
    return sum(shares) / len(shares)


def _each_text_for_itself(texts: Texts, n: int) -> float:
    return sum(len(set(_ngrams(text, n))) for text in texts) / len(_pooled(texts, n))


def _across_texts(texts: Texts, n: int) -> float:
    return _share(_ngrams(list(chain.from_iterable(texts)), n))


def _side_by_side(texts: Texts, n: int) -> float:
    return _share([tuple(t[i : i + n]) for t in texts for i in range(0, len(t) - n + 1, n)])


def _last_one_missing(texts: Texts, n: int) -> float:
    return _share([one for text in texts for one in _ngrams(text, n)[:-1]])


def _rests_counted(texts: Texts, n: int) -> float:
    return _share([tuple(text[i : i + n]) for text in texts for i in range(len(text))])


def _without_order(texts: Texts, n: int) -> float:
    ngrams = _pooled(texts, n)
    return len({frozenset(one) for one in ngrams}) / len(ngrams)


def _never_repeated(texts: Texts, n: int) -> float:
    ngrams = _pooled(texts, n)
    return sum(ngrams.count(one) == 1 for one in ngrams) / len(ngrams)


def _written(glue: str) -> Callable[[Texts, int], float]:
    def score(texts: Texts, n: int) -> float:
        ngrams = _pooled(texts, n)
        return len({glue.join(map(str, one)) for one in ngrams}) / len(ngrams)

    return score


def _in_a_row(texts: Texts, n: int) -> float:
    ngrams = _pooled(texts, n)
    return (1 + sum(a != b for a, b in pairwise(ngrams))) / len(ngrams)


def _short_texts_subtracted(texts: Texts, n: int) -> float:
    return len(set(_pooled(texts, n))) / sum(len(text) - n + 1 for text in texts)


def _single_tokens(texts: Texts, n: int) -> float:
    return _share(_pooled(texts, 1))


DISTINCT_N = Exercise(
    key="06:distinct_n",
    target="course_lib.evaluation.diversity:distinct_n",
    level="easy",
    cases=(
        Case(why="single tokens", args=lambda: ([["the", "cat", "and", "the", "cat"]], 1)),
        Case(why="pairs of one text", args=lambda: ([["the", "cat", "and", "the", "cat"]], 2)),
        Case(why="two texts of ids", args=lambda: ([[3, 1, 3, 1, 3], [1, 3, 2, 0]], 2)),
        Case(why="the same text twice", args=lambda: ([[5, 6, 7, 8], [5, 6, 7, 8]], 3)),
        Case(why="a loop", args=lambda: ([[4, 4, 4, 4, 4, 4, 4], [4, 9, 4]], 2)),
        Case(why="pairs in both orders", args=lambda: ([[1, 2, 1, 2, 1], [2, 1]], 2)),
        Case(why="a text that is too short", args=lambda: ([[1, 2, 3, 1, 2, 3], [8], []], 3)),
        Case(
            why="four tokens in a row",
            args=lambda: ([["to", "be", "or", "not", "to", "be", "or", "not", "to"]], 4),
        ),
        Case(why="texts of three lengths", args=lambda: ([[1, 2], [1, 2, 3], [2, 3, 1, 2]], 2)),
        Case(why="pieces of words", args=lambda: ([["a", "bc", "x", "ab", "c"]], 2)),
        Case(why="words with blanks", args=lambda: ([["d e", "f", "d", "e f"]], 2)),
        Case(why="a number and its name", args=lambda: ([[1, "1", 2, "2"]], 1)),
        Case(why="no n-gram", args=lambda: ([[1], [2]], 2), raises=ValueError),
        Case(why="no text", args=lambda: ([], 1), raises=ValueError),
        Case(why="n = 0", args=lambda: ([[1, 2]], 0), raises=ValueError),
        Case(why="n = -1", args=lambda: ([[1, 2]], -1), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="divided-by-tokens",
            twin=_distinct(_over_tokens),
            hint="You divide by the number of tokens. A text of 5 tokens has 4 pairs, so it would "
            "never reach 1. Over how many n-grams do you look?",
        ),
        Mistake(
            name="mean-of-the-texts",
            twin=_distinct(_mean_of_texts),
            hint="You take the share of each text and average. Then two equal texts look as "
            "diverse as one. Put the n-grams of all texts together first.",
        ),
        Mistake(
            name="each-text-for-itself",
            twin=_distinct(_each_text_for_itself),
            hint="You count the different n-grams of each text for itself. One that stands in two "
            "texts is still one.",
        ),
        Mistake(
            name="across-texts",
            twin=_distinct(_across_texts),
            hint="You have joined the texts: an n-gram begins in one and ends in the next. Nobody "
            "has written those.",
        ),
        Mistake(
            name="no-overlap",
            twin=_distinct(_side_by_side),
            hint="You cut the text into pieces. N-grams overlap: one begins at every token that "
            "has n - 1 more behind it.",
        ),
        Mistake(
            name="last-one-missing",
            twin=_distinct(_last_one_missing),
            hint="The last n-gram of each text is missing. At which place does it begin?",
        ),
        Mistake(
            name="rests-counted",
            twin=_distinct(_rests_counted),
            hint="You count the rests at the end, which have fewer than n tokens.",
        ),
        Mistake(
            name="order-lost",
            twin=_distinct(_without_order),
            hint="For you, “dog bites” and “bites dog” are the same. A set forgets the order.",
        ),
        Mistake(
            name="share-that-repeats",
            twin=_distinct(lambda texts, n: 1 - _share(_pooled(texts, n))),
            hint="That is the share that is *not* distinct. In a text that repeats nothing the "
            "answer is 1.",
        ),
        Mistake(
            name="only-those-never-repeated",
            twin=_distinct(_never_repeated),
            hint="You leave out an n-gram that comes twice. It is one of the different ones, too; "
            "only its repetition is not.",
        ),
        Mistake(
            name="written-together",
            twin=_distinct(_written("")),
            hint="You join the tokens of an n-gram into one string. Then “a bc” and “ab c” are the "
            "same. Keep them apart, in a tuple.",
        ),
        Mistake(
            name="joined-by-blanks",
            twin=_distinct(_written(" ")),
            hint="You join the tokens by blanks. Tokens may hold blanks themselves, or be numbers: "
            "keep them apart, in a tuple.",
        ),
        Mistake(
            name="only-neighbours-compared",
            twin=_distinct(_in_a_row),
            hint="You compare each n-gram with the one before it only. It may have come long ago.",
        ),
        Mistake(
            name="number-not-share",
            twin=_distinct(lambda texts, n: len(set(_pooled(texts, n)))),
            hint="That is how many different ones there are. Of how many?",
        ),
        Mistake(
            name="upside-down",
            twin=_distinct(lambda texts, n: 1 / _share(_pooled(texts, n))),
            hint="Your fraction stands on its head: a share is at most 1.",
        ),
        Mistake(
            name="short-texts-subtracted",
            twin=_distinct(_short_texts_subtracted),
            hint="A text with fewer tokens than n has no n-gram. Your count makes that less than "
            "none.",
        ),
        Mistake(
            name="n-ignored",
            twin=_distinct(_single_tokens),
            hint="You look at single tokens whatever n is.",
        ),
        Mistake(
            name="accepts-nothing",
            seen=right_but_for_the_error,
            hint="The shares are right. Raise a ValueError if n is below 1, or if there is no "
            "n-gram to count.",
        ),
    ),
    nudge="A list of all n-grams, and a set of them. What do their lengths say?",
    shapes="In: a list of texts, each a list of words or ids, and n. Out: one number, above 0 and "
    "at most 1.",
    pseudocode="if n is below 1: raise a ValueError\n"
    "all ← for each text, for each place with n tokens from there on: those tokens, as a tuple\n"
    "if all is empty: raise a ValueError\n"
    "return how many different ones, over how many",
)


EXERCISES: tuple[Exercise, ...] = (
    DISTINCT_N,
    SAMPLE_IDS,
    KEEP_TOP_P,
    PENALISE_REPETITION,
    KV_CACHE,
    JUDGE_DRAFT,
)
