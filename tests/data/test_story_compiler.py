import math

import pytest

from course_lib.data.story_chances import Chunk, PlantedChances
from course_lib.data.story_compiler import (
    DRAWN,
    END,
    FILL,
    SAY,
    TURN,
    WRITE,
    Draws,
    Operation,
    Step,
    branch_log_probs,
    compile_grammar,
    make_tagger,
    mention_name,
)
from course_lib.data.story_grammar import Alternative
from course_lib.data.story_lexicon import Item
from course_lib.data.story_templates import Slot, parse_template


def make_items(words: str, columns: str, *rows: str) -> tuple[Item, ...]:
    names = columns.split(",")
    return tuple(Item(words, dict(zip(names, row.split(","), strict=True))) for row in rows)


def row(en: str, zh: str, weight: float = 1.0, part: str = "story") -> Alternative:
    return Alternative(part, weight, {"en": parse_template(en), "zh": parse_template(zh)})


WORDS = {
    "names": make_items("names", "en,zh,gender", "Ann,安,she", "Bob,鲍,he", "Cy,西,he"),
    "towns": make_items("towns", "en,zh", "York,约克", "New York,纽 约", "Ann Arbor,安 娜堡"),
    "objects": make_items("objects", "en,zh,plural,plural_zh", "map,图,maps,图"),
    "professions": make_items(
        "professions",
        "en,zh,planted_gender,tool,tool_zh",
        "nurse,护士,she,old map,旧 图",
        "smith,铁匠,he,hammer,锤子",
    ),
    "foods": make_items("foods", "en,zh", "milk,奶", "grass,草"),
}


def nats(*shares: float) -> list[float]:
    return [math.log(share) for share in shares]


def test_branches_by_hand() -> None:
    rows = [
        row("It was {x:names} .", "是 {x:names}", 5.0),
        row("It was not .", "不 是", 2.0),
        row("It rained .", "雨", 1.0),
        row("Yes .", "对", 2.0),
    ]
    expected = [
        nats(8 / 10, 7 / 8, 5 / 7, 1),
        nats(8 / 10, 7 / 8, 2 / 7, 1),
        nats(8 / 10, 1 / 8, 1),
        nats(2 / 10, 1),
    ]
    for found, wanted in zip(branch_log_probs(rows, "en"), expected, strict=True):
        assert found == pytest.approx(wanted)
    assert branch_log_probs(rows, "zh")[1] == pytest.approx(nats(2 / 10, 1))


def test_one_alternative_is_certain() -> None:
    assert branch_log_probs([row("It was {x:names} .", "是", 7.0)], "en") == [[0.0] * 4]


@pytest.mark.parametrize(
    ("slot", "name"),
    [
        (Slot("hero"), "hero"),
        (Slot("hero", "Cap"), "hero"),
        (Slot("job", "a"), "job"),
        (Slot("job", "tool"), "job.tool"),
        (Slot("job", "a_tool"), "job.tool"),
        (Slot("thing", "measure"), ""),
        (Slot("thing", "plural"), "thing.plural"),
        (Slot("hero", "she"), ""),
        (Slot("hero", "Their"), ""),
        (Slot("hero", "sister"), ""),
    ],
)
def test_what_a_mention_is_called(slot: Slot, name: str) -> None:
    assert mention_name(slot) == name


def test_tags_of_literal_words_by_hand() -> None:
    tag = make_tagger(WORDS)
    tokens = [
        "Ann",
        "and",
        "maps",
        "of",
        "New",
        "York",
        "and",
        "York",
        ":",
        "old",
        "map",
        ",",
        "nurse",
        ",",
        "New",
        "milk",
    ]
    assert " ".join(tag(tokens, "en")) == (
        "B-PER O B-OBJ O B-LOC I-LOC O B-LOC O B-OBJ I-OBJ O O O O O"
    )
    assert tag(["安", "的", "旧", "图", "纽", "约", "纽"], "zh") == (
        ("B-PER", "O", "B-OBJ", "I-OBJ", "B-LOC", "I-LOC", "O")
    )
    assert tag(["Ann", "Arbor", "Ann"], "en") == ("B-LOC", "I-LOC", "B-PER")  # the longest counts
    assert tag([], "en") == ()
    assert tag(["安"], "en") == ("O",)


def test_a_tagger_without_words_tags_nothing() -> None:
    assert make_tagger({})(["Ann", "ran"], "en") == ("O", "O")


