"""Wrong answers to `distinct_n` of lesson 06, written by someone who had not seen the checks."""

from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise

from course_lib.evaluation import distinct_n


def grams_of(text, n):
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def refuse_grams(grams, n):
    if n < 1 or not grams:
        raise ValueError(f"n must be ≥ 1 and a text must be long enough; got n={n}.")


def last_gram_lost(texts, n):
    """Stop one n-gram too early."""
    grams = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def over_the_seams(texts, n):
    """Write all texts one behind the other first."""
    grams = grams_of(list(chain(*texts)), n)
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def mean_over_texts(texts, n):
    """Take the share of each text, and average."""
    shares = [distinct_n([text], n) for text in texts if len(text) >= n]
    refuse_grams(shares, n)
    return sum(shares) / len(shares)


def each_text_for_itself(texts, n):
    """Count as different what another text has said already."""
    grams = [gram for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return sum(len(set(grams_of(text, n))) for text in texts) / len(grams)


def over_tokens(texts, n):
    """Divide by the tokens, as the paper does."""
    grams = [gram for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return len(set(grams)) / sum(len(text) for text in texts)


def those_that_stand_once(texts, n):
    """Count the n-grams that are never repeated."""
    grams = [gram for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return sum(count == 1 for count in Counter(grams).values()) / len(grams)


def written_together(texts, n):
    """Make one word of an n-gram, with nothing between its tokens."""
    grams = ["".join(map(str, gram)) for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def joined_by_spaces(texts, n):
    """Make one string of an n-gram, with spaces that tokens may have, too."""
    grams = [" ".join(map(str, gram)) for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def nothing_is_nought(texts, n):
    """Answer 0 where there is no n-gram."""
    if n < 1:
        raise ValueError("n must be ≥ 1")
    grams = [gram for text in texts for gram in grams_of(text, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def any_n(texts, n):
    """Let n be 0 or less."""
    grams = [gram for text in texts for gram in grams_of(text, n)]
    if not grams:
        raise ValueError("no n-grams")
    return len(set(grams)) / len(grams)


def left_to_the_division(texts, n):
    """Let Python complain of a division by 0."""
    if n < 1:
        raise ValueError("n must be ≥ 1")
    grams = [gram for text in texts for gram in grams_of(text, n)]
    return len(set(grams)) / len(grams)


def side_by_side(texts, n):
    """Cut a text into pieces of n that do not overlap."""
    grams = [gram for text in texts for gram in grams_of(text, n)[:: max(n, 1)]]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def order_is_forgotten(texts, n):
    """Take an n-gram for the set of its tokens."""
    grams = [frozenset(gram) for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def up_to_n(texts, n):
    """Count shorter ones as well."""
    grams = [gram for text in texts for k in range(1, n + 1) for gram in grams_of(text, k)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def short_text_is_a_gram(texts, n):
    """Count a text shorter than n as one n-gram."""
    grams = [tuple(text[i : i + n]) for text in texts for i in range(max(1, len(text) - n + 1))]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def short_text_is_refused(texts, n):
    """Refuse all texts if one is too short."""
    if n < 1 or any(len(text) < n for text in texts):
        raise ValueError("a text is shorter than n")
    return distinct_n(texts, n)


def slices_in_a_set(texts, n):
    """Put slices into a set: lists cannot be."""
    grams = [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]
    refuse_grams(grams, n)
    return len(set(grams)) / len(grams)


def unlike_the_one_before(texts, n):
    """Compare each n-gram with the one before it only."""
    grams = [gram for text in texts for gram in grams_of(text, n)]
    refuse_grams(grams, n)
    return (1 + sum(a != b for a, b in pairwise(grams))) / len(grams)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("06:distinct_n", answer)
    for answer in (
        last_gram_lost,
        over_the_seams,
        mean_over_texts,
        each_text_for_itself,
        over_tokens,
        those_that_stand_once,
        written_together,
        joined_by_spaces,
        nothing_is_nought,
        any_n,
        left_to_the_division,
        side_by_side,
        order_is_forgotten,
        up_to_n,
        short_text_is_a_gram,
        short_text_is_refused,
        slices_in_a_set,
        unlike_the_one_before,
    )
]
