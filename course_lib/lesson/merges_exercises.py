"""The exercises of lesson 02 that learn merges from words and apply them to a new one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from course_lib.lesson.bpe_exercises import SPLIT_WORDS, Pair, Word
from course_lib.lesson.exercise import Case, Exercise, Mistake
from course_lib.tokenizers.bpe import apply_merges, count_pairs, learn_merges, merge_pair

# Three pairs of equal count, in no order; and words that run out of pairs.
TIED_WORDS: dict[Word, int] = {("n", "o"): 4, ("t", "o"): 4, ("a", "t"): 4, ("o", "n"): 3}
SHORT_WORDS: dict[Word, int] = {("o", "f"): 3, ("o", "n"): 2}
HIDDEN_WORDS: dict[Word, int] = {("a", "b", "c"): 6, ("b", "c", "d"): 5, ("c", "d"): 2}
# Joined, two different words read alike: one was split further than the other.
SAME_TEXT: dict[Word, int] = {("a", "b", "a", "b"): 3, ("ab", "a", "b"): 2, ("b", "b"): 4}

# "aba" comes before "abb", but the pair (a, bb) before (ab, a).
TIED_SYMBOLS: dict[Word, int] = {("ab", "a"): 2, ("a", "bb"): 2}

Pairs = Counter[Pair]


def _learned(choose: Callable[[Pairs, Mapping[Word, int]], Pair]) -> Callable[..., list[Pair]]:
    """Make a twin of `learn_merges` that chooses the next pair in its own way."""

    def twin(word_counts: Mapping[Word, int], n_merges: int) -> list[Pair]:
        words, merges = Counter(dict(word_counts)), []
        while len(merges) < n_merges and (pairs := count_pairs(words)):
            best = choose(pairs, words)
            merges.append(best)
            words = _merge_everywhere(words, best)
        return merges

    return twin


def _merge_everywhere(words: Mapping[Word, int], pair: Pair) -> Counter[Word]:
    merged: Counter[Word] = Counter()
    for word, count in words.items():
        merged[merge_pair(word, pair)] += count
    return merged


def _most_frequent(pairs: Pairs) -> Pair:
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def _first_seen(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    return max(pairs, key=lambda pair: pairs[pair])


def _last_in_the_alphabet(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    return max(pairs, key=lambda pair: (pairs[pair], pair))


def _first_joined_text(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    return min(pairs, key=lambda pair: (-pairs[pair], "".join(pair), pair))


def _rarest(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    return min(pairs, key=lambda pair: (pairs[pair], pair))


def _words_counted_once(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    return _most_frequent(count_pairs(dict.fromkeys(words, 1)))


def _best_ratio(pairs: Pairs, words: Mapping[Word, int]) -> Pair:
    singles = Counter[str]()
    for word, count in words.items():
        for symbol in word:
            singles[symbol] += count
    return min(pairs, key=lambda p: (-pairs[p] / (singles[p[0]] * singles[p[1]]), p))


def _counted_only_once(word_counts: Mapping[Word, int], n_merges: int) -> list[Pair]:
    pairs = count_pairs(word_counts)
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:n_merges]


def _nothing_seen_once(word_counts: Mapping[Word, int], n_merges: int) -> list[Pair]:
    words, merges = word_counts, []
    while len(merges) < n_merges and max(count_pairs(words).values(), default=0) > 1:
        merges.append(_most_frequent(count_pairs(words)))
        words = _merge_everywhere(words, merges[-1])
    return merges


def _words_overwritten(word_counts: Mapping[Word, int], n_merges: int) -> list[Pair]:
    words, merges = dict(word_counts), []
    while len(merges) < n_merges and (pairs := count_pairs(words)):
        merges.append(_most_frequent(pairs))
        words = {merge_pair(word, merges[-1]): count for word, count in words.items()}
    return merges


LEARN_MERGES = Exercise(
    key="02:learn_merges",
    target="course_lib.tokenizers.bpe:learn_merges",
    level="stretch",
    cases=(
        Case(why="the four words, 3 merges", args=lambda: (dict(SPLIT_WORDS), 3)),
        Case(why="the four words, 6 merges", args=lambda: (dict(SPLIT_WORDS), 6)),
        Case(
            why="a pair that is only frequent until another is merged",
            args=lambda: (dict(HIDDEN_WORDS), 2),
        ),
        Case(why="three pairs that are equally frequent", args=lambda: (dict(TIED_WORDS), 2)),
        Case(why="more merges than there are pairs", args=lambda: (dict(SHORT_WORDS), 9)),
        Case(why="no merge at all", args=lambda: (dict(SHORT_WORDS), 0)),
        Case(
            why="two words that become the same word by a merge",
            args=lambda: (dict(SAME_TEXT), 2),
        ),
        Case(
            why="(ab, a) and (a, bb), equally frequent",
            args=lambda: (dict(TIED_SYMBOLS), 1),
        ),
        Case(why="pairs that were seen only once", args=lambda: ({("o", "n", "e"): 1}, 2)),
    ),
    mistakes=(
        Mistake(
            name="counted-only-once",
            twin=_counted_only_once,
            hint="You count the pairs once and take the most frequent ones. But a merge changes "
            "the counts: after “in” has become one symbol, (n, g) is gone and (in, g) is there. "
            "Count again after each merge.",
        ),
        Mistake(
            name="first-seen-wins-ties",
            twin=_learned(_first_seen),
            hint="Where two pairs are equally frequent you take the one that was seen first (so "
            "does `most_common`). The docstring asks for alphabetical order: then the result "
            "does not depend on the order of the words.",
        ),
        Mistake(
            name="last-wins-ties",
            twin=_learned(_last_in_the_alphabet),
            hint="Where two pairs are equally frequent you take the one that comes *last* in the "
            "alphabet: max((count, pair)) does that. Which sign would the count need in min?",
        ),
        Mistake(
            name="ties-by-joined-text",
            twin=_learned(_first_joined_text),
            hint="Where two pairs are equally frequent you compare the new symbols. Compare the "
            "pairs themselves, as Python compares tuples: (a, bb) comes before (ab, a).",
        ),
        Mistake(
            name="pairs-seen-once-left-out",
            twin=_nothing_seen_once,
            hint="You stop when no pair occurs twice. Some programs do; here merging goes on "
            "until there are n_merges or no pair is left.",
        ),
        Mistake(
            name="words-counted-once",
            twin=_learned(_words_counted_once),
            hint="You forget how often each word was seen when you count. `count_pairs` takes "
            "the words *with* their counts.",
        ),
        Mistake(
            name="words-overwritten",
            twin=_words_overwritten,
            hint="Almost. Two different words can become the same tuple by a merge. In a new "
            "dictionary the second then overwrites the first; their counts should be added.",
        ),
        Mistake(
            name="wordpiece-score",
            twin=_learned(_best_ratio),
            hint="You divide the pair's count by those of its symbols: that is WordPiece's "
            "score, which comes in section 4. BPE takes the plain count.",
        ),
        Mistake(
            name="rarest-first",
            twin=_learned(_rarest),
            hint="You merge the *rarest* pair. Look at the sign, or at min and max.",
        ),
        Mistake(
            name="one-merge-short",
            twin=lambda word_counts, n_merges: learn_merges(word_counts, max(0, n_merges - 1)),
            hint="One merge is missing at the end.",
        ),
    ),
    nudge="Three steps, again and again: count, choose, merge. The counts must be those after the "
    "last merge. And when no pair is left, stop.",
    shapes="In: a dictionary from words (tuples of symbols) to counts, and a number. Out: a list "
    "of pairs (tuples of two symbols), the first merged first.",
    pseudocode="merges ← empty list\n"
    "repeat until there are n_merges of them:\n"
    "    pairs ← count_pairs(words); stop if there are none\n"
    "    best ← the most frequent pair (of equal ones the first in the alphabet)\n"
    "    append best to merges\n"
    "    words ← all words with best merged, counts of equal words added up\n"
    "return merges",
)


Merges = Iterable[Pair]


def _by_position(word: Sequence[str], merges: Merges) -> Word:
    symbols, known = tuple(word), set(merges)
    while True:
        found = [pair for pair in pairwise(symbols) if pair in known]
        if not found:
            return symbols
        i = list(pairwise(symbols)).index(found[0])
        symbols = (*symbols[:i], "".join(found[0]), *symbols[i + 2 :])


def _longest_token(word: Sequence[str], merges: Merges) -> Word:
    text, known = "".join(word), {"".join(pair) for pair in merges}
    symbols, start = [], 0
    while start < len(text):
        ends = range(len(text), start, -1)
        end = next((e for e in ends if text[start:e] in known), start + 1)
        symbols.append(text[start:end])
        start = end
    return tuple(symbols)


def _first_place_only(word: Sequence[str], merges: Merges) -> Word:
    symbols = tuple(word)
    for pair in merges:
        places = [i for i, found in enumerate(pairwise(symbols)) if found == pair]
        if places:
            i = places[0]
            symbols = (*symbols[:i], "".join(pair), *symbols[i + 2 :])
    return symbols


def _stops_when_a_merge_fails(word: Sequence[str], merges: Merges) -> Word:
    symbols = tuple(word)
    for pair in merges:
        merged = merge_pair(symbols, pair)
        if merged == symbols:
            break
        symbols = merged
    return symbols


def _again_and_again(word: Sequence[str], merges: Merges) -> Word:
    merges, symbols = list(merges), tuple(word)
    while (merged := apply_merges(symbols, merges)) != symbols:
        symbols = merged
    return symbols


def _untouched_string(word: Sequence[str], merges: Merges) -> Sequence[str]:
    merged = apply_merges(word, merges)
    return merged if len(merged) < len(word) else word


def _one_merge(word: Sequence[str], merges: Merges) -> Word:
    for pair in merges:
        merged = merge_pair(tuple(word), pair)
        if merged != tuple(word):
            return merged
    return tuple(word)


# Learnt in this order, "low" wins over "ow"; "er" comes before "we".
LOWER_MERGES: list[Pair] = [("l", "o"), ("lo", "w"), ("o", "w"), ("e", "r"), ("w", "e")]
KING_MERGES: list[Pair] = [("i", "n"), ("in", "g"), ("k", "ing"), ("king", "s")]

APPLY_MERGES = Exercise(
    key="02:apply_merges",
    target="course_lib.tokenizers.bpe:apply_merges",
    level="core",
    cases=(
        Case(why="“kings”", args=lambda: (tuple("kings"), list(KING_MERGES))),
        Case(why="“inking”, a new word", args=lambda: (tuple("inking"), list(KING_MERGES))),
        Case(why="“singing”", args=lambda: (tuple("singing"), list(KING_MERGES))),
        Case(why="“slower”", args=lambda: (tuple("slower"), list(LOWER_MERGES))),
        Case(
            why="“abcd”, where (b, c) was learnt before (a, b)",
            args=lambda: (tuple("abcd"), [("b", "c"), ("a", "b"), ("c", "d")]),
        ),
        Case(
            why="“abc”, where the token “abc” is known but not its first half",
            args=lambda: (tuple("abc"), [("a", "b"), ("b", "c"), ("a", "bc")]),
        ),
        Case(why="letters that were never merged", args=lambda: (tuple("quiz"), KING_MERGES[:2])),
        Case(why="“quiz”, a plain string", args=lambda: ("quiz", KING_MERGES[:2])),
        Case(
            why="“abc”, where (ab, c) stands before (a, b)",
            args=lambda: (tuple("abc"), [("ab", "c"), ("a", "b")]),
        ),
        Case(
            why="“s i ng”, whose last symbol has two letters",
            args=lambda: (("s", "i", "ng"), list(KING_MERGES)),
        ),
    ),
    mistakes=(
        Mistake(
            name="leftmost-first",
            twin=_by_position,
            hint="You merge whatever known pair stands furthest to the left. The order of "
            "*learning* decides: (b, c) was learnt before (a, b), so in “abcd” it goes first.",
        ),
        Mistake(
            name="longest-token-first",
            twin=_longest_token,
            hint="You look for the longest token that fits: that is WordPiece's way, section 4. "
            "BPE replays the merges as they were learnt, and may miss a longer token.",
        ),
        Mistake(
            name="last-learnt-first",
            twin=lambda word, merges: apply_merges(word, list(merges)[::-1]),
            hint="You begin with the merge that was learnt last. “king” can only be made after "
            "“in” and “ing” have been.",
        ),
        Mistake(
            name="each-merge-at-one-place",
            twin=_first_place_only,
            hint="“singing” contains (i, n) twice, and you merge it once. Your own `merge_pair` "
            "does all places.",
        ),
        Mistake(
            name="again-and-again",
            twin=_again_and_again,
            hint="You go through the list more than once, so a merge can follow one that was "
            "learnt after it. Each merge has its turn once, in the order of learning.",
        ),
        Mistake(
            name="taken-apart-first",
            twin=lambda word, merges: apply_merges("".join(word), merges),
            hint="You cut the word into letters first. It comes as symbols, and a symbol may have "
            "several letters: leave them whole.",
        ),
        Mistake(
            name="string-returned-as-it-is",
            twin=_untouched_string,
            hint="Where no merge fits, you return what came in. A string must become a tuple of "
            "symbols all the same.",
        ),
        Mistake(
            name="stops-too-early",
            twin=_stops_when_a_merge_fails,
            hint="You stop at the first merge that finds nothing to do. A later one may still fit.",
        ),
        Mistake(
            name="only-one-merge",
            twin=_one_merge,
            hint="You return after the first merge that did something. Go on with what it made.",
        ),
        Mistake(
            name="no-merge-kept",
            twin=lambda word, merges: tuple(word),
            hint="The word comes back as it was. Tuples cannot be changed in place: `merge_pair` "
            "*returns* the merged word. What must you do with it?",
        ),
    ),
    nudge="You have already written the step. Which loop is missing, and in which order?",
    shapes="In: a word (tuple of symbols, or a string) and a list of pairs, the first learnt "
    "first. Out: a "
    "tuple of symbols.",
    pseudocode="symbols ← the word\n"
    "for each pair of merges, in order: symbols ← merge_pair(symbols, pair)\n"
    "return symbols",
)
