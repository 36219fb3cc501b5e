"""What needs no model: the scores that any answer to a task must beat."""

import random
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

Label = TypeVar("Label", bound=Hashable)

SENTENCE = re.compile(r"[^。！？]*?(?:[。！？]+[”’」』]?|[.!?]+[\"'”’)]?(?=\s|$)|$)", re.DOTALL)
"""Up to the next mark that ends a sentence: a Chinese one, or one of ours before a blank."""

UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def chance_level(n_choices: Sequence[int]) -> float:
    """Compute the expected accuracy of one who picks any choice at random.

    Args:
        n_choices: For each item, how many choices it has (≥ 1).

    Raises:
        ValueError: If there is no item, or one has no choice.

    Example:
        >>> chance_level([2, 4])
        0.375
    """
    if not n_choices or min(n_choices) < 1:
        raise ValueError(
            f"n_choices must hold at least one number, all ≥ 1; got {list(n_choices)}."
        )
    return sum(1 / n for n in n_choices) / len(n_choices)


def majority_share(labels: Sequence[Hashable]) -> float:
    """Compute the accuracy of one who always gives the most frequent label.

    Args:
        labels: The right label of each item.

    Raises:
        ValueError: If there is no label.

    Example:
        >>> majority_share(["good", "bad", "good", "good"])
        0.75
    """
    if not labels:
        raise ValueError("labels must hold at least one label; got none.")
    return max(Counter(labels).values()) / len(labels)


def majority_label(labels: Sequence[Label]) -> Label:
    """Find the most frequent label: the answer that needs no text.

    Args:
        labels: Those to learn from; of equally frequent ones the first that occurs wins.

    Raises:
        ValueError: If there is no label.

    Example:
        >>> majority_label(["good", "bad", "good"])
        'good'
    """
    if not labels:
        raise ValueError("labels must hold at least one label; got none.")
    return Counter(labels).most_common(1)[0][0]


def first_sentences(text: str, n: int = 1) -> str:
    """Take the first sentences of a text: the lead, a summary that needs no model.

    Args:
        text: English or Chinese.
        n: How many sentences (≥ 1); of a shorter text all are taken.

    Raises:
        ValueError: If `n` is below 1.

    Example:
        >>> first_sentences("Mira, 3.5 years old, ran. Omar sat."), first_sentences("猫跑。狗坐。")
        ('Mira, 3.5 years old, ran.', '猫跑。')
    """
    if n < 1:
        raise ValueError(f"n must be ≥ 1; got n={n}.")
    found = [match.group() for match in SENTENCE.finditer(text) if match.group().strip()]
    return "".join(found[:n]).strip()


def random_span(text: str, seed: int, most_units: int = 5) -> str:
    """Copy a random piece out of a text: an answer that needs no question.

    Args:
        text: Holds at least one word or Chinese character.
        seed: Decides which piece (≥ 0).
        most_units: How many words or Chinese characters it has at most (≥ 1).

    Raises:
        ValueError: If the text has no word, or `most_units` is below 1.

    Example:
        >>> random_span("Omar lived in Moonferry.", seed=3) in "Omar lived in Moonferry."
        True
    """
    if most_units < 1:
        raise ValueError(f"most_units must be ≥ 1; got most_units={most_units}.")
    places = [match.span() for match in UNIT.finditer(text)]
    if not places:
        raise ValueError(f"text must hold at least one word; got {text!r}.")
    draws = random.Random(seed)
    first = draws.randrange(len(places))
    last = min(len(places) - 1, first + draws.randrange(most_units))
    return text[places[first][0] : places[last][1]]
