"""How a story gives one item of a task: a short prompt, and what may follow it.

Each `cut_…` function takes a story, the language and a source of random draws, and gives None
where the story has nothing of the kind. A choice holds the blank it begins with, and in running
text the rest of its sentence, so that prompt and choice together are whole sentences.
"""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from course_lib.data.stories import Question, Story, Told
from course_lib.data.story_lexicon import lexicon
from course_lib.data.story_tasks import VERBS
from course_lib.data.story_writer import join_tokens

Thing = TypeVar("Thing")
GLUE = MappingProxyType({"en": " ", "zh": ""})
ACROSS = "Across the square,"
FIRST, SECOND = "first", "second"  # of two words, in alphabetical order
LABEL_OF_SENTIMENT = MappingProxyType({"positive": "good", "negative": "bad"})
FEELINGS = MappingProxyType({"good": "glad_feelings", "bad": "sad_feelings"})
FELT = MappingProxyType(
    {
        "en": ("", {"good": " felt {} all the way home.", "bad": " felt {} all the way home."}),
        "zh": ("回家的路上，", {"good": "心里一直很{}。", "bad": "一直觉得很{}。"}),
    }
)
MARKS = MappingProxyType(
    {
        "en": {"hero": "the story about", "helper": "Who helped", "job": "'s job", "town": " live"},
        "zh": {"hero": "讲的是谁", "helper": "帮了忙", "job": "做什么工作", "town": "住在哪里"},
    }
)
MOOD = MappingProxyType(
    {
        "en": ("Story: {}\nMood:", {"good": " good", "bad": " bad"}),
        "zh": ("故事：{}\n心情：", {"good": "好", "bad": "坏"}),
    }
)
KIND = MappingProxyType(
    {
        "en": ("Word: {}\nKind:", {"PER": " person", "LOC": " place", "OBJ": " thing"}),
        "zh": ("词：{}\n类别：", {"PER": "人", "LOC": "地方", "OBJ": "东西"}),
    }
)
ANSWER = MappingProxyType(
    {"en": "Story: {}\nQuestion: {}\nAnswer:", "zh": "故事：{}\n问题：{}\n回答："}
)


class ShotItem(NamedTuple):
    """A prompt and what may follow it.

    Attributes:
        prompt: The text up to the answer.
        label: The right one.
        choices: Label to the text that follows the prompt.
    """

    prompt: str
    label: str
    choices: Mapping[str, str]


