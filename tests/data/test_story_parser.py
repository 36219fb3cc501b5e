import math
from collections.abc import Mapping
from itertools import islice

import pytest

from course_lib.data import story_parser, story_writer
from course_lib.data.story_chances import PlantedChances
from course_lib.data.story_grammar import Alternative
from course_lib.data.story_lexicon import Item
from course_lib.data.story_parser import DONE, Reader
from course_lib.data.story_templates import parse_template
from course_lib.data.story_writer import Writer, join_tokens, tell

Parts = Mapping[str, tuple[Alternative, ...]]


def make_items(words: str, columns: str, *rows: str) -> tuple[Item, ...]:
    names = columns.split(",")
    return tuple(Item(words, dict(zip(names, row.split(","), strict=True))) for row in rows)


def row(en: str, zh: str, weight: float = 1.0) -> Alternative:
    return Alternative("", weight, {"en": parse_template(en), "zh": parse_template(zh)})


WORDS = {
    "names": make_items("names", "en,zh,gender", "Ann,安,she", "Bob,鲍,he", "Cy,西,he"),
    "objects": make_items(
        "objects",
        "en,zh,measure_zh,weight",
        "orange bag,橙色 包,一 只,2",
        "kite,风筝,一 只,1",
        "lamp,灯,一 盏,1",
    ),
    "professions": make_items(
        "professions", "en,zh,planted_gender", "nurse,护士,she", "smith,铁匠,he", "cook,厨师,he"
    ),
    "animals": make_items("animals", "en,zh,foods", "cow,牛,grass", "cat,猫,milk"),
    "foods": make_items("foods", "en,zh", "grass,草", "milk,奶", "oats,燕麦"),
    "banks": make_items("banks", "en,zh,weight", "bank,岸,1", "shore,岸,3"),
}
PLANTED = PlantedChances(p_gender=0.8, analogy_regularity=0.7)
QUOTED: Parts = {
    "story": (
        row(
            "{hero:names} had {pet:objects.a} . $ <end>",
            "{hero:names} 有 {pet:objects.measure} {pet} 。 $ <end>",
        ),
    ),
    "end": (
        row("{pal:names!hero} liked {hero.her} . $", "{pal:names!hero} 喜欢 {hero.her} 。 $", 3.0),
        row("“@hero {hero} 's {pet} ! ” $", "“@hero {hero} 的 {pet} ！ ” $"),
    ),
}
PLANTINGS: Parts = {
    "story": (
        row(
            "{hero:names} , {job:professions|hero.a} , fed {pet:animals.a} {food:foods~pet} .",
            "{hero:names} 是 {job:professions|hero} ， 喂 {pet:animals} {food:foods~pet} 。",
        ),
        row("It was {pal:names} .", "是 {pal:names} 。", 2.0),
        row("It was over .", "完 了 。", 0.5),
    ),
}
RETURN: Parts = {
    "story": (
        row(
            "Once . $ <loss> <between> The {thing} shone . $",
            "从前 。 $ <loss> <between> 这 {thing} 亮 了 。 $",
        ),
    ),
    "loss": (row("{thing:objects.a} . $", "{thing:objects} 。 $"),),
    "digression": (
        row("Birds sang . $", "鸟 叫 。 $", 3.0),
        row("Snow fell . $", "下 雪 。 $", 1.0),
    ),
}
# Worlds with the callback distance and the number of their texts.
WORLDS = {
    "quoted": (QUOTED, None, 3 * 3 * (2 + 1)),
    "planted": (PLANTINGS, None, 3 * 3 * 2 * 3 + 3 + 1),
    "return": (RETURN, 3, 3 * 2**2),
}
YES: Parts = {"story": (row("Yes <a>", "是 <a>"),), "a": (row(".", "。", 3.0), row("!", "！"))}


@pytest.fixture(autouse=True)
def tiny_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (story_writer, story_parser):
        monkeypatch.setattr(module, "lexicon", lambda: WORDS)


def all_texts(reader: Reader) -> dict[tuple[str, ...], float]:
    """Every text with its probability, found by trying every next token."""
    found: dict[tuple[str, ...], float] = {}
    pending: list[tuple[tuple[str, ...], float]] = [((), 1.0)]
    while pending:
        prefix, prob = pending.pop()
        for token, share in reader.next_probs(list(prefix)).items():
            if token == DONE:
                found[prefix] = prob * share
            else:
                pending.append(((*prefix, token), prob * share))
    return found


