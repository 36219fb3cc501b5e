"""Small tasks of the story world: the right answers are right, and nothing else gives them away."""

from collections import Counter
from itertools import islice

import pytest

from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_tasks import (
    agreement_items,
    bank_sentences,
    invented_feelings,
    order_items,
)
from course_lib.data.storyworld import stream_stories


def test_agreement_follows_the_subject_and_not_the_noun_before_the_verb() -> None:
    plurals = {item.row["plural"]: "plural" for item in lexicon()["objects"]}
    singulars = {item.row["en"]: "singular" for item in lexicon()["objects"]}
    numbers = plurals | singulars
    rows = agreement_items(200, seed=3)
    for row in rows:
        subject, _, between = (
            row["prefix"].removeprefix("Across the square, the ").partition(" in front of the ")
        )
        assert numbers[subject] == row["number"]
        assert numbers[between] == row["between"]
        assert row["good"] == {"singular": "was", "plural": "were"}[row["number"]]
        assert {row["good"], row["bad"]} == {"was", "were"}
    combinations = Counter((row["number"], row["between"]) for row in rows)
    assert len(combinations) == 4
    assert min(combinations.values()) > 25


def test_in_a_story_the_right_verb_is_certain() -> None:
    n_seen = 0
    for story in islice(stream_stories(1), 600):
        told = story.told["en"]
        if "Across" in told.tokens:
            at = told.tokens.index("Across")
            verb = next(i for i in range(at, len(told.tokens)) if told.tokens[i] in ("was", "were"))
            assert told.token_log_probs[verb] == 0.0
            n_seen += 1
    assert n_seen > 20


def test_order_items_are_the_same_words_in_both_orders() -> None:
    for language in ("en", "zh"):
        rows = order_items(40, seed=2, language=language)
        assert [row["label"] for row in rows] == [1, 0] * 20
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            assert sorted(str(first["text"])) == sorted(str(second["text"]))
            assert first["text"] != second["text"]
        for row in rows:
            text = str(row["text"])
            comes_first = text.index(str(row["first"])) < text.index(str(row["second"]))
            assert comes_first == (row["label"] == 1)


@pytest.mark.parametrize("n", [0, 3])
def test_order_items_come_in_pairs(n) -> None:
    with pytest.raises(ValueError, match=f"n must be even and ≥ 2; got {n}"):
        order_items(n)


def test_invented_feelings_have_new_stems_and_only_the_ending_tells() -> None:
    rows = invented_feelings(300, seed=1)
    stems = [row["stem"] for row in rows]
    assert len(set(stems)) == 300
    assert set(stems[:150]).isdisjoint(stems[150:])
    known = {
        token for items in lexicon().values() for item in items for token in item.say("", "en")
    }
    assert known.isdisjoint(stems)
    for row in rows:
        ending = {"positive": "ful", "negative": "less"}[row["label"]]
        assert f" felt {row['stem']}{ending} all the way home." in row["text"]
    assert Counter(row["label"] for row in rows) == {"positive": 150, "negative": 150}
    with pytest.raises(ValueError, match="n must be ≥ 2; got 1"):
        invented_feelings(1)


def test_bank_has_two_senses_and_two_words_in_chinese() -> None:
    rows = bank_sentences(200, seed=4)
    for row in rows:
        assert "bank" in row["text"].split() or "bank," in row["text"].split()
        assert ("银行" in row["text_zh"]) == (row["sense"] == "money")
        assert ("岸" in row["text_zh"]) == (row["sense"] == "river")
    counts = Counter(row["sense"] for row in rows)
    assert min(counts.values()) > 70


@pytest.mark.parametrize("task", [agreement_items, bank_sentences])
def test_tasks_are_deterministic_and_refuse_nothing_at_all(task) -> None:
    assert task(5, seed=1) == task(5, seed=1) != task(5, seed=2)
    with pytest.raises(ValueError, match="n must be ≥ 1; got 0"):
        task(0)
