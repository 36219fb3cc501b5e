"""The hand-written sets as a whole: form, number, splits, repetition, language.

A check takes the splits of one set and returns what is wrong, so that each can be tried on a
planted defect, too. What is special to a set is in test_sets_content.py.
"""

import copy
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from course_lib.data import data_path, find_duplicates, guess_language
from course_lib.data.units import is_han, text_units

Row = dict[str, Any]
Splits = dict[str, list[Row]]

REVIEW = dict(id=str, text=str, label=str, topic=str, register=str, traits=list, hard=bool)
SCHEMAS: dict[str, dict[str, type]] = {
    "reviews-en": REVIEW,
    "reviews-zh": REVIEW,
    "passages": dict(id=str, title=str, genre=str, context=str, questions=list),
    "sentence-pairs": dict(id=str, en=str, zh=str, topic=str, level=str, direction=str),
    "dialogues": dict(id=str, topic=str, setting=str, turns=list, summary=str),
    "counterfactual-pairs": {
        **dict(id=str, text_a=str, text_b=str, attribute=str, value_a=str, value_b=str),
        **dict(changed_a=list, changed_b=list, domain=str, tone=str, sentiment=str),
    },
    "instructions": dict(id=str, instruction=str, input=str, response=str, category=str),
}
INNER = {
    "questions": dict(id=str, question=str, answer=str, start=int, kind=str),
    "turns": dict(speaker=str, text=str),
}
MAY_BE_EMPTY = {"input", "answer"}
VALUES = {
    "label": {"negative", "neutral", "positive"},
    "sentiment": {"negative", "neutral", "positive"},
    "level": {"easy", "medium", "hard"},
    "direction": {"en-zh", "zh-en"},
    "register": {"formal", "plain", "casual", "正式", "平实", "口语"},
}
TRAITS = {"sarcasm", "negation", "mixed", "understatement", "comparison", "short"}
MINIMUM = {
    "reviews-en": 600,
    "reviews-zh": 400,
    "passages": 120,
    "sentence-pairs": 300,
    "dialogues": 100,
    "counterfactual-pairs": 150,
    "instructions": 60,
}
MAX_SIMILARITY = 0.35
MAX_ROWS_OF_A_SKELETON = 3
MIN_SENTENCE_WORDS = 6
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    the a an of to in on at for with by from and or but so yet nor if then than that this these
    those it its is are was were be been being am i me my you your he she they we us our their his
    her him them not no never don't didn't doesn't isn't wasn't do does did have has had will would
    can could should may might must as who which what when where why how there here very too just
    only even still all any some every each more most much many about into over out up down after
    before because while though
    """,
    )
)
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff”》][,.!?;:()]|[,.!?;:()][\u4e00-\u9fff“《]")
FULL_WIDTH = re.compile("[\u3000-\u303f\uff00-\uffef]")


def read_set(name: str) -> Splits:
    files = sorted(data_path(f"sets/{name}").glob("*.jsonl"))
    return {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in files
    }


def all_rows(splits: Splits) -> list[Row]:
    return [row for rows in splits.values() for row in rows]


def texts_of(row: Row) -> dict[str, str]:
    """The texts of a row by column; the parts that belong together joined."""
    if "turns" in row:
        return {"turns": "\n".join(turn["text"] for turn in row["turns"])}
    if "instruction" in row:
        return {"row": f"{row['instruction']}\n{row['input']}\n{row['response']}"}
    columns = ("text", "context", "en", "zh", "text_a", "text_b")
    return {column: row[column] for column in columns if column in row}


def texts_by_column(splits: Splits) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = defaultdict(list)
    for row in all_rows(splits):
        for column, text in texts_of(row).items():
            columns[column].append(text)
    return columns


def misfits(item: Row, schema: dict[str, type], where: str) -> Iterator[str]:
    if set(item) != set(schema):
        yield f"{where}: fields {sorted(item)}"
        return
    for field, kind in schema.items():
        value = item[field]
        if type(value) is not kind:
            yield f"{where}: {field} is {type(value).__name__}"
        elif kind is str and (value != value.strip() or not (value or field in MAY_BE_EMPTY)):
            yield f"{where}: {field} is blank or has blanks at an end"
        elif field in VALUES and value not in VALUES[field]:
            yield f"{where}: {field} is {value!r}"
        elif field in INNER:
            for inner in value:
                yield from misfits(inner, INNER[field], f"{where}, {field}")


def problems_of_form(name: str, splits: Splits) -> list[str]:
    problems = []
    for row in all_rows(splits):
        problems += misfits(row, SCHEMAS[name], f"{row.get('id')}")
        problems += [f"{row['id']}: trait {t}" for t in row.get("traits", []) if t not in TRAITS]
    return problems


def problems_of_number(name: str, splits: Splits) -> list[str]:
    expected = {"validation", "test"}
    expected |= {"train"} if name != "counterfactual-pairs" else set()
    expected |= {"hard"} if name.startswith("reviews") else set()
    problems = [] if set(splits) == expected else [f"splits {sorted(splits)}"]
    if len(all_rows(splits)) < MINIMUM[name]:
        problems.append(f"{len(all_rows(splits))} rows")
    return problems


def problems_of_repetition(_: str, splits: Splits) -> list[str]:
    ids = Counter(row["id"] for row in all_rows(splits))
    ids.update(asked["id"] for row in all_rows(splits) for asked in row.get("questions", []))
    problems = [f"id {i} occurs {n} times" for i, n in ids.items() if n > 1]
    columns = texts_by_column(splits)
    texts = Counter(text for column in columns.values() for text in set(column))
    problems += [f"in two columns: {text}" for text, n in texts.items() if n > 1]
    for column, found in columns.items():
        repeats = find_duplicates(found, threshold=MAX_SIMILARITY, shingle_size=3)
        problems += [f"{column}, {r.kind}: {found[r.of_index]} / {found[r.index]}" for r in repeats]
    return problems


def skeletons_of(text: str) -> set[str]:
    """English sentences with only their function words, and the first characters of Chinese."""
    units = text_units(text)
    if units and sum(map(is_han, units)) > len(units) / 2:
        return {"".join(units[:5])}
    found = set()
    for sentence in re.split(r"(?<=[.!?:;])\s+", text.lower().replace("’", "'")):
        words = text_units(sentence)
        # A list of things has no function words: it is no frame.
        if len(words) >= MIN_SENTENCE_WORDS and FUNCTION_WORDS.intersection(words):
            found.add(" ".join(word if word in FUNCTION_WORDS else "_" for word in words))
    return found


def problems_of_templates(_: str, splits: Splits) -> list[str]:
    rows_of: dict[tuple[str, str], int] = Counter()
    for row in all_rows(splits):
        for column, text in texts_of(row).items():
            rows_of.update((column, skeleton) for skeleton in skeletons_of(text))
    return [
        f"{column}: in {n} rows: {skeleton}"
        for (column, skeleton), n in rows_of.items()
        if n > MAX_ROWS_OF_A_SKELETON
    ]


def is_latin(text: str) -> bool:
    letters = (character for character in text if character.isalpha())
    return all(unicodedata.name(letter).startswith("LATIN") for letter in letters)


def problems_of_chinese(text: str) -> list[str]:
    letters = [character for character in text if character.isalpha()]
    problems = []
    if guess_language(text) != "zh" or sum(map(is_han, letters)) < 0.7 * len(letters):
        problems.append(f"not mostly Chinese: {text}")
    if HALF_WIDTH.search(text):
        problems.append(f"half-width punctuation: {text}")
    return problems


def problems_of_language(name: str, splits: Splits) -> list[str]:
    problems, english = [], []
    for row in all_rows(splits):
        mixed = name == "instructions" and not is_latin("".join(texts_of(row).values()))
        for column, text in texts_of(row).items():
            if name == "reviews-zh" or column == "zh":
                problems += problems_of_chinese(text)
            elif not mixed:
                english.append(text)
    problems += [t for t in english if not is_latin(t) or FULL_WIDTH.search(t)]
    if english and guess_language("\n".join(english)) != "en":
        problems.append(f"{name} is not English")
    return problems


CHECKS = [
    problems_of_form,
    problems_of_number,
    problems_of_repetition,
    problems_of_templates,
    problems_of_language,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_set_is_sound(name: str, check: Callable[[str, Splits], list[str]]) -> None:
    assert check(name, read_set(name)) == []


def test_there_are_no_other_sets() -> None:
    assert {path.name for path in data_path("sets").iterdir()} == set(SCHEMAS)


def test_some_instructions_are_chinese() -> None:
    rows = all_rows(read_set("instructions"))
    assert sum(not is_latin(row["instruction"]) for row in rows) == 12


def broken(name: str, split: str, **fields: Any) -> Splits:
    splits = copy.deepcopy(read_set(name))
    splits[split][2].update(fields)
    return splits


EN = read_set("reviews-en")
ZH = read_set("reviews-zh")
FIRST = EN["train"][0]
NEARLY = FIRST["text"].replace("the", "one", 1)
SAME_FRAME = [
    {**row, "text": f"The {noun} was so {adjective} that I could not {verb} it."}
    for row, noun, adjective, verb in zip(
        EN["train"],
        ("soup", "chair", "map", "film"),
        ("salty", "low", "old", "long"),
        ("eat", "use", "read", "bear"),
        strict=False,
    )
]
DEFECTS: list[tuple[Callable[[str, Splits], list[str]], str, Splits, str]] = [
    (problems_of_form, "reviews-en", broken("reviews-en", "hard", extra=1), "fields"),
    (problems_of_form, "reviews-en", broken("reviews-en", "test", hard="no"), "hard is str"),
    (problems_of_form, "reviews-en", broken("reviews-en", "test", label="good"), "label is 'good'"),
    (problems_of_form, "reviews-en", broken("reviews-en", "test", text=" a"), "text is blank or"),
    (problems_of_form, "reviews-en", broken("reviews-en", "test", topic=""), "topic is blank or"),
    (problems_of_form, "reviews-en", broken("reviews-en", "test", traits=["x"]), "trait x"),
    (problems_of_form, "dialogues", broken("dialogues", "test", turns=[{"text": "a"}]), "turns: f"),
    (problems_of_number, "reviews-en", {"train": all_rows(EN)}, "splits ['train']"),
    (problems_of_number, "reviews-en", {**EN, "train": EN["train"][:300]}, "574 rows"),
    (problems_of_repetition, "reviews-en", {**EN, "x": [{**FIRST, "text": "New."}]}, "occurs 2"),
    (problems_of_repetition, "reviews-en", {**EN, "x": [{**FIRST, "id": "x"}]}, "text, exact"),
    (
        problems_of_repetition,
        "reviews-en",
        {**EN, "x": [{**FIRST, "id": "x", "text": NEARLY}]},
        "text, near",
    ),
    (
        problems_of_repetition,
        "sentence-pairs",
        broken("sentence-pairs", "test", zh=read_set("sentence-pairs")["test"][2]["en"]),
        "in two columns",
    ),
    (problems_of_templates, "reviews-en", {"train": SAME_FRAME}, "in 4 rows: the _ was so _ that"),
    (problems_of_templates, "reviews-zh", {"train": ZH["train"][:1] * 4}, "in 4 rows: "),
    (problems_of_language, "reviews-en", broken("reviews-en", "test", text="真 good"), "真"),
    (problems_of_language, "reviews-en", broken("reviews-en", "test", text="So， so"), "，"),
    (problems_of_language, "reviews-en", {"train": [{"text": "Das ist ein Hund."}]}, "not English"),
    (problems_of_language, "reviews-zh", broken("reviews-zh", "test", text="很OK"), "not mostly"),
    (problems_of_language, "reviews-zh", broken("reviews-zh", "test", text="好,真好。"), "half-"),
    (problems_of_language, "sentence-pairs", broken("sentence-pairs", "test", zh="Yes."), "mostly"),
    (problems_of_language, "sentence-pairs", broken("sentence-pairs", "test", en="好"), "好"),
]


@pytest.mark.parametrize(("check", "name", "splits", "message"), DEFECTS)
def test_a_planted_defect_is_found(
    check: Callable[[str, Splits], list[str]], name: str, splits: Splits, message: str
) -> None:
    problems = check(name, splits)
    assert len(problems) == 1, problems
    assert message in problems[0]


def test_what_is_not_a_frame() -> None:
    assert skeletons_of("It was so good. Nothing in the house was as old as its owner.") == {
        "_ in the _ was as _ as its _"
    }
    assert problems_of_templates("reviews-en", {"train": SAME_FRAME[:3]}) == []
