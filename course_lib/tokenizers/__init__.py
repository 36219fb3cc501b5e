"""From text to words and ids; nothing here knows of tensors."""

from course_lib.tokenizers.vocabulary import Vocabulary, check_sentences, describe_unknown
from course_lib.tokenizers.words import sentences_of, split_sentences, split_words

__all__ = [
    "Vocabulary",
    "check_sentences",
    "describe_unknown",
    "sentences_of",
    "split_sentences",
    "split_words",
]
