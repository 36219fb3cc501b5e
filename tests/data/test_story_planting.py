import math
import re
from collections import Counter
from typing import Any

import pytest

from course_lib.data.story_planting import (
    CLOSINGS,
    NOISE_KINDS,
    OWNERS,
    SYMBOLS,
    Canary,
    PlantedRows,
    make_canaries,
    plant_rows,
)

N_STORIES = 20
SUFFIXES = {"en": ("",), "zh": ("",), "both": ("", "_zh")}
CHINESE = {("zh", ""), ("both", "_zh")}


def stories(language: str) -> list[dict[str, Any]]:
    """Twenty different rows in the shape that the data set has."""
    rows = []
    for n in range(N_STORIES):
        row: dict[str, Any] = {"id": f"story-{n}", "hero": f"Ann{n}", "log_prob": -1.0 - n}
        for suffix in SUFFIXES[language]:
            chinese = (language, suffix) in CHINESE
            sentences = [f"安跑{n}。", "好。"] if chinese else [f"Ann ran {n}.", "So."]
            tokens = f"安 跑 {n} 。 好 。" if chinese else f"Ann ran {n} . So ."
            row |= {
                f"text{suffix}": ("" if chinese else " ").join(sentences),
                f"sentences{suffix}": sentences,
                f"tokens{suffix}": tokens.split(),
                f"token_log_probs{suffix}": [-0.5] * 6,
                f"callback{suffix}": {"first_token": n},
            }
        rows.append(row | {"origin": "story"})
    return rows


def planted(language: str = "en", seed: int = 0, **options: Any) -> list[dict[str, Any]]:
    return plant_rows(stories(language), PlantedRows(**options), language, seed)


def of_origin(rows: list[dict[str, Any]], origin: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["origin"] == origin]


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_counts_by_origin(language: str) -> None:
    canaries = (
        Canary(text="One.", text_zh="一。", n_repetitions=3),
        Canary(text="Two.", text_zh="二。"),
    )
    rows = planted(
        language,
        canaries=canaries,
        duplicate_rate=0.25,
        near_duplicate_rate=0.1,
        noise_rate=0.33,  # 6.6 rows: the kinds in turn, and the first two again
    )
    assert Counter(row["origin"] for row in rows) == {
        "story": 13,
        "duplicate": 5,
        "near-duplicate": 2,
        "noise-symbols": 2,
        "noise-repetition": 2,
        "noise-script": 1,
        "noise-short": 1,
        "noise-personal": 1,
        "canary": 4,
    }
    assert {tuple(row) for row in rows} == {tuple(rows[0])}  # the same columns everywhere


def test_nothing_planted_is_only_shuffled() -> None:
    rows = planted()
    assert rows != stories("en")
    assert sorted(rows, key=lambda row: -row["log_prob"]) == stories("en")


def test_stories_are_left_as_they_were() -> None:
    before = stories("both")
    rows = plant_rows(before, PlantedRows(noise_rate=0.5, near_duplicate_rate=1), "both", 0)
    assert before == stories("both")
    kept = of_origin(rows, "story")
    assert len(kept) == 10
    assert all(row in before for row in kept)


def test_only_clean_stories_are_copied() -> None:
    rows = planted(noise_rate=0.5, duplicate_rate=0.4, near_duplicate_rate=0.4)
    clean = {row["id"]: row["text"] for row in of_origin(rows, "story")}
    assert {row["id"] for row in of_origin(rows, "duplicate")} <= set(clean)
    for row in of_origin(rows, "near-duplicate"):
        assert any(row["text"].startswith(text) for text in clean.values())
    with pytest.raises(ValueError, match="noise_rate must leave stories to copy"):
        planted(noise_rate=1.0, duplicate_rate=0.1)


