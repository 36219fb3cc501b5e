"""The exercises of lesson 05a on near-duplicates: shingles and their similarity."""

from collections.abc import Callable

from course_lib.data.units import text_units
from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation

Shingles = frozenset[tuple[str, ...]]
EMPTY = "two texts without words"


def _runs(units: list[str], size: int, *, step: int = 1, lost: int = 0) -> Shingles:
    """Cut units into runs; a shorter text is one run, as in the library."""
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    starts = range(0, len(units) - size + 1 - lost, step)
    return frozenset(tuple(units[start : start + size]) for start in starts)


def _units(text: str) -> list[str]:
    return text_units(text.lower())


def _all_runs(text: str, size: int) -> Shingles:
    units = _units(text)
    return frozenset(tuple(units[i : i + size]) for i in range(len(units) - size + 1))


def _one_run_more(text: str, size: int) -> Shingles:
    units = _units(text)
    return frozenset(tuple(units[i : i + size]) for i in range(len(units)))


def _sorted_runs(text: str, size: int) -> Shingles:
    return frozenset(tuple(sorted(run)) for run in _runs(_units(text), size))


def _of_characters(text: str, size: int) -> Shingles:
    return _runs(list(text.lower()), size)


def _empty_counts(text: str, size: int) -> Shingles:
    units = _units(text)
    return _runs(units, size) if units else frozenset([()])


def _as(kind: Callable[[Shingles], object]) -> Callable[[tuple[Observation, ...]], bool]:
    """Make a recogniser of answers that hold the right shingles in another kind of object."""

    def seen(observations: tuple[Observation, ...]) -> bool:
        return all(
            type(one.value) is not frozenset and kind(one.value) == kind(one.expected)
            for one in observations
        )

    return seen


def _strings(observations: tuple[Observation, ...]) -> bool:
    return all(
        frozenset(one.value) in [frozenset(glue.join(run) for run in one.expected) for glue in " _"]
        for one in observations
    )


SHINGLES_OF = Exercise(
    key="05a:shingles_of",
    target="course_lib.data.deduplication:shingles_of",
    level="core",
    cases=(
        Case(why="“the cat sat down”, two words each", args=lambda: ("the cat sat down", 2)),
        Case(
            why="a text with capitals and punctuation",
            args=lambda: ("The cat sat. The CAT sat, too!", 2),
        ),
        Case(
            why="a text whose words come in another order",
            args=lambda: ("sat the cat on the mat, the cat?", 3),
        ),
        Case(why="a text just long enough", args=lambda: ("one two three", 3)),
        Case(why="a text that is too short for a run", args=lambda: ("one Two", 5)),
        Case(why="Chinese characters", args=lambda: ("猫坐在垫子上。", 3)),
        Case(why="one word each", args=lambda: ("b a b", 1)),
        Case(why="a text without words", args=lambda: ("… !", 2)),
    ),
    mistakes=(
        Mistake(
            name="case-kept",
            twin=lambda text, size: _runs(text_units(text), size),
            hint="“The” and “the” are different shingles to you. A heading in capitals would hide "
            "a copy.",
        ),
        Mistake(
            name="cut-at-blanks",
            twin=lambda text, size: _runs(text.lower().split(), size),
            hint="You cut at blanks, so “sat.” and “sat,” are different words, and a Chinese "
            "sentence is a single one. What does `text_units` give?",
        ),
        Mistake(
            name="characters-instead-of-words",
            twin=_of_characters,
            hint="Your runs are made of letters. The units are words (or Chinese characters): "
            "`text_units` cuts a text into them.",
        ),
        Mistake(
            name="last-run-lost",
            twin=lambda text, size: _runs(_units(text), size, lost=1),
            hint="The last run is missing. Of 4 words, runs of 2 can begin at the first, second "
            "and third.",
        ),
        Mistake(
            name="runs-too-short-at-the-end",
            twin=_one_run_more,
            hint="Your last runs are shorter than `size`: slices stop at the end of a list "
            "without a word. Where must the last run begin?",
        ),
        Mistake(
            name="runs-side-by-side",
            twin=lambda text, size: _runs(_units(text), size, step=size),
            hint="Your runs stand side by side. They must overlap: one begins at every word. "
            "Otherwise one new word at the front would change them all.",
        ),
        Mistake(
            name="order-lost",
            twin=_sorted_runs,
            hint="Within a run the words must keep their order: “cat sat” is not “sat cat”.",
        ),
        Mistake(
            name="short-text-dropped",
            twin=_all_runs,
            hint="A text with fewer words than `size` gives you no shingle, so it equals every "
            "other such text. It should be one shingle as it is.",
        ),
        Mistake(
            name="empty-shingle",
            twin=_empty_counts,
            hint="A text without words gets one empty shingle from you; it has none.",
        ),
        Mistake(
            name="strings-instead-of-tuples",
            seen=_strings,
            hint="Your shingles are strings. Make each a tuple of words, so that no word can run "
            "into the next.",
        ),
        Mistake(
            name="repetitions-kept",
            seen=_as(frozenset),
            hint="The shingles are right, but in another kind of object. Return a `frozenset`: "
            "each shingle counts once, and nobody can change it.",
        ),
    ),
    nudge="A window of `size` words slides over the text, one word at a time. What does it see?",
    shapes="In: a text and a number of words. Out: a frozenset of tuples, each of `size` words "
    "(or fewer, if the whole text is shorter).",
    pseudocode="units ← the words of the text in lower case\n"
    "if there are some, but fewer than size: return one shingle with all of them\n"
    "for every place where `size` words are left: keep them as a tuple\n"
    "return the different tuples",
)


