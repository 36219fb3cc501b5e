"""The whole story world: exactness, truth, splits, options. The modules have their own tests."""

import math
import os
import subprocess
import sys
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from course_lib.data import load
from course_lib.data.stories import world_writer
from course_lib.data.storyworld import (
    SPLIT_SHARES,
    Canary,
    Story,
    StoryOptions,
    floor,
    gender_table,
    make_canaries,
    make_storyworld,
    split_of_story,
    story_reader,
    stream_stories,
)

LANGUAGES = ("en", "zh")
PLANTED = StoryOptions(p_gender=0.8, analogy_regularity=0.7)


def stories(n: int, seed: int = 0, options: StoryOptions | None = None) -> list[Story]:
    return list(islice(stream_stories(seed, options, languages=LANGUAGES), n))


@pytest.fixture(scope="module")
def thousand() -> list[Story]:
    return stories(1_000)


@pytest.fixture(scope="module")
def world():
    return make_storyworld(600, seed=3, language="both")


# --- The probabilities are those of the text. ---


@pytest.mark.parametrize("options", [StoryOptions(), PLANTED, StoryOptions(callback_distance=9)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_independent_reader_of_plain_text_agrees_token_by_token(options, language) -> None:
    reader = story_reader(language, options)
    for story in stories(60, seed=11, options=options):
        told = story.told[language]
        reading = reader.read(told.text)
        assert reading.n_derivations == 1
        assert reading.tokens == told.tokens
        np.testing.assert_allclose(reading.log_probs, told.token_log_probs, rtol=0, atol=1e-9)


def test_planting_changes_the_probabilities() -> None:
    story = next(s for s in stories(50, options=PLANTED) if s.gender == "she")
    told = story.told["en"]
    plain = story_reader("en").read(told.text)
    assert math.fsum(plain.log_probs) != pytest.approx(math.fsum(told.token_log_probs))


@pytest.mark.parametrize("language", LANGUAGES)
def test_continuations_sum_to_one_at_sampled_prefixes(language) -> None:
    reader = story_reader(language, PLANTED)
    rng = np.random.default_rng(5)
    n_tried = 0
    for story in stories(25, seed=6, options=PLANTED):
        told = story.told[language]
        for at in rng.choice(len(told.tokens), size=4, replace=False):
            probs = reader.next_probs(told.tokens[:at])
            assert math.fsum(probs.values()) == pytest.approx(1, abs=1e-12)
            expected = told.token_log_probs[at]
            assert math.log(probs[told.tokens[at]]) == pytest.approx(expected, abs=1e-9)
            n_tried += 1
    assert n_tried == 100


def test_a_story_is_as_probable_in_english_as_in_chinese(thousand) -> None:
    for story in thousand:
        english, chinese = (math.fsum(story.told[name].token_log_probs) for name in LANGUAGES)
        assert english == pytest.approx(chinese, abs=1e-9)
        assert story.log_prob == pytest.approx(english, abs=1e-12)


def test_the_entropy_estimated_two_ways_agrees_within_its_interval() -> None:
    """E[-log p(token)] = E[entropy of the next token]: the difference has mean zero."""
    reader = story_reader("en", PLANTED)
    differences = []
    for story in stories(60, seed=17, options=PLANTED):
        told = story.told["en"]
        expected = 0.0
        for at in range(len(told.tokens)):
            probs = np.array(list(reader.next_probs(told.tokens[:at]).values()))
            expected -= float(probs @ np.log(probs))
            if at == 30:  # the beginnings alone, to keep it fast
                break
        differences.append(expected + math.fsum(told.token_log_probs[: at + 1]))
    mean = np.mean(differences)
    half_width = 3 * np.std(differences, ddof=1) / math.sqrt(len(differences))
    assert abs(mean) < half_width
    assert half_width < 2  # nats a story; the interval is not so wide that anything would pass


# --- Floor. ---


def test_the_generators_own_probabilities_are_exactly_at_the_floor(world) -> None:
    test = world["test"]
    for language, suffix in (("en", ""), ("zh", "_zh")):
        reader = story_reader(language)
        nats, n_tokens = 0.0, 0
        for row in test.select(range(20)):
            reading = reader.read(row[f"text{suffix}"])
            nats -= math.fsum(reading.log_probs)
            n_tokens += len(reading.tokens)
        assert floor(test.select(range(20)), language=language) == pytest.approx(nats / n_tokens)


def test_floor_by_hand_and_refusals() -> None:
    rows = [{"token_log_probs": [-1.0, -2.0]}, {"token_log_probs": [-3.0]}]
    assert floor(rows) == 2.0
    with pytest.raises(ValueError, match="at least one story"):
        floor([])
    with pytest.raises(ValueError, match=r"row 0 must be a story.*origin 'canary'"):
        floor([{"token_log_probs": [], "origin": "canary"}])


# --- Callback. ---


def test_most_stories_return_to_the_thing_and_its_words_are_then_certain(thousand) -> None:
    n_returns = 0
    for story in thousand:
        told = story.told["en"]
        if told.callback is None:
            continue
        n_returns += 1
        first, again = told.callback.first_token, told.callback.return_token
        assert told.tokens[again] == told.tokens[first]
        assert told.token_log_probs[again] == 0.0
    assert n_returns > 900


@pytest.mark.parametrize("distance", [1, 8, 40])
def test_the_callback_comes_at_the_distance_asked_for(distance) -> None:
    options = StoryOptions(callback_distance=distance, plots=("lost",))
    found = [story.told["en"].callback for story in stories(40, options=options)]
    lengths = [callback.n_sentences for callback in found if callback]
    assert len(lengths) == 40
    if distance > 6:
        assert set(lengths) == {distance}
    else:
        assert min(lengths) >= distance


# --- Planted facts. ---


@pytest.mark.parametrize("p_gender", [0.5, 0.9])
def test_professions_have_the_planted_share_of_women(p_gender) -> None:
    table = gender_table(p_gender)
    counts: dict[str, list[int]] = {}
    for story in islice(stream_stories(2, StoryOptions(p_gender=p_gender)), 4_000):
        counts.setdefault(story.profession, []).append(story.gender == "she")
    z = [
        (sum(seen) - len(seen) * table[job]) / math.sqrt(len(seen) * table[job] * (1 - table[job]))
        for job, seen in counts.items()
    ]
    assert len(z) == len(table)
    assert max(abs(value) for value in z) < 4
    assert 0.5 < np.mean(np.square(z)) < 2


def test_p_gender_one_leaves_no_exception() -> None:
    table = gender_table(1.0)
    for story in stories(200, options=StoryOptions(p_gender=1.0)):
        assert table[story.profession] == (story.gender == "she")


# --- Data sets. ---


def test_no_story_stands_in_two_splits(world) -> None:
    for column in ("text", "text_zh", "id"):
        seen = [set(world[name][column]) for name in SPLIT_SHARES]
        assert sum(len(values) for values in seen) == len(set().union(*seen))
    assert sum(world.num_rows.values()) == 600
    for name, rows in world.items():
        assert {split_of_story(text) for text in rows["text"]} == {name}
        assert rows.num_rows / 600 == pytest.approx(SPLIT_SHARES[name], abs=0.06)


def test_the_door_gives_the_columns_that_lessons_rely_on() -> None:
    needed = {"text", "tokens", "token_log_probs", "summary", "questions", "entities"}
    needed |= {"sentiment", "plot", "turns", "sentences"}
    for language in ("en", "zh", "both"):
        rows = load("storyworld", size=20, seed=1, language=language)["train"]
        assert needed <= set(rows.column_names)
        assert ("text_zh" in rows.column_names) == (language == "both")
    chinese, both = (load("storyworld", size=20, language=name) for name in ("zh", "both"))
    assert chinese["train"]["text"] == both["train"]["text_zh"]
    assert floor(chinese["train"]) == floor(both["train"], language="zh")


def test_options_come_through_the_door() -> None:
    rows = load(
        "storyworld",
        size=50,
        plots=["lost", "gift"],
        duplicate_rate=0.5,
        noise_rate=0.1,
        canaries={"The code is 4 2.": 3},
        callback_distance=20,
    )
    assert set(rows["test"]["plot"]) <= {"lost", "gift"}
    assert set(rows["test"]["origin"]) == {"story"}
    counts = Counter(rows["train"]["origin"])
    assert counts["canary"] == 3
    n_noisy = sum(n for origin, n in counts.items() if origin.startswith("noise-"))
    assert n_noisy == round(0.1 * (n_noisy + counts["story"])) > 0
    assert counts["duplicate"] == round(0.5 * (n_noisy + counts["story"]))
    assert rows["train"]["text"].count("The code is 4 2.") == 3
    distances = {row["callback"]["n_sentences"] for row in rows["test"] if row["callback"]}
    assert distances == {20}


def test_leaks_are_test_stories_in_training_and_only_when_asked_for() -> None:
    clean, leaky = (load("storyworld", size=200, leak_rate=rate) for rate in (0.0, 0.5))
    test = set(clean["test"]["text"])
    assert set(leaky["test"]["text"]) == test
    assert not test & set(clean["train"]["text"])
    leaked = leaky["train"].filter(lambda row: row["origin"] == "leak")
    assert len(leaked) == round(0.5 * len(test)) > 3
    assert set(leaked["text"]) <= test
    assert floor(leaked) > 0


def test_canaries_for_both_languages() -> None:
    canaries = make_canaries([2])
    rows = load("storyworld", size=20, language="both", canaries=canaries)["train"]
    planted = rows.filter(lambda row: row["origin"] == "canary")
    assert planted["text"] == [canaries[0].text] * 2
    assert planted["text_zh"] == [canaries[0].text_zh] * 2
    with pytest.raises(ValueError, match="must have a text in 'both'"):
        load("storyworld", size=20, language="both", canaries=[Canary(text="Only English.")])


def test_large_worlds_are_made_in_chunks(monkeypatch) -> None:
    whole = make_storyworld(40, seed=4)
    monkeypatch.setattr("course_lib.data.storyworld.CHUNK_ROWS", 7)
    chunked = make_storyworld(40, seed=4)
    for name in whole:
        assert chunked[name].to_list() == whole[name].to_list()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be an integer ≥ 1; got 0"),
        ({"size": "many"}, "size must be an integer ≥ 1; got 'many'"),
        ({"canaries": ["x"]}, "canaries must map sentences to repetitions.*got 'x'"),
        ({"language": "fr"}, "language must be 'en', 'zh' or 'both'; got 'fr'"),
        ({"p_gender": 1.5}, "p_gender must be from 0 to 1; got 1.5"),
        ({"plots": ["war"]}, r"plots must be among .*got 'war'"),
        ({"plots": "lost"}, r"plots must be a list of names, such as \['lost'\]; got 'lost'"),
        ({"callback_distance": 0}, "callback_distance must be an integer ≥ 1; got 0"),
        ({"callback_distance": 2.5}, r"callback_distance must be an integer ≥ 1; got 2\.5"),
        ({"noise_rate": -0.1}, "noise_rate must be from 0 to 1; got -0.1"),
        ({"leak_rate": 2}, "leak_rate must be from 0 to 1; got 2"),
        ({"split": "train"}, r"options of load\('storyworld'\) must be .*got split='train'"),
    ],
)
def test_bad_options_are_refused_by_name(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        load("storyworld", **options)


def test_world_options_do_not_apply_to_other_data() -> None:
    with pytest.raises(ValueError, match=r"got p_gender=0\.9"):
        load("lee-news", p_gender=0.9)


# --- Streaming. ---


def test_the_same_seed_gives_the_same_stories_in_another_process() -> None:
    script = (
        "import hashlib; from itertools import islice;"
        "from course_lib.data.storyworld import stream_stories;"
        "text = ''.join(s.told['zh'].text + s.told['en'].summary for s in"
        " islice(stream_stories(12, languages=('en', 'zh')), 50));"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(digests) == 1


def test_languages_do_not_change_the_stories() -> None:
    both = [story.told["zh"].text for story in stories(10, seed=8)]
    alone = [s.told["zh"].text for s in islice(stream_stories(8, languages=("zh",)), 10)]
    assert alone == both
    assert both != [story.told["zh"].text for story in stories(10, seed=9)]


def test_a_writer_is_made_once_for_the_same_options() -> None:
    assert world_writer(StoryOptions()) is world_writer(StoryOptions())


def test_streaming_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ValueError, match=r"languages must be among .*got 'fr'"):
        stream_stories(languages=("fr",))
    with pytest.raises(ValueError, match="seed must be an integer; got 'x'"):
        stream_stories("x")  # pyright: ignore[reportArgumentType]
