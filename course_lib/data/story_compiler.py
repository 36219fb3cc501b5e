"""From the grammar to a list of operations that a writer can run fast.

Every alternative becomes, in each language, a short list of operations. Where alternatives with a
common beginning part, the first token after it carries the logarithm of the share of the weight
that goes this way; words that stand for themselves are merged into one chunk.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from course_lib.data.story_chances import Chunk, Draw, PlantedChances, entity_tags, weights_of
from course_lib.data.story_grammar import Alternative, Parts
from course_lib.data.story_lexicon import LANGUAGES, PRONOUNS, Item
from course_lib.data.story_templates import BETWEEN, Part, Slot, Symbol, Template, Word

UNNAMED = frozenset({*PRONOUNS, "measure", "unit"})  # forms that are no mention of their own
# What an operation does (plain integers, because a story runs through hundreds of them).
WRITE = 0  # words that stand for themselves
DRAWN = 1  # a form of something this alternative draws
SAY = 2  # a form of something drawn before
FILL = 3  # what fills a part
END = 4  # a sentence ends
TURN = 5  # somebody begins to speak


class Operation(NamedTuple):
    """One operation.

    Attributes:
        do: What to do.
        branch: Nats to add to the first token written.
        chunk: WRITE: what to write.
        number: DRAWN: which draw; FILL: which child.
        which: DRAWN: which of the forms said in this template, counted from 0.
        name: DRAWN, SAY, TURN: the variable.
        form: DRAWN, SAY: the form.
        mention: Under which name this is remembered as mentioned; "" for not at all.
        forms: DRAWN: all forms of this variable said in this template, in order.
    """

    do: int
    branch: float = 0.0
    chunk: Chunk | None = None
    number: int = 0
    which: int = 0
    name: str = ""
    form: str = ""
    mention: str = ""
    forms: tuple[str, ...] = ()


class Step(NamedTuple):
    """One decision, or one thing to count, while a story is made up.

    Attributes:
        kind: "draw", "part", "between" or "end".
        slot: For a draw.
        name: For a part.
    """

    kind: str
    slot: Slot | None = None
    name: str = ""


@dataclass(frozen=True)
class Plan:
    """A compiled alternative.

    Attributes:
        source: The alternative.
        steps: The decisions it asks for, in the order of the English text.
        operations: Language to what is written.
    """

    source: Alternative
    steps: tuple[Step, ...]
    operations: Mapping[str, tuple[Operation, ...]]


@dataclass(frozen=True)
class Choice:
    """A compiled part: its plans and the sums of their chances."""

    plans: tuple[Plan, ...]
    cumulative: tuple[float, ...]


class Draws:
    """All draws of a world, made when first needed.

    Args:
        words: List name to items.
        planted: The planted chances.
    """

    def __init__(self, words: Mapping[str, tuple[Item, ...]], planted: PlantedChances) -> None:
        self.words, self.planted = words, planted
        self._known: dict[tuple[str, str, Item | None], Draw] = {}

    def of(self, slot: Slot, memory: Mapping[str, Item]) -> Draw:
        """Find the draw for a slot, given what was drawn before."""
        key = memory[slot.key] if slot.key else None
        name = (slot.words, slot.relation, key)
        draw = self._known.get(name)
        if draw is None:
            items = self.words[slot.words]
            draw = Draw(items, weights_of(items, slot.relation, key, self.planted))
            self._known[name] = draw
        return draw


def compile_grammar(grammar: Parts, words: Mapping[str, tuple[Item, ...]]) -> Mapping[str, Choice]:
    """Compile every part.

    Args:
        grammar: A checked grammar.
        words: List name to items.

    Returns:
        Part to compiled choice.
    """
    tag = make_tagger(words)
    return {name: _choice(rows, tag) for name, rows in grammar.items()}


def branch_log_probs(rows: Sequence[Alternative], language: str) -> list[list[float]]:
    """Say for every symbol of every alternative what choosing it is worth.

    Args:
        rows: The alternatives of one part.
        language: "en" or "zh".

    Returns:
        For each alternative one number a symbol, in nats: 0 where all alternatives that share
        the symbols so far go on alike.
    """
    mass: dict[tuple[Symbol, ...], list[float]] = {}
    for row in rows:
        symbols = row.templates[language].symbols
        for end in range(len(symbols) + 1):
            mass.setdefault(symbols[:end], []).append(row.weight)
    sums = {prefix: math.fsum(weights) for prefix, weights in mass.items()}
    return [
        [math.log(sums[symbols[: i + 1]] / sums[symbols[:i]]) + 0.0 for i in range(len(symbols))]
        for symbols in (row.templates[language].symbols for row in rows)
    ]


def make_tagger(
    words: Mapping[str, tuple[Item, ...]],
) -> Callable[[Sequence[str], str], tuple[str, ...]]:
    """Make a function that tags the people, places and objects in words of the grammar.

    Args:
        words: List name to items.

    Returns:
        A function of tokens and a language that gives one BIO tag a token; the longest mention
        counts.
    """
    known: dict[str, dict[tuple[str, ...], str]] = {language: {} for language in LANGUAGES}
    for items in words.values():
        for item in items:
            forms = ["", *(c for c in item.row if f"{c}_zh" in item.row)]
            for form in forms:
                for language in LANGUAGES:
                    if entity := item.entity(form):
                        known[language][item.say(form, language)] = entity
    longest = max((len(run) for runs in known.values() for run in runs), default=0)

    def tag(tokens: Sequence[str], language: str) -> tuple[str, ...]:
        tags: list[str] = []
        while len(tags) < len(tokens):
            at = len(tags)
            lengths = range(min(longest, len(tokens) - at), 0, -1)
            runs = (tuple(tokens[at : at + n]) for n in lengths)
            run = next((run for run in runs if run in known[language]), None)
            tags += entity_tags(known[language][run], len(run)) if run else ("O",)
        return tuple(tags)

    return tag


def mention_name(slot: Slot) -> str:
    """Say under which name a slot's words are remembered as mentioned.

    Returns:
        The variable for its plain form, `variable.form` for another form, and "" for a pronoun
        or a measure word.

    Example:
        >>> mention_name(Slot("job", "a")), mention_name(Slot("job", "tool"))
        ('job', 'job.tool')
    """
    if slot.form in UNNAMED:
        return ""
    form = "" if slot.form in ("a", "Cap") else slot.form.removeprefix("a_")
    return f"{slot.name}.{form}" if form else slot.name


Tagger = Callable[[Sequence[str], str], tuple[str, ...]]


def _choice(rows: Sequence[Alternative], tag: Tagger) -> Choice:
    total = math.fsum(row.weight for row in rows)
    branches = {language: branch_log_probs(rows, language) for language in LANGUAGES}
    plans = []
    for number, row in enumerate(rows):
        steps = _steps(row.templates["en"])
        binds = [step.slot.name for step in steps if step.slot]
        operations = {
            language: _Listing(row.templates[language], binds, language, tag).list_all(
                branches[language][number]
            )
            for language in LANGUAGES
        }
        plans.append(Plan(row, tuple(steps), operations))
    sums = list(accumulate(row.weight / total for row in rows))
    sums[-1] = 1.0
    return Choice(tuple(plans), tuple(sums))


def _steps(template: Template) -> list[Step]:
    steps = []
    for at, symbol in enumerate(template.symbols):
        if at in template.ends:
            steps.append(Step("end"))
        if isinstance(symbol, Slot) and symbol.words:
            steps.append(Step("draw", slot=symbol))
        elif isinstance(symbol, Part):
            kind = "between" if symbol.name == BETWEEN else "part"
            steps.append(Step(kind, name=symbol.name))
    if len(template.symbols) in template.ends:
        steps.append(Step("end"))
    return steps


class _Listing:
    """The operations of one template, while they are being listed."""

    def __init__(self, template: Template, binds: list[str], language: str, tag: Tagger) -> None:
        self.template, self.binds, self.language, self.tag = template, binds, language, tag
        self.operations: list[Operation] = []
        self.words: list[tuple[str, float]] = []
        self.said = dict.fromkeys(binds, 0)
        self.n_parts = 0

    def list_all(self, branches: list[float]) -> tuple[Operation, ...]:
        for at, symbol in enumerate(self.template.symbols):
            self._marks(at)
            if isinstance(symbol, Word):
                self.words.append((symbol.token, branches[at]))
                continue
            self._flush()
            if isinstance(symbol, Part):
                self._add(Operation(FILL, branches[at], number=self.n_parts, mention=symbol.name))
                self.n_parts += 1
            else:
                self._add(self._slot(symbol, branches[at]))
        self._marks(len(self.template.symbols))
        self._flush()
        return tuple(self.operations)

    def _add(self, operation: Operation) -> None:
        self.operations.append(operation)

    def _marks(self, at: int) -> None:
        if at in self.template.ends:
            self._flush()
            self._add(Operation(END))
        if at in self.template.speakers:
            self._flush()
            self._add(Operation(TURN, name=self.template.speakers[at]))

    def _slot(self, slot: Slot, branch: float) -> Operation:
        mention = mention_name(slot)
        if slot.name not in self.binds:
            return Operation(SAY, branch, name=slot.name, form=slot.form, mention=mention)
        slots = (s for s in self.template.symbols if isinstance(s, Slot))
        forms = tuple(s.form for s in slots if s.name == slot.name)
        which = self.said[slot.name]
        self.said[slot.name] += 1
        number = self.binds.index(slot.name)
        return Operation(DRAWN, branch, None, number, which, slot.name, slot.form, mention, forms)

    def _flush(self) -> None:
        if self.words:
            tokens = tuple(token for token, _ in self.words)
            nats = tuple(nats for _, nats in self.words)
            self._add(Operation(WRITE, chunk=Chunk(tokens, nats, self.tag(tokens, self.language))))
            self.words = []
