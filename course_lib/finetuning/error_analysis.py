"""Where a classifier is wrong, how sure it was, and what it had seen that looks like it.

Which classes are taken for which says `evaluation.confusion_matrix`.

Letters: N = texts, M = texts that were learnt from, D = d_model, K = classes, C = neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from course_lib.evaluation import Interval, proportion_interval
from course_lib.finetuning.classifier import Classifier, Labelled
from course_lib.finetuning.examples import LabelledTexts, by_length, require_as_many
from course_lib.finetuning.labels import Label, number_labels
from course_lib.finetuning.strategies import read_features


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A text that was learnt from, close to another.

    Attributes:
        text: The text.
        label: What it was labelled.
        cosine: How alike the vectors are, from -1 to 1.
    """

    text: str
    label: Label
    cosine: float


@dataclass(frozen=True, kw_only=True)
class WrongText:
    """A text that was classified wrongly.

    Attributes:
        text: The text.
        expected: Its label.
        predicted: What the classifier said.
        confidence: The probability of what it said.
        neighbours: The texts it learnt from that are closest, if they were looked for.
    """

    text: str
    expected: Label
    predicted: Label
    confidence: float
    neighbours: tuple[Neighbour, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SliceScore:
    """How a classifier does on the texts that have something in common.

    Attributes:
        name: What was asked of each text, such as "has a negation".
        value: The answer that they share.
        n_right: How many of them were right.
        n_total: How many there are.
        interval: Of the share that is right.
    """

    name: str
    value: str | int | bool
    n_right: int
    n_total: int
    interval: Interval

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return self.n_right / self.n_total


def closest_neighbours(
    vectors: ArrayLike, train_vectors: ArrayLike, k: int
) -> tuple[Int[np.ndarray, "N C"], Float[np.ndarray, "N C"]]:
    """Find for each vector those of another table that point most nearly the same way.

    Every pair is compared: O(N · M · D), nothing is approximated.

    Args:
        vectors: A table with one row per text (N rows, D columns).
        train_vectors: One row per text to choose from (M rows, D columns).
        k: How many are wanted for each (1 to M).

    Returns:
        Row numbers of `train_vectors`, the closest first (of equally close ones the earlier), and
        the cosines.

    Raises:
        ValueError: If the tables are not equally wide, a vector is all zeros or not finite, or `k`
            is out of range.

    Example:
        >>> rows, cosines = closest_neighbours([[1, 0], [0, 1]], [[0, 2], [3, 4]], k=1)
        >>> rows.tolist(), cosines.tolist()
        ([[1], [0]], [[0.6], [1.0]])
    """
    table, others = np.asarray(vectors, np.float64), np.asarray(train_vectors, np.float64)
    if table.ndim != 2 or others.ndim != 2 or table.shape[1] != others.shape[1]:
        raise ValueError(
            "vectors and train_vectors must be tables of one width; "
            f"got shapes {table.shape} and {others.shape}."
        )
    if not 1 <= k <= len(others):
        raise ValueError(f"k must be between 1 and {len(others)}; got k={k}.")
    cosines = _directions(table, "vectors") @ _directions(others, "train_vectors").T
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(cosines, rows, axis=1)


def text_vectors(classifier: Classifier, texts: Sequence[str]) -> Float[np.ndarray, "N D"]:
    """Compute the vector that a fitted classifier's head sees of each text.

    Args:
        classifier: A fitted one.
        texts: The texts.

    Returns:
        One row per text, in the order of the texts.

    Raises:
        ValueError: If there is no text, one is empty, or the classifier is not fitted.
    """
    model, config = classifier.model, classifier.config
    ids = model.encoder.encode_all(texts, config.max_tokens)
    order = by_length(ids)
    examples = LabelledTexts(
        [ids[row] for row in order],
        [0] * len(ids),
        n_classes=1,
        n_rows=config.n_rows,
        pad_id=model.encoder.pad_id,
    )
    found = read_features(model, examples).double().cpu().numpy()
    vectors = np.empty_like(found)
    vectors[order] = found
    return vectors


def most_confidently_wrong(
    test: Labelled,
    probabilities: Float[np.ndarray, "N K"],
    classes: Sequence[Label],
    n_texts: int | None = None,
) -> list[WrongText]:
    """List the texts that were classified wrongly, those with the highest confidence first.

    Read them: a wrong label, a text that people would disagree about, or something that the model
    does not know, such as irony?

    Args:
        test: Texts and their right labels.
        probabilities: Of the classifier, one row per text.
        classes: What the columns stand for.
        n_texts: How many to list (≥ 1); None: all that are wrong.

    Raises:
        ValueError: If texts, labels and rows are not as many, there are not as many columns as
            classes, a label is none of the classes, or `n_texts` is below 1.

    Example:
        >>> test = (["fine", "fun", "dull"], ["pos", "pos", "neg"])
        >>> table = np.array([[0.9, 0.1], [0.6, 0.4], [0.9, 0.1]])
        >>> [(e.text, e.confidence) for e in most_confidently_wrong(test, table, ("neg", "pos"))]
        [('fine', 0.9), ('fun', 0.6)]
    """
    texts, labels = test
    require_as_many(texts, labels, "labels")
    if probabilities.shape != (len(texts), len(classes)):
        raise ValueError(
            f"probabilities must be {len(texts)} rows of {len(classes)} columns, one per text and "
            f"one per class; got shape {probabilities.shape}."
        )
    if n_texts is not None and n_texts < 1:
        raise ValueError(f"n_texts must be ≥ 1; got n_texts={n_texts}.")
    expected = np.array(number_labels(labels, classes), dtype=np.int64)
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != expected)
    order = wrong[np.argsort(-confidence[wrong], kind="stable")][:n_texts]
    return [
        WrongText(
            text=texts[row],
            expected=labels[row],
            predicted=classes[predicted[row]],
            confidence=float(confidence[row]),
        )
        for row in map(int, order)
    ]


