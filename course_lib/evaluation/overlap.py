"""How many words, pairs of words, and words in order a summary shares with a right one: ROUGE."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from course_lib.evaluation.counts import MatchCounts

UNITS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
"""A Chinese character, or a run of other letters and digits. Google's script knows a-z and 0-9
only: to it, a Chinese text is empty."""


class RougeScores(NamedTuple):
    """What a text shares with a reference; precision, recall and F1 are each one's own.

    Attributes:
        rouge1: Single words.
        rouge2: Pairs of neighbouring words.
        rouge_l: The longest sequence of words that both have in this order, with gaps.
    """

    rouge1: MatchCounts
    rouge2: MatchCounts
    rouge_l: MatchCounts


def rouge(predicted: str, references: str | Sequence[str]) -> RougeScores:
    """Compare a summary with one or several right ones.

    Words are compared in small letters, without marks; a Chinese character is a word. Of several
    references each score takes the one with the highest F1.

    Args:
        predicted: The summary; an empty one shares nothing.
        references: What it should say.

    Raises:
        ValueError: If there is no reference, or one has no word.

    Reference:
        Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries",
        https://aclanthology.org/W04-1013. The numbers are those of Google's rouge-score without
        stemming, for English; of ROUGE-L the variant for a text as one sentence.

    Example:
        >>> scores = rouge("the cat sat on the mat", "the cat lay on a mat")
        >>> scores.rouge1.n_right, scores.rouge2.n_right, scores.rouge_l.n_right
        (4, 1, 4)
    """
    texts = [references] if isinstance(references, str) else list(references)
    right = [rouge_units(text) for text in texts]
    if not right or not all(right):
        raise ValueError(f"references must be texts with words in them; got {texts}.")
    found = rouge_units(predicted)
    return RougeScores(
        rouge1=max((_shared_ngrams(found, one, 1) for one in right), key=_f1),
        rouge2=max((_shared_ngrams(found, one, 2) for one in right), key=_f1),
        rouge_l=max((_shared_in_order(found, one) for one in right), key=_f1),
    )


def rouge_units(text: str) -> list[str]:
    """Cut a text into what ROUGE counts.

    Args:
        text: Any text.

    Example:
        >>> rouge_units("Omar's 红猫, 3")
        ['omar', 's', '红', '猫', '3']
    """
    return UNITS.findall(text.lower())


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Count the units of the longest sequence that two sequences have in common, with gaps.

    Args:
        first: Units, such as words.
        second: Units.

    Example:
        >>> longest_common_subsequence("police killed the gunman".split(), "the gunman".split())
        2
    """
    lengths = [0] * (len(second) + 1)  # of what is common with the first units of `second`
    for unit in first:
        before = 0  # the length one row up, one column to the left
        for place, other in enumerate(second, start=1):
            above = lengths[place]
            lengths[place] = before + 1 if unit == other else max(above, lengths[place - 1])
            before = above
    return lengths[-1]


def _shared_ngrams(found: Sequence[str], right: Sequence[str], n: int) -> MatchCounts:
    one, two = (
        Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))
        for units in (found, right)
    )
    return MatchCounts((one & two).total(), one.total(), two.total())


def _shared_in_order(found: Sequence[str], right: Sequence[str]) -> MatchCounts:
    return MatchCounts(longest_common_subsequence(found, right), len(found), len(right))


def _f1(counts: MatchCounts) -> float:
    return counts.f1 if counts.n_predicted + counts.n_expected else 0.0
