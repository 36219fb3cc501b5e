"""Wrong answers to the exercises of lesson 02, written by someone who had not seen the checks."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np

from course_lib.tokenizers.bpe import count_pairs, merge_pair


def once_per_word(words):
    """Count a pair once in each word, even where it stands there twice."""
    pairs = Counter()
    for word, count in words.items():
        for pair in set(pairwise(word)):
            pairs[pair] += count
    return pairs


def no_overlap(words):
    """Count only what could be merged: "a a a" holds (a, a) once."""
    pairs = Counter()
    for word, count in words.items():
        last, last_at = None, -1
        for at, pair in enumerate(pairwise(word)):
            if pair == last and last_at == at - 1:
                last = None
                continue
            pairs[pair] += count
            last, last_at = pair, at
    return pairs


def across_words(words):
    """Write all words one after the other, so pairs reach from one word into the next."""
    text = chain.from_iterable(word * count for word, count in words.items())
    return Counter(pairwise(text))


def neighbour_of_first_place(words):
    """Look each symbol up with `index`, which always finds the first one."""
    pairs = Counter()
    for word, count in words.items():
        for symbol in word[:-1]:
            at = word.index(symbol)
            pairs[word[at], word[at + 1]] += count
    return pairs


def letters_not_symbols(words):
    """Make a string of the word: right as long as every symbol is one letter."""
    pairs = Counter()
    for word, count in words.items():
        for pair in pairwise("".join(word)):
            pairs[pair] += count
    return pairs


def empties_its_input(words):
    """Take the words out of the mapping while counting."""
    pairs = Counter()
    while words:
        word, count = words.popitem()
        for pair in pairwise(word):
            pairs[pair] += count
    return pairs


def from_the_right(word, pair):
    """Merge from the right: "a a a" becomes "a aa"."""
    merged, at = [], len(word)
    while at > 0:
        width = 2 if tuple(word[max(0, at - 2) : at]) == pair else 1
        merged.append("".join(word[at - width : at]))
        at -= width
    return tuple(reversed(merged))


def replaces_in_a_string(word, pair):
    """Let `str.replace` do it, which also finds "a b" inside "xa b"."""
    return tuple(" ".join(word).replace(" ".join(pair), "".join(pair)).split())


def only_the_first(word, pair):
    """Stop after the first place."""
    for at in range(len(word) - 1):
        if tuple(word[at : at + 2]) == pair:
            return (*word[:at], pair[0] + pair[1], *word[at + 2 :])
    return tuple(word)


def compares_joined_strings(word, pair):
    """Compare the joined text: ("ab", "c") is taken for ("a", "bc")."""
    merged, at = [], 0
    while at < len(word):
        joined = "".join(word[at : at + 2])
        is_pair = joined == pair[0] + pair[1] and at + 1 < len(word)
        merged.append(joined if is_pair else word[at])
        at += 2 if is_pair else 1
    return tuple(merged)


def works_on_the_list_itself(word, pair):
    """Merge in place, if the word came as a list."""
    word = word if isinstance(word, list) else list(word)
    at = 0
    while at < len(word) - 1:
        if (word[at], word[at + 1]) == pair:
            word[at : at + 2] = [pair[0] + pair[1]]
        at += 1
    return tuple(word)


def grows_the_last_symbol(word, pair):
    """Look only at the end of the symbol before: "xa b" merges, and "a a a" becomes one."""
    merged = []
    for symbol in word:
        if merged and merged[-1].endswith(pair[0]) and symbol == pair[1]:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return tuple(merged)


def best_pair(pairs):
    """Choose the most frequent pair, as the lesson does."""
    return min(pairs, key=lambda pair: (-pairs[pair], pair))


def learn(word_counts, n_merges, choose=best_pair, merge_all=None):
    """Learn merges; this is right but for what `choose` and `merge_all` do."""
    words, merges = Counter(dict(word_counts)), []
    while len(merges) < n_merges and (pairs := count_pairs(words)):
        best = choose(pairs)
        if best is None:
            break
        merges.append(best)
        merged = Counter()
        for word, count in words.items():
            merged[merge_pair(word, best)] += count
        words = merge_all(words, best) if merge_all else merged
    return merges


def ties_as_they_come(word_counts, n_merges):
    """Among equally frequent pairs take the one that was met first."""
    return learn(word_counts, n_merges, lambda pairs: pairs.most_common(1)[0][0])


def ties_from_the_end(word_counts, n_merges):
    """Let `max` compare counts and then pairs: the last one of the alphabet wins."""
    return learn(word_counts, n_merges, lambda pairs: max(pairs, key=lambda p: (pairs[p], p)))


def ties_by_joined_text(word_counts, n_merges):
    """Compare the new symbols, not the pairs: "ab" + "a" comes before "a" + "bb"."""
    return learn(
        word_counts, n_merges, lambda pairs: min(pairs, key=lambda p: (-pairs[p], "".join(p), p))
    )


def nothing_seen_once(word_counts, n_merges):
    """Stop when no pair occurs twice, as some programs do."""

    def choose(pairs):
        best = best_pair(pairs)
        return best if pairs[best] > 1 else None

    return learn(word_counts, n_merges, choose)


def equal_words_overwrite(word_counts, n_merges):
    """Build a dict anew: two words that become the same one lose a count."""

    def merge_all(words, best):
        return {merge_pair(word, best): count for word, count in words.items()}

    return learn(word_counts, n_merges, merge_all=merge_all)


def merges_the_callers_words(word_counts, n_merges):
    """Return the right list, but leave merged words in the caller's mapping."""
    merges = []
    while len(merges) < n_merges and (pairs := count_pairs(word_counts)):
        merges.append(best_pair(pairs))
        for word in list(word_counts):
            count = word_counts.pop(word)
            merged = merge_pair(word, merges[-1])
            word_counts[merged] = word_counts.get(merged, 0) + count
    return merges