def wrong_with_neighbours(
    classifier: Classifier, train: Labelled, test: Labelled, *, k: int = 3
) -> list[WrongText]:
    """List wrong texts with the closest ones that were learnt from, and what those were labelled.

    Neighbours with the wrong label show where an error may come from; they do not prove it.

    Args:
        classifier: A fitted one.
        train: What it was fitted to.
        test: Texts it has not seen, and their right labels.
        k: How many neighbours each gets.

    Returns:
        The wrong texts, those with the highest confidence first; none if all are right.

    Raises:
        ValueError: If texts and labels are not as many, a text is empty, a label of `test` is none
            of the classes, `k` is out of range, or the classifier is not fitted.
    """
    require_as_many(train[0], train[1], "labels of train")
    wrong = most_confidently_wrong(test, classifier.predict_proba(test[0]), classifier.classes)
    if not wrong:
        return []
    vectors = text_vectors(classifier, [one.text for one in wrong])
    rows, cosines = closest_neighbours(vectors, text_vectors(classifier, train[0]), k)
    explained = []
    for one, near, alike in zip(wrong, rows, cosines, strict=True):
        neighbours = tuple(
            Neighbour(text=train[0][row], label=train[1][row], cosine=cosine)
            for row, cosine in zip(map(int, near), map(float, alike), strict=True)
        )
        explained.append(replace(one, neighbours=neighbours))
    return explained


def worst_slices(
    predicted: Sequence[Label],
    expected: Sequence[Label],
    answers: Mapping[str, Sequence[str | int | bool]],
    *,
    n_least: int = 20,
    confidence: float = 0.95,
) -> list[SliceScore]:
    """Compute the accuracy on texts that have something in common, the worst first.

    Of many slices one looks bad by chance: at a confidence of 95 %, one interval in twenty misses
    the truth. A slice that was found this way is confirmed on other texts.

    Args:
        predicted: One label per text.
        expected: The right labels.
        answers: Question → the answer for each text, such as {"negation": [True, False, …]} or
            {"length": ["short", "long", …]}. The texts with the same answer are a slice.
        n_least: How many texts a slice must have (≥ 1): with a few, its accuracy says nothing.
        confidence: Of the intervals (Wilson's).

    Returns:
        All slices by rising accuracy, the larger first where it is equal.

    Raises:
        ValueError: If the lengths differ, a slice has fewer than `n_least` texts, or
            `confidence` is not between 0 and 1.

    Example:
        >>> slices = {"negation": [True, True, False, False]}
        >>> worst, best = worst_slices("aabb", "bbbb", slices, n_least=2)
        >>> worst.value, worst.n_right, best.accuracy
        (True, 0, 1.0)
    """
    if n_least < 1:
        raise ValueError(f"n_least must be ≥ 1; got n_least={n_least}.")
    require_as_many(predicted, expected, "expected labels")
    scores = []
    for name, values in answers.items():
        require_as_many(predicted, values, f"answers to {name!r}")
        for value in dict.fromkeys(values):
            rows = [row for row, other in enumerate(values) if other == value]
            if len(rows) < n_least:
                raise ValueError(
                    f"slices must have at least n_least={n_least} texts; got {len(rows)} with "
                    f"{name}={value!r}. Join it with another."
                )
            n_right = sum(predicted[row] == expected[row] for row in rows)
            interval = proportion_interval(n_right, len(rows), confidence=confidence)
            scores.append(
                SliceScore(
                    name=name, value=value, n_right=n_right, n_total=len(rows), interval=interval
                )
            )
    return sorted(scores, key=lambda score: (score.accuracy, -score.n_total))


def _directions(table: np.ndarray, name: str) -> np.ndarray:
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        row = int(np.argmax(~(np.isfinite(lengths) & (lengths > 0))))
        raise ValueError(
            f"{name} must be finite and not all zeros; got a length of {lengths[row, 0]} in row "
            f"{row}."
        )
    return table / lengths
