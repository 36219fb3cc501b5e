"""Questions and summaries as a classroom's folder holds them: each reader knows one source's form.

The tables come as split to rows. A line or a file that is broken is an error that names it.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_lib.data.folder import split_of
from course_lib.data.rows import Rows, in_order, numbered_lines, some
from course_lib.data.textfiles import read_text

XQUAD_NAME = re.compile(r"xquad\.([a-z]{2})\b")


def read_xquad(files: Sequence[Path]) -> dict[str, Rows]:
    """Read questions on paragraphs of Wikipedia, the same in several languages.

    Args:
        files: SQuAD-style JSON files with the language in their names, such as `xquad.zh.json`.

    Returns:
        Language to rows: id, title, context, question, answers (text and answer_start, as lists).
        The same ids stand in every language.

    Raises:
        ValueError: If a file has another name, is not SQuAD-style JSON, or has an answer that does
            not stand in its paragraph where it is said to.
    """
    languages: dict[str, Rows] = {}
    for path in files:
        name = XQUAD_NAME.match(path.name)
        if name is None:
            raise ValueError(f"{path} must have a name such as xquad.zh.json, with its language.")
        try:
            articles = json.loads(read_text(path))["data"]
            rows = [row for article in articles for row in _questions_of(article, path)]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} must be SQuAD-style JSON; {error!r}.") from error
        languages.setdefault(name[1], []).extend(rows)
    return {language: some(languages[language], files) for language in sorted(languages)}


def read_scitldr(files: Sequence[Path]) -> dict[str, Rows]:
    """Read abstracts of papers with the sentences that sum them up.

    Args:
        files: JSON-lines files with `source` (the sentences of an abstract), `target` (one or
            several summaries) and `paper_id`; their names say the split.

    Returns:
        Split to rows: id, title, text (the abstract), sentences, summaries (a list).

    Raises:
        ValueError: If a line has another form.
    """
    splits: dict[str, Rows] = {}
    for path in files:
        rows = splits.setdefault(split_of(path, whole=False), [])
        for number, line in numbered_lines(path):
            try:
                rows.append(_abstract(json.loads(line)))
            except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(
                    f"{path}, line {number}: must be a JSON object with source, target and "
                    f"paper_id; {error!r}."
                ) from error
    return in_order(splits, files)


def _questions_of(article: dict[str, Any], path: Path) -> Rows:
    rows: Rows = []
    for paragraph in article["paragraphs"]:
        context = paragraph["context"]
        for asked in paragraph["qas"]:
            answers = [(one["text"], one["answer_start"]) for one in asked["answers"]]
            for text, start in answers:
                if not context.startswith(text, start):
                    raise ValueError(
                        f"{path}, question {asked['id']}: the answer {text!r} must stand at "
                        f"{start}; there is {context[start : start + len(text)]!r}."
                    )
            rows.append(
                {
                    "id": asked["id"],
                    "title": article.get("title", ""),
                    "context": context,
                    "question": asked["question"],
                    "answers": {
                        "text": [text for text, _ in answers],
                        "answer_start": [start for _, start in answers],
                    },
                }
            )
    return rows


def _abstract(item: dict[str, Any]) -> dict[str, Any]:
    sentences = [sentence.strip() for sentence in item["source"]]
    summaries = [item["target"]] if isinstance(item["target"], str) else item["target"]
    return {
        "id": item["paper_id"],
        "title": item.get("title", ""),
        "text": " ".join(sentences),
        "sentences": sentences,
        "summaries": [summary.strip() for summary in summaries],
    }