def longest_known_piece(word, merges):
    """Cut by longest match among the learnt tokens, as WordPiece does."""
    known, rest, cut = {a + b for a, b in merges}, tuple(word), []
    while rest:
        end = next((n for n in range(len(rest), 1, -1) if "".join(rest[:n]) in known), 1)
        cut.append("".join(rest[:end]))
        rest = rest[end:]
    return tuple(cut)


def each_merge_once(word, merges):
    """Apply each merge at one place only."""
    for pair in merges:
        word = only_the_first(word, pair)
    return tuple(word)


def until_nothing_changes(word, merges):
    """Go through the list again and again, so an early merge can follow a late one."""
    merges, before, word = list(merges), None, tuple(word)
    while word != before:
        before = word
        for pair in merges:
            word = merge_pair(word, pair)
    return word


def stops_where_nothing_fits(word, merges):
    """Stop at the first merge that the word does not have."""
    word = tuple(word)
    for pair in merges:
        if pair not in pairwise(word):
            break
        word = merge_pair(word, pair)
    return word


def untouched_strings(word, merges):
    """Hand a string back as a string where no merge fits; printed, it looks the same."""
    for pair in merges:
        if pair in pairwise(word):
            word = merge_pair(word, pair)
    return word


def starts_from_letters(word, merges):
    """Take the symbols apart first, such as those with ## or bytes written <0x41>."""
    word = tuple("".join(word))
    for pair in merges:
        word = merge_pair(word, pair)
    return word


def cut(word, vocabulary, plain_too=False):
    """Cut a word; give the pieces and, if it got stuck, the place where."""
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary or (plain_too and word[start:end] in vocabulary):
                break
        else:
            return pieces, start
        pieces.append(piece if piece in vocabulary else word[start:end])
        start = end
    return pieces, None


def keeps_what_was_found(word, vocabulary, *, unknown="[UNK]"):
    """Replace only the rest by the unknown token."""
    pieces, stuck = cut(word, vocabulary)
    return pieces if stuck is None else [*pieces, unknown]


def always_unk(word, vocabulary, *, unknown="[UNK]"):
    """Hard-code the default of `unknown`."""
    pieces, stuck = cut(word, vocabulary)
    return pieces if stuck is None else ["[UNK]"]


def empty_word_is_unknown(word, vocabulary, *, unknown="[UNK]"):
    """Take no pieces for a failure."""
    pieces, stuck = cut(word, vocabulary)
    return pieces if pieces and stuck is None else [unknown]


def beginnings_may_continue(word, vocabulary, *, unknown="[UNK]"):
    """Let a piece without ## continue a word, where none with ## fits."""
    pieces, stuck = cut(word, vocabulary, plain_too=True)
    return pieces if stuck is None else [unknown]


