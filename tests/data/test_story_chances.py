import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.story_chances import (
    Chunk,
    Draw,
    PlantedChances,
    entity_tags,
    planted_gender,
    said_chunk,
    weights_of,
)
from course_lib.data.story_lexicon import Item


def make_items(words: str, columns: str, *rows: str) -> tuple[Item, ...]:
    names = columns.split(",")
    return tuple(Item(words, dict(zip(names, row.split(","), strict=True))) for row in rows)


OBJECTS = make_items(
    "objects",
    "en,zh,measure_zh,weight",
    "orange bag,橙色 包,一 只,2",
    "orange kite,风筝,一 只,3",
    "lamp,灯,一 盏,5",
)
NAMES = make_items("names", "en,zh,gender", "Ann,安,she", "Bob,鲍,he", "Cy,西,he")
JOBS = make_items(
    "professions",
    "en,zh,planted_gender",
    "nurse,护士,she",
    "baker,面包师,she",
    "pilot,飞行员,she",
    "smith,铁匠,he",
    "cook,厨师,he",
)
ANIMALS = make_items("animals", "en,zh,foods", "cow,牛,grass", "cat,猫,milk")
FOODS = make_items("foods", "en,zh", "milk,奶", "grass,草", "oats,燕麦", "figs,果", "nuts,坚果")
PLAIN = PlantedChances()


def weighted() -> Draw:
    return Draw(OBJECTS, [item.weight for item in OBJECTS])


def chances(chunk: Chunk) -> list[float]:
    return [math.exp(nats) for nats in chunk.log_probs]


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan])
@pytest.mark.parametrize("name", ["p_gender", "analogy_regularity"])
def test_a_chance_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be from 0 to 1; got {value}\.$"):
        PlantedChances(**{name: value})


def test_the_ends_of_the_range_are_allowed() -> None:
    assert PlantedChances(p_gender=0.0, analogy_regularity=0).p_gender == 0.0
    assert PlantedChances(p_gender=1, analogy_regularity=1.0).p_gender == 1
    assert (PLAIN.p_gender, PLAIN.analogy_regularity) == (0.5, 1.0)


def test_a_draw_by_hand() -> None:
    draw = weighted()
    assert draw.probs == pytest.approx([0.2, 0.3, 0.5])
    assert draw.cumulative == pytest.approx([0.2, 0.5, 1.0])
    assert draw.cumulative[-1] == 1.0


def test_rounding_leaves_nothing_above_the_last_item() -> None:
    assert sum([0.1] * 10) < 1
    assert Draw(OBJECTS[:1] * 10, [1.0] * 10).cumulative[-1] == 1.0


def test_what_weighs_nothing_is_not_drawn() -> None:
    draw = Draw(OBJECTS, [1.0, 0.0, 3.0])
    assert draw.items == [OBJECTS[0], OBJECTS[2]]
    assert draw.probs == [0.25, 0.75]


def test_a_draw_needs_a_weight_for_each_item() -> None:
    with pytest.raises(ValueError, match="zip"):
        Draw(OBJECTS, [1.0, 2.0])


def test_a_shared_measure_word_by_hand() -> None:
    bag, kite, lamp = weighted().chunks("zh", ("measure", ""))
    assert [one.tokens for one in bag] == [("一", "只"), ("橙色", "包")]
    assert chances(bag[0]) == pytest.approx([1.0, 0.5])  # 只: the bag's 2 and the kite's 3 of 10
    assert chances(bag[1]) == pytest.approx([2 / 5, 1.0])
    assert chances(kite[1]) == pytest.approx([3 / 5])
    assert chances(lamp[0]) == pytest.approx([1.0, 0.5])
    assert chances(lamp[1]) == pytest.approx([1.0])


def test_a_shared_article_and_a_shared_adjective_by_hand() -> None:
    (bag,), (kite,), (lamp,) = weighted().chunks("en", ("a",))
    assert bag.tokens == ("an", "orange", "bag")
    assert chances(bag) == pytest.approx([0.5, 1.0, 2 / 5])
    assert chances(kite) == pytest.approx([0.5, 1.0, 3 / 5])
    assert lamp.tokens == ("a", "lamp")
    assert chances(lamp) == pytest.approx([0.5, 1.0])


def test_what_is_said_again_is_certain() -> None:
    for first, second, third in weighted().chunks("en", ("", "a", "")):
        assert math.fsum(first.log_probs) < 0
        assert set(second.log_probs) == set(third.log_probs) == {0.0}


def test_a_draw_remembers_its_chunks_a_form_and_language() -> None:
    draw = weighted()
    assert draw.chunks("en", ("",)) is draw.chunks("en", ("",))
    assert draw.chunks("zh", ("",))[2][0].tokens == ("灯",)
    assert draw.chunks("en", ("a",))[2][0].tokens == ("a", "lamp")


