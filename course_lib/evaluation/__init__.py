"""Scores and how sure they are, on plain numbers and strings."""

from course_lib.evaluation.accuracy import accuracy
from course_lib.evaluation.correlation import pearson_correlation, spearman_correlation
from course_lib.evaluation.intervals import Interval, bootstrap_interval, proportion_interval

__all__ = [
    "Interval",
    "accuracy",
    "bootstrap_interval",
    "pearson_correlation",
    "proportion_interval",
    "spearman_correlation",
]
