"""Wrong answers to the exercises of lesson 02 on pairs."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

# --- count_pairs ---------------------------------------------------------------------------------


def forgets_the_counts(words):
    pairs = Counter()
    for word in words:
        for i in range(len(word) - 1):
            pairs[word[i], word[i + 1]] += 1
    return pairs


def uses_a_set(words):
    pairs = Counter()
    for word, count in words.items():
        for pair in set(pairwise(word)):
            pairs[pair] += count
    return pairs


def steps_by_two(words):
    pairs = Counter()
    for word, count in words.items():
        for i in range(0, len(word) - 1, 2):
            pairs[word[i], word[i + 1]] += count
    return pairs


def reaches_round(words):
    pairs = Counter()
    for word, count in words.items():
        for i in range(len(word)):
            pairs[word[i - 1], word[i]] += count
    return pairs


def stops_two_early(words):
    pairs = Counter()
    for word, count in words.items():
        for i in range(len(word) - 2):
            pairs[word[i], word[i + 1]] += count
    return pairs


def counts_symbols(words):
    symbols = Counter()
    for word, count in words.items():
        for symbol in word:
            symbols[symbol] += count
    return symbols


def joins_the_pair(words):
    pairs = Counter()
    for word, count in words.items():
        for a, b in pairwise(word):
            pairs[a + b] += count
    return pairs


def sorts_the_pair(words):
    pairs = Counter()
    for word, count in words.items():
        for a, b in pairwise(word):
            pairs[min(a, b), max(a, b)] += count
    return pairs


def a_plain_dict(words):
    pairs = {}
    for word, count in words.items():
        for pair in pairwise(word):
            pairs[pair] = pairs.get(pair, 0) + count
    return pairs


def overwrites(words):
    pairs = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            pairs[pair] = count
    return pairs


# --- merge_pair ----------------------------------------------------------------------------------


def merges_once(word, pair):
    word = list(word)
    for i in range(len(word) - 1):
        if (word[i], word[i + 1]) == pair:
            word[i : i + 2] = [pair[0] + pair[1]]
            break
    return tuple(word)


def forgets_to_skip(word, pair):
    merged = []
    for i in range(len(word)):
        if tuple(word[i : i + 2]) == pair:
            merged.append(word[i] + word[i + 1])
        else:
            merged.append(word[i])
    return tuple(merged)


def with_str_replace(word, pair):
    return tuple(" ".join(word).replace(" ".join(pair), "".join(pair)).split())


def splits_the_letters(word, pair):
    glued = pair[0] + pair[1]
    return tuple(re.findall(re.escape(glued) + "|.", "".join(word)))


def from_the_back(word, pair):
    word, i = list(word), len(word) - 2
    while i >= 0:
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            word[i : i + 2] = ["".join(pair)]
        i -= 1
    return tuple(word)


def loses_the_last(word, pair):
    merged, i = [], 0
    while i < len(word) - 1:
        if (word[i], word[i + 1]) == pair:
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def ignores_the_order(word, pair):
    merged, i = [], 0
    while i < len(word):
        if i + 1 < len(word) and {word[i], word[i + 1]} == set(pair):
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def slices_equal_tuples(word, pair):
    merged, i = [], 0
    while i < len(word):
        if word[i : i + 2] == pair:
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def compares_the_joined_text(word, pair):
    merged, i = [], 0
    while i < len(word):
        if "".join(word[i : i + 2]) == "".join(pair):
            merged.append("".join(pair))
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


def crashes_at_the_end(word, pair):
    merged, i = [], 0
    while i < len(word):
        if word[i] == pair[0] and word[i + 1] == pair[1]:
            merged.append(word[i] + word[i + 1])
            i += 2
        else:
            merged.append(word[i])
            i += 1
    return tuple(merged)


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "02:count_pairs": [
        ("each-word-counted-once", forgets_the_counts),
        ("each-pair-once-a-word", uses_a_set),
        ("every-second-pair", steps_by_two),
        ("wrapped-around", reaches_round),
        ("last-pair-missing", stops_two_early),
        ("single-symbols", counts_symbols),
        ("text-instead-of-pair", joins_the_pair),
        ("order-within-the-pair-lost", sorts_the_pair),
        ("plain-dictionary", a_plain_dict),
        ("any", overwrites),
    ],
    "02:merge_pair": [
        ("only-the-first-one", merges_once),
        ("right-symbol-kept", forgets_to_skip),
        ("replaced-in-the-text", with_str_replace),
        ("letters-instead-of-symbols", splits_the_letters),
        ("from-the-right", from_the_back),
        ("last-symbol-lost", loses_the_last),
        ("lists-left-as-they-are", slices_equal_tuples),
        ("either-order", ignores_the_order),
        ("any", compares_the_joined_text),
        ("any", crashes_at_the_end),
    ],
}
