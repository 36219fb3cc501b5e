"""The hand-written sets one by one: what each promises, and a planted defect for every promise."""

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import datasets
import pytest

from course_lib.data import data_path, load

Row = dict[str, Any]
Splits = dict[str, list[Row]]

LABELS = ("negative", "neutral", "positive")
TOLERANCE_OF_THE_SET = 0.05  # of a third
TOLERANCE_OF_A_SPLIT = 0.1  # in shares, since splits are small and the hard one is what it is
MAX_SPREAD_OF_NEGATION = 0.15
NEGATOR = re.compile(
    r"\b(no|not|never|nor|none|nothing|nobody|nowhere|neither|cannot|without|no-one)\b|n['’]t\b"
    r"|[不没无未别非莫勿]",
    re.IGNORECASE,
)
PASSAGE_WORDS = range(80, 151)
TURNS = range(4, 9)


def read_set(name: str) -> Splits:
    files = sorted(data_path(f"sets/{name}").glob("*.jsonl"))
    return {
        path.stem: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in files
    }


def all_rows(splits: Splits) -> list[Row]:
    return [row for rows in splits.values() for row in rows]


def shares(rows: Sequence[Row]) -> dict[str, float]:
    counts = Counter(row["label"] for row in rows)
    return {label: counts[label] / len(rows) for label in LABELS}


def problems_of_balance(splits: Splits) -> list[str]:
    problems = [
        f"all: {label} {share:.2f}"
        for label, share in shares(all_rows(splits)).items()
        if abs(share - 1 / 3) > TOLERANCE_OF_THE_SET / 3
    ]
    return problems + [
        f"{split}: {label} {share:.2f}"
        for split, rows in splits.items()
        for label, share in shares(rows).items()
        if abs(share - 1 / 3) > TOLERANCE_OF_A_SPLIT
    ]


def problems_of_topics(splits: Splits) -> list[str]:
    problems = []
    topics = {row["topic"] for row in all_rows(splits)}
    for split in ("train", "validation", "test"):
        there = {(row["topic"], row["label"]) for row in splits[split]}
        wanted = {(topic, label) for topic in topics for label in LABELS}
        problems += [f"{split}: no {label} {topic}" for topic, label in sorted(wanted - there)]
    return problems


def problems_of_negation(splits: Splits) -> list[str]:
    rates = {}
    for label in LABELS:
        rows = [row for row in all_rows(splits) if row["label"] == label]
        rates[label] = sum("negation" in row["traits"] for row in rows) / len(rows)
    problems = [
        f"{row['id']}: no negator"
        for row in all_rows(splits)
        if "negation" in row["traits"] and not NEGATOR.search(row["text"])
    ]
    spread = max(rates.values()) - min(rates.values())
    return [*problems, f"negation: {rates}"] if spread > MAX_SPREAD_OF_NEGATION else problems


def problems_of_hardness(splits: Splits) -> list[str]:
    kept_out = [row["id"] for split in ("validation", "test") for row in splits[split]]
    hard = {row["id"] for row in all_rows(splits) if row["hard"]}
    problems = [f"{row_id} is hard" for row_id in kept_out if row_id in hard]
    return problems + [f"{r['id']} is not hard" for r in splits["hard"] if r["id"] not in hard]


def problems_of_passages(splits: Splits) -> list[str]:
    problems = []
    for row in all_rows(splits):
        n_words = len(row["context"].split())
        if n_words not in PASSAGE_WORDS:
            problems.append(f"{row['id']}: {n_words} words")
        if len(row["questions"]) < 3:
            problems.append(f"{row['id']}: {len(row['questions'])} questions")
        problems += [
            f"{asked['id']}: the answer is not at {asked['start']}"
            for asked in row["questions"]
            if not matches(row["context"], asked["answer"], asked["start"])
        ]
    return problems


def matches(context: str, answer: str, start: int) -> bool:
    if start == -1:
        return answer == ""
    return start >= 0 and answer != "" and context[start : start + len(answer)] == answer


