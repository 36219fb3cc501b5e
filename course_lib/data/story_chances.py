"""Chances: how a word is drawn from a list, and what each of its tokens is worth in nats.

A draw's tokens are seen one after another, in the forms that a template says: a Chinese measure
word comes before its noun, an English article before its adjective. The chance of a token is the
weight of all items that agree with the tokens seen so far and this one, over the weight of those
that agree with the tokens seen so far.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import NamedTuple

from course_lib.data.story_lexicon import Item


@dataclass(frozen=True, kw_only=True)
class PlantedChances:
    """The chances that a lesson may turn.

    Attributes:
        p_gender: P(a profession of the group planted for a person's gender); 0.5 plants nothing.
        analogy_regularity: P(an animal's food, a country's river … is its own); otherwise it is
            any of the list, its own included.
    """

    p_gender: float = 0.5
    analogy_regularity: float = 1.0

    def __post_init__(self) -> None:
        for name in ("p_gender", "analogy_regularity"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1; got {value}.")


class Chunk(NamedTuple):
    """Tokens that are written together.

    Attributes:
        tokens: The tokens.
        log_probs: What each is worth given all tokens before it, in nats.
        tags: Their entity tags, in BIO.
    """

    tokens: tuple[str, ...]
    log_probs: tuple[float, ...]
    tags: tuple[str, ...]


class Draw:
    """A draw from a list under given weights.

    Args:
        items: What can be drawn.
        weights: Their weights (≥ 0), one an item.
    """

    def __init__(self, items: Sequence[Item], weights: Sequence[float]) -> None:
        kept = [(item, weight) for item, weight in zip(items, weights, strict=True) if weight > 0]
        total = math.fsum(weight for _, weight in kept)
        self.items = [item for item, _ in kept]
        self.probs = [weight / total for _, weight in kept]
        self.cumulative = list(accumulate(self.probs))
        self.cumulative[-1] = 1.0
        self._chunks: dict[tuple[str, tuple[str, ...]], list[list[Chunk]]] = {}

    def chunks(self, language: str, forms: tuple[str, ...]) -> list[list[Chunk]]:
        """Say every item in several forms, with the tokens' log-probabilities.

        Args:
            language: "en" or "zh".
            forms: The forms in which a template says it, in order.

        Returns:
            For each item, one chunk a form.

        Raises:
            ValueError: If the tokens of one item begin those of another.
        """
        if (language, forms) not in self._chunks:
            self._chunks[language, forms] = self._say_all(language, forms)
        return self._chunks[language, forms]

    def _say_all(self, language: str, forms: tuple[str, ...]) -> list[list[Chunk]]:
        said = [[item.say(form, language) for form in forms] for item in self.items]
        runs = [tuple(token for part in parts for token in part) for parts in said]
        mass: dict[tuple[str, ...], list[float]] = {}
        for run, prob in zip(runs, self.probs, strict=True):
            for end in range(len(run) + 1):
                mass.setdefault(run[:end], []).append(prob)
        sums = {prefix: math.fsum(probs) for prefix, probs in mass.items()}
        _check_prefixes(runs, mass, self.items)
        return [
            _split(item, forms, parts, sums) for item, parts in zip(self.items, said, strict=True)
        ]


@cache
def said_chunk(item: Item, form: str, language: str) -> Chunk:
    """Say something that was drawn before: its tokens are certain, so each is worth 0 nats."""
    tokens = item.say(form, language)
    return Chunk(tokens, (0.0,) * len(tokens), _tags_of(item, form, tokens))


def weights_of(
    items: Sequence[Item], relation: str, key: Item | None, planted: PlantedChances
) -> list[float]:
    """Weigh the items of a list, given what an earlier draw gave.

    Args:
        items: The list.
        relation: "" (no condition), "!" (not the key itself), "|" (planted by gender) or "~"
            (paired: the item that the key names in the column called like the list).
        key: What the draw depends on.
        planted: The planted chances.

    Returns:
        One weight an item.
    """
    if key is None:
        return [item.weight for item in items]
    if relation == "!":
        return [0.0 if item is key else item.weight for item in items]
    if relation == "~":
        own, rest = key.row[items[0].words], 1.0 - planted.analogy_regularity
        shares = [rest / len(items)] * len(items)
        at = next(i for i, item in enumerate(items) if item.row["en"] == own)
        shares[at] += planted.analogy_regularity
        return shares
    same = [planted_gender(item) == planted_gender(key) for item in items]
    n_same = sum(same)
    p = planted.p_gender
    return [p / n_same if one else (1 - p) / (len(items) - n_same) for one in same]


def planted_gender(item: Item) -> str:
    """Give a person's gender, or the gender planted for a profession: "she" or "he"."""
    return item.row.get("gender") or item.row["planted_gender"]


def entity_tags(entity: str, n_tokens: int, *, n_before: int = 0) -> tuple[str, ...]:
    """Tag the tokens of one mention in BIO.

    Args:
        entity: PER, LOC, OBJ or "" for none.
        n_tokens: Length of the mention, in tokens.
        n_before: Tokens before the mention proper (an article), which are outside it.

    Example:
        >>> entity_tags("OBJ", 3, n_before=1)
        ('O', 'B-OBJ', 'I-OBJ')
    """
    if not entity:
        return ("O",) * n_tokens
    inside = n_tokens - n_before - 1
    return ("O",) * n_before + (f"B-{entity}",) + (f"I-{entity}",) * inside


def _split(
    item: Item,
    forms: tuple[str, ...],
    parts: list[tuple[str, ...]],
    sums: dict[tuple[str, ...], float],
) -> list[Chunk]:
    chunks, seen = [], ()
    for form, tokens in zip(forms, parts, strict=True):
        log_probs = []
        for token in tokens:
            log_probs.append(math.log(sums[(*seen, token)] / sums[seen]) + 0.0)
            seen = (*seen, token)
        chunks.append(Chunk(tokens, tuple(log_probs), _tags_of(item, form, tokens)))
    return chunks


def _tags_of(item: Item, form: str, tokens: tuple[str, ...]) -> tuple[str, ...]:
    has_article = (form == "a" or form.startswith("a_")) and tokens[0] in ("a", "an")
    return entity_tags(item.entity(form), len(tokens), n_before=int(has_article))


def _check_prefixes(
    runs: list[tuple[str, ...]], mass: dict[tuple[str, ...], list[float]], items: list[Item]
) -> None:
    for run, item in zip(runs, items, strict=True):
        longer = len(mass[run]) - runs.count(run)
        if longer:
            said = " ".join(run)
            raise ValueError(f"{item!r} must not begin another word of its list: {said!r}.")
