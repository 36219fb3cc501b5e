"""Wrong answers to `split_texts` of lesson 07b, by someone who had not seen the checks."""

import itertools
import random
import re
import string
from collections import defaultdict
from collections.abc import Callable

from course_lib.lesson.clinic import split_texts


def letters_of(text):
    return re.sub(r"[\W_]+", "", text.lower())


def split_by(texts, test_share, seed, known_as):
    """Split as the library does, with another idea of what is the same text."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got {test_share}")
    groups = defaultdict(list)
    for row, text in enumerate(texts):
        groups[known_as(row, text)].append(row)
    shuffled = list(groups.values())
    random.Random(seed).shuffle(shuffled)
    train, test = [], []
    for rows in shuffled:
        (test if len(test) < test_share * len(texts) else train).extend(rows)
    return train, test


def rows_alone(texts, test_share, seed):
    """Shuffle the rows, each for itself."""
    return split_by(texts, test_share, seed, lambda row, text: row)


def same_to_the_letter(texts, test_share, seed):
    """Keep only those together that are the same to the letter."""
    return split_by(texts, test_share, seed, lambda row, text: text)


def punctuation_kept(texts, test_share, seed):
    """Ignore case and spaces, but not punctuation."""
    return split_by(texts, test_share, seed, lambda row, text: "".join(text.lower().split()))


def case_kept(texts, test_share, seed):
    """Ignore spaces and punctuation, but not case."""
    return split_by(texts, test_share, seed, lambda row, text: re.sub(r"[\W_]+", "", text))


def words_kept_apart(texts, test_share, seed):
    """Make many spaces one, but tell "so good" from "sogood"."""

    def known_as(row, text):
        return " ".join(re.sub(r"[^\w\s]|_", "", text.lower()).split())

    return split_by(texts, test_share, seed, known_as)


def underscore_is_a_letter(texts, test_share, seed):
    r"""Take out `\W`, to which the underscore does not belong."""
    return split_by(texts, test_share, seed, lambda row, text: re.sub(r"\W+", "", text.lower()))


def keyboard_punctuation(texts, test_share, seed):
    """Take out ASCII's punctuation only, not dashes and curly quotes."""
    out = str.maketrans("", "", string.punctuation + string.whitespace)
    return split_by(texts, test_share, seed, lambda row, text: text.lower().translate(out))


def english_letters_only(texts, test_share, seed):
    """Take out all that is not a-z or a digit: texts in other scripts are all the same."""
    return split_by(
        texts, test_share, seed, lambda row, text: re.sub(r"[^a-z0-9]+", "", text.lower())
    )


def digits_lost(texts, test_share, seed):
    """Keep letters only, so that texts that differ in a number are the same."""
    return split_by(
        texts, test_share, seed, lambda row, text: "".join(c for c in text.lower() if c.isalpha())
    )


def neighbours_only(texts, test_share, seed):
    """Use `groupby` without sorting, which groups what stands side by side."""
    number = itertools.count()
    group_of = {}
    for _, rows in itertools.groupby(range(len(texts)), key=lambda row: letters_of(texts[row])):
        name = next(number)
        group_of |= dict.fromkeys(rows, name)
    return split_by(texts, test_share, seed, lambda row, text: group_of[row])


def repeated_rows_lost(texts, test_share, seed):
    """Keep the first of the same texts and throw the others away."""
    seen, first = set(), []
    for row, text in enumerate(texts):
        if letters_of(text) not in seen:
            first.append(row)
        seen.add(letters_of(text))
    train, test = split_texts([texts[row] for row in first], test_share, seed)
    return [first[i] for i in train], [first[i] for i in test]


