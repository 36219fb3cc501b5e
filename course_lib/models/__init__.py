"""Architectures, one a module, each with its settings beside it."""

from course_lib.models.kneser_ney import (
    KneserNeyConfig,
    KneserNeyModel,
    discounted_probabilities,
)
from course_lib.models.ngram import NGramConfig, NGramModel, add_k_probabilities, count_ngrams
from course_lib.models.ngram_table import NGramTable
from course_lib.models.word_model import WordModel

__all__ = [
    "KneserNeyConfig",
    "KneserNeyModel",
    "NGramConfig",
    "NGramModel",
    "NGramTable",
    "WordModel",
    "add_k_probabilities",
    "count_ngrams",
    "discounted_probabilities",
]
