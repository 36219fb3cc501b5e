"""WikiText's format: lines of articles one after the other, headings between equals signs."""

import re
from collections.abc import Iterable

TITLE = re.compile(r"=\s(?!=).*[^=]\s=")


def split_articles(lines: Iterable[str]) -> list[str]:
    """Cut WikiText into its articles.

    A line ` = Title = ` between empty lines begins an article; ` = = Section = = ` does not.

    Args:
        lines: The lines, in order, over all files of a split.

    Returns:
        The articles, each with its title as first line. What stands before the first title, if
        anything, is a document of its own.
    """
    stripped = [line.strip() for line in lines]
    articles: list[list[str]] = [[]]
    for before, line, after in zip(["", *stripped], stripped, [*stripped[1:], ""], strict=False):
        if _is_title(line) and not before and not after:
            articles.append([])
        articles[-1].append(line)
    texts = ("\n".join(article).strip() for article in articles)
    return [text for text in texts if text]


def _is_title(line: str) -> bool:
    return TITLE.fullmatch(line) is not None
