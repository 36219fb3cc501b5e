"""Makes stories up and writes them down, with the log-probability of every token.

A story is made up once, as a tree of decisions (a *derivation*), and then told in either language.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from course_lib.data.story_chances import Chunk, Draw, PlantedChances, said_chunk
from course_lib.data.story_compiler import (
    DRAWN,
    END,
    FILL,
    Choice,
    Draws,
    Operation,
    Plan,
    compile_grammar,
)
from course_lib.data.story_grammar import DIGRESSION, START, Parts
from course_lib.data.story_lexicon import Item, lexicon
from course_lib.data.story_templates import CLOSING, OPENING

REMEMBERED = "thing"  # the variable that a story comes back to
NO_BLANK_BEFORE = frozenset({".", ",", "!", "?", ";", ":", CLOSING, "'s", "'"})


Drawn = tuple[str, Draw, int]  # a variable, the draw that filled it, the number of its item


class Derivation(NamedTuple):
    """How a part was filled.

    Attributes:
        plan: The alternative chosen.
        drawn: For each variable it draws: its name, the draw, the item's number.
        children: How its parts were filled: one derivation a part, and any number for
            `<between>`.
    """

    plan: Plan
    drawn: tuple[Drawn, ...]
    children: tuple[tuple["Derivation", ...], ...]


class Span(NamedTuple):
    """A stretch of tokens or characters, `end` excluded."""

    start: int
    end: int


@dataclass
class Telling:
    """A story in one language, as it is written down.

    Attributes:
        language: "en" or "zh".
        tokens: Its tokens.
        log_probs: What each token is worth given those before it, in nats.
        tags: Entity tags in BIO, one a token.
        ends: Where each sentence ends, in tokens.
        mentions: Variable, or <part>, to the token spans where it is written.
        turns: Who begins to speak, and at which token.
    """

    language: str
    tokens: list[str] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    mentions: dict[str, list[Span]] = field(default_factory=dict)
    turns: list[tuple[str, int]] = field(default_factory=list)


class Outline(NamedTuple):
    """A story before it is told.

    Attributes:
        root: Its derivation.
        memory: Variable to what it last meant.
        labels: What the choices say about the story.
    """

    root: Derivation
    memory: dict[str, Item]
    labels: dict[str, str]


class Writer:
    """Makes up stories.

    Args:
        grammar: A checked grammar.
        planted: The planted chances.
        callback_distance: How many sentences lie between the first mention of the remembered
            thing and the story's return to it; None leaves it to chance.
    """

    def __init__(
        self, grammar: Parts, planted: PlantedChances, callback_distance: int | None = None
    ) -> None:
        words = lexicon()
        self.choices: Mapping[str, Choice] = compile_grammar(grammar, words)
        self.draws = Draws(words, planted)
        self.callback_distance = callback_distance

    def outlines(self, seed: int, part: str = START) -> Iterator[Outline]:
        """Make up stories without end, the same for the same seed.

        Args:
            seed: Any integer.
            part: What to make up: whole stories, or one part of the grammar.
        """
        rng = random.Random(seed)
        while True:
            journey = _Journey(self, rng)
            root = journey.fill(part)
            yield Outline(root, journey.memory, journey.labels)


class _Journey:
    """One story being made up: what is remembered, and how many sentences have passed."""

    def __init__(self, writer: Writer, rng: random.Random) -> None:
        self.choices, self.draws = writer.choices, writer.draws
        self.distance = writer.callback_distance or 0
        self.random = rng.random
        self.memory: dict[str, Item] = {}
        self.labels: dict[str, str] = {}
        self.n_sentences = 0
        self.mentioned_in = 0

    def fill(self, name: str) -> Derivation:
        choice = self.choices[name]
        plans = choice.plans
        plan = plans[bisect_right(choice.cumulative, self.random())]
        if plan.source.labels:
            self.labels.update(plan.source.labels)
        drawn: list[Drawn] = []
        children: list[tuple[Derivation, ...]] = []
        for kind, slot, part in plan.steps:
            if kind == "end":
                self.n_sentences += 1
            elif kind == "part":
                children.append((self.fill(part),))
            elif slot is not None:
                draw = self.draws.of(slot, self.memory)
                index = bisect_right(draw.cumulative, self.random())
                self.memory[slot.name] = draw.items[index]
                drawn.append((slot.name, draw, index))
                if slot.name == REMEMBERED:
                    self.mentioned_in = self.n_sentences
            else:
                n_missing = self.distance - (self.n_sentences - self.mentioned_in)
                children.append(tuple(self.fill(DIGRESSION.name) for _ in range(n_missing)))
        return Derivation(plan, tuple(drawn), tuple(children))


def tell(outline: Outline, language: str) -> Telling:
    """Write a story down in one language.

    Args:
        outline: The story.
        language: "en" or "zh".
    """
    telling = Telling(language)
    _tell(outline.root, telling, {})
    return telling


def join_tokens(tokens: list[str], language: str) -> tuple[str, list[int]]:
    """Write tokens as running text.

    Args:
        tokens: The tokens.
        language: "en" (blanks between words, none before punctuation) or "zh" (no blanks).

    Returns:
        The text, and where each token begins in it, in characters.

    Example:
        >>> join_tokens(["“", "Yes", ",", "”", "said", "Wei", "."], "en")[0]
        '“Yes,” said Wei.'
    """
    if language == "zh":
        return "".join(tokens), list(accumulate(map(len, tokens), initial=0))[:-1]
    pieces = [token if token in NO_BLANK_BEFORE else " " + token for token in tokens]
    if OPENING in tokens:
        for at in range(1, len(tokens)):
            if tokens[at - 1] == OPENING:
                pieces[at] = tokens[at]
    if pieces:
        pieces[0] = tokens[0]
    ends = accumulate(map(len, pieces))
    starts = [end - len(token) for end, token in zip(ends, tokens, strict=True)]
    return "".join(pieces), starts


def _tell(node: Derivation, telling: Telling, memory: dict[str, Item]) -> None:
    drawn = node.drawn
    for name, draw, at in drawn:
        memory[name] = draw.items[at]
    tokens, language = telling.tokens, telling.language
    for operation in node.plan.operations[language]:
        do, start = operation.do, len(tokens)
        if do == FILL:
            for child in node.children[operation.number]:
                _tell(child, telling, memory)
        elif do >= END:
            _mark(telling, do, operation.name)
        else:
            _write(telling, _chunk(operation, drawn, memory, language))
        if operation.branch:
            telling.log_probs[start] += operation.branch
        if operation.mention:
            telling.mentions.setdefault(operation.mention, []).append(Span(start, len(tokens)))


def _chunk(
    operation: Operation, drawn: Sequence[Drawn], memory: Mapping[str, Item], language: str
) -> Chunk:
    if operation.do == DRAWN:
        _, draw, at = drawn[operation.number]
        return draw.chunks(language, operation.forms)[at][operation.which]
    return operation.chunk or said_chunk(memory[operation.name], operation.form, language)


def _write(telling: Telling, chunk: Chunk) -> None:
    telling.tokens += chunk[0]
    telling.log_probs += chunk[1]
    telling.tags += chunk[2]


def _mark(telling: Telling, do: int, name: str) -> None:
    if do == END:
        telling.ends.append(len(telling.tokens))
    else:
        telling.turns.append((name, len(telling.tokens)))
