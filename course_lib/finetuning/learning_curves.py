"""How good a recipe gets with more and more labels, over several seeds."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from course_lib.evaluation import accuracy
from course_lib.finetuning.classifier import Classifier, Labelled
from course_lib.finetuning.examples import require_as_many
from course_lib.finetuning.labels import Label
from course_lib.finetuning.seeds import (
    Score,
    SeedScores,
    require_seeds,
    score_with_seed,
    summarise,
)
from course_lib.finetuning.strategies import Strategy


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """The scores of one recipe with several numbers of labels.

    Attributes:
        points: Number of labels → the scores by seed, their mean and standard deviation.
    """

    points: dict[int, SeedScores]

    @property
    def sizes(self) -> list[int]:
        """The numbers of labels, rising."""
        return list(self.points)

    @property
    def means(self) -> list[float]:
        """The mean score of each size."""
        return [point.mean for point in self.points.values()]

    @property
    def sds(self) -> list[float]:
        """The standard deviation over the seeds of each size."""
        return [point.sd for point in self.points.values()]


def learning_curve(
    classifier: Classifier,
    train: Labelled,
    test: Labelled,
    *,
    sizes: Sequence[int] | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    strategy_for: Callable[[int], Strategy] | None = None,
    score: Score = accuracy,
) -> LearningCurve:
    """Fit the same recipe to ever more of the labelled texts, with several seeds.

    A seed decides which texts are taken as well as everything else that is left to chance. The
    texts of a seed are nested, a larger size holds those of the smaller ones, and every class is
    there in about its share; so two recipes with the same seeds meet the same texts. There is no
    dev split: with 16 labels none can be spared.

    Args:
        classifier: The recipe; it is not fitted itself.
        train: What the copies learn from, all of it at the last size.
        test: What they are scored on.
        sizes: Numbers of labels, rising; None: 16, 32, … and all (see `doubling_sizes`).
        seeds: At least two, all different.
        strategy_for: Gives the strategy for a number of labels, because few labels need more
            rounds; None: always that of `classifier`.
        score: Compares what was predicted with what was expected.

    Raises:
        ValueError: If sizes do not rise, the smallest is below the number of classes or the
            largest above that of the texts, or there are fewer than two seeds or two are equal; or
            as `Classifier.fit`.
    """
    texts, labels = train
    require_as_many(texts, labels, "labels of train")
    require_seeds(seeds)
    if sizes is None:
        sizes = doubling_sizes(len(texts))
    _require_sizes(sizes, len(set(labels)), len(texts))
    orders = {seed: stratified_order(labels, seed) for seed in seeds}
    points = {}
    for size in sizes:
        strategy = classifier.strategy if strategy_for is None else strategy_for(size)
        recipe = Classifier(classifier.encoder, strategy, classifier.config)
        scores = {}
        for seed, order in orders.items():
            part = [texts[row] for row in order[:size]], [labels[row] for row in order[:size]]
            scores[seed] = score_with_seed(recipe, part, test, seed, score=score)
        points[size] = summarise(scores)
    return LearningCurve(points=points)


def doubling_sizes(n_texts: int, smallest: int = 16) -> list[int]:
    """List numbers of labels, each twice the one before, up to all that there are.

    Args:
        n_texts: How many there are (≥ 1).
        smallest: Where the list begins (≥ 1).

    Example:
        >>> doubling_sizes(100)
        [16, 32, 64, 100]
    """
    if n_texts < 1 or smallest < 1:
        raise ValueError(
            f"n_texts and smallest must be ≥ 1; got n_texts={n_texts}, smallest={smallest}."
        )
    sizes = []
    while smallest < n_texts:
        sizes.append(smallest)
        smallest *= 2
    return [*sizes, n_texts]


def stratified_order(labels: Sequence[Label], seed: int) -> list[int]:
    """Order rows by chance, but so that the first n hold the classes in about their shares.

    First comes one row of each class, then always a row of the class that lags behind most.

    Args:
        labels: The class of each row.
        seed: Decides which rows of a class come first.

    Returns:
        All row numbers. Where there are at least as many rows as classes, no class has a whole row
        more than its share, but for the one row that each has.

    Example:
        >>> [["a", "a", "a", "b"][row] for row in stratified_order(["a", "a", "a", "b"], seed=0)]
        ['a', 'b', 'a', 'a']
    """
    rows: dict[Label, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    chance = random.Random(seed)
    for of_class in rows.values():
        chance.shuffle(of_class)
    order = [of_class[0] for of_class in rows.values()]
    n_taken = Counter(dict.fromkeys(rows, 1))
    while len(order) < len(labels):
        n_next = len(order) + 1
        behind = max(rows, key=lambda c: len(rows[c]) * n_next / len(labels) - n_taken[c])
        order.append(rows[behind][n_taken[behind]])
        n_taken[behind] += 1
    return order


def _require_sizes(sizes: Sequence[int], n_classes: int, n_texts: int) -> None:
    rising = all(a < b for a, b in pairwise(sizes))
    if not sizes or not rising or sizes[0] < n_classes or sizes[-1] > n_texts:
        raise ValueError(
            f"sizes must rise, from at least {n_classes} (one text a class) to at most {n_texts} "
            f"(all texts); got {list(sizes)}."
        )
