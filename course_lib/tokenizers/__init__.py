"""From text to words and ids; nothing here knows of tensors."""

from course_lib.tokenizers.bert_text import split_bert_words
from course_lib.tokenizers.bpe import (
    BPETokenizer,
    apply_merges,
    count_pairs,
    learn_merges,
    merge_pair,
)
from course_lib.tokenizers.byte_char import ByteTokenizer, CharTokenizer
from course_lib.tokenizers.pretokens import printable, split_pretokens
from course_lib.tokenizers.vocabulary import Vocabulary, check_sentences, describe_unknown
from course_lib.tokenizers.wordpiece import WordPieceTokenizer, longest_match
from course_lib.tokenizers.wordpiece_training import learn_wordpieces, pair_scores
from course_lib.tokenizers.words import sentences_of, split_sentences, split_words

__all__ = [
    "BPETokenizer",
    "ByteTokenizer",
    "CharTokenizer",
    "Vocabulary",
    "WordPieceTokenizer",
    "apply_merges",
    "check_sentences",
    "count_pairs",
    "describe_unknown",
    "learn_merges",
    "learn_wordpieces",
    "longest_match",
    "merge_pair",
    "pair_scores",
    "printable",
    "sentences_of",
    "split_bert_words",
    "split_pretokens",
    "split_sentences",
    "split_words",
]
