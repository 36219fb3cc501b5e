"""What was planted must be found, and nothing else but what was there before."""

import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.data import load
from course_lib.data.cleaning import CleaningReport, CleaningRules, Removed, clean
from course_lib.data.quality import QualityRules

NOUNS = "baker king river lamp garden letter tailor boat mountain child apple clock teacher wolf "
NOUNS += "bridge doctor violin candle forest soldier basket queen window painter harbour tiger"
VERBS = "finds carries watches paints follows remembers sells hides builds repairs praises fears"
CHINESE = "春眠不觉晓处闻啼鸟夜来风雨声花落知多少白日依山尽黄河入海流欲穷千里目更上一层楼床前明月光"
FOREIGN = [
    "Die Katze war so müde, dass sie in dem Garten auf der Bank schlief. Tag {}.",
    "Elle a dit que les enfants ont mangé du pain et que le père est parti. Jour {}.",
    "No me gusta el pan, y no me voy a la casa de mi hermano en el pueblo {}.",
    "Кошка сидит на столе и смотрит на собаку, а собака спит {}.",
    "猫はテーブルの上に座っています。犬は寝ています{}。",
]
GARBAGE = {
    "too few words": "404 {}",
    "too many symbols": "<div> | the | {{ and }} | of | ### | it | ^^ | {} | *** |",
    "forbidden phrase": "Lorem ipsum dolor sit amet, and the rest of it is for number {}.",
    "too few alphabetic words": "{} 12 13 14 15 16 17 18 19 20 21 22 the 23 24 25 26",
    "repeated lines": "Click on the button, row {0}.\nClick on the button, row {0}.\n"
    "Click on the button, row {0}.",
}


class Planted(NamedTuple):
    documents: list[str]
    removed: Counter[str]
    masked: Counter[str]


def stories(n: int) -> list[str]:
    """English and Chinese documents that differ widely and have nothing to remove."""
    rng = random.Random(0)
    nouns, verbs = NOUNS.split(), VERBS.split()
    english = [
        " ".join(
            f"The {rng.choice(nouns)} {rng.choice(verbs)} the {rng.choice(nouns)} "
            f"with {rng.choice(nouns)} and {rng.choice(nouns)}."
            for _ in range(14)
        )
        for _ in range(n)
    ]
    chinese = ["".join(rng.choices(CHINESE, k=120)) + "。" for _ in range(n)]
    return english + chinese