def tries_shorter_pieces(word, vocabulary, *, unknown="[UNK]"):
    """Go back and try a shorter piece when stuck: finds cuts that longest match does not."""

    def cuts(start):
        if start == len(word):
            return []
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary and (rest := cuts(end)) is not None:
                return [piece, *rest]
        return None

    found = cuts(0)
    return [unknown] if found is None else found


def strips_letters(word, vocabulary, *, unknown="[UNK]"):
    """Take a piece off with `lstrip`, which goes on while it meets one of its letters."""
    pieces, rest = [], word
    while rest:
        prefix = "" if rest == word else "##"
        ends = [end for end in range(len(rest), 0, -1) if prefix + rest[:end] in vocabulary]
        if not ends:
            return [unknown]
        pieces.append(prefix + rest[: ends[0]])
        rest = rest.lstrip(rest[: ends[0]])
    return pieces


def first_document_only(log_probs, n_characters):
    """Sum one document, as in the example."""
    return -float(log_probs[0].sum()) / math.log(2) / n_characters


def mean_of_documents(log_probs, n_characters):
    """Average over documents instead of adding them up."""
    return -float(np.mean([doc.sum() for doc in log_probs])) / math.log(2) / n_characters


def impossible_tokens_left_out(log_probs, n_characters):
    """Leave infinite surprise out of the sum."""
    values = np.concatenate(log_probs)
    return -float(values[np.isfinite(values)].sum()) / math.log(2) / n_characters


def long_texts_underflow(log_probs, n_characters):
    """Form the probability of the whole text, which is 0 for a long one."""
    with np.errstate(divide="ignore"):
        return -float(np.log2(np.exp(sum(doc.sum() for doc in log_probs)))) / n_characters


def shortest_document_rules(log_probs, n_characters):
    """Zip the documents, which cuts all at the length of the shortest."""
    return -float(sum(map(sum, zip(*log_probs, strict=False)))) / math.log(2) / n_characters


def three_digits(log_probs, n_characters):
    """Round, as the lesson prints it."""
    return round(-float(sum(doc.sum() for doc in log_probs)) / math.log(2) / n_characters, 3)


def empty_document_spoils_all(log_probs, n_characters):
    """Go through the mean of each document; that of an empty one is nan."""
    nats = 0.0
    for doc in log_probs:
        mean = sum(doc) / len(doc) if len(doc) else math.nan
        nats -= mean * len(doc)
    return nats / math.log(2) / n_characters


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("02:count_pairs", once_per_word),
    ("02:count_pairs", no_overlap),
    ("02:count_pairs", across_words),
    ("02:count_pairs", neighbour_of_first_place),
    ("02:count_pairs", letters_not_symbols),
    ("02:count_pairs", empties_its_input),
    ("02:merge_pair", from_the_right),
    ("02:merge_pair", replaces_in_a_string),
    ("02:merge_pair", only_the_first),
    ("02:merge_pair", compares_joined_strings),
    ("02:merge_pair", works_on_the_list_itself),
    ("02:merge_pair", grows_the_last_symbol),
    ("02:learn_merges", ties_as_they_come),
    ("02:learn_merges", ties_from_the_end),
    ("02:learn_merges", ties_by_joined_text),
    ("02:learn_merges", nothing_seen_once),
    ("02:learn_merges", equal_words_overwrite),
    ("02:learn_merges", merges_the_callers_words),
    ("02:apply_merges", longest_known_piece),
    ("02:apply_merges", each_merge_once),
    ("02:apply_merges", until_nothing_changes),
    ("02:apply_merges", stops_where_nothing_fits),
    ("02:apply_merges", untouched_strings),
    ("02:apply_merges", starts_from_letters),
    ("02:longest_match", keeps_what_was_found),
    ("02:longest_match", always_unk),
    ("02:longest_match", empty_word_is_unknown),
    ("02:longest_match", beginnings_may_continue),
    ("02:longest_match", tries_shorter_pieces),
    ("02:longest_match", strips_letters),
    ("02:bits_per_character", first_document_only),
    ("02:bits_per_character", mean_of_documents),
    ("02:bits_per_character", impossible_tokens_left_out),
    ("02:bits_per_character", long_texts_underflow),
    ("02:bits_per_character", shortest_document_rules),
    ("02:bits_per_character", three_digits),
    ("02:bits_per_character", empty_document_spoils_all),
]
