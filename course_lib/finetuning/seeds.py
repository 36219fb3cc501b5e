"""The same recipe with several seeds: how good it is, and how sure one can be of that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from course_lib.evaluation import accuracy, mean_and_sd
from course_lib.finetuning.classifier import Classifier, Labelled
from course_lib.finetuning.labels import Label

Score = Callable[[Sequence[Label], Sequence[Label]], float]
"""Compares what was predicted with what was expected; the higher, the better."""


@dataclass(frozen=True, kw_only=True)
class SeedScores:
    """The scores of one recipe with several seeds.

    Attributes:
        scores: By seed.
        mean: Of the scores.
        sd: Their sample standard deviation.
    """

    scores: dict[int, float]
    mean: float
    sd: float


def fit_seeds(
    classifier: Classifier,
    train: Labelled,
    test: Labelled,
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    dev: Labelled | None = None,
    score: Score = accuracy,
) -> SeedScores:
    """Fit the same recipe with several seeds: one run says nothing about the next.

    Args:
        classifier: The recipe; it is not fitted itself.
        train: What each copy learns from.
        test: What each copy is scored on.
        seeds: At least two, all different.
        dev: As in `Classifier.fit`.
        score: Compares what was predicted with what was expected.

    Raises:
        ValueError: If there are fewer than two seeds, or two are equal; or as `Classifier.fit`.
    """
    require_seeds(seeds)
    return summarise(
        {
            seed: score_with_seed(classifier, train, test, seed, dev=dev, score=score)
            for seed in seeds
        }
    )


def score_with_seed(
    classifier: Classifier,
    train: Labelled,
    test: Labelled,
    seed: int,
    *,
    dev: Labelled | None = None,
    score: Score = accuracy,
) -> float:
    """Fit a copy of a recipe with a seed, and score what it predicts.

    Args:
        classifier: The recipe; it is not fitted itself.
        train: What the copy learns from.
        test: What it is scored on.
        seed: In place of the recipe's own (≥ 0).
        dev: As in `Classifier.fit`.
        score: Compares what was predicted with what was expected.

    Raises:
        ValueError: As `Classifier.fit`.
    """
    config = replace(classifier.config, seed=seed)
    copied = Classifier(classifier.encoder, classifier.strategy, config)
    copied.fit(*train, dev=dev)
    return score(copied.predict(test[0]), test[1])


def summarise(scores: dict[int, float]) -> SeedScores:
    """Compute mean and standard deviation of the scores of several seeds.

    Args:
        scores: By seed; at least two.
    """
    mean, sd = mean_and_sd(list(scores.values()))
    return SeedScores(scores=scores, mean=mean, sd=sd)


def require_seeds(seeds: Sequence[int]) -> None:
    """Refuse seeds that say nothing about the spread.

    Args:
        seeds: What to run with.

    Raises:
        ValueError: If there are fewer than two, or two are equal.
    """
    if len(seeds) < 2 or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be two or more, all different; got {list(seeds)}.")
