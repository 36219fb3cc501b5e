"""Scores and how sure they are, on plain numbers and strings."""

from course_lib.evaluation.accuracy import accuracy
from course_lib.evaluation.answers import (
    answer_f1,
    answer_f1_zh,
    exact_match,
    exact_match_zh,
    normalize_answer,
    normalize_answer_zh,
)
from course_lib.evaluation.baselines import (
    chance_level,
    first_sentences,
    majority_label,
    majority_share,
    random_span,
)
from course_lib.evaluation.calibration import (
    ReliabilityBin,
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    temperature_scale,
)
from course_lib.evaluation.classification import class_scores, confusion_matrix, macro_f1
from course_lib.evaluation.correlation import pearson_correlation, spearman_correlation
from course_lib.evaluation.counts import MatchCounts
from course_lib.evaluation.diversity import distinct_n
from course_lib.evaluation.entities import (
    Entity,
    EntityScores,
    count_repairs,
    entity_scores,
    spans_to_tags,
    tags_to_spans,
)
from course_lib.evaluation.intervals import (
    Interval,
    PairedDifference,
    bootstrap_interval,
    paired_bootstrap,
    proportion_interval,
)
from course_lib.evaluation.overlap import RougeScores, longest_common_subsequence, rouge
from course_lib.evaluation.perplexity import (
    bits_per_character,
    entropy_rate,
    nats_per_token,
    perplexity,
    stationary_distribution,
)
from course_lib.evaluation.spread import mean_and_sd
from course_lib.evaluation.translation import (
    bleu,
    bleu_counts,
    bleu_of_counts,
    chrf,
    chrf_counts,
    chrf_of_counts,
    clipped_precision,
)

__all__ = [
    "Entity",
    "EntityScores",
    "Interval",
    "MatchCounts",
    "PairedDifference",
    "ReliabilityBin",
    "RougeScores",
    "accuracy",
    "answer_f1",
    "answer_f1_zh",
    "bits_per_character",
    "bleu",
    "bleu_counts",
    "bleu_of_counts",
    "bootstrap_interval",
    "brier_score",
    "chance_level",
    "chrf",
    "chrf_counts",
    "chrf_of_counts",
    "class_scores",
    "clipped_precision",
    "confusion_matrix",
    "count_repairs",
    "distinct_n",
    "entity_scores",
    "entropy_rate",
    "exact_match",
    "exact_match_zh",
    "expected_calibration_error",
    "first_sentences",
    "fit_temperature",
    "longest_common_subsequence",
    "macro_f1",
    "majority_label",
    "majority_share",
    "mean_and_sd",
    "nats_per_token",
    "normalize_answer",
    "normalize_answer_zh",
    "paired_bootstrap",
    "pearson_correlation",
    "perplexity",
    "proportion_interval",
    "random_span",
    "reliability_bins",
    "rouge",
    "spans_to_tags",
    "spearman_correlation",
    "stationary_distribution",
    "tags_to_spans",
    "temperature_scale",
]
