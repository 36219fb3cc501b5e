from typing import Any

import pytest

from course_lib.data import load, squad_rows

CONTEXT = "Ivo sold Mira a kettle. Mira sold it on."
MIRA = {"id": "q-7", "question": "Who sold it on?", "answer": "Mira", "start": 24, "kind": "who"}
NEVER = {"question": "What did it cost?", "answer": "", "start": -1}


def test_questions_become_rows_of_squad() -> None:
    row = {"id": "p-1", "title": "A kettle", "context": CONTEXT, "questions": [MIRA, NEVER]}
    assert squad_rows([row]) == [
        {
            "id": "q-7",
            "title": "A kettle",
            "context": CONTEXT,
            "question": "Who sold it on?",
            "answers": {"text": ["Mira"], "answer_start": [24]},
        },
        {
            "id": "p-1-2",
            "title": "A kettle",
            "context": CONTEXT,
            "question": "What did it cost?",
            "answers": {"text": [], "answer_start": []},
        },
    ]


def test_a_text_without_id_title_or_context_will_do() -> None:
    first, second = squad_rows([{"text": CONTEXT, "questions": [NEVER]}] * 2)
    assert (first["id"], second["id"]) == ("0-1", "1-1")
    assert (first["title"], first["context"]) == ("", CONTEXT)


def test_the_context_comes_before_the_text() -> None:
    row = {"context": CONTEXT, "text": "Mira", "questions": [MIRA]}
    assert squad_rows([row])[0]["context"] == CONTEXT


def test_a_span_at_either_end_is_a_span() -> None:
    asked = [{**MIRA, "answer": "Ivo", "start": 0}, {**MIRA, "answer": ".", "start": 39}]
    rows = squad_rows([{"text": CONTEXT, "questions": asked}])
    assert [row["answers"]["answer_start"] for row in rows] == [[0], [39]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 23}, "got answer 'Mira' and start 23, where the text says ' Mir'"),
        ({"start": 0}, "start 0, where the text says 'Ivo '"),
        ({"start": -16}, "start -16, where the text says ''"),  # Python would count from the end
        ({"start": -1}, "got answer 'Mira' and start -1"),
        ({"answer": ""}, "got answer '' and start 24"),
        ({"answer": "on. Then", "start": 37}, "where the text says 'on.'"),
    ],
)
def test_a_span_that_does_not_match_names_its_row(change: dict[str, Any], message: str) -> None:
    rows = [{"id": "p-9", "context": CONTEXT, "questions": [NEVER, {**MIRA, **change}]}]
    with pytest.raises(ValueError, match="row 'p-9', question 2: the answer must stand") as caught:
        squad_rows(rows)
    assert message in str(caught.value)


def test_the_course_s_own_passages() -> None:
    splits = load("passages")
    rows = [row for split in splits.values() for row in squad_rows(split)]
    assert len({row["id"] for row in rows}) == len(rows) == 496
    assert sum(not row["answers"]["text"] for row in rows) == 98
    for row in rows:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert row["context"][start : start + len(text)] == text
