"""Scores and how sure they are, on plain numbers and strings."""

from course_lib.evaluation.accuracy import accuracy
from course_lib.evaluation.baselines import chance_level, majority_share
from course_lib.evaluation.correlation import pearson_correlation, spearman_correlation
from course_lib.evaluation.diversity import distinct_n
from course_lib.evaluation.intervals import Interval, bootstrap_interval, proportion_interval
from course_lib.evaluation.perplexity import (
    bits_per_character,
    entropy_rate,
    nats_per_token,
    perplexity,
    stationary_distribution,
)
from course_lib.evaluation.spread import mean_and_sd

__all__ = [
    "Interval",
    "accuracy",
    "bits_per_character",
    "bootstrap_interval",
    "chance_level",
    "distinct_n",
    "entropy_rate",
    "majority_share",
    "mean_and_sd",
    "nats_per_token",
    "pearson_correlation",
    "perplexity",
    "proportion_interval",
    "spearman_correlation",
    "stationary_distribution",
]
