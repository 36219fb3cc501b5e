"""The exercises of lesson 02 about byte-pair encoding: count, merge, learn, apply."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from course_lib.lesson.exercise import Case, Exercise, Mistake, Observation

Word = tuple[str, ...]
Pair = tuple[str, str]

# The four words that the lesson merges by hand.
SPLIT_WORDS: dict[Word, int] = {
    tuple("sing"): 2,
    tuple("king"): 3,
    tuple("kings"): 4,
    tuple("sinking"): 5,
}
BANANAS: dict[Word, int] = {("b", "a", "n", "a", "n", "a"): 3, ("a", "n", "t"): 2}


def _counted(pairs_of: Callable[[Word], Sequence[object]]) -> Callable[..., Counter[object]]:
    """Make a twin of `count_pairs` from the pairs it sees in one word."""

    def twin(words: Mapping[Word, int]) -> Counter[object]:
        found: Counter[object] = Counter()
        for word, count in words.items():
            for pair in pairs_of(word):
                found[pair] += count
        return found

    return twin


def _neighbours(word: Word) -> list[Pair]:
    return list(pairwise(word))


def _each_word_once(words: Mapping[Word, int]) -> Counter[object]:
    return _counted(_neighbours)(dict.fromkeys(words, 1))


def _plain_dictionary(seen: tuple[Observation, ...]) -> bool:
    return all(
        isinstance(o.value, dict) and not isinstance(o.value, Counter) and o.value == o.expected
        for o in seen
    )


COUNT_PAIRS = Exercise(
    key="02:count_pairs",
    target="course_lib.tokenizers.bpe:count_pairs",
    level="easy",
    cases=(
        Case(why="“sea”, seen 5 times", args=lambda: ({("s", "e", "a"): 5},)),
        Case(why="the four words of the lesson", args=lambda: (SPLIT_WORDS,)),
        Case(why="a word with a pair in it twice", args=lambda: (BANANAS,)),
        Case(why="three equal symbols in a row", args=lambda: ({("a", "a", "a"): 7},)),
        Case(
            why="symbols that have been merged, and a word that is a single symbol",
            args=lambda: ({("s", "ea", "l"): 4, ("sea",): 5, ("ea", "s", "e"): 2},),
        ),
    ),
    mistakes=(
        Mistake(
            name="each-word-counted-once",
            twin=_each_word_once,
            hint="You count every word once. “sea” occurs 5 times, so each pair in it was seen 5 "
            "times. Where does the number that comes with a word go?",
        ),
        Mistake(
            name="each-pair-once-a-word",
            twin=_counted(lambda word: sorted(set(_neighbours(word)))),
            hint="“banana” contains the pair (a, n) twice, and you count it once. A set forgets "
            "repetitions.",
        ),
        Mistake(
            name="every-second-pair",
            twin=_counted(lambda word: list(zip(word[::2], word[1::2], strict=False))),
            hint="You step by two, so of “s e a” you see only (s, e). Neighbouring pairs overlap: "
            "the second begins at the second symbol.",
        ),
        Mistake(
            name="wrapped-around",
            twin=_counted(lambda word: list(zip(word, (*word[1:], word[0]), strict=True))),
            hint="You also pair the last symbol of a word with its first one. word[i + 1] must "
            "exist: where must i stop?",
        ),
        Mistake(
            name="last-pair-missing",
            twin=_counted(lambda word: _neighbours(word)[:-1]),
            hint="The last pair of each word is missing. A word of n symbols has n - 1 pairs, and "
            "range(n) already stops at n - 1.",
        ),
        Mistake(
            name="single-symbols",
            twin=_counted(list),
            hint="You count single symbols. We want pairs of neighbours.",
        ),
        Mistake(
            name="text-instead-of-pair",
            twin=_counted(lambda word: [a + b for a, b in _neighbours(word)]),
            hint="You glue the two symbols together, so that (s, ea) and (se, a) become one key. "
            "Use the tuple of both as the key.",
        ),
        Mistake(
            name="order-within-the-pair-lost",
            twin=_counted(lambda word: [tuple(sorted(pair)) for pair in _neighbours(word)]),
            hint="For you (a, n) and (n, a) are the same pair. In a text they are not.",
        ),
        Mistake(
            name="plain-dictionary",
            seen=_plain_dictionary,
            hint="The numbers are right, but they come in a plain dict. A `Counter` also has "
            "`most_common`, which the next exercises use: Counter(your_dict) makes one.",
        ),
    ),
    nudge="Two loops: over the words, and over the neighbours within a word. A word that was seen "
    "5 times shows each of its pairs 5 times.",
    shapes="In: a dictionary from words (tuples of symbols) to counts. Out: a Counter from pairs "
    "(tuples of two symbols) to counts.",
    pseudocode="found ← empty Counter\n"
    "for each word with its count:\n"
    "    for each two neighbours a, b in the word: found[a, b] += count\n"
    "return found",
)


def _merge(word: Sequence[str], pair: Pair) -> Word:
    merged: list[str] = []
    i = 0
    while i < len(word):
        step = 2 if tuple(word[i : i + 2]) == pair else 1
        merged.append("".join(word[i : i + step]))
        i += step
    return tuple(merged)


def _merge_first(word: Sequence[str], pair: Pair) -> Word:
    for i, found in enumerate(pairwise(word)):
        if found == pair:
            return (*word[:i], "".join(pair), *word[i + 2 :])
    return tuple(word)


def _merge_from_the_right(word: Sequence[str], pair: Pair) -> Word:
    return tuple(s[::-1] for s in _merge(tuple(s[::-1] for s in word[::-1]), _turned(pair)))[::-1]


def _lists_unmerged(word: Sequence[str], pair: Pair) -> Word:
    return _merge(word, pair) if isinstance(word, tuple) else tuple(word)


def _turned(pair: Pair) -> Pair:
    return pair[1][::-1], pair[0][::-1]


def _right_symbol_kept(word: Sequence[str], pair: Pair) -> Word:
    ends = (*word[1:], "")
    return tuple(a + b if (a, b) == pair else a for a, b in zip(word, ends, strict=True))


def _replaced_in_text(word: Sequence[str], pair: Pair) -> Word:
    return tuple(" ".join(word).replace(" ".join(pair), "".join(pair)).split(" "))


def _last_symbol_lost(word: Sequence[str], pair: Pair) -> Word:
    merged, i = [], 0
    while i < len(word) - 1:
        step = 2 if tuple(word[i : i + 2]) == pair else 1
        merged.append("".join(word[i : i + step]))
        i += step
    return tuple(merged)


def _either_order(word: Sequence[str], pair: Pair) -> Word:
    merged, i = [], 0
    while i < len(word):
        step = 2 if sorted(word[i : i + 2]) == sorted(pair) else 1
        merged.append("".join(word[i : i + step]))
        i += step
    return tuple(merged)


def _joined_everywhere(word: Sequence[str], pair: Pair) -> Word:
    text, merged, i = "".join(word), [], 0
    glued = "".join(pair)
    while i < len(text):
        size = len(glued) if text.startswith(glued, i) else 1
        merged.append(text[i : i + size])
        i += size
    return tuple(merged)


MERGE_PAIR = Exercise(
    key="02:merge_pair",
    target="course_lib.tokenizers.bpe:merge_pair",
    level="core",
    cases=(
        Case(why="“s e a l”, pair (e, a)", args=lambda: (("s", "e", "a", "l"), ("e", "a"))),
        Case(why="a pair that is not there", args=lambda: (("m", "e", "a", "l"), ("s", "e"))),
        Case(why="“banana”, pair (a, n)", args=lambda: (tuple("banana"), ("a", "n"))),
        Case(why="three equal symbols in a row", args=lambda: (("a", "a", "a"), ("a", "a"))),
        Case(why="the pair at the end", args=lambda: (("b", "s", "e", "a"), ("e", "a"))),
        Case(
            why="“ba bc”, whose letters contain “ab”",
            args=lambda: (("ba", "bc", "a", "b"), ("a", "b")),
        ),
        Case(why="symbols merged before", args=lambda: (("s", "ea", "l"), ("s", "ea"))),
        Case(why="“n a n”, pair (a, n)", args=lambda: (tuple("nan"), ("a", "n"))),
        Case(
            why="“s ing”, which reads like (si, ng)",
            args=lambda: (("s", "ing", "s"), ("si", "ng")),
        ),
        Case(why="a word of one symbol", args=lambda: (("sea",), ("e", "a"))),
        Case(why="“m e a l” as a list", args=lambda: (["m", "e", "a", "l"], ("e", "a"))),
    ),
    mistakes=(
        Mistake(
            name="only-the-first-one",
            twin=_merge_first,
            hint="You merge the first place where the pair stands and leave the others. “banana” "
            "has (a, n) twice.",
        ),
        Mistake(
            name="right-symbol-kept",
            twin=_right_symbol_kept,
            hint="You write the merged symbol and then the right one of the two again. After a "
            "merge, how far must the position move?",
        ),
        Mistake(
            name="replaced-in-the-text",
            twin=_replaced_in_text,
            hint="You write the symbols with blanks between them and replace in that text. Then "
            "“ba bc” contains “a b” too, across two longer symbols. Compare whole symbols.",
        ),
        Mistake(
            name="letters-instead-of-symbols",
            twin=_joined_everywhere,
            hint="You glue all letters together first, so earlier merges are forgotten. The "
            "symbols of the word stay as they are; only the pair becomes one.",
        ),
        Mistake(
            name="from-the-right",
            twin=_merge_from_the_right,
            hint="You go from right to left: “a a a” becomes “a aa”. We read from the left, so it "
            "must be “aa a”.",
        ),
        Mistake(
            name="last-symbol-lost",
            twin=_last_symbol_lost,
            hint="The last symbol of the word is lost. The last position has no right neighbour, "
            "but its symbol must be kept.",
        ),
        Mistake(
            name="lists-left-as-they-are",
            twin=_lists_unmerged,
            hint="Tuples come out right, but in a list you find no pair: in Python a list never "
            "equals a tuple, so word[i : i + 2] == pair is False. Compare symbol by symbol.",
        ),
        Mistake(
            name="either-order",
            twin=_either_order,
            hint="You merge (n, a) where (a, n) was asked for. The order within the pair matters.",
        ),
    ),
    nudge="Walk through the word from the left with a position of your own. At each place there "
    "are two possibilities; one of them moves on by two.",
    shapes="In: a word (tuple or list of symbols) and a pair (tuple of two). Out: a tuple of "
    "symbols; joined together they give the same text as before.",
    pseudocode="merged ← empty list, i ← 0\n"
    "while i is inside the word:\n"
    "    if symbols i and i + 1 are the pair: append both glued together, i ← i + 2\n"
    "    else: append symbol i, i ← i + 1\n"
    "return merged as a tuple",
)
