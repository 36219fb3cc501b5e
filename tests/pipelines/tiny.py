"""Folders as the hub has them: tiny random models of transformers with heads and tokenizers."""

from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import BertConfig, PreTrainedTokenizerFast

from course_lib.tokenizers import WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran", "in", "rome", "is", "not", "good"]
PIECES = [*MARKS, *WORDS, "##s", "##t", "bad", "where", "who", ".", ",", "?", "!", "红", "猫"]


def make_tokenizer(folder: Path, max_len: int = 64) -> PreTrainedTokenizerFast:
    folder.mkdir(parents=True, exist_ok=True)
    WordPieceTokenizer(PIECES, lower=True).save(folder / "tokenizer.json")
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        model_max_length=max_len,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def make_folder(folder: Path, head: str, max_len: int = 64, **settings: Any) -> Path:
    """Write a random BERT with a head, such as "BertForQuestionAnswering"."""
    make_tokenizer(folder, max_len)
    config = BertConfig(
        vocab_size=len(PIECES),
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=40,
        max_position_embeddings=max_len,
        initializer_range=0.6,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(transformers, head)(config).eval()
    model.save_pretrained(folder)
    return folder