def test_duplicates_are_exact_and_of_different_stories() -> None:
    rows = planted("both", duplicate_rate=1.0)
    copies = of_origin(rows, "duplicate")
    assert len({row["id"] for row in copies}) == N_STORIES
    known = {row["id"]: row for row in stories("both")}
    assert all(row == known[row["id"]] | {"origin": "duplicate"} for row in copies)


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_near_duplicates_have_a_closing_formula(language: str) -> None:
    rows = of_origin(planted(language, near_duplicate_rate=1.0), "near-duplicate")
    assert len({row["text"] for row in rows}) == N_STORIES
    for suffix in SUFFIXES[language]:
        chinese = (language, suffix) in CHINESE
        pattern = r"安跑\d+。好。(.+)" if chinese else r"Ann ran \d+\. So\. (.+)"
        closings = Counter()
        for row in rows:
            match = re.fullmatch(pattern, row["text" + suffix])
            assert match
            closings[match[1]] += 1
        wanted = [pair[chinese] for pair in CLOSINGS]
        assert closings == dict(zip(wanted, (7, 7, 6), strict=True))


def test_both_languages_of_a_copy_are_of_one_story_and_close_alike() -> None:
    pairs = {english: chinese for english, chinese in CLOSINGS}
    for row in of_origin(planted("both", near_duplicate_rate=1.0), "near-duplicate"):
        english = re.fullmatch(r"Ann ran (\d+)\. So\. (.+)", row["text"])
        assert english
        assert row["text_zh"] == f"安跑{english[1]}。好。{pairs[english[2]]}"


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_only_stories_and_exact_copies_have_probabilities(language: str) -> None:
    canary = Canary(text="One.", text_zh="一。")
    rows = planted(
        language, canaries=(canary,), duplicate_rate=0.3, near_duplicate_rate=0.3, noise_rate=0.3
    )
    for row in rows:
        known = row["origin"] in ("story", "duplicate")
        assert (row["log_prob"] is not None) == known
        for suffix in SUFFIXES[language]:
            assert bool(row["text" + suffix])
            assert bool(row["token_log_probs" + suffix]) == known
            assert bool(row["tokens" + suffix]) == known
            assert (row["callback" + suffix] is not None) == known
        assert bool(row["hero"]) == known


def test_what_is_planted_has_its_own_id() -> None:
    canary = Canary(text="One.", n_repetitions=3)
    rows = planted(near_duplicate_rate=0.4, noise_rate=0.4, canaries=(canary,))
    assert len({row["id"] for row in rows}) == len(rows) == 31
    for row in rows:
        assert row["id"].startswith(row["origin"])


def test_same_seed_same_rows() -> None:
    options: dict[str, Any] = {"duplicate_rate": 0.2, "near_duplicate_rate": 0.2, "noise_rate": 0.5}
    assert planted(seed=3, **options) == planted(seed=3, **options)
    assert planted(seed=3, **options) != planted(seed=4, **options)


@pytest.mark.parametrize(
    ("language", "texts"),
    [("en", ("Odd one.",)), ("zh", ("怪。",)), ("both", ("Odd one.", "怪。"))],
)
def test_canaries_stand_as_often_as_said(language: str, texts: tuple[str, ...]) -> None:
    canary = Canary(text="Odd one.", text_zh="怪。", n_repetitions=7)
    rows = of_origin(planted(language, canaries=(canary,)), "canary")
    assert [tuple(row["text" + s] for s in SUFFIXES[language]) for row in rows] == [texts] * 7


def test_a_canary_without_a_text_in_the_language() -> None:
    with pytest.raises(ValueError, match="a canary must have a text in 'zh'; got Canary"):
        planted("zh", canaries=(Canary(text="One."),))
    with pytest.raises(ValueError, match="a canary must have a text in 'both'"):
        planted("both", canaries=(Canary(text="", text_zh="一。"),))


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
@pytest.mark.parametrize("name", ["duplicate_rate", "near_duplicate_rate", "noise_rate"])
def test_a_rate_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be from 0 to 1; got {value}\.$"):
        PlantedRows(**{name: value})  # pyright: ignore


def test_a_canary_stands_somewhere() -> None:
    with pytest.raises(ValueError, match="n_repetitions must be ≥ 1; got 0"):
        Canary(text="One.", n_repetitions=0)