def chances(log_probs: list[float]) -> list[float]:
    return [math.exp(nats) for nats in log_probs]


def test_a_text_by_hand() -> None:
    english = Reader(QUOTED, PLANTED, "en").read("Ann had a kite. Bob liked her.")
    assert english.tokens == ["Ann", "had", "a", "kite", ".", "Bob", "liked", "her", "."]
    expected = [1 / 3, 1, 2 / 4, 1 / 2, 1, 3 / 4 * 1 / 2, 1, 1, 1]
    assert chances(english.log_probs) == pytest.approx(expected)
    assert english.n_derivations == 1
    chinese = Reader(QUOTED, PLANTED, "zh").read("鲍有一只橙色包。“鲍的橙色包！”")
    assert chinese.tokens == [
        "鲍",
        "有",
        "一",
        "只",
        "橙色",
        "包",
        "。",
        "“",
        "鲍",
        "的",
        "橙色",
        "包",
        "！",
        "”",
    ]
    expected = [1 / 3, 1, 1, 3 / 4, 2 / 3, 1, 1, 1 / 4, 1, 1, 1, 1, 1, 1]
    assert chances(chinese.log_probs) == pytest.approx(expected)


def test_planted_draws_by_hand() -> None:
    reading = Reader(PLANTINGS, PLANTED, "en").read("Ann, a smith, fed a cat milk.")
    # 1 of the weight 3.5; her planted group has 0.8, and two others share the rest; the cat's own
    # food has 0.7 and its third of 0.3.
    assert chances(reading.log_probs) == pytest.approx(
        [1 / 3.5 / 3, 1, 1, 0.1, 1, 1, 1, 1 / 2, 0.7 + 0.3 / 3, 1]
    )
    shared = Reader(PLANTINGS, PLANTED, "en").read("It was Cy.")
    assert chances(shared.log_probs) == pytest.approx([2.5 / 3.5, 1, 2 / 2.5 / 3, 1])


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_texts_of_a_finite_world_sum_to_one(world: str, language: str) -> None:
    grammar, distance, n_texts = WORLDS[world]
    reader = Reader(grammar, PLANTED, language, distance)
    texts = all_texts(reader)
    assert len(texts) == n_texts
    assert math.fsum(texts.values()) == pytest.approx(1.0)
    for tokens, prob in texts.items():
        reading = reader.read(join_tokens(list(tokens), language)[0])
        assert reading.tokens == list(tokens)
        assert reading.n_derivations == 1
        assert math.exp(math.fsum(reading.log_probs)) == pytest.approx(prob)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_reader_and_writer_agree_token_by_token(world: str, language: str) -> None:
    grammar, distance, _ = WORLDS[world]
    reader = Reader(grammar, PLANTED, language, distance)
    for outline in islice(Writer(grammar, PLANTED, distance).outlines(7), 60):
        telling = tell(outline, language)
        reading = reader.read(join_tokens(telling.tokens, language)[0])
        assert reading.tokens == telling.tokens
        assert reading.log_probs == pytest.approx(telling.log_probs)


@pytest.mark.parametrize("world", WORLDS)
def test_the_next_token_is_the_one_read(world: str) -> None:
    grammar, distance, _ = WORLDS[world]
    reader = Reader(grammar, PLANTED, "en", distance)
    tokens = list(max(all_texts(reader), key=len))
    reading = reader.read(join_tokens(tokens, "en")[0])
    for at, token in enumerate(tokens):
        probs = reader.next_probs(tokens[:at])
        assert math.fsum(probs.values()) == pytest.approx(1.0)
        assert math.log(probs[token]) == pytest.approx(reading.log_probs[at])
    assert reader.next_probs(tokens) == {DONE: 1.0}


def test_the_next_token_by_hand() -> None:
    reader = Reader(PLANTINGS, PLANTED, "en")
    assert reader.next_probs([]) == pytest.approx(
        {"Ann": 1 / 10.5, "Bob": 1 / 10.5, "Cy": 1 / 10.5, "It": 2.5 / 3.5}
    )
    after_it_was = reader.next_probs(["It", "was"])
    third = 2 / 2.5 / 3
    assert after_it_was == pytest.approx({"Ann": third, "Bob": third, "Cy": third, "over": 0.2})
    friends = Reader(QUOTED, PLANTED, "zh").next_probs(["西", "有", "一", "盏", "灯", "。"])
    assert friends == pytest.approx({"安": 3 / 8, "鲍": 3 / 8, "“": 1 / 4})


