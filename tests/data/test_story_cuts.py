"""Items of tasks are held against the stories they were cut from and the word lists."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from course_lib.data.stories import Story, stream_stories
from course_lib.data.story_cuts import (
    ShotItem,
    cut_agreement,
    cut_answer,
    cut_colour,
    cut_feeling,
    cut_hero,
    cut_kind,
    cut_mood,
)
from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_writer import join_tokens

Cut = Callable[[Story, str, random.Random], ShotItem | None]
STORIES = list(islice(stream_stories(11, languages=("en", "zh")), 250))
BOTH = pytest.mark.parametrize("language", ["en", "zh"])


def items_of(cut: Cut, language: str, at_least: int) -> Iterator[tuple[Story, ShotItem]]:
    draw = random.Random(5)
    found = [(story, cut(story, language, draw)) for story in STORIES]
    kept = [(story, item) for story, item in found if item is not None]
    assert len(kept) >= at_least
    assert len({item.label for _, item in kept}) == len(kept[0][1].choices)
    return iter(kept)


def right_and_wrong(item: ShotItem) -> tuple[str, str]:
    (wrong,) = (text for label, text in item.choices.items() if label != item.label)
    return item.choices[item.label], wrong


def words(name: str, language: str) -> list[str]:
    glue = " " if language == "en" else ""
    return [glue.join(item.say("", language)) for item in lexicon()[name]]


def in_chinese(name: str, plain: str, language: str) -> str:
    return dict(zip(words(name, "en"), words(name, language), strict=True))[plain]


def assert_made_of_its_sentences(story: Story, item: ShotItem, language: str) -> None:
    told, text = story.told[language], item.prompt + item.choices[item.label]
    used = [sentence for sentence in told.sentences if sentence in text]
    assert text == (" " if language == "en" else "").join(used)
    assert text.endswith(used[-1].removeprefix(item.prompt))


def test_agreement_asks_for_the_verb_of_the_subject() -> None:
    numbers = {item.row["plural"]: "plural" for item in lexicon()["objects"]}
    numbers |= {item.row["en"]: "singular" for item in lexicon()["objects"]}
    for story, item in items_of(cut_agreement, "en", 10):
        assert_made_of_its_sentences(story, item, "en")
        subject = item.prompt.removeprefix("Across the square, the ").partition(" in front")[0]
        assert item.label == numbers[subject]
        assert item.choices == {
            "singular": " was still for sale.",
            "plural": " were still for sale.",
        }


@BOTH
def test_a_colour_comes_back_with_its_thing(language: str) -> None:
    for story, item in items_of(cut_colour, language, 100):
        assert_made_of_its_sentences(story, item, language)
        right, wrong = right_and_wrong(item)
        callback = story.told[language].callback
        assert callback is not None
        thing = story.told[language].tokens[callback.return_token]
        (own, rest), (other, rest_of_other) = (
            (text[: text.index(thing)].strip(), text[text.index(thing) :])
            for text in (right, wrong)
        )
        starts = join_tokens(story.told[language].tokens, language)[1]
        assert story.told[language].text.rindex(right.strip()) in starts
        assert own in item.prompt
        assert other not in item.prompt
        assert rest == rest_of_other
        assert {own, other} <= set(words("colours", language))
        assert item.label == ("first" if own < other else "second")


@BOTH
def test_a_feeling_fits_the_storys_end(language: str) -> None:
    lists = {"good": words("glad_feelings", language), "bad": words("sad_feelings", language)}
    for story, item in items_of(cut_feeling, language, 20):
        assert_made_of_its_sentences(story, item, language)
        assert item.label == {"positive": "good", "negative": "bad"}[story.sentiment]
        assert story.told[language].cue in item.choices[item.label]
        assert story.told[language].cue not in item.prompt
        for label, text in item.choices.items():
            assert any(feeling in text for feeling in lists[label])
        assert item.prompt.endswith(in_chinese("names", story.hero, language))


def test_neither_word_of_a_feeling_gives_the_mood_away_before_it() -> None:
    for _, item in items_of(cut_feeling, "en", 20):
        good, bad = (text.split() for text in item.choices.values())
        assert [
            at for at, pair in enumerate(zip(good, bad, strict=True)) if pair[0] != pair[1]
        ] == [1]


@BOTH
def test_the_hero_ends_the_story_and_the_helper_does_not(language: str) -> None:
    helpers = words("neighbours", language)
    for story, item in items_of(cut_hero, language, 50):
        assert_made_of_its_sentences(story, item, language)
        right, wrong = right_and_wrong(item)
        hero = in_chinese("names", story.hero, language)
        assert right.strip().startswith(hero)
        (helper,) = (name for name in helpers if right.replace(hero, name) == wrong)
        assert hero in item.prompt
        assert helper in item.prompt
        assert item.label == ("first" if hero < helper else "second")


@BOTH
def test_job_and_town_both_stand_in_the_story_and_the_question_decides(language: str) -> None:
    towns = words("towns", language)
    for story, item in items_of(cut_answer, language, 200):
        text, question = item.prompt.split("\n")[:2]
        hero = in_chinese("names", story.hero, language)
        assert story.told[language].text.startswith(
            text.removeprefix("Story: ").removeprefix("故事：")
        )
        assert all(choice.strip() in text for choice in item.choices.values())
        assert item.choices["job"].strip() == in_chinese("professions", story.profession, language)
        assert item.choices["town"].strip() in towns
        asked = {
            ("en", "job"): f"Question: What was {hero}'s job?",
            ("en", "town"): f"Question: Where did {hero} live?",
            ("zh", "job"): f"问题：{hero}是做什么工作的？",
            ("zh", "town"): f"问题：{hero}住在哪里？",
        }
        assert question == asked[language, item.label]
        assert item.prompt.endswith({"en": "\nAnswer:", "zh": "\n回答："}[language])


@BOTH
def test_a_word_is_a_person_a_place_or_a_thing(language: str) -> None:
    people = {*words("names", language), *words("neighbours", language)}
    places = {*words("places", language), *words("towns", language), *words("capitals", language)}
    things = set(words("objects", language))
    for story, item in items_of(cut_kind, language, 250):
        start, end = {"en": ("Word: ", "\nKind:"), "zh": ("词：", "\n类别：")}[language]
        word = item.prompt.removeprefix(start).removesuffix(end)
        assert word in story.told[language].text
        known = {"PER": people, "LOC": places, "OBJ": things}
        assert [label for label, kind in known.items() if word in kind] in ([item.label], [])
    kinds = Counter(item.label for _, item in items_of(cut_kind, language, 250))
    assert min(kinds.values()) > 20


def test_words_of_several_tokens_stay_whole() -> None:
    story = next(one for one in STORIES if "I-LOC" in one.told["en"].entities)
    told = story.told["en"]
    at = told.entities.index("I-LOC")
    items = [cut_kind(story, "en", random.Random(n)) for n in range(99)]
    prompts = {item.prompt for item in items if item is not None}
    assert f"Word: {told.tokens[at - 1]} {told.tokens[at]}\nKind:" in prompts
    assert f"Word: {told.tokens[at - 1]}\nKind:" not in prompts


@BOTH
def test_the_last_sentence_tells_the_mood(language: str) -> None:
    form = {"en": "Story: {}\nMood:", "zh": "故事：{}\n心情："}[language]
    choices = {
        "en": {"good": " good", "bad": " bad"},
        "zh": {"good": "好", "bad": "坏"},
    }[language]
    for story, item in items_of(cut_mood, language, 150):
        told = story.told[language]
        assert item == ShotItem(form.replace("{}", told.sentences[-1]), item.label, choices)
        assert told.cue in item.prompt
        assert item.label == {"positive": "good", "negative": "bad"}[story.sentiment]


@BOTH
@pytest.mark.parametrize("cut", [cut_feeling, cut_mood])
def test_a_story_that_ends_calmly_has_no_mood(cut: Cut, language: str) -> None:
    calm = [story for story in STORIES if story.sentiment == "neutral"]
    assert len(calm) > 20
    assert {cut(story, language, random.Random(0)) for story in calm} == {None}


@BOTH
@pytest.mark.parametrize("cut", [cut_colour, cut_feeling, cut_answer, cut_kind])
def test_draws_decide_and_equal_draws_decide_alike(cut: Cut, language: str) -> None:
    one, again, other = (
        [cut(story, language, random.Random(seed)) for story in STORIES] for seed in (1, 1, 2)
    )
    assert one == again != other