def test_the_tags_of_a_draw() -> None:
    (bag,), (_,), (lamp,) = weighted().chunks("en", ("a",))
    assert bag.tags == ("O", "B-OBJ", "I-OBJ")
    assert lamp.tags == ("O", "B-OBJ")
    measure, noun = weighted().chunks("zh", ("measure", "a"))[0]
    assert measure.tags == ("O", "O")
    assert noun.tags == ("B-OBJ", "I-OBJ")  # no article in Chinese


def test_no_item_begins_another() -> None:
    items = make_items("fruits", "en,zh", "fig,果", "fig tree,树", "pear,梨")
    with pytest.raises(ValueError, match=r"Item\(fruits: fig\) must not begin .*: 'fig'\.$"):
        Draw(items, [1.0] * 3).chunks("en", ("",))
    assert len(Draw(items, [1.0] * 3).chunks("zh", ("",))) == 3


def test_items_may_share_all_that_is_said() -> None:
    said = weighted().chunks("zh", ("measure",))
    assert [chances(one[0]) for one in said] == [pytest.approx([1.0, 0.5])] * 3


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("cd"), st.integers(1, 9)),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_tokens_multiply_to_the_items_chance(rows: list[tuple[str, str, int]]) -> None:
    items = make_items("things", "en,first", *(f"{first} {end},{first}" for first, end, _ in rows))
    draw = Draw(items, [weight for *_, weight in rows])
    for forms in (("",), ("first", "")):
        for chunks, prob in zip(draw.chunks("en", forms), draw.probs, strict=True):
            nats = math.fsum(nats for chunk in chunks for nats in chunk.log_probs)
            assert math.exp(nats) == pytest.approx(prob)
    assert draw.cumulative == sorted(draw.cumulative)
    gaps = [after - before for before, after in pairwise([0.0, *draw.cumulative])]
    assert gaps == pytest.approx(draw.probs)


def test_what_was_drawn_before_costs_nothing() -> None:
    chunk = said_chunk(OBJECTS[0], "a", "en")
    assert chunk == Chunk(("an", "orange", "bag"), (0.0, 0.0, 0.0), ("O", "B-OBJ", "I-OBJ"))
    assert said_chunk(NAMES[0], "she", "zh") == Chunk(("她",), (0.0,), ("O",))
    assert said_chunk(NAMES[0], "", "en") == Chunk(("Ann",), (0.0,), ("B-PER",))


def test_an_article_is_not_part_of_the_mention_but_a_word_like_it_is() -> None:
    item = Item("objects", {"en": "a cappella", "zh": "歌"})
    assert said_chunk(item, "", "en").tags == ("B-OBJ", "I-OBJ")


def test_no_relation_leaves_the_lists_weights() -> None:
    assert weights_of(OBJECTS, "", None, PLAIN) == [2.0, 3.0, 5.0]


def test_not_the_key_itself() -> None:
    assert weights_of(OBJECTS, "!", OBJECTS[1], PLAIN) == [2.0, 0.0, 5.0]


def test_an_animals_own_food() -> None:
    planted = PlantedChances(analogy_regularity=0.8)
    # The remaining 0.2 goes to all five, the own one included.
    assert weights_of(FOODS, "~", ANIMALS[0], planted) == pytest.approx(
        [0.04, 0.84, 0.04, 0.04, 0.04]
    )
    assert weights_of(FOODS, "~", ANIMALS[1], PLAIN) == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_professions_of_the_planted_gender() -> None:
    planted = PlantedChances(p_gender=0.9)
    hers, his = weights_of(JOBS, "|", NAMES[0], planted), weights_of(JOBS, "|", NAMES[2], planted)
    assert hers == pytest.approx([0.3, 0.3, 0.3, 0.05, 0.05])
    assert his == pytest.approx([0.1 / 3, 0.1 / 3, 0.1 / 3, 0.45, 0.45])


def test_names_of_the_professions_gender() -> None:
    planted = PlantedChances(p_gender=0.9)
    assert weights_of(NAMES, "|", JOBS[0], planted) == pytest.approx([0.9, 0.05, 0.05])
    assert weights_of(NAMES, "|", JOBS[4], planted) == pytest.approx([0.1, 0.45, 0.45])


def test_one_half_plants_nothing() -> None:
    assert weights_of(JOBS, "|", NAMES[0], PLAIN) == weights_of(JOBS, "|", NAMES[1], PLAIN)


def test_genders() -> None:
    assert [planted_gender(item) for item in (NAMES[0], NAMES[1], JOBS[0], JOBS[4])] == [
        "she",
        "he",
        "she",
        "he",
    ]


def test_entity_tags_by_hand() -> None:
    assert entity_tags("PER", 1) == ("B-PER",)
    assert entity_tags("LOC", 4, n_before=2) == ("O", "O", "B-LOC", "I-LOC")
    assert entity_tags("", 3, n_before=1) == ("O", "O", "O")