@pytest.mark.parametrize("distance", [None, 1, 2, 5])
def test_the_return_stands_so_many_sentences_later(distance: int | None) -> None:
    reader = Reader(RETURN, PLANTED, "en", distance)
    n_digressions = max(0, (distance or 0) - 1)
    text = "Once. a lamp." + " Snow fell." * n_digressions + " The lamp shone."
    assert math.exp(math.fsum(reader.read(text).log_probs)) == pytest.approx(
        0.25 ** (n_digressions + 1)
    )
    with pytest.raises(ValueError, match="must be a story of this world"):
        reader.read(text.replace(" The", " Snow fell. The"))


@pytest.mark.parametrize(
    ("text", "before", "stop"),
    [
        ("Ann had a bird.", "'Ann had a'", "' bird.'"),
        ("Dan had a kite.", "''", "'Dan had a kite.'"),
        ("Ann had a kite. Ann liked her.", "'Ann had a kite.'", "' Ann liked her.'"),
        ("Ann had a kite. Bob liked him.", "'Ann had a kite. Bob liked'", "' him.'"),
        ("Ann had a kite.", "'Ann had a kite.'", "''"),
        ("Ann  had a kite.", "'Ann'", "'  had a kite.'"),
        ("Ann had a kite . Bob liked her.", "'Ann had a kite'", "' . Bob liked her.'"),
        ("Ann had a kite. “ Ann's kite!”", "'Ann had a kite. “'", '" Ann\'s kite!”"'),
        ("Ann had a kite. Bob liked her. ", "'Ann had a kite. Bob liked her.'", "' '"),
        ("", "''", "''"),
    ],
)
def test_a_text_outside_the_grammar_is_refused_where_it_stops(
    text: str, before: str, stop: str
) -> None:
    with pytest.raises(ValueError, match="text must be a story of this world") as error:
        Reader(QUOTED, PLANTED, "en").read(text)
    assert str(error.value).endswith(f"no derivation goes on after {before} with {stop}.")


def test_a_long_text_is_shown_around_the_stop() -> None:
    text = "Ann had an orange bag. “Ann's orange bag is made of very old leather!”"
    with pytest.raises(ValueError, match="story of this world") as error:
        Reader(QUOTED, PLANTED, "en").read(text)
    at = text.index(" is")
    shown = f"{text[at - 40 : at]!r} with {text[at : at + 20]!r}."
    assert str(error.value).endswith(shown)


def test_a_beginning_of_no_story_is_refused() -> None:
    with pytest.raises(ValueError, match="no story begins with 'Ann had the'"):
        Reader(QUOTED, PLANTED, "en").next_probs(["Ann", "had", "the", "kite"])


def test_two_derivations_that_end_differently_are_counted_and_summed() -> None:
    # 岸 is the bank (1 of 4) or the shore (3 of 4); both are remembered, so they stay apart.
    grammar = {"story": (row("{x:banks} .", "{x:banks} 。"),)}
    reading = Reader(grammar, PLANTED, "zh").read("岸。")
    assert reading.n_derivations == 2
    assert chances(reading.log_probs) == pytest.approx([1.0, 1.0])
    assert Reader(grammar, PLANTED, "en").read("shore.").n_derivations == 1


def test_the_probabilities_of_an_ambiguous_grammar_are_summed() -> None:
    rows = (row("Yes <a> Bye", "是 <a> 再见"), row("Yes . Bye", "是 。 再见"), row("No", "不", 2.0))
    grammar = {**YES, "story": rows}
    reader = Reader(grammar, PLANTED, "en")
    # Yes: 2 of 4; then a full stop by itself, or as 3 of 4 of the part.
    assert chances(reader.read("Yes. Bye").log_probs) == pytest.approx([1 / 2, 7 / 8, 1])
    assert math.fsum(all_texts(reader).values()) == pytest.approx(1.0)


def test_two_derivations_that_end_alike_are_counted() -> None:
    grammar = {**YES, "story": (*YES["story"], row("Yes .", "是 。"))}
    assert Reader(grammar, PLANTED, "en").read("Yes.").n_derivations == 2
    assert Reader(grammar, PLANTED, "en").read("Yes!").n_derivations == 1
