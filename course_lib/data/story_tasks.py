"""Small tasks cut out of the story world, each with a known right answer.

Lessons need no grammar of their own: number agreement with a noun in between, the order of two
sentences made of the same words, feelings whose stem nobody has seen, and "bank" in two senses.
Canaries, duplicates, noise, the profession–gender correlation, one domain after another (`plots`)
and memory over a chosen distance are options of the stories themselves.
"""

import random
from collections.abc import Iterator
from itertools import islice

from course_lib.data.stories import StoryOptions, world_writer
from course_lib.data.story_grammar import DIGRESSION
from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_writer import Outline, join_tokens, tell

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SUFFIXES = {"positive": "ful", "negative": "less"}
AFTER_FEELING = " all the way home."
VERBS = {"singular": "was", "plural": "were"}


def agreement_items(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Make beginnings of sentences whose verb must agree with a noun further back.

    Args:
        n: How many (≥ 1).
        seed: Same seed, same items.

    Returns:
        Rows: prefix, good (the right verb), bad (the wrong one), number (of the subject) and
        between (the number of the noun that stands between it and the verb). English only:
        Chinese verbs do not agree.

    Example:
        >>> row = agreement_items(1)[0]
        >>> {row["good"], row["bad"]} == {"was", "were"}
        True
    """
    rows = []
    for outline in islice(_digressions("number", seed), _positive("n", n)):
        tokens = tell(outline, "en").tokens
        number = outline.labels["number"]
        (at,) = [i for i, token in enumerate(tokens) if token == VERBS[number]]
        between = "plural" if _is_plural(tokens[at - 1], outline) else "singular"
        bad = VERBS["singular" if number == "plural" else "plural"]
        rows.append(
            {
                "prefix": join_tokens(tokens[:at], "en")[0],
                "good": VERBS[number],
                "bad": bad,
                "number": number,
                "between": between,
            }
        )
    return rows


def order_items(n: int, seed: int = 0, *, language: str = "en") -> list[dict[str, str | int]]:
    """Make pairs of sentences in both orders: the same words, another meaning.

    Args:
        n: How many rows (≥ 2, even: every text is there in both orders).
        seed: Same seed, same items.
        language: "en" or "zh".

    Returns:
        Rows: text, first and second (the two sentences, asked about in this order) and label: 1
        if `first` comes before `second` in the text, else 0.

    Raises:
        ValueError: If `n` is odd or below 2.
    """
    if n < 2 or n % 2:
        raise ValueError(f"n must be even and ≥ 2; got {n}.")
    rows: list[dict[str, str | int]] = []
    glue = " " if language == "en" else ""
    sentences = _sentences(seed, language)
    while len(rows) < n:
        one, two = next(sentences), next(sentences)
        if one == two:
            continue
        rows.append({"text": one + glue + two, "first": one, "second": two, "label": 1})
        rows.append({"text": two + glue + one, "first": one, "second": two, "label": 0})
    return rows


def invented_feelings(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Make sentences about feelings whose stems are invented: only the ending tells which.

    Args:
        n: How many (≥ 2). The stems of the first and second half are different, so that one can
            train on one and test on the other.
        seed: Same seed, same rows.

    Returns:
        Rows: text, stem, label ("positive" with -ful, "negative" with -less), in turn.

    Raises:
        ValueError: If `n` is below 2.
    """
    if n < 2:
        raise ValueError(f"n must be ≥ 2; got {n}.")
    rng = random.Random(seed)
    names = [item.row["en"] for item in lexicon()["names"]]
    known: set[str] = set()
    rows = []
    labels = list(SUFFIXES)
    while len(rows) < n:
        stem = "".join(_pick(rng, CONSONANTS) + _pick(rng, VOWELS) for _ in range(2))
        stem += _pick(rng, CONSONANTS)
        if stem in known:
            continue
        known.add(stem)
        label = labels[len(rows) % len(labels)]
        text = f"{_pick(rng, names)} felt {stem}{SUFFIXES[label]}{AFTER_FEELING}"
        rows.append({"text": text, "stem": stem, "label": label})
    return rows


def bank_sentences(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Make sentences with the word "bank" in one of two senses.

    Args:
        n: How many (≥ 1).
        seed: Same seed, same sentences.

    Returns:
        Rows: text, text_zh (where the two senses are two words) and sense, "river" or "money".
    """
    rows = []
    for outline in islice(_digressions("sense", seed), _positive("n", n)):
        texts = {
            language: join_tokens(tell(outline, language).tokens, language)[0]
            for language in ("en", "zh")
        }
        rows.append({"text": texts["en"], "text_zh": texts["zh"], "sense": outline.labels["sense"]})
    return rows


def _digressions(label: str, seed: int) -> Iterator[Outline]:
    """Draw digressions without end, those that carry a label."""
    writer = world_writer(StoryOptions())
    outlines = writer.outlines(seed, part=DIGRESSION.name)
    return (outline for outline in outlines if label in outline.labels)


def _sentences(seed: int, language: str) -> Iterator[str]:
    for outline in world_writer(StoryOptions()).outlines(seed, part=DIGRESSION.name):
        yield join_tokens(tell(outline, language).tokens, language)[0]


def _is_plural(noun: str, outline: Outline) -> bool:
    return noun == outline.memory["other"].row["plural"]


def _positive(name: str, value: int) -> int:
    if value < 1:
        raise ValueError(f"{name} must be ≥ 1; got {value}.")
    return value


def _pick(rng: random.Random, values: str | list[str]) -> str:
    return values[int(rng.random() * len(values))]