def share_of_the_groups(texts, test_share, seed):
    """Count groups, not rows, for the share of the test."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got {test_share}")
    groups = defaultdict(list)
    for row, text in enumerate(texts):
        groups[letters_of(text)].append(row)
    names = list(groups)
    random.Random(seed).shuffle(names)
    n_test = max(1, round(test_share * len(names)))
    test = [row for name in names[:n_test] for row in groups[name]]
    return [row for name in names[n_test:] for row in groups[name]], test


def share_cut_down(texts, test_share, seed):
    """Cut the number of test rows down to a whole number, which may be 0."""
    train, test = split_by(texts, test_share, seed, lambda row, text: letters_of(text))
    kept = []
    for _, rows in itertools.groupby(test, key=lambda row: letters_of(texts[row])):
        (kept if len(kept) < int(test_share * len(texts)) else train).extend(rows)
    return train, kept


def groups_that_fit(texts, test_share, seed):
    """Put a group into the test only if the share is not exceeded."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got {test_share}")
    groups = defaultdict(list)
    for row, text in enumerate(texts):
        groups[letters_of(text)].append(row)
    shuffled = list(groups.values())
    random.Random(seed).shuffle(shuffled)
    train, test = [], []
    for rows in shuffled:
        fits = len(test) + len(rows) <= test_share * len(texts)
        (test if fits else train).extend(rows)
    return train, test


def a_coin_for_each_group(texts, test_share, seed):
    """Throw a coin for each group, whatever the test has already."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got {test_share}")
    generator = random.Random(seed)
    thrown = defaultdict(generator.random)
    train, test = [], []
    for row, text in enumerate(texts):
        (test if thrown[letters_of(text)] < test_share else train).append(row)
    return train, test


def one_seed_for_all(texts, test_share, seed):
    """Never use the seed."""
    return split_texts(texts, test_share, 42)


def not_shuffled(texts, test_share, seed):
    """Take the first groups for the test."""
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be above 0, below 1; got {test_share}")
    names = list(dict.fromkeys(letters_of(text) for text in texts))
    train, test = [], []
    for name in names:
        rows = [row for row, text in enumerate(texts) if letters_of(text) == name]
        (test if len(test) < test_share * len(texts) else train).extend(rows)
    return train, test


def another_split_each_time(texts, test_share, seed):
    """Seed with what is random itself."""
    return split_texts(texts, test_share, random.SystemRandom().randrange(10**9))


def the_test_comes_first(texts, test_share, seed):
    """Return the test first."""
    train, test = split_texts(texts, test_share, seed)
    return test, train


def texts_come_back(texts, test_share, seed):
    """Return texts, not numbers of rows."""
    train, test = split_texts(texts, test_share, seed)
    return [texts[row] for row in train], [texts[row] for row in test]


def all_or_nothing(texts, test_share, seed):
    """Let shares of 0 and 1 pass."""
    if test_share in (0, 1):
        rows = list(range(len(texts)))
        return (rows, []) if test_share == 0 else ([], rows)
    return split_texts(texts, test_share, seed)


def percent_of_the_texts(texts, test_share, seed):
    """Take shares above 1 for percent."""
    return split_texts(texts, test_share / 100 if test_share > 1 else test_share, seed)


BLIND: list[tuple[str, Callable[..., object]]] = [
    ("07b:split_texts", rows_alone),
    ("07b:split_texts", same_to_the_letter),
    ("07b:split_texts", punctuation_kept),
    ("07b:split_texts", case_kept),
    ("07b:split_texts", words_kept_apart),
    ("07b:split_texts", underscore_is_a_letter),
    ("07b:split_texts", keyboard_punctuation),
    ("07b:split_texts", english_letters_only),
    ("07b:split_texts", digits_lost),
    ("07b:split_texts", neighbours_only),
    ("07b:split_texts", repeated_rows_lost),
    ("07b:split_texts", share_of_the_groups),
    ("07b:split_texts", share_cut_down),
    ("07b:split_texts", groups_that_fit),
    ("07b:split_texts", a_coin_for_each_group),
    ("07b:split_texts", one_seed_for_all),
    ("07b:split_texts", not_shuffled),
    ("07b:split_texts", another_split_each_time),
    ("07b:split_texts", the_test_comes_first),
    ("07b:split_texts", texts_come_back),
    ("07b:split_texts", all_or_nothing),
    ("07b:split_texts", percent_of_the_texts),
]
