"""Stories as records: rich, and what is said about each of them is true of its text."""

from collections import Counter
from itertools import islice

import pytest

from course_lib.data.story_grammar import load_grammar
from course_lib.data.story_lexicon import lexicon
from course_lib.data.storyworld import Story, StoryOptions, stream_stories

LANGUAGES = ("en", "zh")


def stories(n: int, options: StoryOptions | None = None) -> list[Story]:
    return list(islice(stream_stories(0, options, languages=LANGUAGES), n))


@pytest.fixture(scope="module")
def thousand() -> list[Story]:
    return stories(1_000)


def test_the_world_is_rich(thousand) -> None:
    words = lexicon()
    assert len(words["names"]) >= 60
    assert len(words["professions"]) >= 30
    assert len(words["places"]) >= 40
    assert len(words["objects"]) >= 80
    for name in ("weather", "times", "foods", "animals", "glad_feelings", "sad_feelings"):
        assert len(words[name]) >= 8
    grammar = load_grammar()
    obstacles = [row for row in grammar["trouble"] if "obstacle" in row.labels]
    ways = [row for part in grammar if part.startswith("way-") for row in grammar[part]]
    assert len(obstacles) >= 25
    assert len(ways) >= 25
    assert len({row.labels["plot"] for row in grammar["plot"]}) >= 8
    wishes = ("learn-skill", "feast-occasion", "gift-occasion", "repair-damage", "rescue-plight")
    assert sum(len(grammar[part]) for part in wishes) >= 30
    assert {story.plot for story in thousand} == {r.labels["plot"] for r in grammar["plot"]}


def test_vocabulary_is_over_1000_english_and_800_chinese_words(thousand) -> None:
    english = {token.lower() for story in thousand for token in story.told["en"].tokens}
    chinese = {token for story in thousand for token in story.told["zh"].tokens}
    assert sum(word[0].isalpha() for word in english) > 1_000
    assert sum("一" <= word[0] <= "鿿" for word in chinese) > 800


def test_stories_have_4_to_12_sentences_each_with_its_translation(thousand) -> None:
    for story in thousand:
        english, chinese = story.told["en"], story.told["zh"]
        assert 4 <= len(english.sentences) == len(chinese.sentences) <= 12
        assert " ".join(english.sentences) == english.text
        assert "".join(chinese.sentences) == chinese.text
        assert all(sentence[-1] in ".?!”" for sentence in english.sentences)
        assert all(sentence[-1] in "。？！”" for sentence in chinese.sentences)


def test_every_story_differs(thousand) -> None:
    for language in LANGUAGES:
        assert len({story.told[language].text for story in thousand}) == len(thousand)


# --- What is known about a story is true of its text. ---


def test_questions_have_their_answers_in_the_text(thousand) -> None:
    for story in thousand:
        asked = [story.told[name].questions for name in LANGUAGES]
        assert len(asked[0]) == len(asked[1]) >= 3
        for name, questions in zip(LANGUAGES, asked, strict=True):
            text = story.told[name].text
            for question in questions:
                assert question.answer
                assert text[question.start :].startswith(question.answer)
                assert question.question[-1] in "?？"


def test_the_sentiment_has_its_cue_in_the_last_sentence(thousand) -> None:
    feelings = {"positive": "glad", "neutral": "calm", "negative": "sad"}
    for story in thousand:
        for language in LANGUAGES:
            told = story.told[language]
            assert told.text[told.cue_start :].startswith(told.cue)
            assert told.cue_start >= len(told.text) - len(told.sentences[-1])
            items = lexicon()[f"{feelings[story.sentiment]}_feelings"]
            assert told.cue in {"".join(item.say("", language)) for item in items}


def test_sentiments_and_plots_all_occur_often(thousand) -> None:
    sentiments = Counter(story.sentiment for story in thousand)
    assert min(sentiments.values()) > 100
    assert sentiments["positive"] == max(sentiments.values()) < 700
    assert min(Counter(story.plot for story in thousand).values()) > 30


def test_entities_are_whole_mentions_of_the_worlds_lists(thousand) -> None:
    names = {item.row["en"] for name in ("names", "neighbours") for item in lexicon()[name]}
    towns = {item.row["en"] for item in lexicon()["towns"]}
    for story in thousand[:200]:
        for told in story.told.values():
            assert len(told.entities) == len(told.tokens)
            for before, tag in zip(["O", *told.entities], told.entities, strict=False):
                assert not tag.startswith("I-") or before[2:] == tag[2:]
        told = story.told["en"]
        for token, tag in zip(told.tokens, told.entities, strict=True):
            assert (tag == "B-PER") == (token in names), (token, tag)
            assert token not in towns or tag == "B-LOC"
        kinds = {tag[2:] for tag in told.entities if tag != "O"}
        assert {"PER", "LOC", "OBJ"} <= kinds


def test_summaries_are_one_sentence_and_name_the_hero(thousand) -> None:
    for story in thousand:
        english, chinese = story.told["en"].summary, story.told["zh"].summary
        assert english.count(".") == 1
        assert english.endswith(".")
        assert len(english.split()) <= 30
        assert chinese.endswith("。")
        assert story.hero in english


def test_pronouns_agree_with_the_hero() -> None:
    """A story whose only people are the hero and neighbours never said by pronoun."""
    wrong = {"she": "he", "he": "she"}
    options = StoryOptions(plots=("garden",))
    for story in stories(200, options=options):
        opening = story.told["en"].sentences[1].lower().split()
        assert opening[0] != wrong[story.gender]


def test_dialogue_plots_have_turns_of_both_speakers(thousand) -> None:
    dialogues = [s for s in thousand if s.plot in ("bargain", "quarrel", "plan")]
    assert len(dialogues) > 90
    for story in dialogues:
        for told in story.told.values():
            assert len(told.turns) >= 3
            assert len({turn.speaker for turn in told.turns}) >= 2
            assert all(turn.text in told.text for turn in told.turns)
        english, chinese = (story.told[name].turns for name in LANGUAGES)
        translated = {}
        for one, two in zip(english, chinese, strict=True):
            assert translated.setdefault(one.speaker, two.speaker) == two.speaker