def problems_of_questions(splits: Splits) -> list[str]:
    asked = [question for row in all_rows(splits) for question in row["questions"]]
    share = sum(question["start"] == -1 for question in asked) / len(asked)
    problems = [] if len(asked) >= 360 else [f"{len(asked)} questions"]
    return problems if 0.15 <= share <= 0.25 else [*problems, f"{share:.2f} not answerable"]


def problems_of_dialogues(splits: Splits) -> list[str]:
    problems = []
    for row in all_rows(splits):
        speakers = [turn["speaker"] for turn in row["turns"]]
        if len(speakers) not in TURNS:
            problems.append(f"{row['id']}: {len(speakers)} turns")
        if len(set(speakers)) < 2:
            problems.append(f"{row['id']}: a monologue")
        if (
            len(re.findall(r"[.!?](?=\s|$)", re.sub(r"\b(Mr|Mrs|Ms|Dr)\.", "", row["summary"])))
            != 1
        ):
            problems.append(f"{row['id']}: the summary is not one sentence")
    return problems


def swaps_into(text: str, wanted: str, changes: Sequence[tuple[str, str]]) -> bool:
    """Whether replacing the changes one after the other, anywhere, can make the wanted text."""
    if not changes:
        return text == wanted
    (old, new), *rest = changes
    for match in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text):
        begin = text[: match.start()] + new
        if wanted.startswith(begin) and swaps_into(text[match.end() :], wanted[len(begin) :], rest):
            return True
    return False


def problems_of_pairs(splits: Splits) -> list[str]:
    problems = []
    for row in all_rows(splits):
        a, b = row["changed_a"], row["changed_b"]
        if not a or len(a) != len(b) or any(old == new for old, new in zip(a, b, strict=True)):
            problems.append(f"{row['id']}: changes do not pair up")
        elif not swaps_into(row["text_a"], row["text_b"], list(zip(a, b, strict=True))):
            problems.append(f"{row['id']}: more or less is changed")
        if row["value_a"] == row["value_b"]:
            problems.append(f"{row['id']}: one value")
    return problems


REVIEW_CHECKS = [
    problems_of_balance,
    problems_of_topics,
    problems_of_negation,
    problems_of_hardness,
]
PROMISES: list[tuple[str, Callable[[Splits], list[str]]]] = [
    *(("reviews-en", check) for check in REVIEW_CHECKS),
    *(("reviews-zh", check) for check in REVIEW_CHECKS),
    ("passages", problems_of_passages),
    ("passages", problems_of_questions),
    ("dialogues", problems_of_dialogues),
    ("counterfactual-pairs", problems_of_pairs),
]


@pytest.mark.parametrize(("name", "check"), PROMISES)
def test_a_set_keeps_its_promises(name: str, check: Callable[[Splits], list[str]]) -> None:
    assert check(read_set(name)) == []


def relabel(splits: Splits, n_rows: int) -> None:
    for row in [row for row in splits["train"] if row["label"] == "negative"][:n_rows]:
        row["label"] = "positive"


def shrink(splits: Splits) -> None:
    splits["test"] = [row for row in splits["test"] if row["label"] != "neutral"]


def drop_a_topic(splits: Splits) -> None:
    splits["test"] = [
        row for row in splits["test"] if (row["topic"], row["label"]) != ("book", "neutral")
    ]


def leak_negation(splits: Splits) -> None:
    for row in all_rows(splits):
        row["traits"] = ["negation"] if row["label"] == "negative" else []


def claim_negation(splits: Splits) -> None:
    splits["train"][0].update(text="Knotty, notable: all is well.", traits=["negation"])


def first(splits: Splits, **fields: Any) -> None:
    next(iter(splits.values()))[0].update(fields)


def shift_a_span(splits: Splits) -> None:
    splits["train"][0]["questions"][0]["start"] += 1


def shift_a_span_to_the_end(splits: Splits) -> None:
    splits["train"][0]["questions"][0]["start"] = -2


