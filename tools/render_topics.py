"""Render `docs/topics.md`, the map of topics, from `data/facts/topics.csv`.

`python tools/render_topics.py` writes the page; `--check` fails if it is out of date.
"""

import argparse
import csv
import sys
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = [
    "number",
    "group",
    "topic",
    "learner_can",
    "lesson",
    "anchor",
    "symbol",
    "test",
    "check",
    "status",
]
HEAD = """# The map of topics

What today's tutorials on language models name, what you will be able to do about each topic,
and where this course teaches, implements, tests and asks it. Rendered from
`data/facts/topics.csv` by `python tools/render_topics.py`; edit the table, not this page.

**{done} of {total} topics are done.** The others say which lesson will hold them.
"""


def read_topics(path: Path) -> list[dict[str, str]]:
    """Read the table of topics.

    Raises:
        ValueError: If the table's columns are not the ones this tool knows.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != tuple(COLUMNS):
            raise ValueError(
                f"{path.name} must have the columns {COLUMNS}; got {reader.fieldnames}."
            )
        return list(reader)


def is_done(row: dict[str, str]) -> bool:
    """Tell whether a topic is taught, implemented, tested and asked."""
    return row["status"] == "done"


def render_row(row: dict[str, str]) -> str:
    """Render one topic as a row of a Markdown table."""
    lesson = row["lesson"]
    where = f"[{lesson}](../notebooks/{lesson}.ipynb#{row['anchor']})" if is_done(row) else lesson
    code = f"`{row['symbol']}`" if row["symbol"] else ""
    cells = [row["number"], row["topic"], row["learner_can"], where, code, row["check"]]
    escaped = [cell.replace("|", "\\|") for cell in [*cells, row["status"]]]
    return f"| {' | '.join(escaped)} |"


def render(rows: list[dict[str, str]]) -> str:
    """Render the whole page."""
    done = sum(is_done(row) for row in rows)
    parts = [HEAD.format(done=done, total=len(rows))]
    for group, members in groupby(rows, key=lambda row: row["group"]):
        parts.append(f"## {group}\n")
        parts.append("| # | Topic | You can … | Lesson | Library | Asked in | Status |")
        parts.append("|---|---|---|---|---|---|---|")
        parts.extend(render_row(row) for row in members)
        parts.append("")
    return "\n".join(parts)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date")
    options = parser.parse_args()
    page = ROOT / "docs" / "topics.md"
    text = render(read_topics(ROOT / "data" / "facts" / "topics.csv"))
    if options.check:
        current = page.read_text(encoding="utf-8") if page.exists() else ""
        print(
            "docs/topics.md is", "up to date" if current == text else "out of date: run this tool"
        )
        return int(current != text)
    page.write_text(text, encoding="utf-8")
    print(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