def cut_agreement(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Cut before a verb that agrees with a noun further back: "was" or "were"."""
    sentence = next((s for s in story.told[language].sentences if s.startswith(ACROSS)), "")
    for number, verb in VERBS.items():
        before, found, after = sentence.partition(f" {verb} ")
        if found:
            return ShotItem(before, number, {n: f" {v} {after}" for n, v in VERBS.items()})
    return None


def cut_colour(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Cut where a thing comes back, before its colour; another colour is the wrong choice.

    The prompt is the sentence that first mentions it and the beginning of that which returns to it.
    """
    told = story.told[language]
    if told.callback is None:
        return None
    starts = join_tokens(told.tokens, language)[1]
    first = _sentence_at(told, starts[told.callback.first_token])[0]
    last, last_start = _sentence_at(told, starts[told.callback.return_token])
    before_thing = last[: starts[told.callback.return_token] - last_start].rstrip()
    colours = {join_tokens(list(c.say("", language)), language)[0] for c in lexicon()["colours"]}
    own = max((c for c in colours if before_thing.endswith(c)), key=len)  # 红色的 ends 绯红色的
    piece = first + GLUE[language] + last
    other = _pick(draw, sorted(c for c in colours if c not in piece and own not in c))
    at = len(first + GLUE[language]) + len(before_thing) - len(own)
    return _cut(piece, at, own, other)


def cut_feeling(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Cut a story's end before its feeling; the wrong choice is one of the other mood."""
    told, label = story.told[language], LABEL_OF_SENTIMENT.get(story.sentiment)
    hero = _asked(told, MARKS[language]["hero"])
    if label is None or hero is None:
        return None
    beginning, forms = FELT[language]
    if told.sentences[-1] != beginning + hero.answer + forms[label].format(told.cue):
        return None
    cues = {
        name: _pick(draw, [item.row[language] for item in lexicon()[words]])
        for name, words in FEELINGS.items()
    }
    cues[label] = told.cue
    parts = [*told.sentences[-3:-1], beginning + hero.answer]
    choices = {name: forms[name].format(cue) for name, cue in cues.items()}
    return ShotItem(GLUE[language].join(parts), label, choices)


def cut_hero(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Cut the last sentence before the hero's name; the helper's is the wrong choice.

    Before it stand the sentences that first name the two.
    """
    told = story.told[language]
    hero = _asked(told, MARKS[language]["hero"])
    helper = _asked(told, MARKS[language]["helper"])
    if hero is None or helper is None:
        return None
    named = [_sentence_at(told, one.start)[0] for one in (hero, helper)]
    piece = GLUE[language].join([*named, told.sentences[-1]])
    return _cut(piece, piece.rindex(hero.answer), hero.answer, helper.answer)


def cut_answer(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Ask for the hero's job or town; both stand in the text, and the other one is wrong."""
    told = story.told[language]
    asked = {label: _asked(told, MARKS[language][label]) for label in ("job", "town")}
    known = {label: question for label, question in asked.items() if question is not None}
    if len(known) < len(asked):
        return None
    label = _pick(draw, sorted(known))
    sentence, start = _sentence_at(told, max(question.start for question in known.values()))
    prompt = _fill(ANSWER[language], told.text[: start + len(sentence)], known[label].question)
    return ShotItem(prompt, label, {n: GLUE[language] + q.answer for n, q in known.items()})


def cut_kind(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Ask of a word whether it is a person, a place or a thing."""
    told = story.told[language]
    form, choices = KIND[language]
    at = _pick(draw, [i for i, tag in enumerate(told.entities) if tag.startswith("B-")])
    end = at + 1
    while end < len(told.tokens) and told.entities[end].startswith("I-"):
        end += 1
    word = join_tokens(told.tokens[at:end], language)[0]
    return ShotItem(_fill(form, word), told.entities[at].removeprefix("B-"), choices)


def cut_mood(story: Story, language: str, draw: random.Random) -> ShotItem | None:
    """Ask whether a story's last sentence tells of a good or a bad mood."""
    label = LABEL_OF_SENTIMENT.get(story.sentiment)
    if label is None:
        return None
    form, choices = MOOD[language]
    return ShotItem(_fill(form, story.told[language].sentences[-1]), label, choices)


def _cut(piece: str, at: int, own: str, other: str) -> ShotItem:
    """Cut a text before one of its words; the choices differ in this word only."""
    before, rest = piece[:at].rstrip(" "), piece[at + len(own) :]
    blank = piece[len(before) : at]
    words = dict(zip((FIRST, SECOND), sorted((own, other)), strict=True))
    label = FIRST if words[FIRST] == own else SECOND
    return ShotItem(before, label, {name: blank + word + rest for name, word in words.items()})


def _pick(draw: random.Random, values: Sequence[Thing]) -> Thing:
    return values[int(draw.random() * len(values))]


def _asked(told: Told, mark: str) -> Question | None:
    return next((one for one in told.questions if mark in one.question), None)


def _sentence_at(told: Told, place: int) -> tuple[str, int]:
    """Give the sentence around a character of the text, and where it begins."""
    start = 0
    for sentence in told.sentences:
        start = told.text.index(sentence, start)
        if place < start + len(sentence):
            return sentence, start
        start += len(sentence)
    raise AssertionError(f"place {place} must lie in the text of {len(told.text)} characters")


def _fill(form: str, *texts: str) -> str:
    """Put texts into the gaps of a form, whatever braces they hold."""
    parts = form.split("{}")
    return "".join(part + text for part, text in zip(parts, (*texts, ""), strict=True))