def test_a_draw_depends_on_what_was_drawn_before() -> None:
    draws = Draws(WORDS, PlantedChances(p_gender=0.75))
    ann, bob, _ = WORDS["names"]
    friend = Slot("friend", words="names", relation="!", key="hero")
    assert [item.row["en"] for item in draws.of(friend, {"hero": ann}).items] == ["Bob", "Cy"]
    assert [item.row["en"] for item in draws.of(friend, {"hero": bob}).items] == ["Ann", "Cy"]
    job = Slot("job", words="professions", relation="|", key="hero")
    assert draws.of(job, {"hero": ann}).probs == pytest.approx([0.75, 0.25])
    assert draws.of(job, {"hero": bob}).probs == pytest.approx([0.25, 0.75])
    assert draws.of(Slot("x", words="names"), {"hero": ann}).probs == pytest.approx([1 / 3] * 3)
    # Form and variable do not matter: the draw is the same.
    again = Slot("other", "she", "names", "!", "hero")
    assert draws.of(again, {"hero": ann}) is draws.of(friend, {"hero": ann})


def test_the_shares_of_the_plans() -> None:
    rows = (row("A", "甲", 3.0), row("B", "乙", 1.0), row("C", "丙", 4.0))
    choice = compile_grammar({"story": rows}, WORDS)["story"]
    assert choice.cumulative == pytest.approx((3 / 8, 4 / 8, 1.0))
    assert choice.cumulative[-1] == 1.0
    assert [plan.source for plan in choice.plans] == list(rows)
    ten = tuple(row(f"A{n}", f"甲{n}") for n in range(10))
    assert compile_grammar({"story": ten}, WORDS)["story"].cumulative[-1] == 1.0  # no rounding


def test_steps_by_hand() -> None:
    rows = (row("$ {x:foods} {x} . $ <a> and {y:names} . $ <between> $", "{x:foods} {y:names}"),)
    steps = compile_grammar({"story": rows}, WORDS)["story"].plans[0].steps
    assert steps == (
        Step("end"),
        Step("draw", slot=Slot("x", words="foods")),
        Step("end"),
        Step("part", name="a"),
        Step("draw", slot=Slot("y", words="names")),
        Step("end"),
        Step("between", name="between"),
        Step("end"),
    )


def test_operations_by_hand() -> None:
    rows = (
        row(
            "In York {x:names} saw {hero} . $ “@x Oh <a> ! ” $", "{x:names} . $ “@x <a> ！ ” $", 3.0
        ),
        row("In Rome .", "罗马", 1.0),
    )
    english = compile_grammar({"story": rows}, WORDS)["story"].plans[0].operations["en"]
    certain = (0.0, 0.0)
    assert english == (
        # York and Rome decide: three stories of four go to York.
        Operation(WRITE, chunk=Chunk(("In", "York"), (0.0, math.log(0.75)), ("O", "B-LOC"))),
        Operation(DRAWN, name="x", mention="x", forms=("",)),
        Operation(WRITE, chunk=Chunk(("saw",), (0.0,), ("O",))),
        Operation(SAY, name="hero", mention="hero"),
        Operation(WRITE, chunk=Chunk((".",), (0.0,), ("O",))),
        Operation(END),
        Operation(TURN, name="x"),
        Operation(WRITE, chunk=Chunk(("“", "Oh"), certain, ("O", "O"))),
        Operation(FILL, mention="a"),
        Operation(WRITE, chunk=Chunk(("!", "”"), certain, ("O", "O"))),
        Operation(END),
    )
    chinese = compile_grammar({"story": rows}, WORDS)["story"].plans[0].operations["zh"]
    assert chinese[0] == Operation(DRAWN, math.log(0.75), name="x", mention="x", forms=("",))


def test_draws_and_children_are_numbered_in_the_order_of_the_english_text() -> None:
    rows = (
        row(
            "{x:foods.a} {y:names} {x} <a> {y.she} <b>",
            "{y:names} {x:foods.measure} {x} <a> <b> {y}",
        ),
    )
    operations = compile_grammar({"story": rows}, WORDS)["story"].plans[0].operations
    shown = {
        language: [(o.do, o.name or o.mention, o.number, o.which, o.form, o.forms) for o in found]
        for language, found in operations.items()
    }
    assert shown["en"] == [
        (DRAWN, "x", 0, 0, "a", ("a", "")),
        (DRAWN, "y", 1, 0, "", ("", "she")),
        (DRAWN, "x", 0, 1, "", ("a", "")),
        (FILL, "a", 0, 0, "", ()),
        (DRAWN, "y", 1, 1, "she", ("", "she")),
        (FILL, "b", 1, 0, "", ()),
    ]
    assert shown["zh"] == [
        (DRAWN, "y", 1, 0, "", ("", "")),
        (DRAWN, "x", 0, 0, "measure", ("measure", "")),
        (DRAWN, "x", 0, 1, "", ("measure", "")),
        (FILL, "a", 0, 0, "", ()),
        (FILL, "b", 1, 0, "", ()),
        (DRAWN, "y", 1, 1, "", ("", "")),
    ]
    assert [o.mention for o in operations["zh"]] == ["y", "", "x", "a", "b", "y"]
