"""What is asked and told about a story: questions with answer spans, and a one-sentence summary.

They stand in `data/storyworld/about/<plot>.toml` (and `_any.toml` for every plot), in the grammar's
notation, with names of variables and parts that the story mentions. They cost no probability: they
follow from the story.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from course_lib.data.paths import data_path
from course_lib.data.story_lexicon import LANGUAGES, Item
from course_lib.data.story_templates import Part, Slot, Template, Word, parse_template
from course_lib.data.story_writer import Span, Telling, join_tokens

ANY_PLOT = "_any"
ARTICLES = ("a", "an")


class Question(NamedTuple):
    """A question whose answer stands in the text.

    Attributes:
        question: The question.
        answer: The answer, literally as in the text.
        start: Where the answer begins in the text, in characters.
        kind: who, what, where, …
    """

    question: str
    answer: str
    start: int
    kind: str


@dataclass(frozen=True)
class About:
    """One question or summary of a plot, before it is filled in.

    Attributes:
        templates: Language to template.
        names: The variables and parts that it needs.
        answer: Of a question: the mentions that are its answer, from the first to the last.
        kind: Of a question.
        sentiment: Of a summary: the sentiment of the story's ending.
    """

    templates: Mapping[str, Template]
    names: frozenset[str]
    answer: tuple[str, ...] = ()
    kind: str = ""
    sentiment: str = ""


@cache
def about_plot(plot: str) -> tuple[tuple[About, ...], tuple[About, ...]]:
    """Read the questions and the summaries of a plot.

    Args:
        plot: The plot's label.

    Returns:
        Questions (those of every plot first), and summaries.

    Raises:
        ValueError: If an entry lacks a field.
    """
    questions: list[About] = []
    summaries: list[About] = []
    for name in (ANY_PLOT, plot):
        path = data_path(f"storyworld/about/{name}.toml")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        for table in tables.get("question", []):
            questions.append(_about(table, name))
            if not questions[-1].answer:
                raise ValueError(f"{path.name}: a question must name its answer; got {table}.")
        summaries += [_about(table, name) for table in tables.get("summary", [])]
    return tuple(questions), tuple(summaries)


def questions_about(
    plot: str, memory: Mapping[str, Item], telling: Telling, text: str, starts: Sequence[int]
) -> list[Question]:
    """Ask everything whose answer a story mentions.

    Args:
        plot: The story's plot.
        memory: Variable to what it means.
        telling: The story in one language.
        text: Its text.
        starts: Where each of its tokens begins in the text.

    Returns:
        The questions, each with its answer's span in the text.
    """
    asked = []
    for about in about_plot(plot)[0]:
        if not all(name in telling.mentions for name in about.answer):
            continue
        if not all(name in memory or name in telling.mentions for name in about.names):
            continue
        spans = [telling.mentions[name][0] for name in about.answer]
        first, last = min(span.start for span in spans), max(span.end for span in spans) - 1
        if telling.tokens[first] in ARTICLES:
            first += 1
        start, end = starts[first], starts[last] + len(telling.tokens[last])
        question = _fill(about, memory, telling)
        asked.append(Question(question, text[start:end], start, about.kind))
    return asked


def summary_of(plot: str, sentiment: str, memory: Mapping[str, Item], telling: Telling) -> str:
    """Tell a story in one sentence.

    Args:
        plot: The story's plot.
        sentiment: The sentiment of its ending.
        memory: Variable to what it means.
        telling: The story in one language.

    Raises:
        ValueError: If the plot has no summary for such a story.
    """
    for about in about_plot(plot)[1]:
        known = all(name in memory or name in telling.mentions for name in about.names)
        if about.sentiment == sentiment and known:
            return _fill(about, memory, telling)
    raise ValueError(f"about/{plot}.toml must have a summary for a {sentiment} story; got none.")


def _about(table: Mapping[str, str], plot: str) -> About:
    templates = {language: parse_template(table[language]) for language in LANGUAGES}
    names = {
        symbol.name
        for template in templates.values()
        for symbol in template.symbols
        if isinstance(symbol, Slot | Part)
    }
    if bound := [
        s for t in templates.values() for s in t.symbols if isinstance(s, Slot) and s.words
    ]:
        raise ValueError(f"about/{plot}.toml must not bind a variable; got {bound[0].name!r}.")
    return About(
        templates=templates,
        names=frozenset(names | set(table.get("needs", "").split())),
        answer=tuple(table.get("answer", "").split()),
        kind=table.get("kind", "what"),
        sentiment=table.get("sentiment", ""),
    )


def _fill(about: About, memory: Mapping[str, Item], telling: Telling) -> str:
    tokens: list[str] = []
    for symbol in about.templates[telling.language].symbols:
        if isinstance(symbol, Word):
            tokens.append(symbol.token)
        elif isinstance(symbol, Slot):
            tokens += memory[symbol.name].say(symbol.form, telling.language)
        else:
            span: Span = telling.mentions[symbol.name][0]
            tokens += telling.tokens[span.start : span.end]
    return join_tokens(tokens, telling.language)[0]
