"""Architectures, one a module, each with its settings beside it."""

from course_lib.models.bert import BERT, BERTConfig, bert_base
from course_lib.models.bert_weights import bert_from_hf, bert_to_hf
from course_lib.models.encoder_decoder import (
    EncoderDecoder,
    EncoderDecoderConfig,
    shift_right,
    transformer_base,
)
from course_lib.models.encoder_decoder_blocks import DecoderCache
from course_lib.models.encoder_decoder_weights import (
    encoder_decoder_from_hf,
    encoder_decoder_to_hf,
)
from course_lib.models.gpt import (
    GPT,
    GPTConfig,
    gpt2_large,
    gpt2_medium,
    gpt2_small,
    gpt2_xl,
)
from course_lib.models.gpt_weights import gpt_from_hf, gpt_to_hf
from course_lib.models.kneser_ney import (
    KneserNeyConfig,
    KneserNeyModel,
    discounted_probabilities,
)
from course_lib.models.llama import (
    Llama,
    LlamaConfig,
    llama2_7b,
    llama3_8b,
    smollm2_135m,
    tinyllama_1b,
)
from course_lib.models.llama_weights import llama_from_hf, llama_to_hf
from course_lib.models.loading import load_tensors
from course_lib.models.modern_gpt import ModernGPT, ModernGPTConfig
from course_lib.models.ngram import NGramConfig, NGramModel, add_k_probabilities, count_ngrams
from course_lib.models.ngram_table import NGramTable
from course_lib.models.recurrent import (
    LSTMLanguageModel,
    LSTMLanguageModelConfig,
    lstm_step,
    zaremba_medium,
)
from course_lib.models.recurrent_translator import (
    AttendingTranslator,
    RecurrentTranslator,
    RecurrentTranslatorConfig,
)
from course_lib.models.shipped import Shipped, checkpoint_names, load_checkpoint
from course_lib.models.tree import TreeNetwork, TreeNetworkConfig
from course_lib.models.word_model import WordModel

__all__ = [
    "BERT",
    "GPT",
    "AttendingTranslator",
    "BERTConfig",
    "DecoderCache",
    "EncoderDecoder",
    "EncoderDecoderConfig",
    "GPTConfig",
    "KneserNeyConfig",
    "KneserNeyModel",
    "LSTMLanguageModel",
    "LSTMLanguageModelConfig",
    "Llama",
    "LlamaConfig",
    "ModernGPT",
    "ModernGPTConfig",
    "NGramConfig",
    "NGramModel",
    "NGramTable",
    "RecurrentTranslator",
    "RecurrentTranslatorConfig",
    "Shipped",
    "TreeNetwork",
    "TreeNetworkConfig",
    "WordModel",
    "add_k_probabilities",
    "bert_base",
    "bert_from_hf",
    "bert_to_hf",
    "checkpoint_names",
    "count_ngrams",
    "discounted_probabilities",
    "encoder_decoder_from_hf",
    "encoder_decoder_to_hf",
    "gpt2_large",
    "gpt2_medium",
    "gpt2_small",
    "gpt2_xl",
    "gpt_from_hf",
    "gpt_to_hf",
    "llama2_7b",
    "llama3_8b",
    "llama_from_hf",
    "llama_to_hf",
    "load_checkpoint",
    "load_tensors",
    "lstm_step",
    "shift_right",
    "smollm2_135m",
    "tinyllama_1b",
    "transformer_base",
    "zaremba_medium",
]