def answer_the_unanswerable(splits: Splits) -> None:
    for row in all_rows(splits):
        row["questions"] = [q for q in row["questions"] if q["start"] != -1]


def repeat_a_speaker(splits: Splits) -> None:
    for turn in splits["train"][0]["turns"]:
        turn["speaker"] = "Ivo"


def no_change(splits: Splits) -> None:
    row = splits["validation"][0]
    row["changed_b"] = row["changed_a"]


DEFECTS: list[tuple[str, Callable[[Splits], list[str]], Callable[[Splits], None], str]] = [
    ("reviews-en", problems_of_balance, lambda s: relabel(s, 12), "all: negative 0.31"),
    ("reviews-en", problems_of_balance, shrink, "test: neutral 0.00"),
    ("reviews-en", problems_of_topics, drop_a_topic, "test: no neutral book"),
    ("reviews-en", problems_of_negation, leak_negation, "negation: {'negative': 1.0"),
    ("reviews-en", problems_of_negation, claim_negation, "no negator"),
    ("reviews-en", problems_of_hardness, lambda s: s["test"][0].update(hard=True), " is hard"),
    ("reviews-en", problems_of_hardness, lambda s: s["hard"][0].update(hard=False), "is not hard"),
    ("passages", problems_of_passages, shift_a_span, "the answer is not at"),
    ("passages", problems_of_passages, shift_a_span_to_the_end, "the answer is not at -2"),
    ("passages", problems_of_passages, lambda s: first(s, context="Too short."), ": 2 words"),
    ("passages", problems_of_passages, lambda s: first(s, questions=[]), ": 0 questions"),
    ("passages", problems_of_questions, answer_the_unanswerable, "0.00 not answerable"),
    ("passages", problems_of_questions, lambda s: s.pop("train") and None, "160 questions"),
    ("dialogues", problems_of_dialogues, lambda s: first(s, turns=[]), "0 turns"),
    ("dialogues", problems_of_dialogues, repeat_a_speaker, "a monologue"),
    ("dialogues", problems_of_dialogues, lambda s: first(s, summary="A. B."), "one sentence"),
    ("counterfactual-pairs", problems_of_pairs, no_change, "changes do not pair up"),
    ("counterfactual-pairs", problems_of_pairs, lambda s: first(s, text_b="x"), "more or less"),
    ("counterfactual-pairs", problems_of_pairs, lambda s: first(s, changed_a=[]), "pair up"),
    ("counterfactual-pairs", problems_of_pairs, lambda s: first(s, value_a="", value_b=""), "one"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "check", "plant", "message"), DEFECTS)
def test_a_planted_defect_is_found(
    name: str, check: Callable[[Splits], list[str]], plant: Callable[[Splits], None], message: str
) -> None:
    splits = copy.deepcopy(read_set(name))
    plant(splits)
    problems = check(splits)
    assert problems
    assert any(message in problem for problem in problems), problems


def test_swaps_keep_their_order_and_whole_words() -> None:
    text = "The hero said he saw her."
    assert swaps_into(text, "The hero said she saw her.", [("he", "she")])
    assert swaps_into(text, "The hero said she saw him.", [("he", "she"), ("her", "him")])
    assert not swaps_into(text, "The hero said she saw him.", [("her", "him"), ("he", "she")])
    assert not swaps_into(text, "The shero said he saw her.", [("he", "she")])
    assert not swaps_into(text, "The hero said she saw them.", [("he", "she")])


@pytest.mark.parametrize("name", ["reviews-en", "reviews-zh"])
def test_labels_are_classes_in_a_fixed_order(name: str) -> None:
    dataset = load(name)
    assert isinstance(dataset, datasets.DatasetDict)
    for split, rows in read_set(name).items():
        assert dataset[split].features["label"].names == list(LABELS)
        assert dataset[split]["label"] == [LABELS.index(row["label"]) for row in rows]
        assert dataset[split]["text"] == [row["text"] for row in rows]
    assert isinstance(load(name, split="hard"), datasets.Dataset)
