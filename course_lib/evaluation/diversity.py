"""How much a set of texts repeats itself."""

from collections.abc import Hashable, Sequence


def distinct_n(texts: Sequence[Sequence[Hashable]], n: int) -> float:
    """Share of the n-grams that are different ones: 1 if none comes twice, near 0 in a loop.

    It falls with the amount of text, so compare only sets of about the same size.

    Args:
        texts: Each a sequence of tokens; an n-gram lies within one text. A text may be shorter
            than n.
        n: Tokens of an n-gram (≥ 1).

    Returns:
        Different n-grams of all texts together, over all their n-grams.

    Raises:
        ValueError: If `n` is below 1, or there is no n-gram.

    Reference:
        Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models",
        section 5.2, https://arxiv.org/abs/1510.03055. Unlike the paper, which divides by the
        tokens, this divides by the n-grams, so that 1 can be reached whatever n is.

    Example:
        >>> distinct_n(["the cat and the cat".split()], n=2)  # "the cat" stands there twice
        0.75
    """
    if n < 1:
        raise ValueError(f"n must be ≥ 1; got n={n}.")
    ngrams = [tuple(text[i : i + n]) for text in texts for i in range(len(text) - n + 1)]
    if not ngrams:
        raise ValueError(f"texts must hold at least one text of {n} tokens or more; got none.")
    return len(set(ngrams)) / len(ngrams)
