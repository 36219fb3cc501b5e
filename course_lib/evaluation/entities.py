"""Names in a text, marked by one tag per token (BIO), and how many of them were found.

B-PER begins an entity of type PER, I-PER goes on with it, O is outside of all entities.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from course_lib.evaluation.counts import MatchCounts


class Entity(NamedTuple):
    """The tokens from number `start` up to, but not including, number `end`."""

    start: int
    end: int
    type: str


class EntityScores(NamedTuple):
    """Counts over all entities (`micro`) and by type; precision, recall and F1 are theirs.

    `n_repaired` says how many entities of the prediction began with an I- tag.
    """

    micro: MatchCounts
    per_type: dict[str, MatchCounts]
    n_repaired: int


def _split(tag: str, position: int) -> tuple[str, str]:
    prefix, _, kind = tag.partition("-")
    if tag != "O" and (prefix not in ("B", "I") or not kind):
        raise ValueError(
            f"tags must be O, B-<type> or I-<type>; got {tag!r} at position {position}."
        )
    return prefix, kind


def _read(tags: Iterable[str]) -> tuple[list[Entity], int]:
    """Return the entities, and how many of them begin with an I- tag."""
    entities: list[Entity] = []
    n_repaired = 0
    open_type = ""  # of the entity that the token before belongs to
    for position, tag in enumerate(tags):
        prefix, kind = _split(tag, position)
        if prefix == "I" and kind == open_type:
            entities[-1] = entities[-1]._replace(end=position + 1)
        elif prefix != "O":
            entities.append(Entity(position, position + 1, kind))
            n_repaired += prefix == "I"
        open_type = kind
    return entities, n_repaired


def tags_to_spans(tags: Iterable[str]) -> list[Entity]:
    """Read the entities off a sentence's tags.

    An I- tag that continues nothing (after O, after another type, at the start) begins an
    entity, as if it were a B- tag. This is what the CoNLL evaluation and seqeval's default do;
    `count_repairs` tells how often it was needed.

    Args:
        tags: One per token: "O", or "B-" or "I-" and a type.

    Returns:
        The entities, from left to right.

    Raises:
        ValueError: If a tag is of another form, as in the scheme BIOES.

    Reference:
        Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task",
        https://aclanthology.org/W03-0419. Unlike the data there, ours has a B- at the start of
        every entity (IOB2), not only between two neighbours of one type.

    Example:
        >>> tags_to_spans(["B-PER", "I-PER", "O", "I-LOC"])
        [Entity(start=0, end=2, type='PER'), Entity(start=3, end=4, type='LOC')]
    """
    return _read(tags)[0]


def count_repairs(tags: Iterable[str]) -> int:
    """Count the I- tags that continue nothing and so were read as the beginning of an entity.

    Args:
        tags: One per token: "O", or "B-" or "I-" and a type.

    Raises:
        ValueError: If a tag is of another form.

    Example:
        >>> count_repairs(["B-PER", "I-PER", "O", "I-LOC", "I-PER"])
        2
    """
    return _read(tags)[1]


def spans_to_tags(spans: Iterable[tuple[int, int, str]], n_tokens: int) -> list[str]:
    """Write entities as one tag per token: the inverse of `tags_to_spans`.

    Args:
        spans: Entities, or plain triples of start, end (not included) and type; in any order.
        n_tokens: The length of the sentence.

    Raises:
        ValueError: If a span is empty, leaves the sentence or overlaps another, or has no type.

    Example:
        >>> spans_to_tags([(0, 2, "PER"), (3, 4, "LOC")], n_tokens=5)
        ['B-PER', 'I-PER', 'O', 'B-LOC', 'O']
    """
    tags = ["O"] * n_tokens
    for start, end, kind in spans:
        if not 0 <= start < end <= n_tokens:
            raise ValueError(
                f"spans must have 0 ≤ start < end ≤ n_tokens={n_tokens}; got {start} to {end}."
            )
        if not kind:
            raise ValueError(f"spans must have a type; got none for {start} to {end}.")
        if any(tag != "O" for tag in tags[start:end]):
            raise ValueError(f"spans must not overlap; got {start} to {end} on top of another.")
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def entity_scores(
    predicted: Sequence[Sequence[str]], expected: Sequence[Sequence[str]]
) -> EntityScores:
    """Count the entities of which start, end and type are all right.

    A tag-wise accuracy flatters: most tags are O, and a tagger that finds nothing scores high.
    Here, half an entity found counts as one missed and one wrong.

    Args:
        predicted: One list of tags per sentence.
        expected: The right tags of the same sentences.

    Returns:
        The counts over all entities and by type (types in alphabetical order), and how many
        predicted entities had to be repaired. Unlike seqeval, which puts 0, precision is NaN
        where nothing was predicted, and recall where nothing was expected.

    Raises:
        ValueError: If there is no sentence, the lengths differ, or a tag is not O, B-… or I-….

    Reference:
        Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task",
        https://aclanthology.org/W03-0419; Nakayama 2018, seqeval,
        https://github.com/chakki-works/seqeval (default mode).

    Example:
        >>> scores = entity_scores([["B-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "B-LOC"]])
        >>> scores.micro.f1, scores.per_type["PER"].recall
        (0.5, 0.0)
    """
    if not expected or len(predicted) != len(expected):
        raise ValueError(
            "predicted and expected must have the same number of sentences, at least 1; "
            f"got {len(predicted)} and {len(expected)}."
        )
    right, found, there = Counter[str](), Counter[str](), Counter[str]()
    n_repaired = 0
    for number, (guess, truth) in enumerate(zip(predicted, expected, strict=True)):
        if len(guess) != len(truth):
            raise ValueError(
                "predicted and expected must have one tag for each token; "
                f"got {len(guess)} and {len(truth)} in sentence {number}."
            )
        guessed, n_orphans = _read(guess)
        true = tags_to_spans(truth)
        n_repaired += n_orphans
        found.update(entity.type for entity in guessed)
        there.update(entity.type for entity in true)
        right.update(entity.type for entity in set(guessed) & set(true))
    per_type = {t: MatchCounts(right[t], found[t], there[t]) for t in sorted(found | there)}
    micro = MatchCounts(right.total(), found.total(), there.total())
    return EntityScores(micro, per_type, n_repaired)
