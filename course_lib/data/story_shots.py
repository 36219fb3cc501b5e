"""Tasks for prompts with examples, cut from stories that no model of the course learns from.

A *continuation* is running text of the story world, so that a model of stories can go on with it,
examples or not. A *labelling* has a form that no story has ("Mood: good"): what it asks for must
come from the instruction or from the examples. Every task has two or three labels, equally
frequent; how they are cut is in `course_lib.data.story_cuts`.
"""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import MappingProxyType

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
from course_lib.data.story_lexicon import LANGUAGES
from course_lib.data.storyworld import split_of_story

CONTINUATIONS = MappingProxyType(
    {
        "agreement": cut_agreement,
        "colour": cut_colour,
        "feeling": cut_feeling,
        "hero": cut_hero,
    }
)
LABELLINGS = MappingProxyType({"answer": cut_answer, "kind": cut_kind, "mood": cut_mood})
CUTS = MappingProxyType({**CONTINUATIONS, **LABELLINGS})
INSTRUCTIONS = MappingProxyType(
    {
        "en": {
            "answer": "Answer the question about the story.",
            "kind": "Say of each word whether it is a person, a place or a thing.",
            "mood": "Say whether the mood is good or bad.",
        },
        "zh": {
            "answer": "回答关于故事的问题。",
            "kind": "说出每个词指的是人、地方还是东西。",
            "mood": "判断心情是好还是坏。",
        },
    }
)
ENGLISH_ONLY = ("agreement",)
MAX_CHARACTERS = MappingProxyType({"en": 190, "zh": 64})
"""Longer items are left out, so that nine of them fit into 512 tokens."""
MAX_IN_VAIN = 1_000
"""After so many stories without a new item there are probably no more."""


@dataclass(frozen=True, kw_only=True)
class ShotTask:
    """Items of one task, and how several are written one after the other.

    Attributes:
        name: One of `CUTS`.
        language: "en" or "zh".
        instruction: What the task is; "" for running text, which has none.
        between: Between two examples, and behind the instruction.
        items: Of each label equally many, in the order of the stories.
    """

    name: str
    language: str
    instruction: str
    between: str
    items: tuple[ShotItem, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, which are the same for all items."""
        return tuple(self.items[0].choices)


def make_shot_tasks(
    names: Collection[str] | None = None,
    *,
    language: str = "en",
    n_per_label: int = 48,
    seed: int = 0,
) -> list[ShotTask]:
    """Cut tasks from stories of the split "test".

    Args:
        names: Some of `CUTS`; None for all that the language has.
        language: "en" or "zh".
        n_per_label: How many items of each label (≥ 1).
        seed: Same seed, same items, whichever other tasks are asked for.

    Returns:
        The tasks, in the order of their names.

    Raises:
        ValueError: If a name or the language is unknown, Chinese verbs are to agree, or
            `n_per_label` is below 1 or more than the stories hold.

    Example:
        >>> task = make_shot_tasks(["mood"], n_per_label=1)[0]
        >>> [item.choices[item.label] for item in task.items]
        [' good', ' bad']
    """
    names = _checked_names(names, language)
    if n_per_label < 1:
        raise ValueError(f"n_per_label must be ≥ 1; got n_per_label={n_per_label}.")
    searches = [_Search(name, language, n_per_label, seed) for name in names]
    stories = unseen_stories(language, seed)
    while any(not search.is_done for search in searches):
        story = next(stories)
        for search in searches:
            search.look_into(story)
    return [_task(search.name, language, tuple(search.found.values())) for search in searches]


def unseen_stories(language: str, seed: int = 0) -> Iterator[Story]:
    """Give stories of the split "test" without end.

    Args:
        language: In which they are told, besides English, which decides the split.
        seed: Same seed, same stories.
    """
    stories = stream_stories(seed, languages=("en",) if language == "en" else LANGUAGES)
    return (story for story in stories if split_of_story(story.told["en"].text) == "test")


def _checked_names(names: Collection[str] | None, language: str) -> list[str]:
    if language not in LANGUAGES:
        raise ValueError(f"language must be among {LANGUAGES}; got {language!r}.")
    known = [name for name in sorted(CUTS) if language == "en" or name not in ENGLISH_ONLY]
    if names is None:
        return known
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"names must be among {known} in {language!r}; got {unknown[0]!r}.")
    return sorted(set(names))


class _Search:
    """Looks for the items of one task, story by story."""

    def __init__(self, name: str, language: str, n_per_label: int, seed: int) -> None:
        self.name, self.language, self.n_per_label = name, language, n_per_label
        self.draw = random.Random(f"{name} {seed}")
        self.found: dict[str, ShotItem] = {}
        self.n_in_vain = 0
        self.is_done = False

    def look_into(self, story: Story) -> None:
        """Keep the story's item, if there is one of a kind that is still wanted."""
        if self.is_done:
            return
        item = CUTS[self.name](story, self.language, self.draw)
        if item is not None and self._wants(item):
            self.found[item.prompt] = item
            self.n_in_vain = 0
            self.is_done = len(self.found) == self.n_per_label * len(item.choices)
        else:
            self.n_in_vain += 1
        if self.n_in_vain == MAX_IN_VAIN:
            raise ValueError(
                f"n_per_label must be smaller for {self.name!r}: {MAX_IN_VAIN:,} stories in a row "
                f"gave no new item; got n_per_label={self.n_per_label}."
            )

    def _wants(self, item: ShotItem) -> bool:
        longest = max(map(len, item.choices.values()))
        if item.prompt in self.found or len(item.prompt) + longest > MAX_CHARACTERS[self.language]:
            return False
        n_same = sum(one.label == item.label for one in self.found.values())
        return n_same < self.n_per_label


def _task(name: str, language: str, items: tuple[ShotItem, ...]) -> ShotTask:
    if name in LABELLINGS:
        return ShotTask(
            name=name,
            language=language,
            instruction=INSTRUCTIONS[language][name],
            between="\n\n",
            items=items,
        )
    glue = " " if language == "en" else ""
    return ShotTask(name=name, language=language, instruction="", between=glue, items=items)