def _words(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset((word,) for word in text.split())


def _smaller(first: Shingles, second: Shingles) -> float:
    if not first or not second:
        return float(first == second)
    return len(first & second) / min(len(first), len(second))


def _plain(first: Shingles, second: Shingles) -> float:
    return len(first & second) / len(first | second)


def _empty_is_zero(first: Shingles, second: Shingles) -> float:
    return _plain(first, second) if first | second else 0.0


def _total(first: Shingles, second: Shingles) -> int:
    return len(first) + len(second)


JACCARD = Exercise(
    key="05a:jaccard",
    target="course_lib.data.deduplication:jaccard",
    level="easy",
    cases=(
        Case(why="“a b c d” and “b c d e”", args=lambda: (_words("a b c d"), _words("b c d e"))),
        Case(why="equal sets", args=lambda: (_words("a b c"), _words("c b a"))),
        Case(why="sets with nothing in common", args=lambda: (_words("a b"), _words("c d e"))),
        Case(
            why="a text that is quoted in a longer one",
            args=lambda: (_words("a b"), _words("a b c d e f g")),
        ),
        Case(
            why="a long text and one that it quotes",
            args=lambda: (_words("a b c d e f g h"), _words("c d z")),
        ),
        Case(why="an empty set and another", args=lambda: (_words(""), _words("a b"))),
        Case(why=EMPTY, args=lambda: (_words(""), _words(""))),
    ),
    mistakes=(
        Mistake(
            name="sizes-added",
            twin=lambda a, b: len(a & b) / _total(a, b) if a or b else 1.0,
            hint="You divide by the sum of the two sizes, so what both share is counted twice, "
            "and equal sets get one half. How many *different* shingles are there in all?",
        ),
        Mistake(
            name="dice",
            twin=lambda a, b: 2 * len(a & b) / _total(a, b) if a or b else 1.0,
            hint="That is Dice's coefficient, a relative. Jaccard's divides the shingles in both "
            "by those in either.",
        ),
        Mistake(
            name="divided-by-the-smaller",
            twin=_smaller,
            hint="You divide by the smaller set. Then a short quotation is “equal” to the long "
            "text that holds it.",
        ),
        Mistake(
            name="divided-by-the-first",
            twin=lambda a, b: len(a & b) / len(a) if a else float(not b),
            hint="You divide by the size of the first set, so the result depends on which comes "
            "first. A similarity must not.",
        ),
        Mistake(
            name="distance",
            twin=lambda a, b: 1 - _empty_is_zero(a, b) if a or b else 0.0,
            hint="Equal sets get 0 from you: that is the Jaccard *distance*, 1 minus the "
            "similarity.",
        ),
        Mistake(
            name="only-counted",
            twin=lambda a, b: len(a & b),
            hint="You count what is in both. Long texts share much by chance: divide by the "
            "number of shingles in either.",
        ),
        Mistake(
            name="wrong-operator",
            twin=lambda a, b: len(a ^ b) / len(a | b) if a or b else 1.0,
            hint="`^` gives what is in *exactly one* of two sets. Which operator gives what is "
            "in both?",
        ),
        Mistake(
            name="two-empty-sets-fail",
            twin=_plain,
            hint="Two empty sets give 0/0. They are equal, so say 1.",
        ),
        Mistake(
            name="two-empty-sets-differ",
            twin=_empty_is_zero,
            hint="Two empty sets are equal, so their similarity is 1, not 0.",
        ),
    ),
    nudge="How many shingles do both have, and how many are there in all, each counted once?",
    shapes="In: two frozensets. Out: one number from 0 to 1.",
    pseudocode="both ← number of shingles that are in the first and in the second set\n"
    "either ← number of shingles that are in one of them or in both\n"
    "return both / either; or 1 if there is none at all",
)
