"""The story world's words, in English and Chinese, read from `data/storyworld/words/*.csv`.

One file is one list; one row is one item. The columns `en` and `zh` hold its plain form, blanks
between tokens; a column `x` and a column `x_zh` hold the form `x` in the two languages. A column
`weight` makes some items more frequent than others.
"""

import csv
from collections.abc import Mapping
from functools import cache, cached_property
from types import MappingProxyType

from course_lib.data.paths import data_path

LANGUAGES = ("en", "zh")
ENTITY_OF_LIST = MappingProxyType(
    {
        "names": "PER",
        "neighbours": "PER",
        "places": "LOC",
        "towns": "LOC",
        "capitals": "LOC",
        "objects": "OBJ",
    }
)
ENTITY_OF_FORM = MappingProxyType(
    {("professions", "tool"): "OBJ", ("professions", "workplace"): "LOC"}
)
PRONOUNS = MappingProxyType(
    {
        "she": ("she", "he"),
        "She": ("She", "He"),
        "her": ("her", "him"),
        "their": ("her", "his"),
        "Their": ("Her", "His"),
        "herself": ("herself", "himself"),
        "woman": ("woman", "man"),
        "girl": ("girl", "boy"),
        "daughter": ("daughter", "son"),
        "sister": ("sister", "brother"),
    }
)
CHINESE_PRONOUNS = MappingProxyType(
    {
        "herself": (("她", "自己"), ("他", "自己")),
        "woman": (("女人",), ("男人",)),
        "girl": (("女孩",), ("男孩",)),
        "daughter": (("女儿",), ("儿子",)),
        "sister": (("姐姐",), ("哥哥",)),
    }
)
AN_EXCEPTIONS = frozenset({"hour", "honest", "heir"})
A_EXCEPTIONS = ("uni", "use", "usual", "one", "eu", "ukulele")


class Item:
    """One row of a word list.

    Attributes:
        words: The name of its list.
        row: Its columns.
    """

    def __init__(self, words: str, row: Mapping[str, str]) -> None:
        self.words = words
        self.row = row
        self._said: dict[tuple[str, str], tuple[str, ...]] = {}

    def __repr__(self) -> str:
        return f"Item({self.words}: {self.row['en']})"

    @cached_property
    def weight(self) -> float:
        """How often it is drawn, relative to the other items of its list."""
        return float(self.row.get("weight") or 1.0)

    def say(self, form: str, language: str) -> tuple[str, ...]:
        """Give the tokens of one of its forms.

        Args:
            form: A column's name, "" for the plain form, `a` or `a_column` for the form with
                its article (English), `unit` for the measure word without its numeral
                (Chinese), or a pronoun (for lists with a column `gender`).
            language: "en" or "zh".

        Raises:
            ValueError: If the item has no such form.
        """
        if (form, language) not in self._said:
            self._said[form, language] = self._make(form, language)
        return self._said[form, language]

    def entity(self, form: str) -> str:
        """Give the kind of entity that a form names: PER, LOC, OBJ or "" for none."""
        plain = "" if form in ("a", "Cap") else form.removeprefix("a_")
        if (self.words, plain) in ENTITY_OF_FORM:
            return ENTITY_OF_FORM[self.words, plain]
        return ENTITY_OF_LIST.get(self.words, "") if plain in ("", "plural") else ""

    def _make(self, form: str, language: str) -> tuple[str, ...]:
        if form in PRONOUNS and "gender" in self.row:
            return self._pronoun(form, language)
        if form == "a" or form.startswith("a_"):
            plain = self.say(form[2:], language)
            return (article(plain[0]), *plain) if language == "en" else plain
        if form == "unit":
            return self.say("measure", language)[1:]
        if form == "Cap":
            first, *rest = self.say("", language)
            return (first[:1].upper() + first[1:], *rest)
        column = {"en": form or "en", "zh": f"{form}_zh" if form else "zh"}[language]
        text = self.row.get(column, "")
        if not text:
            raise ValueError(f"{self!r} must have a column {column!r} for the form {form!r}.")
        return tuple(text.split())

    def _pronoun(self, form: str, language: str) -> tuple[str, ...]:
        index = int(self.row["gender"] != "she")
        if language == "en":
            return (PRONOUNS[form][index],)
        return CHINESE_PRONOUNS.get(form, (("她",), ("他",)))[index]


def article(word: str) -> str:
    """Choose the English article for the word after it.

    Example:
        >>> article("umbrella"), article("unicorn"), article("hour")
        ('an', 'a', 'an')
    """
    lower = word.lower()
    if lower in AN_EXCEPTIONS:
        return "an"
    return "an" if lower[0] in "aeiou" and not lower.startswith(A_EXCEPTIONS) else "a"


@cache
def lexicon() -> Mapping[str, tuple[Item, ...]]:
    """Read all word lists.

    Returns:
        List name to items.

    Raises:
        ValueError: If a list has a row without English or Chinese, or an item twice.
    """
    lists = {}
    for path in sorted(data_path("storyworld/words").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        _check_list(path.name, rows)
        lists[path.stem] = tuple(Item(path.stem, row) for row in rows)
    return MappingProxyType(lists)


def _check_list(name: str, rows: list[dict[str, str]]) -> None:
    """Check that no two items of a list are the same in any form, in either language."""
    forms = [column for column in rows[0] if column in LANGUAGES or f"{column}_zh" in rows[0]]
    forms += [column for column in rows[0] if column.endswith("_zh") and column[:-3] in forms]
    for column in forms:
        seen: set[str] = set()
        for row in rows:
            if not row[column]:
                raise ValueError(f"{name}: every row must have a column {column!r}; got {row}.")
            if row[column] in seen:
                raise ValueError(f"{name}: {row[column]!r} must not stand there twice.")
            seen.add(row[column])
