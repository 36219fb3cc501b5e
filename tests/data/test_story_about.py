from pathlib import Path

import pytest

from course_lib.data import story_about
from course_lib.data.story_about import About, Question, about_plot, questions_about, summary_of
from course_lib.data.story_lexicon import Item
from course_lib.data.story_templates import parse_template
from course_lib.data.story_writer import Span, Telling, join_tokens

ANY = """
[[question]]
en = "Who is it about ?"
zh = "讲 的 是 谁 ？"
answer = "hero"
kind = "who"

[[question]]
en = "Whom did {hero} meet ?"
zh = "{hero} 遇到 了 谁 ？"
answer = "pal"
kind = "who"
"""
TRIP = """
[[question]]
en = "What did {hero} carry at the <place> ?"
zh = "{hero} 在 <place> 拿 着 什么 ？"
answer = "thing color"

[[question]]
en = "Where was it ?"
zh = "在 哪里 ？"
answer = "place"
kind = "where"
needs = "pal"

[[summary]]
sentiment = "positive"
needs = "pal"
en = "{hero} and {pal} were glad ."
zh = "{hero} 和 {pal} 很 高兴 。"

[[summary]]
sentiment = "positive"
en = "{hero} carried {thing.a} : <place> !"
zh = "{hero} 拿 {thing} ： <place> ！"

[[summary]]
sentiment = "negative"
en = "{hero} lost it ."
zh = "{hero} 丢 了 。"
"""
ANN = Item("names", {"en": "Ann", "zh": "安 妮", "gender": "she"})
BOB = Item("names", {"en": "Bob", "zh": "鲍勃", "gender": "he"})
BAG = Item("objects", {"en": "old bag", "zh": "包"})
MEMORY = {"hero": ANN, "thing": BAG}
ENGLISH = Telling(
    "en",
    ["Ann", "bore", "a", "red", "old", "bag", "at", "the", "big", "lake", ".", "Ann", "ran", "."],
    mentions={
        "hero": [Span(0, 1), Span(11, 12)],
        "color": [Span(2, 4)],
        "thing": [Span(4, 6)],
        "place": [Span(8, 10)],
    },
)
CHINESE = Telling(
    "zh",
    ["安", "妮", "在", "大", "湖", "拿", "红色", "的", "包", "。"],
    mentions={
        "hero": [Span(0, 2)],
        "place": [Span(3, 5)],
        "color": [Span(6, 8)],
        "thing": [Span(8, 9)],
    },
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the questions above, read afresh."""
    about = tmp_path / "storyworld" / "about"
    about.mkdir(parents=True)
    (about / "_any.toml").write_text(ANY, encoding="utf-8")
    (about / "trip.toml").write_text(TRIP, encoding="utf-8")
    monkeypatch.setattr(story_about, "data_path", lambda relative: tmp_path / relative)
    monkeypatch.setattr(story_about, "about_plot", about_plot.__wrapped__)
    return about


def asked(telling: Telling, memory: dict[str, Item]) -> list[Question]:
    text, starts = join_tokens(telling.tokens, telling.language)
    return questions_about("trip", memory, telling, text, starts)


def with_pal(telling: Telling, *spans: Span) -> Telling:
    return Telling(telling.language, telling.tokens, mentions=telling.mentions | {"pal": [*spans]})


def test_entries_are_read_those_of_every_plot_first() -> None:
    questions, summaries = story_about.about_plot("trip")
    assert [q.answer for q in questions] == [("hero",), ("pal",), ("thing", "color"), ("place",)]
    assert [q.kind for q in questions] == ["who", "who", "what", "where"]
    assert [q.names for q in questions] == [
        frozenset(),
        {"hero"},
        {"hero", "place"},
        {"pal"},
    ]
    assert [s.sentiment for s in summaries] == ["positive", "positive", "negative"]
    assert summaries[2] == About(
        templates={
            "en": parse_template("{hero} lost it ."),
            "zh": parse_template("{hero} 丢 了 。"),
        },
        names=frozenset({"hero"}),
        kind="what",
        sentiment="negative",
    )


def test_english_questions_by_hand() -> None:
    # Ann bore a red old bag at the big lake. — nobody met her, so two questions are not asked.
    assert asked(ENGLISH, MEMORY) == [
        Question("Who is it about?", "Ann", 0, "who"),
        # From the first of the mentions to the last, the article left out.
        Question("What did Ann carry at the big lake?", "red old bag", 11, "what"),
    ]


def test_chinese_questions_by_hand() -> None:
    assert asked(CHINESE, MEMORY) == [
        Question("讲的是谁？", "安妮", 0, "who"),
        Question("安妮在大湖拿着什么？", "红色的包", 6, "what"),
    ]


def test_what_is_asked_depends_on_what_is_mentioned() -> None:
    telling = with_pal(ENGLISH, Span(11, 12))
    assert [q.question for q in asked(telling, MEMORY)] == [
        "Who is it about?",
        "Whom did Ann meet?",
        "What did Ann carry at the big lake?",
        "Where was it?",
    ]
    # In the memory, but never written: it cannot be the answer, only be needed.
    assert [q.question for q in asked(ENGLISH, MEMORY | {"pal": BOB})] == [
        "Who is it about?",
        "What did Ann carry at the big lake?",
        "Where was it?",
    ]
    short = Telling("en", ["Ann", "ran", "."], mentions={"hero": [Span(0, 1)]})
    assert [q.question for q in asked(short, MEMORY)] == ["Who is it about?"]


def test_the_first_mention_is_the_answer() -> None:
    question = asked(with_pal(ENGLISH, Span(11, 12), Span(0, 1)), MEMORY)[1]
    assert (question.answer, question.start) == ("Ann", 40)


@pytest.mark.parametrize("telling", [ENGLISH, CHINESE])
def test_answers_stand_in_the_text(telling: Telling) -> None:
    text = join_tokens(telling.tokens, telling.language)[0]
    questions = asked(with_pal(telling, Span(3, 4)), MEMORY)
    assert len(questions) == 4
    for question in questions:
        assert text[question.start : question.start + len(question.answer)] == question.answer


def test_summaries_by_hand() -> None:
    assert summary_of("trip", "positive", MEMORY, ENGLISH) == "Ann carried an old bag: big lake!"
    assert summary_of("trip", "positive", MEMORY, CHINESE) == "安妮拿包：大湖！"
    assert summary_of("trip", "negative", MEMORY, CHINESE) == "安妮丢了。"


def test_the_first_summary_whose_needs_are_met() -> None:
    both = MEMORY | {"pal": BOB}
    assert summary_of("trip", "positive", both, ENGLISH) == "Ann and Bob were glad."
    assert summary_of("trip", "positive", both, CHINESE) == "安妮和鲍勃很高兴。"


def test_a_plot_without_a_fitting_summary_is_named() -> None:
    message = r"about/trip\.toml must have a summary for a neutral story; got none"
    with pytest.raises(ValueError, match=message):
        summary_of("trip", "neutral", MEMORY, ENGLISH)
    with pytest.raises(ValueError, match="for a negative story"):
        summary_of("trip", "negative", {}, Telling("en"))


def test_a_question_names_its_answer(folder: Path) -> None:
    (folder / "trip.toml").write_text('[[question]]\nen = "So ?"\nzh = "吗 ？"', encoding="utf-8")
    with pytest.raises(ValueError, match=r"trip\.toml: a question must name its answer; .*So \?"):
        story_about.about_plot("trip")


@pytest.mark.parametrize(("en", "zh"), [("{x:names} ?", "{x} ？"), ("{x} ?", "{x:names} ？")])
def test_a_question_draws_nothing(folder: Path, en: str, zh: str) -> None:
    text = f'[[question]]\nen = "{en}"\nzh = "{zh}"\nanswer = "x"'
    (folder / "_any.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"about/_any\.toml must not bind a variable; got 'x'"):
        story_about.about_plot("trip")