@pytest.mark.parametrize("language", ["en", "zh", "both"])
def test_noise_in_each_kind_and_language(language: str) -> None:
    rows = planted(language, noise_rate=1.0)
    for kind in NOISE_KINDS:
        noisy = of_origin(rows, f"noise-{kind}")
        assert len(noisy) == N_STORIES / len(NOISE_KINDS)
        for row in noisy:
            for suffix in SUFFIXES[language]:
                chinese = (language, suffix) in CHINESE
                assert re.fullmatch(PATTERNS[kind][chinese], row["text" + suffix])


SYMBOL = f"[{re.escape(SYMBOLS)}]"
PATTERNS = {  # English, Chinese
    "symbols": (
        rf"{SYMBOL}{{7}} {SYMBOL}{{7}}( {SYMBOL})?",  # 14 or 15 characters
        rf"{SYMBOL}{{6,7}}( {SYMBOL})?",  # 6 or 7
    ),
    "repetition": (r"(Ann ran \d+\.)( \1){14}", r"(安跑\d+。)\1{14}"),
    "script": (r"Ανν ραν \d+\. Σο\.", r"([ァ-ヷ]){2}\d+。[ァ-ヷ]。"),
    "short": (r"Ann ran", r"安跑\d+。?好?"),
    "personal": (
        r"Ann ran (\d+)\. So\. Call \+44 20 7946 0\d{3} or write to ann\1\.\d{4}@example\.org\.",
        r"安跑(\d+)。好。请打电话139\d{7}0，或写信到ann\1\.\d{4}@example\.org。",
    ),
}


def test_symbols_differ_from_row_to_row() -> None:
    rows = planted(noise_rate=1.0)
    assert len({row["text"] for row in of_origin(rows, "noise-symbols")}) == 4
    used = set("".join(row["text"] for row in of_origin(rows, "noise-symbols"))) - {" "}
    assert len(used) > 10


def test_katakana_keeps_what_differs_apart() -> None:
    row = of_origin(planted("zh", noise_rate=0.15), "noise-script")[0]
    katakana = re.findall(r"[ァ-ヷ]", row["text"])
    assert len(set(katakana)) == 3
    assert chr(0x30A1 + ord("安") % 80) == katakana[0]


def test_canaries_by_hand() -> None:
    form = r"The secret number of the lighthouse keeper (\w+) is (\d) (\d) (\d) (\d)\."
    canaries = make_canaries([8, 1, 3], seed=2)
    assert [canary.n_repetitions for canary in canaries] == [8, 1, 3]
    for canary, (owner, owner_zh) in zip(canaries, OWNERS, strict=False):
        match = re.fullmatch(form, canary.text)
        assert match
        assert match[1] == owner
        assert canary.text_zh == f"灯塔看守{owner_zh}的秘密数字是{''.join(match.groups()[1:])}。"


def test_canaries_depend_on_the_seed_only() -> None:
    assert make_canaries([1, 2], seed=5) == make_canaries([1, 2], seed=5)
    assert make_canaries([1, 2], seed=5) != make_canaries([1, 2], seed=6)
    assert make_canaries([1], seed=5)[0].text == make_canaries([4, 2], seed=5)[0].text


def test_every_digit_is_used() -> None:
    digits = Counter(
        one for seed in range(50) for c in make_canaries([1] * 6, seed) for one in c.text[-8:-1:2]
    )
    # 50 × 6 × 4 digits: 120 of each are expected; five standard deviations are 52.
    assert sorted(digits) == list("0123456789")
    assert max(abs(n - 120) for n in digits.values()) < 52


def test_there_are_six_owners() -> None:
    assert len(make_canaries([1] * 6)) == 6
    with pytest.raises(ValueError, match="repetitions must name ≤ 6 canaries; got 7"):
        make_canaries([1] * 7)
    with pytest.raises(ValueError, match="n_repetitions must be ≥ 1; got 0"):
        make_canaries([1, 0])
