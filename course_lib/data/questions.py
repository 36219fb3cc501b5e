"""Questions on texts, in the flat form of SQuAD v2 that models for question answering are fed."""

from collections.abc import Iterable, Mapping
from typing import Any


def squad_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lay questions out one a row, each with its text and the span that answers it.

    Args:
        rows: Texts with their questions: `context` (or `text`, if there is no `context`) and
            `questions`, each with question, answer and start, the answer's offset in characters.
            A question that the text does not answer has the answer "" and the start -1. `id` and
            `title` are taken over; a question without `id` gets the text's, a hyphen and its
            number.

    Returns:
        One row a question: id, title, context, question, answers. `answers` holds the lists
        `text` and `answer_start`; both are empty where the text does not answer.

    Raises:
        ValueError: If an answer does not stand in the text where it is said to; names the row.

    Reference:
        Rajpurkar, Jia & Liang 2018, "Know What You Don't Know: Unanswerable Questions for SQuAD",
        https://arxiv.org/abs/1806.03822.

    Example:
        >>> asked = {"question": "Who sat?", "answer": "cat", "start": 4}
        >>> squad_rows([{"id": "a", "context": "The cat sat.", "questions": [asked]}])[0]["answers"]
        {'text': ['cat'], 'answer_start': [4]}
    """
    flat = []
    for place, row in enumerate(rows):
        row_id = str(row.get("id", place))
        context = row["context"] if "context" in row else row["text"]
        for number, asked in enumerate(row["questions"], start=1):
            flat.append(
                {
                    "id": str(asked.get("id", f"{row_id}-{number}")),
                    "title": row.get("title", ""),
                    "context": context,
                    "question": asked["question"],
                    "answers": _answers(context, asked, f"row {row_id!r}, question {number}"),
                }
            )
    return flat


def _answers(context: str, asked: Mapping[str, Any], where: str) -> dict[str, list[Any]]:
    answer, start = asked["answer"], asked["start"]
    if not answer and start == -1:
        return {"text": [], "answer_start": []}
    if not answer or start < 0 or not context.startswith(answer, start):
        found = context[start : start + len(answer)] if start >= 0 else ""
        raise ValueError(
            f"{where}: the answer must stand in the text at its start, or be '' with start -1; "
            f"got answer {answer!r} and start {start}, where the text says {found!r}."
        )
    return {"text": [answer], "answer_start": [start]}
