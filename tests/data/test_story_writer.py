import math
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data import story_writer
from course_lib.data.story_chances import PlantedChances
from course_lib.data.story_grammar import Alternative
from course_lib.data.story_lexicon import Item
from course_lib.data.story_templates import parse_template
from course_lib.data.story_writer import Outline, Span, Telling, Writer, join_tokens, tell


def make_items(words: str, columns: str, *rows: str) -> tuple[Item, ...]:
    names = columns.split(",")
    return tuple(Item(words, dict(zip(names, row.split(","), strict=True))) for row in rows)


def row(en: str, zh: str, weight: float = 1.0, **labels: str) -> Alternative:
    return Alternative("", weight, {"en": parse_template(en), "zh": parse_template(zh)}, labels)


WORDS = {
    "names": make_items("names", "en,zh,gender", "Ann,安,she", "Bob,鲍,he", "Cy,西,he"),
    "objects": make_items(
        "objects",
        "en,zh,measure_zh,weight",
        "orange bag,橙色 包,一 只,2",
        "kite,风筝,一 只,1",
        "lamp,灯,一 盏,1",
    ),
}
GRAMMAR = {
    "story": (
        row(
            "{hero:names} had {pet:objects.a} . $ <end>",
            "{hero:names} 有 {pet:objects.measure} {pet} 。 $ <end>",
        ),
    ),
    "end": (
        row("{pal:names!hero} liked {hero.her} . $", "{pal:names!hero} 喜欢 {hero.her} 。 $", 3.0),
        row("“@hero My {pet} ! ” $", "“@hero 我 的 {pet} ！ ” $", 1.0, plot="talk"),
    ),
}
# 3 heroes × 3 objects × (2 friends + 1 exclamation)
N_TEXTS = 27
RETURN = {
    "story": (
        row(
            "{hero:names} lost {thing:objects.a} . $ It rained . $ <between> The {thing} shone . $",
            "{hero:names} 丢 了 {thing:objects} 。 $ 下 雨 。 $ <between> {thing} 亮 了 。 $",
        ),
    ),
    "digression": (
        row("Birds sang . $", "鸟 叫 。 $", 3.0),
        row("Snow fell . $", "下 雪 。 $", 1.0),
    ),
}


@pytest.fixture(autouse=True)
def tiny_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_writer, "lexicon", lambda: WORDS)


def outlines(n: int, seed: int = 0) -> list[Outline]:
    return list(islice(Writer(GRAMMAR, PlantedChances()).outlines(seed), n))


def told(text: str, language: str) -> Telling:
    """The telling of the story with this text."""
    tellings = (tell(outline, language) for outline in outlines(300))
    return next(t for t in tellings if " ".join(t.tokens) == text)


def chances(telling: Telling) -> list[float]:
    return [math.exp(nats) for nats in telling.log_probs]


def test_an_english_story_by_hand() -> None:
    telling = told("Ann had a kite . Bob liked her .", "en")
    # `a` leaves the kite's and the lamp's 1 of 4 each; the ending with a friend has 3 of 4.
    expected = [1 / 3, 1, 2 / 4, 1 / 2, 1, 3 / 4 * 1 / 2, 1, 1, 1]
    assert chances(telling) == pytest.approx(expected)
    assert telling.tags == ["B-PER", "O", "O", "B-OBJ", "O", "B-PER", "O", "O", "O"]
    assert telling.ends == [5, 9]
    assert telling.turns == []
    assert telling.mentions == {
        "hero": [Span(0, 1)],
        "pet": [Span(2, 4)],
        "end": [Span(5, 9)],
        "pal": [Span(5, 6)],
    }


def test_a_chinese_story_by_hand() -> None:
    telling = told("鲍 有 一 只 橙色 包 。 “ 我 的 橙色 包 ！ ”", "zh")
    expected = [1 / 3, 1, 1, 3 / 4, 2 / 3, 1, 1, 1 / 4, 1, 1, 1, 1, 1, 1]
    assert chances(telling) == pytest.approx(expected)
    assert " ".join(telling.tags) == "B-PER O O O B-OBJ I-OBJ O O O O B-OBJ I-OBJ O O"
    assert telling.ends == [7, 14]
    assert telling.turns == [("hero", 7)]
    assert telling.mentions == {
        "hero": [Span(0, 1)],
        "pet": [Span(4, 6), Span(10, 12)],
        "end": [Span(7, 14)],
    }


def test_the_first_of_several_tokens_carries_the_branch() -> None:
    grammar = {"story": (row("So {x:objects.a}", "那么 {x:objects}"), row("So not", "不", 4.0))}
    for outline in islice(Writer(grammar, PlantedChances()).outlines(0), 60):
        telling = tell(outline, "en")
        if telling.tokens[-1] == "bag":
            assert telling.tokens == ["So", "an", "orange", "bag"]
            assert chances(telling) == pytest.approx([1, 1 / 5 * 2 / 4, 1, 1])
            return
    pytest.fail("one story of ten has a bag")


def test_a_variable_may_be_bound_again() -> None:
    grammar = {
        "story": (row("<a> <a>", "<a> <a>"),),
        "a": (row("{x:names} came <b>", "{x:names} 来 <b>"),),
        "b": (row("; {x} ran .", "； {x} 跑 。"),),
    }
    rebound = 0
    for outline in islice(Writer(grammar, PlantedChances()).outlines(0), 30):
        tokens = tell(outline, "en").tokens
        assert (tokens[0], tokens[6]) == (tokens[3], tokens[9])
        rebound += tokens[0] != tokens[6]
    assert rebound > 10


