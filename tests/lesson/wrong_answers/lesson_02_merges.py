"""Wrong answers to the exercises of lesson 02 on learning and applying merges."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from course_lib.tokenizers.bpe import count_pairs, merge_pair

# --- learn_merges --------------------------------------------------------------------------------


def merged_everywhere(words, pair):
    merged = Counter()
    for word, count in words.items():
        merged[merge_pair(word, pair)] += count
    return merged


def most_common_of_the_start(word_counts, n_merges):
    pairs = count_pairs(word_counts)
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:n_merges]


def uses_most_common(word_counts, n_merges):
    words, merges = word_counts, []
    for _ in range(n_merges):
        pairs = count_pairs(words)
        if not pairs:
            break
        ((best, _),) = pairs.most_common(1)
        merges.append(best)
        words = merged_everywhere(words, best)
    return merges


def max_of_count_and_pair(word_counts, n_merges):
    words, merges = word_counts, []
    while len(merges) < n_merges:
        pairs = count_pairs(words)
        if not pairs:
            return merges
        best = max((count, pair) for pair, count in pairs.items())[1]
        merges.append(best)
        words = merged_everywhere(words, best)
    return merges


def drops_the_counts(word_counts, n_merges):
    words, merges = list(word_counts), []
    while len(merges) < n_merges:
        pairs = count_pairs(dict.fromkeys(words, 1))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [merge_pair(word, best) for word in words]
    return merges


def dictionary_comprehension(word_counts, n_merges):
    words, merges = dict(word_counts), []
    for _ in range(n_merges):
        pairs = count_pairs(words)
        if not pairs:
            break
        best = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[0]
        merges.append(best)
        words = {merge_pair(word, best): count for word, count in words.items()}
    return merges


def by_ratio(word_counts, n_merges):
    words, merges = dict(word_counts), []
    while len(merges) < n_merges:
        pairs, singles = count_pairs(words), Counter()
        for word, count in words.items():
            for symbol in word:
                singles[symbol] += count
        if not pairs:
            break
        ratio = {(a, b): count / (singles[a] * singles[b]) for (a, b), count in pairs.items()}
        best = min(ratio, key=lambda pair: (-ratio[pair], pair))
        merges.append(best)
        words = merged_everywhere(words, best)
    return merges


def wrong_end(word_counts, n_merges):
    words, merges = word_counts, []
    while len(merges) < n_merges:
        pairs = count_pairs(words)
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = merged_everywhere(words, best)
    return merges


def range_from_one(word_counts, n_merges):
    words, merges = word_counts, []
    for _ in range(1, n_merges):
        pairs = count_pairs(words)
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        words = merged_everywhere(words, merges[-1])
    return merges


def sorts_by_the_new_symbol(word_counts, n_merges):
    words, merges = word_counts, []
    for _ in range(n_merges):
        pairs = count_pairs(words)
        if not pairs:
            break
        merges.append(sorted(pairs, key=lambda pair: (-pairs[pair], pair[0] + pair[1]))[0])
        words = merged_everywhere(words, merges[-1])
    return merges


def wants_two_of_a_pair(word_counts, n_merges):
    words, merges = word_counts, []
    for _ in range(n_merges):
        pairs = {pair: count for pair, count in count_pairs(words).items() if count >= 2}
        if not pairs:
            break
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        words = merged_everywhere(words, merges[-1])
    return merges


def crashes_without_pairs(word_counts, n_merges):
    words, merges = word_counts, []
    for _ in range(n_merges):
        pairs = count_pairs(words)
        merges.append(min(pairs, key=lambda pair: (-pairs[pair], pair)))
        words = merged_everywhere(words, merges[-1])
    return merges


# --- apply_merges --------------------------------------------------------------------------------


def merges_once(word, pair):
    word = list(word)
    for i in range(len(word) - 1):
        if (word[i], word[i + 1]) == pair:
            word[i : i + 2] = [pair[0] + pair[1]]
            break
    return tuple(word)


def whatever_comes_first(word, merges):
    word = tuple(word)
    i = 0
    while i < len(word) - 1:
        if (word[i], word[i + 1]) in merges:
            word = (*word[:i], word[i] + word[i + 1], *word[i + 2 :])
            i = 0
        else:
            i += 1
    return word


def greedy_longest(word, merges):
    text, known, pieces = "".join(word), {a + b for a, b in merges}, []
    while text:
        size = max([n for n in range(1, len(text) + 1) if text[:n] in known], default=1)
        pieces.append(text[:size])
        text = text[size:]
    return tuple(pieces)


def newest_first(word, merges):
    for pair in reversed(merges):
        word = merge_pair(word, pair)
    return tuple(word)


def one_place_a_merge(word, merges):
    for pair in merges:
        word = merges_once(word, pair)
    return tuple(word)


def breaks_out(word, merges):
    for pair in merges:
        shorter = merge_pair(word, pair)
        if len(shorter) == len(word):
            break
        word = shorter
    return tuple(word)


def returns_inside_the_loop(word, merges):
    for pair in merges:
        merged = merge_pair(word, pair)
        if merged != tuple(word):
            return merged
    return tuple(word)


def throws_the_result_away(word, merges):
    for pair in merges:
        merge_pair(word, pair)
    return tuple(word)


def until_it_stays(word, merges):
    before = None
    while word != before:
        before = word
        for pair in merges:
            word = merge_pair(word, pair)
    return tuple(word)


def letters_first(word, merges):
    word = tuple(letter for symbol in word for letter in symbol)
    for pair in merges:
        word = merge_pair(word, pair)
    return word


def only_where_it_fits(word, merges):
    for pair in merges:
        if pair in pairwise(word):
            word = merge_pair(word, pair)
    return word


def returns_text(word, merges):
    for pair in merges:
        word = merge_pair(word, pair)
    return " ".join(word)


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "02:learn_merges": [
        ("counted-only-once", most_common_of_the_start),
        ("first-seen-wins-ties", uses_most_common),
        ("last-wins-ties", max_of_count_and_pair),
        ("ties-by-joined-text", sorts_by_the_new_symbol),
        ("pairs-seen-once-left-out", wants_two_of_a_pair),
        ("words-counted-once", drops_the_counts),
        ("words-overwritten", dictionary_comprehension),
        ("wordpiece-score", by_ratio),
        ("rarest-first", wrong_end),
        ("one-merge-short", range_from_one),
        ("any", crashes_without_pairs),
    ],
    "02:apply_merges": [
        ("leftmost-first", whatever_comes_first),
        ("longest-token-first", greedy_longest),
        ("last-learnt-first", newest_first),
        ("each-merge-at-one-place", one_place_a_merge),
        ("again-and-again", until_it_stays),
        ("taken-apart-first", letters_first),
        ("string-returned-as-it-is", only_where_it_fits),
        ("stops-too-early", breaks_out),
        ("only-one-merge", returns_inside_the_loop),
        ("no-merge-kept", throws_the_result_away),
        ("any", returns_text),
    ],
}
