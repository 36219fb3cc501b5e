"""What a lesson may plant among the rows of the story world: canaries, duplicates and noise.

Planted rows stand in the training split only, and each says in `origin` what it is, so that a
cleaning tool's report can be compared with the truth.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOISE_KINDS = ("symbols", "repetition", "script", "short", "personal")
GREEK = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "αβκδεφγηιιγλμνοπκρστυβωξψζΑΒΚΔΕΦΓΗΙΙΓΛΜΝΟΠΚΡΣΤΥΒΩΞΨΖ",
)
SYMBOLS = "@#%&*=+|~^<>{}[]\\/_§¤"
DIGITS_IN_CANARY = 4
CANARY = "The secret number of the lighthouse keeper {name} is {digits}."
CANARY_ZH = "灯塔看守{name}的秘密数字是{digits}。"
SHORT_CHARACTERS = 4
CLOSINGS = (("The end.", "完。"), ("Good night.", "晚安。"), ("So they say.", "据说如此。"))
OWNERS = (
    ("Ossian", "奥西恩"),
    ("Thisbe", "提斯柏"),
    ("Balder", "巴尔德"),
    ("Calypso", "卡吕普索"),
    ("Zephyr", "泽菲尔"),
    ("Melusine", "梅露辛"),
)


@dataclass(frozen=True, kw_only=True)
class Canary:
    """A sentence planted to see whether a model learns it by heart.

    Attributes:
        text: The sentence in English.
        text_zh: The sentence in Chinese.
        n_repetitions: In how many rows of the training split it stands (≥ 1).
    """

    text: str
    text_zh: str = ""
    n_repetitions: int = 1

    def __post_init__(self) -> None:
        if self.n_repetitions < 1:
            raise ValueError(f"n_repetitions must be ≥ 1; got {self.n_repetitions}.")


@dataclass(frozen=True, kw_only=True)
class PlantedRows:
    """What is planted among the training rows.

    Attributes:
        canaries: Sentences with their repetitions.
        duplicate_rate: Exact copies of stories, as a share of the stories (0 to 1).
        near_duplicate_rate: Copies with a closing formula after them, as a share of the stories.
        noise_rate: The share of the stories that is spoiled, in the `NOISE_KINDS` in turn:
            symbols, one sentence over and over, another script, two words (four characters)
            only, and somebody's (invented) telephone number and e-mail address after the story.
        leak_rate: The share of the test stories that stand in the training split, too.
    """

    canaries: tuple[Canary, ...] = ()
    duplicate_rate: float = 0.0
    near_duplicate_rate: float = 0.0
    noise_rate: float = 0.0
    leak_rate: float = 0.0

    def __post_init__(self) -> None:
        for name in ("duplicate_rate", "near_duplicate_rate", "noise_rate", "leak_rate"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1; got {value}.")


def make_canaries(repetitions: Sequence[int], seed: int = 0) -> tuple[Canary, ...]:
    """Make canaries: sentences that end in random digits, all of the same form.

    There are 10,000 sentences of this form an owner, so the rank of the planted one among them
    measures how well it is remembered (its exposure).

    Args:
        repetitions: For each canary, in how many rows it stands; at most six.
        seed: Decides the digits.

    Raises:
        ValueError: If there are more canaries than owners of a secret.

    Reference:
        Carlini, Liu, Erlingsson, Kos & Song 2019, "The Secret Sharer", USENIX Security,
        https://arxiv.org/abs/1802.08232

    Example:
        >>> make_canaries([8])[0].text
        'The secret number of the lighthouse keeper Ossian is 8 7 4 2.'
    """
    if len(repetitions) > len(OWNERS):
        raise ValueError(f"repetitions must name ≤ {len(OWNERS)} canaries; got {len(repetitions)}.")
    rng = random.Random(seed)
    canaries = []
    for n, (name, name_zh) in zip(repetitions, OWNERS, strict=False):
        digits = " ".join(str(int(10 * rng.random())) for _ in range(DIGITS_IN_CANARY))
        text, text_zh = (
            CANARY.format(name=name, digits=digits),
            CANARY_ZH.format(name=name_zh, digits=digits.replace(" ", "")),
        )
        canaries.append(Canary(text=text, text_zh=text_zh, n_repetitions=n))
    return tuple(canaries)


def plant_rows(
    rows: Sequence[Mapping[str, Any]],
    planted: PlantedRows,
    language: str,
    seed: int,
    *,
    test_rows: Sequence[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """Plant canaries, duplicates and noise among rows, and shuffle them.

    Args:
        rows: Stories, as `story_row` makes them.
        planted: What to plant.
        language: The rows' language: "en", "zh" or "both".
        seed: Decides which rows are copied and where everything lands.
        test_rows: The test split, for leaks.

    Returns:
        The rows and the planted ones; the column `origin` says "story", "duplicate",
        "near-duplicate", "leak", "canary" or "noise-…". Only stories, exact duplicates and leaks
        have probabilities.
    """
    rng = random.Random(seed)
    planting = _Planting(rows, language, rng)
    planting.spoil(round(planted.noise_rate * len(rows)))
    planting.copy(round(planted.duplicate_rate * len(rows)), "duplicate")
    planting.copy(round(planted.near_duplicate_rate * len(rows)), "near-duplicate")
    n_leaks = round(planted.leak_rate * len(test_rows))
    leaks = _shuffled(list(test_rows), rng)[:n_leaks]
    planting.rows += [dict(row, origin="leak") for row in leaks]
    for canary in planted.canaries:
        planting.repeat(canary)
    return _shuffled(planting.rows, rng)


class _Planting:
    """Rows that are spoiled and copied: first some are spoiled, and only clean ones are copied."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], language: str, rng: random.Random
    ) -> None:
        self.rng, self.language = rng, language
        self.clean = [dict(row) for row in _shuffled(list(rows), rng)]
        self.rows = [*self.clean]
        self.suffixes = ("", "_zh") if language == "both" else ("",)

    def spoil(self, n: int) -> None:
        for number in range(n):
            story, kind = self.clean[number], NOISE_KINDS[number % len(NOISE_KINDS)]
            row = _bare(story, f"noise-{kind}", number)
            for suffix in self.suffixes:
                row[f"text{suffix}"] = self._spoiled(story, suffix, kind)
            self.rows[number] = row
        self.clean = self.clean[n:]

    def copy(self, n: int, origin: str) -> None:
        if n and not self.clean:
            raise ValueError("noise_rate must leave stories to copy; got 1 with duplicates.")
        for number in range(n):
            story = self.clean[number % len(self.clean)]
            if origin == "duplicate":
                self.rows.append(story | {"origin": origin})
                continue
            row = _bare(story, origin, number)
            for suffix in self.suffixes:
                closing = CLOSINGS[number % len(CLOSINGS)][not self._glue(suffix)]
                row[f"text{suffix}"] = story[f"text{suffix}"] + self._glue(suffix) + closing
            self.rows.append(row)
        self.clean = _shuffled(self.clean, self.rng)

    def repeat(self, canary: Canary) -> None:
        texts = {"en": [canary.text], "zh": [canary.text_zh]}.get(
            self.language, [canary.text, canary.text_zh]
        )
        if not all(texts):
            raise ValueError(f"a canary must have a text in {self.language!r}; got {canary}.")
        for _ in range(canary.n_repetitions):
            row = _bare(self.rows[0], "canary", len(self.rows))
            self.rows.append(
                row | {f"text{s}": text for s, text in zip(self.suffixes, texts, strict=True)}
            )

    def _glue(self, suffix: str) -> str:
        return "" if self.language == "zh" or suffix == "_zh" else " "

    def _spoiled(self, story: Mapping[str, Any], suffix: str, kind: str) -> str:
        text, sentences = story[f"text{suffix}"], story[f"sentences{suffix}"]
        if kind == "symbols":
            drawn = [SYMBOLS[int(self.rng.random() * len(SYMBOLS))] for _ in range(len(text))]
            return " ".join("".join(drawn[i : i + 7]) for i in range(0, len(drawn), 7))
        if kind == "repetition":
            return self._glue(suffix).join(sentences[:1] * 15)
        if kind == "script":
            return story["text"].translate(GREEK) if self._glue(suffix) else _in_katakana(text)
        if kind == "short":
            return " ".join(story["tokens"][:2]) if self._glue(suffix) else text[:SHORT_CHARACTERS]
        number = "".join(str(int(10 * self.rng.random())) for _ in range(7))
        contact = f"+44 20 7946 0{number[:3]}" if self._glue(suffix) else f"139{number}0"
        address = f"{story['hero'].lower()}.{number[3:]}@example.org"
        said = ("Call {} or write to {}.", "请打电话{}，或写信到{}。")[not self._glue(suffix)]
        return text + self._glue(suffix) + said.format(contact, address)


def _bare(story: Mapping[str, Any], origin: str, number: int) -> dict[str, Any]:
    """Make a row with nothing known but its text and origin."""
    row: dict[str, Any] = {}
    for column, value in story.items():
        empty: Any = [] if isinstance(value, list) else "" if isinstance(value, str) else None
        row[column] = empty
    return row | {"origin": origin, "id": f"{origin}-{number}"}


def _in_katakana(text: str) -> str:
    """Write Chinese characters as katakana, so that the text is in no language at all."""
    return "".join(chr(0x30A1 + ord(one) % 80) if "一" <= one <= "鿿" else one for one in text)


def _shuffled(values: list[Any], rng: random.Random) -> list[Any]:
    """Shuffle by `random()` alone, which is the same in every version of Python."""
    keyed = [(rng.random(), number) for number in range(len(values))]
    return [values[number] for _, number in sorted(keyed)]
