"""Wrong answers to the exercises of lesson 02 on WordPiece and on bits per character."""

import math
from collections.abc import Callable

import numpy as np

# --- longest_match -------------------------------------------------------------------------------


def forgets_the_mark(word, vocabulary, *, unknown="[UNK]"):
    pieces = []
    while word:
        for end in range(len(word), 0, -1):
            if word[:end] in vocabulary:
                break
        else:
            return [unknown]
        pieces.append(word[:end])
        word = word[end:]
    return pieces


def strips_the_mark(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            text = word[start:end]
            if (text if start == 0 else "##" + text) in vocabulary:
                break
        else:
            return [unknown]
        pieces.append(text)
        start = end
    return pieces


def shortest(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(start + 1, len(word) + 1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                pieces.append(piece)
                break
        else:
            return [unknown]
        start = end
    return pieces


def either_kind(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            text = word[start:end]
            if text in vocabulary or "##" + text in vocabulary:
                pieces.append(text if start == 0 else "##" + text)
                start = end
                break
        else:
            return [unknown]
    return pieces


def cuts_from_behind(word, vocabulary, *, unknown="[UNK]"):
    pieces, end = [], len(word)
    while end:
        for start in range(end):
            piece = word[:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                pieces = [piece, *pieces]
                end = start
                break
        else:
            return [unknown]
    return pieces


def unknown_rest(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                break
        else:
            return [*pieces, unknown]
        pieces.append(piece)
        start = end
    return pieces


def unknown_letter(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                pieces.append(piece)
                start = end
                break
        else:
            pieces.append(unknown)
            start += 1
    return pieces


def stops_silently(word, vocabulary, *, unknown="[UNK]"):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = word[start:end] if start == 0 else "##" + word[start:end]
            if piece in vocabulary:
                break
        else:
            break
        pieces.append(piece)
        start = end
    return pieces


def unknown_written_in(word, vocabulary, *, unknown="[UNK]"):
    pieces = unknown_rest(word, vocabulary)
    return "[UNK]" if "[UNK]" in pieces else pieces


def its_own_name_for_unknown(word, vocabulary, *, unknown="[UNK]"):
    pieces = unknown_rest(word, vocabulary)
    return ["[UNK]"] if "[UNK]" in pieces else pieces


def at_least_one_piece(word, vocabulary, *, unknown="[UNK]"):
    pieces = unknown_rest(word, vocabulary, unknown=unknown)
    return pieces if pieces and unknown not in pieces else [unknown]


def tries_again(word, vocabulary, *, unknown="[UNK]"):
    for end in range(len(word), 0, -1):
        if word[:end] in vocabulary:
            rest, pieces = word[end:], [word[:end]]
            while rest:
                size = next(
                    (n for n in range(len(rest), 0, -1) if "##" + rest[:n] in vocabulary), 0
                )
                if not size:
                    break
                pieces.append("##" + rest[:size])
                rest = rest[size:]
            if not rest:
                return pieces
    return [unknown]


# --- bits_per_character --------------------------------------------------------------------------


def stays_in_nats(log_probs, n_characters):
    return -sum(float(x.sum()) for x in log_probs) / n_characters


def wrong_way_round(log_probs, n_characters):
    return -float(np.concatenate(log_probs).sum()) * math.log(2) / n_characters


def negative(log_probs, n_characters):
    return float(np.concatenate(log_probs).sum()) / math.log(2) / n_characters


def tokens_instead(log_probs, n_characters):
    return -float(np.concatenate(log_probs).mean()) / math.log(2)


def mean_over_characters(log_probs, n_characters):
    return -float(np.concatenate(log_probs).mean()) / math.log(2) / n_characters


def mean_of_sums(log_probs, n_characters):
    return -float(np.mean([x.sum() for x in log_probs])) / math.log(2) / n_characters


def first_only(log_probs, n_characters):
    return -float(log_probs[0].sum()) / math.log(2) / n_characters


def perplexity_a_character(log_probs, n_characters):
    nats = -float(np.concatenate(log_probs).sum())
    return math.exp(nats / n_characters)


def product_of_probabilities(log_probs, n_characters):
    probability = math.prod(float(p) for x in log_probs for p in np.exp(x))
    return -math.log2(probability) / n_characters if probability > 0 else math.inf


def finite_ones_only(log_probs, n_characters):
    return (
        -sum(p for x in log_probs for p in x.tolist() if p > -math.inf)
        / math.log(2)
        / (n_characters)
    )


def means_times_lengths(log_probs, n_characters):
    nats = -sum(np.divide(x.sum(), len(x)) * len(x) for x in log_probs)
    return float(nats) / math.log(2) / n_characters


def logarithm_again(log_probs, n_characters):
    return -float(np.log2(-np.concatenate(log_probs)).sum()) / n_characters


WRONG: dict[str, list[tuple[str, Callable]]] = {
    "02:longest_match": [
        ("mark-not-looked-up", forgets_the_mark),
        ("mark-not-returned", strips_the_mark),
        ("shortest-first", shortest),
        ("beginnings-and-insides-mixed", either_kind),
        ("from-the-end", cuts_from_behind),
        ("unknown-written-in", its_own_name_for_unknown),
        ("empty-word-unknown", at_least_one_piece),
        ("rest-unknown", unknown_rest),
        ("letter-unknown", unknown_letter),
        ("rest-dropped", stops_silently),
        ("any", unknown_written_in),
        ("any", tries_again),
    ],
    "02:bits_per_character": [
        ("nats-instead-of-bits", stays_in_nats),
        ("multiplied-by-ln-2", wrong_way_round),
        ("sign-flipped", negative),
        ("per-token", tokens_instead),
        ("averaged-first", mean_over_characters),
        ("divided-by-the-documents", mean_of_sums),
        ("only-the-first-document", first_only),
        ("probability-underflows", product_of_probabilities),
        ("impossible-tokens-left-out", finite_ones_only),
        ("empty-document-spoils-all", means_times_lengths),
        ("raised-to-a-power", perplexity_a_character),
        ("any", logarithm_again),
    ],
}
