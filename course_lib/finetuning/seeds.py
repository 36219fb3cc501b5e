"""The same recipe with several seeds: how good it is, and how sure one can be of that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from course_lib.evaluation import accuracy, mean_and_sd
from course_lib.finetuning.classifier import Classifier, Labelled
from course_lib.finetuning.labels import Label


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
    score: Callable[[Sequence[Label], Sequence[Label]], float] = accuracy,
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
    if len(seeds) < 2 or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds must be two or more, all different; got {list(seeds)}.")
    scores = {}
    for seed in seeds:
        config = replace(classifier.config, seed=seed)
        copied = Classifier(classifier.encoder, classifier.strategy, config)
        copied.fit(*train, dev=dev)
        scores[seed] = score(copied.predict(test[0]), test[1])
    mean, sd = mean_and_sd(list(scores.values()))
    return SeedScores(scores=scores, mean=mean, sd=sd)
