"""The notation of the story world's grammar: a template is a row of symbols between blanks.

    word            stands for itself
    {hero:names}    binds: draws an item of the list `names`, remembers it as `hero`, says it
    {hero} {hero.she}   says what was bound, in its plain or in another form
    <want>          a part: one of the alternatives written under that name
    <between>       no, one or two digressions (as many as asked for, with `callback_distance`)
    $               a sentence ends here
    “@hero          an opening quotation mark; what follows is said by the hero

A draw may depend on what was drawn before:

    {friend:names!hero}        any name but the hero's
    {job:professions|hero.a}   planted: professions of the hero's planted group with chance p
    {food:foods~animal}        planted: the animal's own food with chance r, else any food

A *symbol* is one of the classes below; a *form* is a column of a word list (plural, young, …) or a
rule (`a` puts the article before it, `she` is the pronoun).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SLOT = re.compile(
    r"\{(?P<name>[a-z]\w*)"
    r"(?::(?P<words>[a-z]\w*)(?:(?P<relation>[!|~])(?P<key>[a-z]\w*))?)?"
    r"(?:\.(?P<form>\w+))?\}"
)
PART = re.compile(r"<(?P<name>[a-z][\w-]*)>")
BETWEEN = "between"
OPENING, CLOSING = "“", "”"


@dataclass(frozen=True)
class Word:
    """A token that stands for itself."""

    token: str


@dataclass(frozen=True)
class Slot:
    """A place that a word of a list fills.

    Attributes:
        name: The variable it binds or says.
        form: Which form is said; "" for the plain one.
        words: The list it draws from; "" if it only says what was bound before.
        relation: How the draw depends on `key`: "" not at all, "!", "|" or "~".
        key: The variable it depends on.
    """

    name: str
    form: str = ""
    words: str = ""
    relation: str = ""
    key: str = ""


@dataclass(frozen=True)
class Part:
    """A place that one of the alternatives of that name fills."""

    name: str


Symbol = Word | Slot | Part


@dataclass(frozen=True)
class Template:
    """One side of an alternative.

    Attributes:
        symbols: Its symbols, in order.
        ends: After how many symbols a sentence ends.
        speakers: For the symbols that open a quotation, the variable of who speaks.
    """

    symbols: tuple[Symbol, ...]
    ends: frozenset[int]
    speakers: Mapping[int, str]


def parse_template(text: str) -> Template:
    """Read one template.

    Args:
        text: The template; see the module's notation.

    Returns:
        Its symbols and sentence ends.

    Raises:
        ValueError: If a piece is not a symbol, or there is none.

    Example:
        >>> parse_template("{hero:names} slept . $").symbols[1]
        Word(token='slept')
    """
    symbols: list[Symbol] = []
    ends: set[int] = set()
    speakers: dict[int, str] = {}
    for piece in text.split():
        if piece == "$":
            ends.add(len(symbols))
        elif piece.startswith(OPENING + "@"):
            speakers[len(symbols)] = piece[2:]
            symbols.append(Word(OPENING))
        else:
            symbols.append(_symbol(piece, text))
    if not symbols:
        raise ValueError(f"a template must hold at least one symbol; got {text!r}.")
    return Template(tuple(symbols), frozenset(ends), MappingProxyType(speakers))


def _symbol(piece: str, text: str) -> Symbol:
    if match := SLOT.fullmatch(piece):
        return Slot(**{name: value or "" for name, value in match.groupdict().items()})
    if match := PART.fullmatch(piece):
        return Part(match["name"])
    if set(piece) & set("{}<>$"):
        raise ValueError(f"{piece!r} must be a word, a {{slot}}, a <part> or $; in {text!r}.")
    return Word(piece)
