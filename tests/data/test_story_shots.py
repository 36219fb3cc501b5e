"""Tasks are balanced, cut from unseen stories only, and the same for the same seed."""

from collections import Counter
from itertools import islice

import pytest

from course_lib.data.stories import stream_stories
from course_lib.data.story_shots import (
    CONTINUATIONS,
    ENGLISH_ONLY,
    LABELLINGS,
    MAX_CHARACTERS,
    make_shot_tasks,
    unseen_stories,
)
from course_lib.data.storyworld import split_of_story

NAMES = sorted([*CONTINUATIONS, *LABELLINGS])
TASKS = {
    (language, task.name): task
    for language in ("en", "zh")
    for task in make_shot_tasks(language=language, n_per_label=3, seed=3)
}


def test_every_task_comes_in_both_languages_but_agreement() -> None:
    assert list(TASKS) == [("en", name) for name in NAMES] + [
        ("zh", name) for name in NAMES if name not in ENGLISH_ONLY
    ]
    assert ENGLISH_ONLY == ("agreement",)
    assert all(key == (task.language, task.name) for key, task in TASKS.items())


@pytest.mark.parametrize("key", TASKS)
def test_labels_are_equally_frequent_and_no_prompt_comes_twice(key: tuple[str, str]) -> None:
    task = TASKS[key]
    assert Counter(item.label for item in task.items) == dict.fromkeys(task.labels, 3)
    assert all(tuple(item.choices) == task.labels for item in task.items)
    assert len({item.prompt for item in task.items}) == len(task.items) == 3 * len(task.labels)
    for item in task.items:
        longest = max(len(text) for text in item.choices.values())
        assert len(item.prompt) + longest <= MAX_CHARACTERS[task.language]


def test_items_come_from_stories_of_the_test_split() -> None:
    stories = islice(stream_stories(3, languages=("en", "zh")), 4000)
    unseen = [story for story in stories if split_of_story(story.told["en"].text) == "test"]
    for (language, name), task in TASKS.items():
        told = [story.told[language] for story in unseen]
        for item in task.items:
            if name in CONTINUATIONS:
                text = item.prompt + item.choices[item.label]
                assert any(
                    text.endswith(s) and s in one.text for one in told for s in one.sentences
                )
            else:
                shown = item.prompt.split("\n")[0].partition({"en": ": ", "zh": "："}[language])[2]
                assert any(shown in one.text for one in told)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_unseen_stories_are_those_of_the_split(language: str) -> None:
    for story in islice(unseen_stories(language, 4), 20):
        assert split_of_story(story.told["en"].text) == "test"
        assert language in story.told


def test_only_labellings_have_an_instruction_and_lines_between() -> None:
    for (language, name), task in TASKS.items():
        if name in LABELLINGS:
            assert task.instruction.endswith({"en": ".", "zh": "。"}[language])
            assert task.between == "\n\n"
            assert all("\n" in item.prompt for item in task.items)
        else:
            assert (task.instruction, task.between) == ("", {"en": " ", "zh": ""}[language])
            assert not any("\n" in item.prompt for item in task.items)


def test_items_depend_on_the_seed_and_not_on_the_other_tasks() -> None:
    (alone,) = make_shot_tasks(["colour"], n_per_label=3, seed=3)
    assert alone == TASKS["en", "colour"]
    (other,) = make_shot_tasks(["colour"], n_per_label=3, seed=4)
    assert other.items != alone.items
    (fewer,) = make_shot_tasks(["colour"], n_per_label=2, seed=3)
    assert set(item.prompt for item in fewer.items) < {item.prompt for item in alone.items}


def test_names_are_sorted_and_come_once() -> None:
    tasks = make_shot_tasks(["mood", "kind", "mood"], n_per_label=1)
    assert [task.name for task in tasks] == ["kind", "mood"]
    assert [len(task.items) for task in tasks] == [3, 2]


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"language must be among \('en', 'zh'\); got 'de'"):
        make_shot_tasks(language="de")
    with pytest.raises(ValueError, match=r"names must be among \['agreement', .*; got 'plot'"):
        make_shot_tasks(["mood", "plot"])
    with pytest.raises(ValueError, match="in 'zh'; got 'agreement'"):
        make_shot_tasks(["agreement"], language="zh")
    with pytest.raises(ValueError, match="n_per_label must be ≥ 1; got n_per_label=0"):
        make_shot_tasks(["mood"], n_per_label=0)


def test_gives_up_where_the_world_has_no_more_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("course_lib.data.story_shots.MAX_IN_VAIN", 25)
    with pytest.raises(ValueError, match=r"smaller for 'kind': 25 stories in a row .*=400"):
        make_shot_tasks(["kind"], n_per_label=400)
