"""The exercise of lesson 07b's bug clinic on splits."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation
from course_lib.lesson.recognising import Recogniser, right_but_for_the_error

Split = tuple[list[int], list[int]]
Splitter = Callable[[Sequence[str], float, int], Split]

EXACT = "each text three times"
CAPITALS = "other capitals"
PUNCTUATION = "other punctuation"
SPACES = "other spaces"
TYPOGRAPHY = "quotation marks of printers"
CHINESE = "Chinese"
MANY = 40
"""In so many texts the first ones are no chance result."""

LEAK = "some text on both sides"
RUSSIAN = [first + second + "о" for first in "бвгдзклм" for second in "аеиоу"]
"""Forty words without a letter or a digit that English has."""


def split_and_look(split: Splitter, texts: Sequence[str], test_share: float, seed: int) -> Any:
    """Let an answer split texts, and see what holds, whatever it drew.

    Args:
        split: The library's `split_texts` or an answer.
        texts: As for the answer.
        test_share: As for the answer.
        seed: As for the answer.
    """
    train, test = split(texts, test_share, seed)
    same = [re.sub(r"[\W_]+", "", text.lower()) for text in texts]
    largest = max(same.count(text) for text in set(same))
    others = [split(texts, test_share, seed + more) for more in range(1, 6)]
    too_many = [len(one) - test_share * len(texts) for _, one in ((train, test), *others)]
    return {
        LEAK: not {same[i] for i in train}.isdisjoint(same[i] for i in test),
        "each row once": sorted([*train, *test]) == list(range(len(texts))),
        "two lists": isinstance(train, list) and isinstance(test, list),
        "as many as asked for": 0 <= min(too_many) <= max(too_many) < largest,
        "the same again": split(texts, test_share, seed) == (train, test),
        "the first rows are the test": len(texts) >= MANY and sorted(test) == [*range(len(test))],
        "another seed, another split": any(set(other[1]) != set(test) for other in others),
    }


def _leaks(*whys: str) -> Recogniser:
    """Make a recogniser of answers that put a text on both sides in each of these cases."""

    def seen(observations: Sequence[Observation]) -> bool:
        leaking = {
            one.case.why
            for one in observations
            if one.error is None and one.case.raises is None and one.value[LEAK]
        }
        return leaking.issuperset(whys)

    return seen


def _fails(promise: str) -> Recogniser:
    """Make a recogniser of answers that do not keep what the report calls so."""
    return lambda observations: any(
        one.error is None and not one.value[promise] for one in observations
    )


def _gives_texts(observations: Sequence[Observation]) -> bool:
    return any("list indices must be integers" in str(one.error) for one in observations)


def _splitting(split: Splitter) -> Splitter:
    def twin(texts: Sequence[str], test_share: float, seed: int) -> Split:
        if not 0 < test_share < 1:
            raise ValueError("test_share must be between 0 and 1")
        return split(texts, test_share, seed)

    return twin


def _groups_by(texts: Sequence[str], key: Callable[[str], str]) -> list[list[int]]:
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        groups[key(text)].append(row)
    return list(groups.values())


def _deal(groups: Sequence[Sequence[int]], n_test: float) -> Split:
    train: list[int] = []
    test: list[int] = []
    for rows in groups:
        (test if len(test) < n_test else train).extend(rows)
    return train, test


def _by(key: Callable[[str], str], shuffle: Callable[[list[Any], int], None]) -> Splitter:
    def split(texts: Sequence[str], test_share: float, seed: int) -> Split:
        groups = _groups_by(texts, key)
        shuffle(groups, seed)
        return _deal(groups, test_share * len(texts))

    return split


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def _seeded(groups: list[Any], seed: int) -> None:
    random.Random(seed).shuffle(groups)


def _swapped(texts: Sequence[str], test_share: float, seed: int) -> Split:
    train, test = _by(_letters, _seeded)(texts, test_share, seed)
    return test, train


def _often(*forms: str) -> list[str]:
    """Make forty texts, each in all these forms."""
    return [form.format(number) for number in range(40) for form in forms]


SPLIT_TEXTS = Exercise(
    key="07b:split_texts",
    target="course_lib.lesson.clinic:split_texts",
    level="core",
    repair=True,
    trial=split_and_look,
    cases=(
        Case(
            why=EXACT,
            args=lambda: (_often("text {}", "text {}", "text {}"), 0.2, 0),
        ),
        Case(why=CAPITALS, args=lambda: (_often("text {}", "Text {}", "TEXT {}"), 0.25, 1)),
        Case(
            why=PUNCTUATION,
            args=lambda: (_often("text {}", "text {}!", "'text', {}..."), 0.3, 2),
        ),
        Case(why=SPACES, args=lambda: (_often("text {}", " text  {} ", "te xt {}\n"), 0.2, 3)),
        Case(why="texts that come once", args=lambda: (_often("review number {}"), 0.1, 4)),
        Case(why=TYPOGRAPHY, args=lambda: (_often("text {}", "“text” {}…", "‘text’ {}—"), 0.2, 6)),
        Case(why=CHINESE, args=lambda: (_often("第{}条，很好！", "第{}条很好"), 0.25, 5)),
        Case(why="underscores", args=lambda: (_often("well_done {}", "well done {}"), 0.25, 7)),
        Case(
            why="the same text far below",
            args=lambda: (_often("text {}") + _often("Text {}!"), 0.25, 8),
        ),
        Case(why="Russian", args=lambda: (RUSSIAN, 0.25, 9)),
        Case(why="one text very often", args=lambda: (["a"] * 8 + ["b", "c"], 0.5, 10)),
        Case(why="three short texts", args=lambda: (["one", "two", "three"], 0.3, 11)),
        Case(why="a share in percent", args=lambda: (_often("text {}"), 20, 0), raises=ValueError),
        Case(why="a share of 0", args=lambda: (_often("text {}"), 0.0, 0), raises=ValueError),
        Case(why="a share of 1", args=lambda: (_often("text {}"), 1.0, 0), raises=ValueError),
    ),
    mistakes=(
        Mistake(
            name="texts-instead-of-rows",
            seen=_gives_texts,
            hint="You return texts. Their rows are wanted, numbers from 0: with them, the labels "
            "can be split the same way.",
        ),
        Mistake(
            name="rows-shuffled",
            seen=_leaks(EXACT),
            hint="You shuffle rows. A text that comes twice then stands on both sides, and the "
            "test asks for what was learnt by heart.",
        ),
        Mistake(
            name="exact-copies-only",
            seen=_leaks(CAPITALS, PUNCTUATION, SPACES, CHINESE),
            hint="Exact copies stay together, but “So good!” and “so good” do not.",
        ),
        Mistake(
            name="capitals-count",
            seen=_leaks(CAPITALS),
            hint="“So good” and “so good” are two texts to you. Capitals must not count.",
        ),
        Mistake(
            name="punctuation-counts",
            seen=_leaks(PUNCTUATION),
            hint="Capitals are taken care of. A text with another punctuation mark still counts as "
            "another one.",
        ),
        Mistake(
            name="only-some-punctuation",
            seen=lambda observations: (
                _leaks(CHINESE)(observations) or _leaks(TYPOGRAPHY)(observations)
            ),
            hint="You take out the marks of a keyboard. There are others: “ ” … — ，！ and "
            "many more. Say what stays instead of what goes.",
        ),
        Mistake(
            name="spaces-count",
            seen=_leaks(SPACES),
            hint="“so good”, “ so  good” and “sogood” differ in spaces only: the same text.",
        ),
        Mistake(
            name="not-each-row-once",
            seen=_fails("each row once"),
            hint="Nothing is on both sides, but rows are missing or come twice. Are repeats thrown "
            "away? Each row must be on one side.",
        ),
        Mistake(
            name="not-shuffled",
            twin=_splitting(_by(_letters, lambda groups, seed: None)),
            hint="You take the first ones for the test, whatever the seed. Files are often sorted, "
            "by label or by date.",
        ),
        Mistake(
            name="no-seed",
            seen=_fails("the same again"),
            hint="The same seed gives another split the next time. Then nobody can repeat your "
            "result, and each run is tested on texts that the last one was trained on.",
        ),
        Mistake(
            name="seed-ignored",
            twin=_splitting(_by(_letters, lambda groups, seed: random.Random(7).shuffle(groups))),
            hint="Whatever the seed is, your split is the same.",
        ),
        Mistake(
            name="sides-swapped",
            twin=_splitting(_swapped),
            hint="You give the test first, or the shares are the wrong way round: the test got "
            "nearly everything.",
        ),
        Mistake(
            name="accepts-any-share",
            seen=right_but_for_the_error,
            hint="The split is right. Refuse a share that is not between 0 and 1: a ValueError.",
        ),
    ),
    nudge="What is the smallest thing that may be moved to one side as a whole?",
    shapes="In: N strings, a number between 0 and 1, a whole number. Out: two lists of row "
    "numbers, N in all.",
    pseudocode="if the share is out of range: raise a ValueError\n"
    "groups ← rows whose texts have the same letters and digits, case left out\n"
    "shuffle the groups with the seed\n"
    "whole groups to the test until it has its share, the others to training",
)
