"""The story world's grammar: parts, each with weighted alternatives in two languages at once.

The alternatives stand in `data/storyworld/grammar/*.toml`, one array of tables a part. A grammar is
accepted only if, in each language, the next token always decides which alternative is meant (it is
LL(1) after common beginnings are shared). Then a text has one derivation, and the chance of a token
given the text before it is the share of the weight that goes on with that token.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType

from course_lib.data.paths import data_path
from course_lib.data.story_lexicon import LANGUAGES, Item, lexicon
from course_lib.data.story_templates import (
    BETWEEN,
    Part,
    Slot,
    Symbol,
    Template,
    Word,
    parse_template,
)

START = "story"
BETWEEN_WEIGHTS = (0.5, 0.35, 0.15)  # none, one, two digressions
DIGRESSION = Part("digression")


@dataclass(frozen=True)
class Alternative:
    """One way to fill a part.

    Attributes:
        part: The part it fills.
        weight: How often, relative to the part's other alternatives (> 0).
        templates: Language to template.
        labels: What choosing it says about the story, for example {"plot": "lost"}.
    """

    part: str
    weight: float
    templates: Mapping[str, Template]
    labels: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        words = [s.token if isinstance(s, Word) else s.name for s in self.templates["en"].symbols]
        return f"<{self.part}>: {' '.join(words[:12])}"


Parts = Mapping[str, tuple[Alternative, ...]]


def load_grammar(plots: Sequence[str] | None = None, *, fixed_between: bool = False) -> Parts:
    """Read and check the grammar.

    Args:
        plots: Keep only these plots; None for all.
        fixed_between: Leave `<between>` as it is, for a writer that counts; otherwise it is
            written out as none, one or two digressions.

    Returns:
        Part to alternatives.

    Raises:
        ValueError: If the grammar is broken or a text could have two derivations; names the part.
    """
    parts: dict[str, list[Alternative]] = {}
    for path in sorted(data_path("storyworld/grammar").glob("*.toml")):
        for name, tables in tomllib.loads(path.read_text(encoding="utf-8")).items():
            parts.setdefault(name, []).extend(_alternative(name, table) for table in tables)
    grammar = {name: tuple(_kept(rows, plots)) for name, rows in parts.items()}
    reached = _reached(grammar)
    if plots is None and (lost := set(grammar) - reached):
        raise ValueError(f"every part must be used; nothing leads to <{min(lost)}>.")
    grammar = {name: rows for name, rows in grammar.items() if name in reached}
    if not fixed_between:
        grammar = {
            name: tuple(one for row in rows for one in _written_out(row))
            for name, rows in grammar.items()
        }
    check_grammar(grammar, lexicon())
    return MappingProxyType(grammar)


def check_grammar(grammar: Parts, words: Mapping[str, tuple[Item, ...]]) -> None:
    """Check that a grammar is whole and that no text can have two derivations.

    Args:
        grammar: Part to alternatives.
        words: List name to items.

    Raises:
        ValueError: If a part or list is missing, the two languages of an alternative do not
            belong together, or two alternatives cannot be told apart by their next token.
    """
    for rows in grammar.values():
        for row in rows:
            _check_alternative(row, grammar, words)
    for language in LANGUAGES:
        first = FirstTokens(grammar, words, language)
        for rows in grammar.values():
            _check_branches(rows, language, first)
    for rows in grammar.values():
        _check_between(rows)


class FirstTokens:
    """Which tokens a symbol can begin with, in one language.

    Args:
        grammar: Part to alternatives.
        words: List name to items.
        language: "en" or "zh".
    """

    def __init__(
        self, grammar: Parts, words: Mapping[str, tuple[Item, ...]], language: str
    ) -> None:
        self.grammar, self.words, self.language = grammar, words, language
        self._lists: dict[str, set[str]] = {}
        self._known: dict[Symbol, frozenset[str]] = {}
        for rows in grammar.values():
            for row in rows:
                for symbol in row.templates[language].symbols:
                    if isinstance(symbol, Slot) and symbol.words:
                        self._lists.setdefault(symbol.name, set()).add(symbol.words)

    def of(self, symbol: Symbol) -> frozenset[str]:
        """List the tokens that `symbol` can begin with."""
        if symbol not in self._known:
            self._known[symbol] = frozenset(self._find(symbol))
        return self._known[symbol]

    def _find(self, symbol: Symbol) -> set[str]:
        if isinstance(symbol, Word):
            return {symbol.token}
        if isinstance(symbol, Part):
            name = DIGRESSION.name if symbol.name == BETWEEN else symbol.name
            rows = self.grammar[name]
            return set().union(*(self.of(r.templates[self.language].symbols[0]) for r in rows))
        lists = [symbol.words] if symbol.words else self._lists.get(symbol.name, ())
        if not lists:
            raise ValueError(f"a variable must be bound somewhere; {symbol.name!r} never is.")
        return {
            item.say(symbol.form, self.language)[0] for name in lists for item in self.words[name]
        }


def _alternative(part: str, table: dict[str, object]) -> Alternative:
    labels = {key: str(value) for key, value in table.items() if key not in ("en", "zh", "w")}
    weight = float(str(table.get("w", 1.0)))
    if not weight > 0:
        raise ValueError(f"<{part}>: w must be > 0; got {weight}.")
    templates = {language: parse_template(str(table[language])) for language in LANGUAGES}
    return Alternative(part, weight, MappingProxyType(templates), MappingProxyType(labels))


def _kept(rows: list[Alternative], plots: Sequence[str] | None) -> list[Alternative]:
    known = {row.labels["plot"] for row in rows if "plot" in row.labels}
    if plots is None or not known:
        return rows
    if not plots:
        raise ValueError(f"plots must be among {sorted(known)}; got none.")
    if unknown := set(plots) - known:
        raise ValueError(f"plots must be among {sorted(known)}; got {min(unknown)!r}.")
    return [row for row in rows if row.labels.get("plot") in plots]


def _reached(grammar: Parts) -> set[str]:
    """List the parts that a story can come to."""
    reached, pending = set(), [START]
    while pending:
        name = DIGRESSION.name if pending[-1] == BETWEEN else pending[-1]
        pending.pop()
        if name in grammar and name not in reached:
            reached.add(name)
            symbols = (s for row in grammar[name] for s in row.templates["en"].symbols)
            pending += [symbol.name for symbol in symbols if isinstance(symbol, Part)]
    return reached


def _written_out(row: Alternative) -> list[Alternative]:
    """Replace `<between>` by none, one or two digressions, as three alternatives."""
    if Part(BETWEEN) not in row.templates["en"].symbols:
        return [row]
    versions = []
    for n_digressions, share in enumerate(BETWEEN_WEIGHTS):
        templates = {
            language: _with_digressions(template, n_digressions)
            for language, template in row.templates.items()
        }
        versions.append(
            Alternative(row.part, row.weight * share, MappingProxyType(templates), row.labels)
        )
    return versions


def _with_digressions(template: Template, n: int) -> Template:
    at = template.symbols.index(Part(BETWEEN))
    symbols = (*template.symbols[:at], *[DIGRESSION] * n, *template.symbols[at + 1 :])
    ends = frozenset(end if end <= at else end + n - 1 for end in template.ends)
    speakers = {i if i <= at else i + n - 1: name for i, name in template.speakers.items()}
    return Template(symbols, ends, MappingProxyType(speakers))


def _check_alternative(
    row: Alternative, grammar: Parts, words: Mapping[str, tuple[Item, ...]]
) -> None:
    seen = []
    for language in LANGUAGES:
        template = row.templates[language]
        parts = [s.name for s in template.symbols if isinstance(s, Part)]
        binds = [s for s in template.symbols if isinstance(s, Slot) and s.words]
        if lost := [p for p in parts if p not in grammar and p != BETWEEN]:
            raise ValueError(f"{row}: there must be a part <{lost[0]}>; it has no alternative.")
        if lost := [s for s in binds if s.words not in words]:
            raise ValueError(f"{row}: there must be a list {lost[0].words!r}; there is none.")
        _check_order(row, language, binds, parts)
        bound = {(s.name, s.words, s.relation, s.key) for s in binds}
        if len(bound) != len(binds):
            raise ValueError(f"{row}: a variable must be bound once ({language}).")
        seen.append((parts, bound, len(template.ends)))
    for index, what in enumerate(("<parts> in the same order", "slots", "number of $")):
        if seen[0][index] != seen[1][index]:
            raise ValueError(
                f"{row}: en and zh must have the same {what}; "
                f"got {seen[0][index]} and {seen[1][index]}."
            )


def _check_order(row: Alternative, language: str, binds: list[Slot], parts: list[str]) -> None:
    order = [s.name for s in binds]
    if late := [s for s in binds if s.key in order[order.index(s.name) :]]:
        raise ValueError(
            f"{row}: {late[0].name!r} must come after {late[0].key!r} ({language}), on which "
            "its draw depends."
        )
    if sum(part == BETWEEN for part in parts) > 1:
        raise ValueError(f"{row}: <{BETWEEN}> must stand there once at most.")


def _check_between(rows: Sequence[Alternative]) -> None:
    """Refuse alternatives that part at `<between>`, which may write nothing to tell them apart."""
    for language in LANGUAGES:
        templates = [row.templates[language].symbols for row in rows]
        for row, symbols in zip(rows, templates, strict=True):
            at = symbols.index(Part(BETWEEN)) if Part(BETWEEN) in symbols else 0
            stem, longer = symbols[:at], symbols[: at + 1]
            if at and any(s[:at] == stem and s[: at + 1] != longer for s in templates):
                raise ValueError(f"{row} must not part from another at <{BETWEEN}>.")


def _check_branches(rows: Sequence[Alternative], language: str, first: FirstTokens) -> None:
    """Walk the alternatives' common beginnings; where they part, the next token must decide."""
    groups: list[tuple[int, Sequence[Alternative]]] = [(0, rows)]
    while groups:
        depth, group = groups.pop()
        branches: dict[Symbol, list[Alternative]] = {}
        for row in group:
            symbols = row.templates[language].symbols
            if depth == len(symbols):
                if len(group) > 1:
                    other = group[0] if group[0] is not row else group[1]
                    raise ValueError(f"{row} ({language}) must not begin or equal {other}.")
                continue
            branches.setdefault(symbols[depth], []).append(row)
        for one, two in combinations(branches, 2):
            if common := first.of(one) & first.of(two):
                raise ValueError(
                    f"{branches[one][0]} and {branches[two][0]} ({language}) must differ in the "
                    f"token after {depth} common symbols; both can go on with {min(common)!r}."
                )
        groups += [(depth + 1, rows) for rows in branches.values()]
