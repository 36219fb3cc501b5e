"""An independent reader of stories: it scores plain text, knowing the grammar but no derivation.

It follows all derivations that agree with the text so far, side by side, each with its probability
(the forward algorithm). It shares the grammar and the word lists with the writer, and nothing else:
no common beginnings, no precomputed chances, and it reads characters, not the writer's tokens. That
the two agree shows that the writer's log-probabilities are those of the text.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from course_lib.data.story_chances import PlantedChances, weights_of
from course_lib.data.story_grammar import DIGRESSION, START, Parts
from course_lib.data.story_lexicon import Item, lexicon
from course_lib.data.story_templates import BETWEEN, OPENING, Part, Slot, Symbol, Word

NO_BLANK_BEFORE = frozenset(".,!?;:”") | {"'s", "'"}
DONE = "<end>"


class _Count:
    """A pseudo-symbol: a sentence ends here."""


COUNT = _Count()
Stack = tuple["Symbol | _Count | str", ...]  # the next symbol stands last; a str is a token
Memory = frozenset[tuple[str, "Item | int"]]


class _State(NamedTuple):
    """One derivation so far: what is still to come, and what is remembered."""

    stack: Stack
    memory: Memory


@dataclass(frozen=True)
class Reading:
    """What the reader makes of a text.

    Attributes:
        tokens: The text's tokens.
        log_probs: log P(token | everything before it), one a token, in nats.
        n_derivations: How many derivations give the whole text; 1 for a text of this world.
    """

    tokens: list[str]
    log_probs: list[float]
    n_derivations: int


class Reader:
    """Reads plain text with a grammar.

    Args:
        grammar: The grammar that wrote the text.
        planted: The planted chances it was written with.
        language: "en" or "zh".
        callback_distance: The writer's option of that name.
    """

    def __init__(
        self,
        grammar: Parts,
        planted: PlantedChances,
        language: str,
        callback_distance: int | None = None,
    ) -> None:
        self.grammar, self.planted, self.language = grammar, planted, language
        self.distance = callback_distance or 0
        self.words = lexicon()
        self._weights: dict[tuple[str, str, Item | None], list[tuple[Item, float]]] = {}

    def read(self, text: str) -> Reading:
        """Score a whole text.

        Args:
            text: A story.

        Returns:
            Its tokens with their log-probabilities.

        Raises:
            ValueError: If the grammar cannot write this text; shows where it stops.
        """
        frontiers = {0: {state: (prob, 1) for state, prob in self._start().items()}}
        mass: dict[int, float] = {0: 1.0}
        lengths: dict[int, set[int]] = defaultdict(set)
        n_derivations = 0
        while frontiers:
            at = min(frontiers)
            for state, (prob, n) in frontiers.pop(at).items():
                for token, after, share in self._advance(state):
                    if token == DONE:
                        n_derivations += n if at == len(text) else 0
                        continue
                    end = _match(text, at, token, self.language)
                    if end is None:
                        continue
                    states = frontiers.setdefault(end, {})
                    known_prob, known_n = states.get(after, (0.0, 0))
                    states[after] = (known_prob + prob * share, known_n + n)
                    mass[end] = mass.get(end, 0.0) + prob * share
                    lengths[end].add(end - at)
        if not n_derivations:
            furthest = max(mass)
            raise ValueError(
                f"text must be a story of this world; no derivation goes on after "
                f"{text[max(0, furthest - 40) : furthest]!r} with {text[furthest:][:20]!r}."
            )
        return self._reading(text, mass, lengths, n_derivations)

    def next_probs(self, prefix: list[str]) -> dict[str, float]:
        """Give the distribution of the next token after a list of tokens.

        Args:
            prefix: The tokens so far; empty for the first token.

        Returns:
            Token to probability; `DONE` stands for the end of the story. It sums to 1.

        Raises:
            ValueError: If no story begins with `prefix`.
        """
        states: dict[_State, float] = self._start()
        for at, wanted in enumerate(prefix):
            follow: dict[_State, float] = defaultdict(float)
            for state, prob in states.items():
                for token, after, share in self._advance(state):
                    if token == wanted:
                        follow[after] += prob * share
            if not follow:
                raise ValueError(f"no story begins with {' '.join(prefix[: at + 1])!r}.")
            states = follow
        total = math.fsum(states.values())
        probs: dict[str, float] = defaultdict(float)
        for state, prob in states.items():
            for token, _, share in self._advance(state):
                probs[token] += prob * share / total
        return dict(probs)

    def _start(self) -> dict[_State, float]:
        return {_State((Part(START),), frozenset()): 1.0}

    def _reading(
        self, text: str, mass: dict[int, float], lengths: dict[int, set[int]], n: int
    ) -> Reading:
        """Walk back from the end; where a text can be cut in one way only, this finds it."""
        cuts = [len(text)]
        while cuts[-1] > 0:
            cuts.append(cuts[-1] - max(lengths[cuts[-1]]))
        cuts.reverse()
        tokens = [text[a:b].lstrip(" ") for a, b in pairwise(cuts)]
        return Reading(tokens, [math.log(mass[b] / mass[a]) for a, b in pairwise(cuts)], n)

    def _advance(self, state: _State) -> Iterator[tuple[str, _State, float]]:
        """List every token that may come next, the state after it, and its probability."""
        pending = [(state.stack, state.memory, 1.0)]
        while pending:
            stack, memory, prob = pending.pop()
            if not stack:
                yield DONE, _State(stack, memory), prob
                continue
            symbol, rest = stack[-1], stack[:-1]
            if isinstance(symbol, str):
                yield symbol, _State(rest, memory), prob
            elif isinstance(symbol, Word):
                yield symbol.token, _State(rest, memory), prob
            elif isinstance(symbol, _Count):
                pending.append((rest, _counted(memory), prob))
            elif isinstance(symbol, Part):
                pending += self._filled(symbol, rest, memory, prob)
            else:
                pending += self._said(symbol, rest, memory, prob)

    def _filled(
        self, part: Part, rest: Stack, memory: Memory, prob: float
    ) -> Iterator[tuple[Stack, Memory, float]]:
        if part.name == BETWEEN:
            known = dict(memory)
            passed = int(known.get("#", 0)) - int(known.get("#thing", 0))  # pyright: ignore
            yield rest + (DIGRESSION,) * max(0, self.distance - passed), memory, prob
            return
        rows = self.grammar[part.name]
        total = math.fsum(row.weight for row in rows)
        for row in rows:
            template = row.templates[self.language]
            symbols: list[Symbol | _Count | str] = []
            for at, symbol in enumerate(template.symbols):
                symbols += [COUNT] if at in template.ends else []
                symbols.append(symbol)
            symbols += [COUNT] if len(template.symbols) in template.ends else []
            yield rest + tuple(reversed(symbols)), memory, prob * row.weight / total

    def _said(
        self, slot: Slot, rest: Stack, memory: Memory, prob: float
    ) -> Iterator[tuple[Stack, Memory, float]]:
        known: Mapping[str, Item | int] = dict(memory)
        if not slot.words:
            said = known[slot.name].say(slot.form, self.language)  # pyright: ignore
            yield rest + tuple(reversed(said)), memory, prob
            return
        for item, share in self._chances(slot, known[slot.key] if slot.key else None):  # pyright: ignore
            after = {**known, slot.name: item}
            if slot.name == "thing":
                after["#thing"] = known.get("#", 0)
            said = item.say(slot.form, self.language)
            yield rest + tuple(reversed(said)), frozenset(after.items()), prob * share

    def _chances(self, slot: Slot, key: Item | None) -> list[tuple[Item, float]]:
        name = (slot.words, slot.relation, key)
        if name not in self._weights:
            items = self.words[slot.words]
            weights = weights_of(items, slot.relation, key, self.planted)
            total = math.fsum(weights)
            self._weights[name] = [
                (item, weight / total)
                for item, weight in zip(items, weights, strict=True)
                if weight > 0
            ]
        return self._weights[name]


def _counted(memory: Memory) -> Memory:
    known = dict(memory)
    known["#"] = int(known.get("#", 0)) + 1  # pyright: ignore
    return frozenset(known.items())


def _match(text: str, at: int, token: str, language: str) -> int | None:
    """Say where `token` ends if the text goes on with it at `at`, blanks as they are printed."""
    glued = language == "zh" or at == 0 or token in NO_BLANK_BEFORE or text[at - 1] == OPENING
    piece = token if glued else " " + token
    return at + len(piece) if text.startswith(piece, at) else None
