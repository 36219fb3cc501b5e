"""Duplicates: texts that are the same, and texts that are nearly the same.

A text that stands in the corpus many times is learned by heart, and one that stands in train and
test makes the test worthless. Comparing every pair costs N² comparisons; here *MinHash* and
*locality-sensitive hashing* (LSH) propose few pairs, and only those are compared.

Two texts are compared as sets of *shingles*, runs of a few units in a row (a unit is a word or a
Chinese character). Their Jaccard similarity is |A ∩ B| / |A ∪ B|. A MinHash keeps, for each of
many random orders of all shingles, the first one of the text; two texts agree in one such place
with a probability equal to their similarity s. LSH cuts the places into bands of r rows and
proposes a pair as soon as one whole band agrees: with b bands, probability 1 − (1 − sʳ)ᵇ.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from course_lib.data.normalisation import normalise_text
from course_lib.data.units import text_units

MAX_MISSED_SHARE = 0.001
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, order=True)
class Duplicate:
    """A document that repeats an earlier one.

    Attributes:
        index: The row of the document that repeats.
        of_index: The row of the earlier document.
        kind: "exact" if both are the same after normalisation.
        similarity: The Jaccard similarity of their shingles.
    """

    index: int
    of_index: int
    kind: Literal["exact", "near"]
    similarity: float


def find_duplicates(
    documents: Sequence[str],
    *,
    threshold: float = 0.8,
    shingle_size: int = 5,
    n_permutations: int = 128,
    seed: int = 0,
) -> list[Duplicate]:
    """Find the documents to drop so that of every text one stays, the first.

    An exact duplicate points at the first document of the same normalised text. A near-duplicate
    points at the most similar earlier document *that is kept*; so in a chain of small changes, a
    document far from every kept one is kept too. The similarity is computed from the shingles,
    never estimated: LSH can miss a pair (one in a thousand at the threshold, fewer above it),
    but what is reported is true. Case and punctuation count for exact duplicates only.

    Args:
        documents: The texts, in the order in which the first of several is to be kept.
        threshold: From which similarity on two documents are near-duplicates (> 0, ≤ 1).
        shingle_size: Length of a shingle, in words or Chinese characters (≥ 1). A shorter document
            is one shingle.
        n_permutations: Length of a MinHash; more allow a lower threshold, and take longer.
        seed: Decides the random orders of MinHash.

    Returns:
        The duplicates, by rising row; no document is listed twice.

    Raises:
        ValueError: If an argument is out of range, `n_permutations` are too few for the threshold,
            or a document holds a lone surrogate.

    Reference:
        Broder 1997, "On the resemblance and containment of documents" (shingles, MinHash).
        Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better", section 4.2
        and appendix A, https://arxiv.org/abs/2107.06499. Unlike there (edit distance), a proposed
        pair is confirmed by its exact Jaccard similarity.

    Example:
        >>> find_duplicates(["The cat sat.", "A dog ran.", "The  cat sat."])
        [Duplicate(index=2, of_index=0, kind='exact', similarity=1.0)]
    """
    _check(threshold, shingle_size, seed)
    texts = [normalise_text(document) for document in documents]
    exact = _exact_duplicates(texts)
    repeated = {duplicate.index for duplicate in exact}
    rows = {
        row: shingles_of(text, shingle_size)
        for row, text in enumerate(texts)
        if row not in repeated
    }
    near = _near_duplicates(rows, threshold, n_permutations, seed)
    return sorted([*exact, *near])


def shingles_of(text: str, size: int) -> frozenset[tuple[str, ...]]:
    """Cut a text into its shingles: every run of `size` words or Chinese characters, lower-cased.

    Args:
        text: Any text.
        size: Units per shingle (≥ 1).

    Returns:
        The different shingles. A shorter text is one shingle; a text without units has none.

    Example:
        >>> sorted(shingles_of("The cat, the CAT", 2))
        [('cat', 'the'), ('the', 'cat')]
    """
    units = text_units(text.lower())
    if 0 < len(units) < size:
        return frozenset([tuple(units)])
    return frozenset(zip(*(units[start:] for start in range(size)), strict=False))


def jaccard(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> float:
    """Share of the elements of either set that are in both; 1 for two empty sets.

    Args:
        first: The shingles of one text.
        second: The shingles of the other.

    Example:
        >>> jaccard(shingles_of("a b c d", 1), shingles_of("b c d e", 1))
        0.6
    """
    either = len(first | second)
    return len(first & second) / either if either else 1.0


def bands_and_rows(threshold: float, n_permutations: int) -> tuple[int, int]:
    """Choose the bands of LSH: as many rows as possible without missing pairs at the threshold.

    Rows make a band harder to agree in, so that fewer pairs are proposed in vain; but then more
    true pairs are missed. The chance to miss a pair of similarity s is (1 − sʳ)ᵇ.

    Args:
        threshold: Similarity from which on pairs must be found.
        n_permutations: Length of a MinHash; bands × rows is at most this.

    Returns:
        Number of bands (≥ 2) and of rows in each.

    Raises:
        ValueError: If even one row a band misses more than one pair in a thousand.

    Example:
        >>> bands_and_rows(0.8, 128)
        (25, 5)
    """
    for rows in range(n_permutations // 2, 0, -1):
        bands = n_permutations // rows
        if (1 - threshold**rows) ** bands <= MAX_MISSED_SHARE:
            return bands, rows
    raise ValueError(
        f"n_permutations must be enough to find pairs of similarity {threshold}; got "
        f"n_permutations={n_permutations}. Raise n_permutations or the threshold."
    )


def _check(threshold: float, shingle_size: int, seed: int) -> None:
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1; got threshold={threshold}.")
    if shingle_size < 1:
        raise ValueError(f"shingle_size must be ≥ 1; got shingle_size={shingle_size}.")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed must be from 0 to {MAX_SEED}; got seed={seed}.")


def _exact_duplicates(texts: Sequence[str]) -> list[Duplicate]:
    first_row: dict[bytes, int] = {}
    found = []
    for row, text in enumerate(texts):
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        first = first_row.setdefault(digest, row)
        if first != row:
            found.append(Duplicate(row, first, "exact", 1.0))
    return found


def _near_duplicates(
    rows: dict[int, frozenset[tuple[str, ...]]], threshold: float, n_permutations: int, seed: int
) -> list[Duplicate]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=n_permutations, params=bands_and_rows(threshold, n_permutations))
    as_bytes = ([" ".join(shingle).encode() for shingle in shingles] for shingles in rows.values())
    sketches = MinHash.generator(as_bytes, num_perm=n_permutations, seed=seed)
    found = []
    for (row, shingles), sketch in zip(rows.items(), sketches, strict=True):
        proposed: list[Any] = index.query(sketch)  # the rows that were inserted as keys
        similarities = {earlier: jaccard(shingles, rows[earlier]) for earlier in sorted(proposed)}
        nearest = max(similarities, key=lambda earlier: similarities[earlier], default=None)
        if nearest is not None and similarities[nearest] >= threshold:
            found.append(Duplicate(row, nearest, "near", similarities[nearest]))
        elif shingles:
            index.insert(row, sketch)
    return found
