"""Stories as records: the text in one or both languages, and everything that is known about it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from course_lib.data.story_about import Question, questions_about, summary_of
from course_lib.data.story_chances import PlantedChances
from course_lib.data.story_grammar import Parts, load_grammar
from course_lib.data.story_lexicon import LANGUAGES, Item
from course_lib.data.story_parser import Reader
from course_lib.data.story_templates import CLOSING
from course_lib.data.story_writer import (
    REMEMBERED,
    Outline,
    Span,
    Telling,
    Writer,
    join_tokens,
    tell,
)


@dataclass(frozen=True, kw_only=True)
class StoryOptions:
    """What a lesson may turn in the story world.

    Attributes:
        p_gender: P(a hero's profession is of the group planted for the hero's gender); 0.5 plants
            nothing, 1 lets no one leave the group.
        analogy_regularity: P(an animal eats its own food, a country has its own river, …);
            otherwise any of the list.
        callback_distance: Sentences between the first mention of the remembered thing and the
            story's return to it: the return stands this many sentences later (or where the plot
            puts it, if that is later). None leaves it to chance, and stories have 4 to 12
            sentences.
        plots: Only these plots; None for all.
    """

    p_gender: float = 0.5
    analogy_regularity: float = 1.0
    callback_distance: int | None = None
    plots: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        PlantedChances(p_gender=self.p_gender, analogy_regularity=self.analogy_regularity)
        distance = self.callback_distance
        if distance is not None and not (isinstance(distance, int) and distance >= 1):
            raise ValueError(f"callback_distance must be an integer ≥ 1; got {distance!r}.")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a dialogue."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Callback:
    """The story's return to the thing it mentioned near its beginning.

    Attributes:
        first_token: Where the thing is first mentioned, in tokens.
        return_token: Where the story returns to it; from here its tokens are certain.
        n_sentences: How many sentences later that is.
    """

    first_token: int
    return_token: int
    n_sentences: int


@dataclass(frozen=True, slots=True)
class Told:
    """A story in one language.

    Attributes:
        text: The text.
        sentences: Its sentences; the same number in both languages.
        tokens: Its tokens.
        token_log_probs: log P(token | all tokens before it), in nats.
        entities: BIO tags for people (PER), places (LOC) and objects (OBJ), one a token.
        summary: The story in one sentence.
        questions: Questions with the answers' spans in the text.
        cue: The words that carry the ending's sentiment.
        cue_start: Where they begin in the text, in characters.
        turns: Who says what, in order.
        callback: The return to the remembered thing; None if the story makes none.
    """

    text: str
    sentences: list[str]
    tokens: list[str]
    token_log_probs: list[float]
    entities: list[str]
    summary: str
    questions: list[Question]
    cue: str
    cue_start: int
    turns: list[Turn]
    callback: Callback | None


@dataclass(frozen=True, slots=True)
class Story:
    """A story and everything that is known about it.

    Attributes:
        told: Language to the story in it.
        plot: Its plot.
        sentiment: Of its ending: "positive", "neutral" or "negative".
        hero: The hero's name, in English.
        gender: "she" or "he".
        profession: The hero's profession, in English.
        log_prob: Log-probability of the whole story, in nats; the same in both languages.
    """

    told: Mapping[str, Told]
    plot: str
    sentiment: str
    hero: str
    gender: str
    profession: str
    log_prob: float


def stream_stories(
    seed: int = 0,
    options: StoryOptions | None = None,
    *,
    languages: Sequence[str] = ("en",),
) -> Iterator[Story]:
    """Write stories without end, in constant memory.

    Args:
        seed: Same seed, same stories, on every machine and in every version of Python.
        options: What is planted.
        languages: Which languages to tell them in; the stories do not depend on it.

    Returns:
        An endless iterator.

    Raises:
        ValueError: If a language is unknown or `seed` is not an integer.

    Example:
        >>> story = next(stream_stories(seed=1))
        >>> story.sentiment in ("positive", "neutral", "negative")
        True
    """
    if unknown := [name for name in languages if name not in LANGUAGES]:
        raise ValueError(f"languages must be among {LANGUAGES}; got {unknown[0]!r}.")
    if not isinstance(seed, int):
        raise ValueError(f"seed must be an integer; got {seed!r}.")
    writer = world_writer(options or StoryOptions())
    return (_story(outline, languages) for outline in writer.outlines(seed))


def story_reader(language: str, options: StoryOptions | None = None) -> Reader:
    """Make the independent reader, which scores plain text under the generator.

    Args:
        language: "en" or "zh".
        options: What the text was written with.

    Returns:
        A reader: `.read(text)` gives tokens and log-probabilities, `.next_probs(tokens)` the
        distribution of the next token.
    """
    options = options or StoryOptions()
    grammar = _grammar(options.plots, options.callback_distance is not None)
    return Reader(grammar, _planted(options), language, options.callback_distance)


@lru_cache(maxsize=8)
def _grammar(plots: tuple[str, ...] | None, fixed_between: bool) -> Parts:
    return load_grammar(plots, fixed_between=fixed_between)


@lru_cache(maxsize=16)
def world_writer(options: StoryOptions) -> Writer:
    """Give the writer of a world, made once for the same options."""
    grammar = _grammar(options.plots, options.callback_distance is not None)
    return Writer(grammar, _planted(options), options.callback_distance)


def _planted(options: StoryOptions) -> PlantedChances:
    return PlantedChances(p_gender=options.p_gender, analogy_regularity=options.analogy_regularity)


def _story(outline: Outline, languages: Sequence[str]) -> Story:
    memory, labels = outline.memory, outline.labels
    plot, sentiment = labels["plot"], labels["sentiment"]
    told = {}
    for language in languages:
        told[language] = _told(tell(outline, language), memory, plot, sentiment)
    hero = memory["hero"].row
    log_prob = math.fsum(told[languages[0]].token_log_probs)
    job = memory["job"].row["en"]
    return Story(told, plot, sentiment, hero["en"], hero["gender"], job, log_prob)


def _told(telling: Telling, memory: Mapping[str, Item], plot: str, sentiment: str) -> Told:
    tokens, language = telling.tokens, telling.language
    text, starts = join_tokens(tokens, language)
    cue = telling.mentions["feeling"][-1]
    cue_start = starts[cue.start]
    return Told(
        text=text,
        sentences=_sentences(telling, text, starts),
        tokens=tokens,
        token_log_probs=telling.log_probs,
        entities=telling.tags,
        summary=summary_of(plot, sentiment, memory, telling),
        questions=questions_about(plot, memory, telling, text, starts),
        cue=text[cue_start : starts[cue.end - 1] + len(tokens[cue.end - 1])],
        cue_start=cue_start,
        turns=[_turn(memory[name], at, telling) for name, at in telling.turns],
        callback=_callback(telling),
    )


def _sentences(telling: Telling, text: str, starts: Sequence[int]) -> list[str]:
    bounds = [0, *telling.ends]
    edges = [starts[at] if at < len(starts) else len(text) for at in bounds]
    return [text[a:b].rstrip() for a, b in pairwise(edges)]


def _turn(speaker: Item, at: int, telling: Telling) -> Turn:
    tokens, language = telling.tokens, telling.language
    end = tokens.index(CLOSING, at)
    said = join_tokens(tokens[at + 1 : end], language)[0]
    return Turn(join_tokens(list(speaker.say("", language)), language)[0], said)


def _callback(telling: Telling) -> Callback | None:
    mentions = telling.mentions.get(REMEMBERED, [])
    if len(mentions) < 2:
        return None
    first, last = mentions[0], mentions[-1]
    n_between = _sentence_of(last, telling) - _sentence_of(first, telling)
    return Callback(first.start, last.start, n_between) if n_between else None


def _sentence_of(span: Span, telling: Telling) -> int:
    return sum(end <= span.start for end in telling.ends)
