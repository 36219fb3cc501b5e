import random
from collections import Counter

import pytest

from course_lib.data import story_truths
from course_lib.data.story_chances import Draw, PlantedChances
from course_lib.data.story_compiler import Draws
from course_lib.data.story_lexicon import Item, lexicon
from course_lib.data.story_templates import Slot
from course_lib.data.story_truths import (
    FAMILIES,
    gender_table,
    planted_analogy_rows,
    planted_opposites,
    planted_synonyms,
)


def make_items(words: str, columns: str, *rows: str) -> tuple[Item, ...]:
    names = columns.split(",")
    return tuple(Item(words, dict(zip(names, row.split(","), strict=True))) for row in rows)


WORDS = {
    "names": make_items("names", "en,zh,gender", "Ann,安,she", "Bea,贝,she", "Cy,西,he"),
    "professions": make_items(
        "professions",
        "en,zh,planted_gender,tool,tool_zh,workplace,workplace_zh",
        "nurse,护士,she,pen,笔,big clinic,诊所",
        "smith,铁匠,he,anvil,铁砧,forge,铁匠铺",
        "cook,厨师,she,knife,大 刀,kitchen,厨房",
    ),
    "capitals": make_items(
        "capitals",
        "en,zh,country,country_zh",
        "Paris,巴黎,France,法国",
        "San José,圣 何塞,Costa Rica,哥斯 达黎加",
        "Rome,罗马,Italy,意大利",
    ),
    "animals": make_items(
        "animals",
        "en,zh,young,young_zh",
        "cow,奶牛,calf,牛犊",
        "cat,猫,kitten,小猫",
        "hen,鸡,chick,小鸡",
    ),
    "contrasts": make_items(
        "contrasts", "en,zh,opposite,opposite_zh", "hot,热,ice cold,冰 冷", "long,长,short,短"
    ),
    "kin_pairs": make_items("kin_pairs", "en,zh,male,male_zh", "aunt,姑姑,uncle,叔叔"),
    "syn_big": make_items("syn_big", "en,zh", "big,大 的", "very large,巨大 的"),
    "syn_shop": make_items("syn_shop", "en,zh", "shop,商店", "store,店铺"),
}


@pytest.fixture
def tiny_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_truths, "lexicon", lambda: WORDS)


@pytest.mark.usefixtures("tiny_lists")
def test_the_gender_table_by_hand() -> None:
    # Two of three names are hers. A nurse: 2/3 × 0.8/2 hers, 1/3 × 0.2/2 his.
    # A smith: 2/3 × 0.2 hers, 1/3 × 0.8 his.
    table = gender_table(0.8)
    assert table == pytest.approx({"nurse": 8 / 9, "smith": 1 / 3, "cook": 8 / 9})
    assert gender_table() == pytest.approx(dict.fromkeys(table, 2 / 3))
    assert gender_table(1.0) == {"nurse": 1.0, "smith": 0.0, "cook": 1.0}


@pytest.mark.usefixtures("tiny_lists")
def test_the_gender_table_counts_what_is_drawn() -> None:
    rng, n, counts = random.Random(0), 20_000, Counter()
    draws = Draws(WORDS, PlantedChances(p_gender=0.7))
    names, job = Slot("hero", words="names"), Slot("job", "", "professions", "|", "hero")
    for _ in range(n):
        hero = one_of(draws.of(names, {}), rng)
        drawn = one_of(draws.of(job, {"hero": hero}), rng)
        counts[drawn.row["en"], hero.row["gender"]] += 1
    for profession, share in gender_table(0.7).items():
        hers, his = counts[profession, "she"], counts[profession, "he"]
        # Five standard deviations of a share of ≥ 6,000 draws, at most 0.5 / √6,000 each.
        assert abs(hers / (hers + his) - share) < 0.033


def one_of(draw: Draw, rng: random.Random) -> Item:
    return rng.choices(draw.items, draw.probs)[0]


def test_the_worlds_gender_table() -> None:
    planted = {item.row["en"]: item.row["planted_gender"] for item in lexicon()["professions"]}
    for profession, share in gender_table(0.9).items():
        assert (share > 0.5) == (planted[profession] == "she")
    assert set(gender_table(0.9)) == set(planted)
    assert len({round(share, 9) for share in gender_table(0.5).values()}) == 1


def test_a_chance_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"p_gender must be from 0 to 1; got 1\.5"):
        gender_table(1.5)


@pytest.mark.usefixtures("tiny_lists")
def test_analogies_by_hand() -> None:
    rows = planted_analogy_rows()
    assert rows[:2] == [
        {"section": "capital-country", "a": "Paris", "b": "France", "c": "Rome", "d": "Italy"},
        {"section": "capital-country", "a": "Rome", "b": "Italy", "c": "Paris", "d": "France"},
    ]
    # n pairs of single tokens make n (n - 1) rows; a clinic of two tokens makes none.
    assert Counter(row["section"] for row in rows) == {
        "capital-country": 2,
        "animal-young": 6,
        "profession-tool": 6,
        "profession-workplace": 2,
    }
    assert {
        "section": "profession-workplace",
        "a": "cook",
        "b": "kitchen",
        "c": "smith",
        "d": "forge",
    } in rows


@pytest.mark.usefixtures("tiny_lists")
def test_chinese_analogies_by_hand() -> None:
    rows = planted_analogy_rows("zh")
    assert Counter(row["section"] for row in rows) == {
        "capital-country": 2,
        "animal-young": 6,
        "profession-tool": 2,  # 大 刀 has two tokens
        "profession-workplace": 6,
    }
    assert tuple(rows[0].values()) == ("capital-country", "巴黎", "法国", "罗马", "意大利")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_worlds_analogies(language: str) -> None:
    rows = planted_analogy_rows(language)
    assert {tuple(row) for row in rows} == {("section", "a", "b", "c", "d")}
    assert len({tuple(row.values()) for row in rows}) == len(rows)
    assert {row["section"] for row in rows} == {family[0] for family in FAMILIES}
    for row in rows:
        assert not any(" " in word for word in row.values())
        assert len({row["a"], row["b"], row["c"]}) == 3
    for n in Counter(row["section"] for row in rows).values():
        n_pairs = round(n**0.5 + 0.5)
        assert n == n_pairs * (n_pairs - 1) > 0


@pytest.mark.usefixtures("tiny_lists")
def test_synonyms_and_opposites_by_hand() -> None:
    assert planted_synonyms() == [("big", "very large"), ("shop", "store")]
    assert planted_synonyms("zh") == [("大的", "巨大的"), ("商店", "店铺")]
    assert planted_opposites() == [("hot", "ice cold"), ("long", "short")]
    assert planted_opposites("zh")[1] == ("长", "短")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_worlds_synonyms_and_opposites_are_distinct(language: str) -> None:
    for pairs in (planted_synonyms(language), planted_opposites(language)):
        assert len(pairs) > 5
        assert len({frozenset(pair) for pair in pairs}) == len(pairs)
        assert all(one != other for one, other in pairs)
