import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.story_templates import Part, Slot, Symbol, Template, Word, parse_template

NAMES = st.from_regex(r"[a-z][a-z_0-9]{0,5}", fullmatch=True)
WORDS = st.text("abcXYZ.,!?'’-猫狗。，“”", min_size=1, max_size=6).map(Word)
DRAWS = st.builds(
    Slot, NAMES, st.sampled_from(["", "a", "a_tool", "She"]), NAMES, st.sampled_from("!|~"), NAMES
)
SAYINGS = st.builds(Slot, NAMES, st.sampled_from(["", "plural", "their"]), st.just("") | NAMES)
PARTS = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True).map(Part)


def written(symbol: Symbol) -> str:
    """The notation of a symbol, as the module's docstring describes it."""
    if isinstance(symbol, Word):
        return symbol.token
    if isinstance(symbol, Part):
        return f"<{symbol.name}>"
    words = f":{symbol.words}" if symbol.words else ""
    form = f".{symbol.form}" if symbol.form else ""
    return "{" + symbol.name + words + symbol.relation + symbol.key + form + "}"


def test_a_template_by_hand() -> None:
    template = parse_template("{hero:names} ate <first-meal> . $ “@hero Good ! ” $ <between>")
    assert template.symbols == (
        Slot("hero", words="names"),
        Word("ate"),
        Part("first-meal"),
        Word("."),
        Word("“"),
        Word("Good"),
        Word("!"),
        Word("”"),
        Part("between"),
    )
    assert template.ends == {4, 8}
    assert template.speakers == {4: "hero"}


def test_a_quotation_without_a_speaker_is_no_turn() -> None:
    template = parse_template("“ Good ! ”")
    assert template.symbols[0] == Word("“")
    assert template.speakers == {}
    assert template.ends == frozenset()


@pytest.mark.parametrize(
    ("piece", "slot"),
    [
        ("{hero}", Slot("hero")),
        ("{hero.She}", Slot("hero", form="She")),
        ("{job:professions}", Slot("job", words="professions")),
        ("{job:professions.a}", Slot("job", "a", "professions")),
        ("{friend:names!hero}", Slot("friend", "", "names", "!", "hero")),
        ("{job:professions|hero.a_tool}", Slot("job", "a_tool", "professions", "|", "hero")),
        ("{food:foods~pet.plural}", Slot("food", "plural", "foods", "~", "pet")),
        ("{thing_2}", Slot("thing_2")),
    ],
)
def test_slots_by_hand(piece: str, slot: Slot) -> None:
    assert parse_template(f"so {piece} !").symbols == (Word("so"), slot, Word("!"))


@pytest.mark.parametrize(
    "piece",
    [
        "{hero",
        "hero}",
        "{Hero}",
        "{hero:}",
        "{hero!friend}",
        "{job:professions|}",
        "{job:professions?hero}",
        "{hero.}",
        "{hero},",
        "<Want>",
        "<want",
        "<>",
        "end$",
        "$$",
    ],
)
def test_what_is_no_symbol_is_named(piece: str) -> None:
    with pytest.raises(
        ValueError, match=r"must be a word, a \{slot\}, a <part> or \$; in "
    ) as error:
        parse_template(f"well {piece} then")
    assert str(error.value).startswith(repr(piece))
    assert str(error.value).endswith(repr(f"well {piece} then") + ".")


@pytest.mark.parametrize("text", ["", "  ", "$", " $ $ "])
def test_an_empty_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must hold at least one symbol") as error:
        parse_template(text)
    assert repr(text) in str(error.value)


@given(
    st.lists(st.tuples(WORDS | DRAWS | SAYINGS | PARTS, st.booleans(), NAMES | st.none())),
    WORDS,
)
def test_what_is_written_is_read_back(
    rows: list[tuple[Symbol, bool, str | None]], last: Word
) -> None:
    symbols, ends, speakers, pieces = [], set(), {}, []
    for symbol, ends_here, speaker in rows:
        if ends_here:
            ends.add(len(symbols))
            pieces.append("$")
        if speaker is not None:
            speakers[len(symbols)] = speaker
            symbols.append(Word("“"))
            pieces.append(f"“@{speaker}")
        symbols.append(symbol)
        pieces.append(written(symbol))
    template = parse_template("  ".join([*pieces, last.token]))
    assert template == Template((*symbols, last), frozenset(ends), speakers)