def with_other_word(document: str, rng: random.Random) -> str:
    """Change one word somewhere in the middle, or one Chinese character."""
    units, glue = (document.split(" "), " ") if " " in document else (list(document), "")
    place = rng.randrange(len(units) // 3, 2 * len(units) // 3)
    units[place] = "changed" if glue else "龘"
    return glue.join(units)


def plant(clean_documents: Sequence[str], n_each: int, seed: int) -> Planted:
    """Add every kind of noise and shuffle, a duplicate staying behind what it repeats."""
    rng = random.Random(seed)
    chosen = rng.sample(range(len(clean_documents)), 3 * n_each)
    exact, near, personal = chosen[:n_each], chosen[n_each : 2 * n_each], chosen[2 * n_each :]
    originals = list(clean_documents)
    for i, row in enumerate(personal):
        originals[row] += f" Write to me{i}@example.org or call 138{i:08d}, the year is 2024."
    noise = [pattern.format(i) for pattern in GARBAGE.values() for i in range(n_each)]
    noise += [FOREIGN[i % len(FOREIGN)].format(i) for i in range(n_each)]
    noise += [f"half a character \ud83d, number {i}" for i in range(n_each)]
    first = originals + noise
    rng.shuffle(first)
    later = [f" {originals[row]}\r\n" for row in exact]
    later += [with_other_word(originals[row], rng) for row in near]
    rng.shuffle(later)
    reasons = [*GARBAGE, "language", "broken text", "exact duplicate", "near-duplicate"]
    return Planted(
        first + later,
        Counter(dict.fromkeys(reasons, n_each)),
        Counter({"EMAIL": n_each, "PHONE": n_each}),
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n_each", [1, 7])
def test_what_was_planted_is_found_and_nothing_else(n_each: int, seed: int) -> None:
    documents = stories(23)
    assert clean(documents)[0] == documents
    planted = plant(documents, n_each, seed)
    cleaned, report = clean(planted.documents)
    assert report.counts == planted.removed
    assert report.masked == planted.masked
    assert report.n_kept == len(cleaned) == len(documents)
    assert report.n_in == report.n_kept + sum(report.counts.values()) == len(planted.documents)
    assert sum(text in cleaned for text in documents) == len(documents) - n_each  # masked ones


@pytest.mark.usefixtures("shared_cache")
def test_what_was_planted_in_real_text_is_found() -> None:
    text = load("wikipedia-excerpt").documents[:30]
    paragraphs = [p for document in text for p in document.split("\n\n")]
    before = clean(paragraphs)[1]
    # The text is not clean by our rules: lists of numbers, Greek words, book titles. So what is
    # there already is counted first.
    assert 0 < sum(before.counts.values()) < 0.02 * len(paragraphs)
    assert before.masked == {}
    # Long enough for one changed word to leave more than 0.8 of the shingles.
    long = [paragraphs[row] for row in before.kept if len(paragraphs[row].split()) > 80]
    planted = plant(long, 31, seed=0)
    extra = planted.documents
    rest = [p for p in paragraphs if p not in set(long)]
    after = clean([*extra, *rest])[1]
    assert Counter(after.counts) - Counter(before.counts) == planted.removed
    assert Counter(after.counts) == Counter(before.counts) + planted.removed
    assert after.masked == planted.masked


def test_reasons_rows_and_details() -> None:
    good = stories(1)[0]
    documents = ["404", good, "\udc80", with_other_word(good, random.Random(0)), f"{good} ", "~ ~"]
    cleaned, report = clean(documents)
    assert cleaned == [good]
    assert report.kept == (1,)
    surrogate = "text must be valid Unicode; got the lone surrogate U+DC80 at character 0. "
    surrogate += "Was it read with errors='surrogateescape', or cut inside an emoji?"
    n_shingles = 14 * 9 - 4
    similarity = (n_shingles - 5) / (n_shingles + 5)
    few = "too few words, too many symbols, too few alphabetic words, language"
    assert report.removed == (
        Removed(0, "too few words", "too few words, too few alphabetic words, language"),
        Removed(2, "broken text", surrogate),
        Removed(3, "near-duplicate", f"of row 1, similarity {similarity:.2f}"),
        Removed(4, "exact duplicate", "of row 1, similarity 1.00"),
        Removed(5, "too few words", few),
    )


def test_the_report_is_a_short_table() -> None:
    report = CleaningReport(
        1234,
        tuple(range(1230)),
        (
            Removed(1230, "language", ""),
            Removed(1231, "near-duplicate", ""),
            Removed(1232, "near-duplicate", ""),
            Removed(1233, "near-duplicate", ""),
        ),
        {"EMAIL": 1500},
    )
    assert str(report).split("\n") == [
        "1,234 documents in, 1,230 kept, 4 removed",
        "removed: near-duplicate        3",
        "removed: language              1",
        "masked: EMAIL              1,500",
    ]
    assert str(clean([])[1]) == "0 documents in, 0 kept, 0 removed"


def test_every_rule_reaches_its_step() -> None:
    good, chinese = stories(1)
    near = [good, with_other_word(good, random.Random(0))]
    quality = QualityRules(languages=("zh",))
    assert clean([good, chinese], CleaningRules(quality=quality))[0] == [chinese]
    assert clean(near, CleaningRules(threshold=0.95))[0] == near
    assert clean(near, CleaningRules(shingle_size=20))[0] == near
    with pytest.raises(ValueError, match="n_permutations=1"):
        clean(near, CleaningRules(n_permutations=1))
    with pytest.raises(ValueError, match="seed=-1"):
        clean(near, CleaningRules(seed=-1))


def test_a_document_lost_or_counted_twice_is_our_bug() -> None:
    report = clean(stories(1))[1]
    with pytest.raises(AssertionError, match="exactly once"):
        dataclasses.replace(report, kept=(0,))
    with pytest.raises(AssertionError, match="exactly once"):
        dataclasses.replace(report, removed=(Removed(1, "language", ""),))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.sampled_from([*stories(2), *GARBAGE.values(), "\ud800", "a@example.org is the one"])
        | st.text(max_size=30),
        max_size=12,
    )
)
def test_every_document_is_accounted_for_once(documents: list[str]) -> None:
    cleaned, report = clean(documents)
    assert report.n_in == len(documents) == report.n_kept + sum(report.counts.values())
    assert sorted([*report.kept, *(one.row for one in report.removed)]) == [*range(len(documents))]
    assert list(report.removed) == sorted(report.removed)
    assert len(cleaned) == len(report.kept)
    if not report.masked:  # masking makes texts shorter and more alike
        assert clean(cleaned)[0] == cleaned
