"""How surprised a language model is, and how little surprise is possible.

Letters in shapes: N tokens, S states of a Markov chain.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


def nats_per_token(log_probs: Sequence[Float[np.ndarray, " N"]]) -> float:
    """Average the surprise over all tokens of some documents: the cross-entropy.

    Every token counts the same, so a long document counts more than a short one.

    Args:
        log_probs: Per document the log-probability, in nats, that the model gave each token.

    Returns:
        Minus the mean log-probability, in nats per token; infinite if some token was impossible.

    Raises:
        ValueError: If there is no token.

    Example:
        >>> nats_per_token([np.log([0.5, 0.25]), np.log([0.5])])  # (ln 2 + ln 4 + ln 2) / 3
        0.924...
    """
    n_tokens = sum(len(document) for document in log_probs)
    if n_tokens == 0:
        raise ValueError("log_probs must hold at least one token; got none.")
    return -float(sum(document.sum() for document in log_probs)) / n_tokens


def perplexity(cross_entropy_nats: float) -> float:
    """Turn nats per token into the number of equally likely tokens that would surprise as much.

    Perplexities of models with different vocabularies or tokens must not be compared.

    Args:
        cross_entropy_nats: Cross-entropy, in nats per token.

    Reference:
        Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks".

    Example:
        >>> round(perplexity(math.log(10)), 6)
        10.0
    """
    return math.exp(cross_entropy_nats)


def bits_per_character(log_probs: Sequence[Float[np.ndarray, " N"]], n_characters: int) -> float:
    """Average the surprise over the characters of some documents, whatever the tokens were.

    Unlike the perplexity, it can be compared between models with different tokens: the text is
    the same, however it was cut.

    Args:
        log_probs: Per document the log-probability, in nats, that the model gave each token. A
            document may be empty.
        n_characters: Length of the text of all documents together, in characters (≥ 1).

    Returns:
        Minus the summed log-probability, in bits, over the characters; infinite if some token was
        impossible.

    Raises:
        ValueError: If `n_characters` is below 1.

    Example:
        >>> bits_per_character([np.log([0.5, 0.25])], n_characters=6)  # 1 + 2 bits, 6 characters
        0.5
    """
    if n_characters < 1:
        raise ValueError(f"n_characters must be ≥ 1; got n_characters={n_characters}.")
    nats = -float(sum(document.sum() for document in log_probs))
    return nats / math.log(2) / n_characters


def stationary_distribution(transitions: ArrayLike) -> Float[np.ndarray, " S"]:
    """Find how often a Markov chain is in each of its states in the long run.

    Args:
        transitions: Row by row, the probabilities of the next state given this one.

    Returns:
        The distribution that one more step leaves unchanged.

    Raises:
        ValueError: If `transitions` is not square, or its rows are not distributions, or there is
            more than one such distribution.

    Example:
        >>> stationary_distribution([[0.9, 0.1], [0.3, 0.7]]).round(6)
        array([0.75, 0.25])
    """
    matrix = np.asarray(transitions, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"transitions must be a square matrix; got shape {matrix.shape}.")
    if (matrix < 0).any() or not np.allclose(matrix.sum(axis=1), 1):
        raise ValueError("transitions must have rows that are ≥ 0 and sum to 1; got other rows.")
    n_states = len(matrix)
    equations = np.vstack([matrix.T - np.eye(n_states), np.ones(n_states)])
    if np.linalg.matrix_rank(equations) < n_states:
        raise ValueError(
            "transitions must connect all states; got a chain that falls into separate parts."
        )
    wanted = np.append(np.zeros(n_states), 1.0)
    return np.linalg.lstsq(equations, wanted, rcond=None)[0]


def entropy_rate(transitions: ArrayLike) -> float:
    """Compute how surprising a Markov chain is to a model that knows it: the floor for every model.

    Args:
        transitions: Row by row, the probabilities of the next state given this one.

    Returns:
        Entropy rate, in nats per token.

    Raises:
        ValueError: As `stationary_distribution` does.

    Reference:
        Shannon 1948, "A Mathematical Theory of Communication", section 7.

    Example:
        >>> entropy_rate([[0.5, 0.5], [0.5, 0.5]])  # a fair coin: ln 2
        0.693...
    """
    matrix = np.asarray(transitions, dtype=np.float64)
    logs = np.log(matrix, out=np.zeros_like(matrix), where=matrix > 0)
    return -float(stationary_distribution(matrix) @ (matrix * logs).sum(axis=1))
