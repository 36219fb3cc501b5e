"""Random encoders that take seconds to fit, one of ours and one of transformers'."""

from pathlib import Path
from typing import Literal

from transformers import PreTrainedTokenizerFast

from course_lib.finetuning import Encoder, wrap_encoder
from course_lib.models import BERT, BERTConfig, bert_to_hf
from course_lib.seeding import make_generator
from course_lib.tokenizers import WordPieceTokenizer

Kind = Literal["ours", "theirs"]

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CONSONANTS, VOWELS = "bdkt", "aiu"
SYLLABLES = [c + v for c in CONSONANTS for v in VOWELS]
PIECES = [
    *SYLLABLES,
    *[f"##{syllable}" for syllable in SYLLABLES],
    *[syllable.capitalize() for syllable in SYLLABLES],
    *["who", "where", "is", "from", ".", "?"],
]
"""Invented words are made of these: "Dabi", "kutata"."""


def make_tokenizer() -> WordPieceTokenizer:
    return WordPieceTokenizer([*MARKS, *PIECES], lower=False)


def make_encoder(kind: Kind, folder: Path, max_len: int = 32) -> Encoder:
    """Both kinds have the same weights; the tokenizer of theirs is written to the folder."""
    tokenizer = make_tokenizer()
    sizes = {"max_len": max_len, "d_model": 24, "n_heads": 2, "n_layers": 1, "d_ff": 48}
    config = BERTConfig(vocab_size=tokenizer.vocab_size, dropout=0.0, **sizes)
    ours = BERT(config, make_generator(0)).eval()
    if kind == "ours":
        return wrap_encoder(ours, tokenizer)
    path = folder / "tokenizer.json"
    tokenizer.save(path)
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(path), **names)
    return wrap_encoder(bert_to_hf(ours).bert, theirs)
