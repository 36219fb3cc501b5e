"""The whole cleaning line: normalise, filter, deduplicate, mask; and a report that adds up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from course_lib.data.deduplication import find_duplicates
from course_lib.data.masking import mask_personal_data
from course_lib.data.normalisation import normalise_text
from course_lib.data.quality import DEFAULT_RULES, QualityRules, quality_problems


@dataclass(frozen=True, kw_only=True)
class CleaningRules:
    """What `clean` removes; the numbers of deduplication mean what they mean in `find_duplicates`.

    Attributes:
        quality: The limits of the quality filters.
        threshold: From which similarity on two documents are near-duplicates.
        shingle_size: Length of a shingle, in words or Chinese characters.
        n_permutations: Length of a MinHash.
        seed: Decides the random orders of MinHash.
    """

    quality: QualityRules = DEFAULT_RULES
    threshold: float = 0.8
    shingle_size: int = 5
    n_permutations: int = 128
    seed: int = 0


DEFAULT_CLEANING_RULES = CleaningRules()


class Removed(NamedTuple):
    """One document that was removed.

    Attributes:
        row: Its place among the documents given, from 0.
        reason: "broken text", the first rule of `quality_problems` that it breaks, "exact
            duplicate" or "near-duplicate".
        detail: All broken rules; or of which row it is a duplicate, and how similar.
    """

    row: int
    reason: str
    detail: str


@dataclass(frozen=True)
class CleaningReport:
    """What became of every document; `print` shows it as a table.

    Attributes:
        n_in: How many documents were given.
        kept: The rows of the documents kept, in the order of the cleaned texts.
        removed: The documents removed, by rising row.
        masked: How many pieces of personal data of each kind were masked in the documents kept.
    """

    n_in: int
    kept: tuple[int, ...]
    removed: tuple[Removed, ...]
    masked: Mapping[str, int]

    def __post_init__(self) -> None:
        rows = sorted([*self.kept, *(document.row for document in self.removed)])
        assert rows == list(range(self.n_in)), "each document is kept or removed, exactly once"

    @property
    def n_kept(self) -> int:
        """How many documents were kept."""
        return len(self.kept)

    @property
    def counts(self) -> dict[str, int]:
        """How many documents were removed for each reason, the commonest first."""
        return dict(Counter(document.reason for document in self.removed).most_common())

    def __str__(self) -> str:
        total = f"{self.n_in:,} documents in, {self.n_kept:,} kept, {len(self.removed):,} removed"
        rows = [
            *((f"removed: {reason}", n) for reason, n in self.counts.items()),
            *((f"masked: {kind}", n) for kind, n in self.masked.items()),
        ]
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join([total, *(f"{name:<{width}}  {n:>7,}" for name, n in rows)])


def clean(
    documents: Sequence[str], rules: CleaningRules = DEFAULT_CLEANING_RULES
) -> tuple[list[str], CleaningReport]:
    """Normalise documents, remove bad ones and repeated ones, and mask personal data in the rest.

    In this order: normalisation (a lone surrogate makes a "broken text"), quality and language,
    exact duplicates, near-duplicates, masking. So a bad document is never the one that is kept of
    two, and texts that differ in an address only are compared with the address in them.

    Args:
        documents: The texts; of several alike the first is kept.
        rules: What to remove.

    Returns:
        The cleaned texts, and the report: `n_in == n_kept + sum(counts.values())`.

    Raises:
        ValueError: If a number of the deduplication rules is out of range.

    Example:
        >>> texts = ["Mail to ann@example.org, and I will answer.", "404 | Error", "42"]
        >>> cleaned, report = clean(texts)
        >>> cleaned
        ['Mail to [EMAIL], and I will answer.']
        >>> print(report)
        3 documents in, 1 kept, 2 removed
        removed: too few words        2
        masked: EMAIL                 1
    """
    texts, removed = _good_texts(documents, rules.quality)
    rows = list(texts)
    for duplicate in find_duplicates(
        list(texts.values()),
        threshold=rules.threshold,
        shingle_size=rules.shingle_size,
        n_permutations=rules.n_permutations,
        seed=rules.seed,
    ):
        row, reason = rows[duplicate.index], _DUPLICATE_REASONS[duplicate.kind]
        detail = f"of row {rows[duplicate.of_index]}, similarity {duplicate.similarity:.2f}"
        removed.append(Removed(row, reason, detail))
        del texts[row]
    masked = [mask_personal_data(text) for text in texts.values()]
    counts = Counter(finding.kind for one in masked for finding in one.found)
    report = CleaningReport(
        len(documents), tuple(texts), tuple(sorted(removed)), dict(counts.most_common())
    )
    return [one.text for one in masked], report


_DUPLICATE_REASONS = {"exact": "exact duplicate", "near": "near-duplicate"}


def _good_texts(
    documents: Sequence[str], rules: QualityRules
) -> tuple[dict[int, str], list[Removed]]:
    """Give the normalised texts that break no rule, by their rows, and the others' problems."""
    texts: dict[int, str] = {}
    removed: list[Removed] = []
    for row, document in enumerate(documents):
        try:
            text = normalise_text(document)
        except ValueError as error:
            removed.append(Removed(row, "broken text", str(error)))
            continue
        if problems := quality_problems(text, rules):
            removed.append(Removed(row, problems[0], ", ".join(problems)))
        else:
            texts[row] = text
    return texts, removed
