"""Wrong answers to the exercises of lesson 06 on repetition."""

import math
from collections import Counter

import torch

# --- distinct_n ----------------------------------------------------------------------------------


def ngrams_of(text, n):
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def checked(texts, n):
    if n < 1:
        raise ValueError("n must be 1 or more")
    found = [one for text in texts for one in ngrams_of(text, n)]
    if not found:
        raise ValueError("nothing to count")
    return found


def over_tokens(texts, n):
    return len(set(checked(texts, n))) / sum(len(text) for text in texts)


def averaged(texts, n):
    checked(texts, n)
    shares = []
    for text in texts:
        if len(text) >= n:
            found = ngrams_of(text, n)
            shares.append(len(set(found)) / len(found))
    return sum(shares) / len(shares)


def a_set_per_text(texts, n):
    found = checked(texts, n)
    different = 0
    for text in texts:
        different += len(set(ngrams_of(text, n)))
    return different / len(found)


def joined(texts, n):
    checked(texts, n)
    everything = []
    for text in texts:
        everything.extend(text)
    found = ngrams_of(everything, n)
    return len(set(found)) / len(found)


def cut_into_pieces(texts, n):
    checked(texts, n)
    pieces = []
    for text in texts:
        for i in range(0, len(text), n):
            if i + n <= len(text):
                pieces.append(tuple(text[i : i + n]))
    return len(set(pieces)) / len(pieces)


def one_short(texts, n):
    checked(texts, n)
    found = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n)]
    return len(set(found)) / len(found)


def with_rests(texts, n):
    checked(texts, n)
    found = [tuple(text[i : i + n]) for text in texts for i in range(len(text))]
    return len(set(found)) / len(found)


def bags(texts, n):
    found = checked(texts, n)
    return len(set(map(frozenset, found))) / len(found)


def repeated_share(texts, n):
    found = checked(texts, n)
    return (len(found) - len(set(found))) / len(found)


def once_only(texts, n):
    counts = Counter(checked(texts, n))
    return sum(1 for count in counts.values() if count == 1) / sum(counts.values())


def glued(texts, n):
    found = checked(texts, n)
    return len({"".join(str(token) for token in one) for one in found}) / len(found)


def with_blanks(texts, n):
    found = checked(texts, n)
    return len({" ".join(str(token) for token in one) for one in found}) / len(found)


def neighbours(texts, n):
    found = checked(texts, n)
    different, last = 0, None
    for one in found:
        if one != last:
            different += 1
        last = one
    return different / len(found)


def how_many(texts, n):
    return len(set(checked(texts, n)))


def inverted(texts, n):
    found = checked(texts, n)
    return len(found) / len(set(found))


def negative_counts(texts, n):
    found = checked(texts, n)
    return len(set(found)) / sum(len(text) - n + 1 for text in texts)


def words_only(texts, n):
    checked(texts, n)
    words = [word for text in texts for word in text]
    return len(set(words)) / len(words)


def nothing_checked(texts, n):
    found = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)]
    return len(set(found)) / max(1, len(found))


def only_the_sum_checked(texts, n):
    found = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)]
    if not found:
        raise ValueError("no n-gram")
    return len(set(found)) / len(found)


# --- penalise_repetition -------------------------------------------------------------------------


def refuse(penalty):
    if penalty <= 0:
        raise ValueError("the penalty must be above 0")


def as_in_the_paper(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    for i in set(ids):
        scores[i] = scores[i] / penalty
    return scores


def always_times(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    seen = list(set(ids))
    scores[seen] = scores[seen] * penalty
    return scores


def wrong_way_round(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    for i in set(ids):
        scores[i] = scores[i] * penalty if scores[i] > 0 else scores[i] / penalty
    return scores


def each_time(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    for i in ids:
        scores[i] = scores[i] * penalty if scores[i] < 0 else scores[i] / penalty
    return scores


def everything(logits, ids, penalty):
    refuse(penalty)
    return torch.where(logits < 0, logits * penalty, logits / penalty)


def the_others(logits, ids, penalty):
    refuse(penalty)
    new = torch.ones_like(logits, dtype=torch.bool)
    new[list(ids)] = False
    return torch.where(new, torch.where(logits < 0, logits * penalty, logits / penalty), logits)


def newest_only(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    if ids:
        last = ids[-1]
        scores[last] = scores[last] * penalty if scores[last] < 0 else scores[last] / penalty
    return scores


def minus(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    scores[list(set(ids))] -= penalty
    return scores


def minus_log(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    scores[list(set(ids))] -= math.log(penalty)
    return scores


def forbidden(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    scores[list(set(ids))] = float("-inf")
    return scores


def right(logits, ids, penalty):
    refuse(penalty)
    scores = logits.clone()
    for i in set(ids):
        scores[i] = scores[i] * penalty if scores[i] < 0 else scores[i] / penalty
    return scores


def probabilities(logits, ids, penalty):
    return torch.softmax(right(logits, ids, penalty), dim=-1)


def into_the_logits(logits, ids, penalty):
    refuse(penalty)
    for i in set(ids):
        logits[i] = logits[i] * penalty if logits[i] < 0 else logits[i] / penalty
    return logits


def any_penalty(logits, ids, penalty):
    seen = torch.tensor(sorted(set(ids)), dtype=torch.long)
    scores = logits.clone()
    old = scores[seen]
    scores[seen] = torch.where(old > 0, old / penalty, old * penalty)
    return scores


def below_zero(logits, ids, penalty):
    refuse(penalty)
    scores = right(logits, ids, penalty)
    for i in set(ids):
        if scores[i] == 0:
            scores[i] = -1.0
    return scores


WRONG = {
    "06:distinct_n": [
        ("divided-by-tokens", over_tokens),
        ("mean-of-the-texts", averaged),
        ("each-text-for-itself", a_set_per_text),
        ("across-texts", joined),
        ("no-overlap", cut_into_pieces),
        ("last-one-missing", one_short),
        ("rests-counted", with_rests),
        ("order-lost", bags),
        ("share-that-repeats", repeated_share),
        ("only-those-never-repeated", once_only),
        ("written-together", glued),
        ("joined-by-blanks", with_blanks),
        ("only-neighbours-compared", neighbours),
        ("number-not-share", how_many),
        ("upside-down", inverted),
        ("short-texts-subtracted", negative_counts),
        ("n-ignored", words_only),
        ("accepts-nothing", nothing_checked),
        ("accepts-nothing", only_the_sum_checked),
    ],
    "06:penalise_repetition": [
        ("negative-scores-divided", as_in_the_paper),
        ("positive-scores-multiplied", always_times),
        ("rewarded", wrong_way_round),
        ("punished-each-time", each_time),
        ("all-tokens", everything),
        ("new-tokens-punished", the_others),
        ("only-the-last-token", newest_only),
        ("subtracted", minus),
        ("probability-divided", minus_log),
        ("ruled-out", forbidden),
        ("made-probabilities", probabilities),
        ("changed-in-place", into_the_logits),
        ("accepts-any-penalty", any_penalty),
        ("zero-made-negative", below_zero),
    ],
}
