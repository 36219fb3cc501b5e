"""A small corpus whose right answers are known, because we planted them.

Four classes of words share contexts within a class and none across classes; "bank" is used in
two senses, half of its sentences each; every capital differs from its country in one way, the same
way for all pairs. So we can say which neighbours, which sense and which analogies are right.
"""

import random
from collections.abc import Sequence
from types import MappingProxyType

AMBIGUOUS_WORD = "bank"

WORD_CLASSES = MappingProxyType(
    {
        "royal": ("king", "queen", "prince", "princess"),
        "animal": ("dog", "cat", "fox", "wolf"),
        "money": ("loan", "cash", "credit", "coin"),
        "river": ("water", "boat", "shore", "fish"),
    }
)
CLASS_CONTEXTS = MappingProxyType(
    {
        "royal": ("crown", "throne", "palace", "castle"),
        "animal": ("fur", "tail", "paw", "bark"),
        "money": ("account", "interest", "vault", "teller"),
        "river": ("flow", "mud", "stream", "swim"),
    }
)
CAPITALS = MappingProxyType(
    {
        "paris": "france",
        "rome": "italy",
        "cairo": "egypt",
        "tokyo": "japan",
        "lima": "peru",
        "oslo": "norway",
    }
)
COUNTRY_CONTEXTS = MappingProxyType(
    {
        "france": ("baguette", "cabaret"),
        "italy": ("risotto", "opera"),
        "egypt": ("papyrus", "pyramid"),
        "japan": ("sushi", "kimono"),
        "peru": ("llama", "ceviche"),
        "norway": ("fjord", "skiing"),
    }
)
CITY_CONTEXTS = ("mayor", "tram", "suburb", "avenue")
NATION_CONTEXTS = ("border", "army", "treaty", "flag")

_ADVERBS = ("here", "now", "then")
_AMBIGUOUS_SHARE = 0.3
_GEOGRAPHY_SHARE = 0.4


def planted_sentences(n: int, seed: int) -> list[list[str]]:
    """Make sentences of words whose classes, senses and analogies are known.

    About four in ten sentences are about a capital or its country; the others are about a word
    of `WORD_CLASSES`, or, in three of ten money and river sentences, about "bank".

    Args:
        n: How many sentences (≥ 1).
        seed: Same seed, same sentences.

    Returns:
        The sentences, each a list of five or six words.

    Raises:
        ValueError: If `n` is below 1.

    Example:
        >>> sentences = planted_sentences(1000, seed=0)
        >>> any(word == "bank" for sentence in sentences for word in sentence)
        True
    """
    if n < 1:
        raise ValueError(f"n must be ≥ 1; got n={n}.")
    rng = random.Random(seed)
    return [
        _geography_sentence(rng) if rng.random() < _GEOGRAPHY_SHARE else _class_sentence(rng)
        for _ in range(n)
    ]


def planted_analogies() -> list[dict[str, str]]:
    """List every question "capital is to country as capital is to …" of the planted corpus.

    Returns:
        One row for each ordered pair of different capitals, with the columns of Google's
        analogies: section, a, b, c and the answer d.
    """
    return [
        {"section": "capital-country", "a": a, "b": b, "c": c, "d": d}
        for a, b in CAPITALS.items()
        for c, d in CAPITALS.items()
        if a != c
    ]


def sense_of(sentence: Sequence[str]) -> str:
    """Tell which sense "bank" has in a planted sentence, from the words around it.

    Args:
        sentence: A sentence from `planted_sentences` that contains "bank".

    Returns:
        "money" or "river".

    Raises:
        ValueError: If the sentence has no "bank", or no word of either sense's contexts.
    """
    if AMBIGUOUS_WORD not in sentence:
        raise ValueError(f"sentence must contain {AMBIGUOUS_WORD!r}; got {' '.join(sentence)!r}.")
    for sense in ("money", "river"):
        if set(sentence) & set(CLASS_CONTEXTS[sense]):
            return sense
    raise ValueError(f"sentence must be a planted one; got {' '.join(sentence)!r}.")


def _class_sentence(rng: random.Random) -> list[str]:
    name = rng.choice(list(WORD_CLASSES))
    word = rng.choice(WORD_CLASSES[name])
    if name in ("money", "river") and rng.random() < _AMBIGUOUS_SHARE:
        word = AMBIGUOUS_WORD
    return ["the", word, *rng.sample(CLASS_CONTEXTS[name], 2), rng.choice(_ADVERBS)]


def _geography_sentence(rng: random.Random) -> list[str]:
    capital, country = rng.choice(list(CAPITALS.items()))
    place, contexts = rng.choice(((capital, CITY_CONTEXTS), (country, NATION_CONTEXTS)))
    local = rng.choice(COUNTRY_CONTEXTS[country])
    return ["in", place, *rng.sample(contexts, 2), local, rng.choice(_ADVERBS)]
