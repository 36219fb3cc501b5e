"""How much a translation has in common with a right one: BLEU and chrF.

Both are scores of a whole test set, not means over its sentences: counts are added up first. So a
function gives the counts, a row a sentence, and another makes the score of any rows, which is what
`bootstrap_interval` and `paired_bootstrap` need.

Letters: N = sentences.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Int

Language = Literal["en", "zh"]

TOKENIZERS: dict[str, str] = {"en": "13a", "zh": "zh"}
"""What sacrebleu cuts a text with, by the language of the target."""

N_ORDERS = 4
"""BLEU counts n-grams of up to so many words."""

CHRF_ORDERS, CHRF_BETA = 6, 2.0
"""chrF counts n-grams of up to so many characters, and recall counts beta² times as much."""

References = Sequence[str] | Sequence[Sequence[str]]
"""One right translation a sentence, or several."""


def bleu_counts(
    predicted: Sequence[str], references: References, language: Language = "en"
) -> Int[np.ndarray, "N 10"]:
    """Count what BLEU is made of, sentence by sentence, with sacrebleu.

    Args:
        predicted: Translations; an empty one has no n-gram.
        references: The right translation of each, or several.
        language: Of the target: it decides what a word is. Chinese is cut into characters.

    Returns:
        A row per sentence: its length, the length of the closest reference, how many n-grams of 1
        to 4 words are right (clipped), and how many there are.

    Raises:
        ValueError: If there is no sentence, they are not as many, or a reference is empty.

    Reference:
        Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation",
        https://aclanthology.org/P02-1040; Post 2018, "A Call for Clarity in Reporting BLEU
        Scores", https://aclanthology.org/W18-6319

    Example:
        >>> bleu_counts(["the the cat"], ["the cat sat"]).tolist()
        [[3, 3, 2, 1, 0, 0, 3, 2, 1, 0]]
    """
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize=TOKENIZERS[language], effective_order=True)
    rows = []
    for text, right in zip(predicted, _check(predicted, references), strict=True):
        found = metric.sentence_score(text, list(right))
        rows.append([found.sys_len, found.ref_len, *found.counts, *found.totals])
    return np.array(rows, dtype=np.int64)


def bleu_of_counts(counts: Int[np.ndarray, "N 10"]) -> float:
    """Compute corpus BLEU, from 0 to 100.

    Args:
        counts: Rows of `bleu_counts`.

    Example:
        >>> round(bleu_of_counts(bleu_counts(["a b c d e"], ["a b c d f"])), 2)
        66.87
    """
    from sacrebleu.metrics.bleu import BLEU

    total = np.asarray(counts).sum(axis=0).astype(int).tolist()
    right, there = total[2 : 2 + N_ORDERS], total[2 + N_ORDERS :]
    return BLEU.compute_bleu(
        correct=right, total=there, sys_len=total[0], ref_len=total[1], smooth_method="exp"
    ).score


def bleu(predicted: Sequence[str], references: References, language: Language = "en") -> float:
    """Compute corpus BLEU, as sacrebleu does by default, from 0 to 100.

    Args:
        predicted: Translations.
        references: The right translation of each, or several.
        language: Of the target.

    Raises:
        ValueError: As `bleu_counts`.

    Reference:
        As `bleu_counts`.
    """
    return bleu_of_counts(bleu_counts(predicted, references, language))


def chrf_counts(predicted: Sequence[str], references: References) -> Int[np.ndarray, "N 18"]:
    """Count what chrF is made of, sentence by sentence; white space does not count.

    Args:
        predicted: Translations, in any language.
        references: The right translation of each, or several, of which the closest counts.

    Returns:
        A row per sentence: for n-grams of 1 to 6 characters how many the translation has (0 where
        the reference is too short to have any), how many the reference has, and how many both.

    Raises:
        ValueError: If there is no sentence, they are not as many, or a reference is empty.

    Reference:
        Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation",
        https://aclanthology.org/W15-3049

    Example:
        >>> chrf_counts(["ab"], ["abc"])[0, :6].tolist()
        [2, 3, 2, 1, 2, 1]
    """
    rows = []
    for text, right in zip(predicted, _check(predicted, references), strict=True):
        of_each = [_shared_characters(text, one) for one in right]
        rows.append(max(of_each, key=lambda row: chrf_of_counts(np.array([row]))))
    return np.array(rows, dtype=np.int64)


def chrf_of_counts(counts: Int[np.ndarray, "N 18"]) -> float:
    """Compute corpus chrF, from 0 to 100.

    Args:
        counts: Rows of `chrf_counts`.

    Example:
        >>> chrf_of_counts(chrf_counts(["红猫"], ["红猫"]))
        100.0
    """
    found, there, both = np.asarray(counts).sum(axis=0).reshape(CHRF_ORDERS, 3).T
    is_counted = (found > 0) & (there > 0)
    if not is_counted.any() or not both.any():
        return 0.0
    precision = (both[is_counted] / found[is_counted]).mean()
    recall = (both[is_counted] / there[is_counted]).mean()
    weight = CHRF_BETA**2
    return float(100 * (1 + weight) * precision * recall / (weight * precision + recall))


def chrf(predicted: Sequence[str], references: References) -> float:
    """Compute corpus chrF2, as sacrebleu does by default, from 0 to 100.

    Args:
        predicted: Translations, in any language.
        references: The right translation of each, or several.

    Raises:
        ValueError: As `chrf_counts`.

    Reference:
        As `chrf_counts`.
    """
    return chrf_of_counts(chrf_counts(predicted, references))


def clipped_precision(predicted: Sequence[str], reference: Sequence[str], n: int) -> float:
    """Compute which share of a text's n-grams is right, each no oftener than it is there.

    Args:
        predicted: The words of a translation.
        reference: The words of the right one.
        n: How many words an n-gram has (≥ 1).

    Returns:
        From 0 to 1; NaN if the translation has no n-gram.

    Raises:
        ValueError: If `n` is below 1.

    Reference:
        Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation",
        section 2.1, https://aclanthology.org/P02-1040

    Example:
        >>> round(clipped_precision(["the"] * 7, "the cat is on the mat".split(), n=1), 4)
        0.2857
    """
    if n < 1:
        raise ValueError(f"n must be ≥ 1; got n={n}.")
    found, there = _ngrams(predicted, n), _ngrams(reference, n)
    return (found & there).total() / found.total() if found else float("nan")


def _ngrams(units: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(units[i : i + n]) for i in range(len(units) - n + 1))


def _shared_characters(predicted: str, reference: str) -> list[int]:
    texts = ["".join(text.split()) for text in (predicted, reference)]
    row = []
    for n in range(1, CHRF_ORDERS + 1):
        found, there = (_ngrams(text, n) for text in texts)
        row += [found.total() if there else 0, there.total(), (found & there).total()]
    return row


def _check(predicted: Sequence[str], references: References) -> list[Sequence[str]]:
    """Give each sentence its references in a list."""
    if isinstance(predicted, str) or isinstance(references, str):
        raise TypeError("predicted and references must be lists of texts; got one text.")
    if not predicted or len(predicted) != len(references):
        raise ValueError(
            "predicted and references must be as many, at least one; got "
            f"{len(predicted)} and {len(references)}."
        )
    listed = [[right] if isinstance(right, str) else right for right in references]
    for row, right in enumerate(listed):
        if not right or not all(text.strip() for text in right):
            raise ValueError(f"references must not be empty; got {right!r} in row {row}.")
    return listed
