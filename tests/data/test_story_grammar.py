from pathlib import Path

import pytest

from course_lib.data import story_grammar
from course_lib.data.story_grammar import Alternative, FirstTokens, check_grammar, load_grammar
from course_lib.data.story_lexicon import Item
from course_lib.data.story_templates import Part, Slot, Word, parse_template

WORDS = {
    "names": (
        Item("names", {"en": "Ann", "zh": "安妮", "gender": "she"}),
        Item("names", {"en": "Bob", "zh": "鲍勃", "gender": "he"}),
    ),
    "fruits": (
        Item("fruits", {"en": "fig", "zh": "无花果", "measure_zh": "一 个"}),
        Item("fruits", {"en": "old apple", "zh": "老 苹果", "measure_zh": "一 只"}),
    ),
    "berries": (Item("berries", {"en": "old berry", "zh": "浆果"}),),
}


def row(en: str, zh: str, part: str = "story", weight: float = 1.0) -> Alternative:
    return Alternative(part, weight, {"en": parse_template(en), "zh": parse_template(zh)})


def check(*rows: Alternative) -> None:
    parts: dict[str, list[Alternative]] = {}
    for one in rows:
        parts.setdefault(one.part, []).append(one)
    check_grammar({part: tuple(some) for part, some in parts.items()}, WORDS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for grammars, and the word lists above."""
    grammar = tmp_path / "storyworld" / "grammar"
    grammar.mkdir(parents=True)
    monkeypatch.setattr(story_grammar, "data_path", lambda relative: tmp_path / relative)
    monkeypatch.setattr(story_grammar, "lexicon", lambda: WORDS)
    return grammar


def write(path: Path, *tables: str) -> None:
    """Write alternatives, each as "part / en / zh", with further lines after a slash."""
    text = ""
    for table in tables:
        part, en, zh, *more = (piece.strip() for piece in table.split(" / "))
        text += f'[[{part}]]\nen = "{en}"\nzh = "{zh}"\n' + "".join(f"{line}\n" for line in more)
    path.write_text(text, encoding="utf-8")


def english(rows: tuple[Alternative, ...]) -> list[str]:
    return [repr(one).split(": ", 1)[1] for one in rows]


def test_a_grammar_is_read_from_several_files(folder: Path) -> None:
    write(folder / "b.toml", 'story / No . $ / 不 。 $ / w = 2 / plot = "dull"')
    write(folder / "a.toml", "story / Yes <more> . $ / 是 <more> 。 $", "more / or so / 吧")
    grammar = load_grammar()
    assert set(grammar) == {"story", "more"}
    assert english(grammar["story"]) == ["Yes more .", "No ."]
    assert [one.weight for one in grammar["story"]] == [1.0, 2.0]
    assert [dict(one.labels) for one in grammar["story"]] == [{}, {"plot": "dull"}]
    assert grammar["more"][0].part == "more"
    assert grammar["more"][0].templates["zh"] == parse_template("吧")


@pytest.mark.parametrize("weight", ["0", "-1.5", "nan"])
def test_a_weight_must_be_positive(folder: Path, weight: str) -> None:
    write(folder / "a.toml", f"story / Yes / 是 / w = {weight}")
    with pytest.raises(ValueError, match=rf"<story>: w must be > 0; got {float(weight)}"):
        load_grammar()


def test_a_part_that_nothing_leads_to_is_named(folder: Path) -> None:
    write(folder / "a.toml", "story / Yes / 是", "zebra / z / 马", "loose / <zebra> / <zebra>")
    with pytest.raises(ValueError, match="every part must be used; nothing leads to <loose>"):
        load_grammar()


def test_only_some_plots(folder: Path) -> None:
    write(
        folder / "a.toml",
        "story / <plot> / <plot>",
        'plot / Lost <cry> / 丢 <cry> / plot = "lost"',
        'plot / Won / 赢 / plot = "won"',
        'plot / Sold / 卖 / plot = "sold"',
        "cry / alas / 唉",
    )
    assert english(load_grammar(["won", "sold"])["plot"]) == ["Won", "Sold"]
    assert set(load_grammar(["won"])) == {"story", "plot"}  # nothing leads to <cry> any more
    assert set(load_grammar(["lost"])) == set(load_grammar()) == {"story", "plot", "cry"}
    with pytest.raises(ValueError, match=r"among \['lost', 'sold', 'won'\]; got 'drawn'"):
        load_grammar(["won", "lent", "drawn"])


def test_between_is_written_out(folder: Path) -> None:
    write(
        folder / "a.toml",
        "story / One . $ <between> “@ann Two . ” $ / 一 。 $ <between> “@ann 二 。 ” $"
        ' / w = 4 / plot = "p"',
        "digression / Rain . $ / 雨 。 $",
    )
    none, one, two = load_grammar()["story"]
    assert english((none, one, two)) == [
        "One . “ Two . ”",
        "One . digression “ Two . ”",
        "One . digression digression “ Two . ”",
    ]
    assert [a.weight for a in (none, one, two)] == pytest.approx([4 * 0.5, 4 * 0.35, 4 * 0.15])
    for language in ("en", "zh"):
        templates = [a.templates[language] for a in (none, one, two)]
        assert [t.ends for t in templates] == [{2, 6}, {2, 7}, {2, 8}]
        assert [t.speakers for t in templates] == [{2: "ann"}, {3: "ann"}, {4: "ann"}]
    assert two.templates["zh"].symbols[2:4] == (Part("digression"), Part("digression"))
    assert [a.labels for a in (none, one, two)] == [{"plot": "p"}] * 3
    assert {a.part for a in (none, one, two)} == {"story"}


def test_a_speaker_before_between_keeps_his_place(folder: Path) -> None:
    write(
        folder / "a.toml",
        "story / “@ann One ” $ <between> End $ / “@ann 一 ” $ <between> 完 $",
        "digression / Rain / 雨",
    )
    for number, one in enumerate(load_grammar()["story"]):
        assert one.templates["en"].speakers == {0: "ann"}
        assert one.templates["en"].ends == {3, 4 + number}


def test_between_is_left_for_a_writer_that_counts(folder: Path) -> None:
    write(
        folder / "a.toml",
        "story / One <between> Two / 一 <between> 二",
        "digression / Rain / 雨",
    )
    (only,) = load_grammar(fixed_between=True)["story"]
    assert only.templates["en"].symbols == (Word("One"), Part("between"), Word("Two"))
    assert only.weight == 1.0


def test_a_loaded_grammar_is_checked(folder: Path) -> None:
    write(folder / "a.toml", "story / Yes <more> / 是 <more>")
    with pytest.raises(ValueError, match="there must be a part <more>; it has no alternative"):
        load_grammar()


@pytest.mark.parametrize(
    ("en", "zh", "message"),
    [
        ("Yes <more>", "是 <more>", r"<story>: Yes more: there must be a part <more>"),
        ("{x:nuts}", "{x:nuts}", r"<story>: x: there must be a list 'nuts'; there is none"),
        ("{x:names} {x:names}", "{x:names}", r"a variable must be bound once \(en\)"),
        ("{x:names}", "{x:names} {x:names}", r"a variable must be bound once \(zh\)"),
        (
            "<a> <b>",
            "<b> <a>",
            r"same <parts> in the same order; got \['a', 'b'\] and \['b', 'a'\]",
        ),
        ("<a> x", "x", r"same <parts> in the same order; got \['a'\] and \[\]"),
        ("{x:names} .", "是 。", "en and zh must have the same slots; got .*'names'.* and set"),
        ("{x:names}", "{x:fruits}", "en and zh must have the same slots"),
        ("{x:names}", "{y:names}", "en and zh must have the same slots"),
        ("A {x:names} {y:names!x}", "一 {x:names} {y:names}", "must have the same slots"),
        ("A . $ B . $", "一 。 二 。 $", "en and zh must have the same number of .; got 2 and 1"),
    ],
)
def test_a_broken_alternative_is_named(en: str, zh: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(row(en, zh), row("a", "甲", "a"), row("b", "乙", "b"))


def test_forms_and_word_order_may_differ_between_the_languages() -> None:
    check(row("{x:fruits.a} of {y:names}", "{y:names} 的 {x:fruits.measure} {x}"))


def test_an_unbound_variable_is_named() -> None:
    with pytest.raises(ValueError, match="a variable must be bound somewhere; 'hero' never is"):
        check(row("{hero} ran", "跑"), row("No", "不"))


@pytest.mark.parametrize(
    ("one", "two", "language", "depth", "token"),
    [
        (("old <a>", "甲 <a>"), ("{x:fruits} !", "乙 {x:fruits}"), "en", 0, "old"),
        (("A b {x:names}", "甲 {x:names}"), ("A b Bob", "乙"), "en", 2, "Bob"),
        (("{x:fruits}", "甲 {x:fruits.measure}"), ("B", "甲 一"), "zh", 1, "一"),
        (("{x:fruits}", "甲 {x:fruits}"), ("{x:berries}", "乙 {x:berries}"), "en", 0, "old"),
        (("<a> x", "<a> 甲"), ("first", "乙"), "en", 0, "first"),
        (("{x:names} !", "甲 {x:names}"), ("{y:names} ?", "乙 {y:names}"), "en", 0, "Ann"),
        (("A", "甲"), ("<between> B", "<between> 乙"), "zh", 0, "甲"),
    ],
)
def test_alternatives_that_the_next_token_cannot_tell_apart(
    one: tuple[str, str], two: tuple[str, str], language: str, depth: int, token: str
) -> None:
    others = (row("first", "丙", "a"), row("Rain", "甲", "digression"))
    with pytest.raises(
        ValueError,
        match=rf"<story>: .* and <story>: .* \({language}\) must differ in the token after {depth} "
        rf"common symbols; both can go on with '{token}'",
    ):
        check(row(*one), row("Other", "别"), row(*two), *others)


@pytest.mark.parametrize(
    ("one", "two", "language"),
    [
        (("Yes", "是"), ("Yes indeed", "真"), "en"),
        (("Yes indeed", "真"), ("Yes", "是"), "en"),
        (("Yes", "是"), ("Yes", "真"), "en"),
        (("Yes", "是"), ("Indeed", "是 吗"), "zh"),
    ],
)
def test_no_alternative_begins_another(
    one: tuple[str, str], two: tuple[str, str], language: str
) -> None:
    with pytest.raises(ValueError, match=rf"\({language}\) must not begin or equal <story>"):
        check(row(*one), row("Other", "别"), row(*two))


def test_a_common_beginning_is_no_ambiguity() -> None:
    check(
        row("{x:names} ran <a> .", "{x:names} 跑 <a> 。"),
        row("{x:names} ran and {x} sang", "{x:names} 跑 了"),
        row("{x:names} sat", "{x:names} 坐"),
        row("quickly", "快", "a"),
    )


def test_first_tokens_by_hand() -> None:
    grammar = {
        "story": (row("{x:names} <between> <a> end", "{x:names} <between> <a> 完"),),
        "a": (row("{x} or", "{x.she} 或", "a"), row("<b> so", "<b> 所以", "a")),
        "b": (row("{x:fruits.a}", "{x:fruits.measure} {x}", "b"), row("if", "如果", "b")),
        "digression": (row("Rain", "雨", "digression"),),
    }
    first = FirstTokens(grammar, WORDS, "en")
    assert first.of(Word("or")) == {"or"}
    assert first.of(Slot("x", words="names")) == {"Ann", "Bob"}
    # x may stand for a name or a fruit: both lists count.
    assert first.of(Slot("x")) == {"Ann", "Bob", "fig", "old"}
    assert first.of(Slot("x", "a")) == {"a", "an"}
    assert first.of(Part("b")) == {"a", "an", "if"}
    assert first.of(Part("a")) == {"Ann", "Bob", "fig", "old", "a", "an", "if"}
    assert first.of(Part("between")) == {"Rain"}
    chinese = FirstTokens(grammar, WORDS, "zh")
    assert chinese.of(Part("b")) == {"一", "如果"}
    assert chinese.of(Slot("x", words="fruits")) == {"无花果", "老"}


def test_an_alternative_shows_its_part_and_first_words() -> None:
    shown = row("a {x:names} <end> 3 4 5 6 7 8 9 10 11 12 13", "一", part="p")
    assert repr(shown) == "<p>: a x end 3 4 5 6 7 8 9 10 11"


def test_alternatives_must_not_part_at_between() -> None:
    rain = row("Rain .", "雨 。", "digression")
    with pytest.raises(ValueError, match=r"A <?.*must not part from another at <between>"):
        check(row("A <between> B", "甲 <between> 乙"), row("A C", "甲 丙"), rain)


def test_between_stands_once_at_most() -> None:
    rain = row("Rain .", "雨 。", "digression")
    with pytest.raises(ValueError, match="<between> must stand there once at most"):
        check(row("A <between> B <between> C", "甲 <between> 乙 <between> 丙"), rain)


def test_a_draw_comes_after_what_it_depends_on_in_both_languages() -> None:
    check(row("{x:names} and {y:names!x}", "{x:names} 和 {y:names!x}"))
    with pytest.raises(ValueError, match=r"'y' must come after 'x' \(zh\)"):
        check(row("{x:names} and {y:names!x}", "{y:names!x} 和 {x:names}"))


def test_no_plot_at_all_is_refused(folder: Path) -> None:
    write(folder / "a.toml", 'story / No . $ / 不 。 $ / plot = "dull"')
    with pytest.raises(ValueError, match=r"plots must be among \['dull'\]; got none"):
        load_grammar([])