def test_all_stories_of_a_finite_grammar_sum_to_one() -> None:
    for language in ("en", "zh"):
        found = {}
        for outline in outlines(1500):
            telling = tell(outline, language)
            found[" ".join(telling.tokens)] = math.exp(math.fsum(telling.log_probs))
        assert len(found) == N_TEXTS
        assert math.fsum(found.values()) == pytest.approx(1.0)


def test_a_story_is_as_likely_in_both_languages() -> None:
    for outline in outlines(50):
        english, chinese = tell(outline, "en"), tell(outline, "zh")
        assert math.fsum(english.log_probs) == pytest.approx(math.fsum(chinese.log_probs))
        assert len(english.ends) == len(chinese.ends) == 2
        assert len(english.log_probs) == len(english.tags) == len(english.tokens)


def test_stories_are_as_frequent_as_likely() -> None:
    n = 4000
    counts = Counter(" ".join(tell(outline, "en").tokens) for outline in outlines(n, seed=5))
    for outline in outlines(40):
        telling = tell(outline, "en")
        prob = math.exp(math.fsum(telling.log_probs))
        deviation = math.sqrt(n * prob * (1 - prob))
        # Six standard deviations: 1 in 10 million for one of 27 texts.
        assert abs(counts[" ".join(telling.tokens)] - n * prob) < 6 * deviation


def test_same_seed_same_stories() -> None:
    first, again, other = ([tell(o, "en").tokens for o in outlines(20, s)] for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_an_outline_knows_what_was_drawn_and_chosen() -> None:
    for outline in outlines(30):
        tokens = tell(outline, "en").tokens
        assert outline.memory["hero"].row["en"] == tokens[0]
        talks = "“" in tokens
        assert outline.labels == ({"plot": "talk"} if talks else {})
        assert ("pal" in outline.memory) != talks


@pytest.mark.parametrize(("distance", "n_digressions"), [(1, 0), (2, 0), (3, 1), (7, 5)])
def test_the_thing_comes_back_after_so_many_sentences(distance: int, n_digressions: int) -> None:
    writer = Writer(RETURN, PlantedChances(), distance)
    for outline in islice(writer.outlines(1), 20):
        assert len(outline.root.children[0]) == n_digressions
        for language in ("en", "zh"):
            telling = tell(outline, language)
            first, last = telling.mentions["thing"]
            between = sum(first.start < end <= last.start for end in telling.ends)
            assert between == max(distance, 2)
            assert len(telling.ends) == 3 + n_digressions


def test_the_distance_counts_from_the_sentence_of_the_mention() -> None:
    later = {
        "story": (
            row(
                "Once . $ So . $ {thing:objects} . $ <between> {thing} . $",
                "从前 。 $ 然后 。 $ {thing:objects} 。 $ <between> {thing} 。 $",
            ),
        ),
        "digression": RETURN["digression"],
    }
    telling = tell(next(Writer(later, PlantedChances(), 4).outlines(0)), "en")
    assert telling.ends[2] - telling.mentions["thing"][0].end == 1
    assert len(telling.ends) == 4 + 3  # four of its own, and three digressions to make it four


def test_digressions_cost_their_own_probability_only() -> None:
    telling = tell(next(Writer(RETURN, PlantedChances(), 4).outlines(2)), "en")
    shares = {"Birds": 3 / 4, "Snow": 1 / 4}
    hero_and_thing = telling.tokens.index("It")
    for token, prob in list(zip(telling.tokens, chances(telling), strict=True))[hero_and_thing:]:
        assert prob == pytest.approx(shares.get(token, 1.0))
    assert sum(token in shares for token in telling.tokens) == 2


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("“ Yes , ” said Ann 's cat .", "“Yes,” said Ann's cat."),
        ("Ann said : “ Oh ! ” Why ? So ; yes", "Ann said: “Oh!” Why? So; yes"),
        ("the cats ' food", "the cats' food"),
        (", well", ", well"),
        ("“ , ” .", "“,”."),
    ],
)
def test_english_by_hand(tokens: str, text: str) -> None:
    assert join_tokens(tokens.split(), "en")[0] == text


def test_chinese_by_hand() -> None:
    assert join_tokens(["“", "好", "，", "”", "安", "妮", "说", "。"], "zh") == (
        "“好，”安妮说。",
        [0, 1, 2, 3, 4, 5, 6, 7],
    )
    assert join_tokens(["雨伞", "在", "家"], "zh") == ("雨伞在家", [0, 2, 3])


def test_where_english_tokens_begin_by_hand() -> None:
    assert join_tokens(["“", "Yes", ",", "”", "said", "Ann"], "en")[1] == [0, 1, 4, 5, 7, 12]


def test_nothing_is_the_empty_text() -> None:
    assert join_tokens([], "en") == join_tokens([], "zh") == ("", [])


TOKENS = st.sampled_from(
    ["Ann", "a", "cat", ".", ",", "!", "?", ";", ":", "“", "”", "'s", "'", "风筝"]
)


@given(st.lists(TOKENS | st.text("abc", min_size=1, max_size=4)), st.sampled_from(["en", "zh"]))
def test_starts_point_at_the_tokens(tokens: list[str], language: str) -> None:
    text, starts = join_tokens(tokens, language)
    assert [text[s : s + len(t)] for s, t in zip(starts, tokens, strict=True)] == tokens
    assert text.replace(" ", "") == "".join(tokens)
    assert text == text.strip()
    assert "  " not in text
