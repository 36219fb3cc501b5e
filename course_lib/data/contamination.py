"""Contamination: how much of a test a model may have read before.

A test text that stands in the training data measures memory, not skill. Whole copies are found as
duplicates are; here also parts are: a quoted paragraph, a page with one new line.
"""

from collections.abc import Iterable, Sequence

from course_lib.data.deduplication import shingles_of


def overlap_shares(
    tests: Sequence[str], training: Iterable[str], *, n_units: int = 8
) -> list[float]:
    """Say of each test text which share of its runs of words stands in the training texts, too.

    Short runs recur by chance ("at the end of the"); long ones miss small changes. Memory grows
    with the training texts: all their runs are kept.

    Args:
        tests: The texts a model is to be tested on.
        training: The texts it is trained on.
        n_units: Length of a run, in words or Chinese characters (≥ 1). A shorter text is one run.

    Returns:
        One share per test text, from 0 to 1; 0 for a text without words.

    Raises:
        ValueError: If `n_units` is below 1.

    Reference:
        Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C (runs of 8 to 13
        words), https://arxiv.org/abs/2005.14165. Unlike there, a text is not called dirty for a
        single run: the share is given.

    Example:
        >>> overlap_shares(["a b c d", "x y z"], ["so a b c or", "x y"], n_units=2)
        [0.666..., 0.5]
    """
    if n_units < 1:
        raise ValueError(f"n_units must be ≥ 1; got n_units={n_units}.")
    read = {run for text in training for run in shingles_of(text, n_units)}
    shares = []
    for text in tests:
        runs = shingles_of(text, n_units)
        shares.append(len(runs & read) / len(runs) if runs else 0.0)
    return shares
