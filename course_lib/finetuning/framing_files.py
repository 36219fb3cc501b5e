"""Tokenizers of pretrained models, read from and written to folders in Hugging Face's format."""

import json
from pathlib import Path
from typing import Any

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.framing import (
    END,
    Framing,
    frame_for_decoder,
    frame_for_encoder,
    frame_for_hugging_face,
)
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

TOKENIZER, TOKENIZER_SETTINGS, VOCABULARY = "tokenizer.json", "tokenizer_config.json", "vocab.txt"
GPT2_FILES = ("vocab.json", "merges.txt")
OUR_KINDS = ("bert", "gpt2", "llama", "marian")
"""Whose tokenizers may be ours."""


def load_framing(folder: Path, model_type: str, *, is_decoder: bool) -> Framing:
    """Read the tokenizer of a model, ours where it gives the same ids, else transformers'.

    Args:
        folder: In Hugging Face's format.
        model_type: As `config.json` says.
        is_decoder: Whether each token sees only those before it.

    Raises:
        WeightsNotFoundError: If the folder holds no tokenizer.
        ValueError: If its tokenizer lacks a mark that is needed.
    """
    files = (TOKENIZER, VOCABULARY, GPT2_FILES[0])
    if not any((folder / name).is_file() for name in files):
        raise WeightsNotFoundError(
            f"{folder} must hold the model's tokenizer, too: {TOKENIZER} or {VOCABULARY}; got "
            f"{sorted(path.name for path in folder.iterdir())}. Copy it there from where the "
            "weights came from."
        )
    settings = _read_settings(folder)
    tokenizer = _load_ours(folder, model_type, settings)
    if tokenizer is None:
        from transformers import AutoTokenizer

        theirs = AutoTokenizer.from_pretrained(folder)
        return frame_for_hugging_face(theirs, is_decoder=is_decoder)
    if isinstance(tokenizer, WordPieceTokenizer) or not is_decoder:
        return frame_for_encoder(tokenizer)
    return frame_for_decoder(tokenizer, settings.get("eos_token") or END)


def save_framing(framing: Framing, folder: Path) -> None:
    """Write a tokenizer so that `load_framing` reads it.

    Args:
        framing: With a tokenizer of ours or of transformers.
        folder: Must exist.
    """
    if not isinstance(framing.tokenizer, BPETokenizer | WordPieceTokenizer):
        framing.tokenizer.save_pretrained(folder)
        return
    framing.tokenizer.save(folder / TOKENIZER)
    if not framing.start and framing.end:
        settings = {"eos_token": framing.tokenizer.token_of(framing.end[0])}
        (folder / TOKENIZER_SETTINGS).write_text(json.dumps(settings), encoding="utf-8")


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / TOKENIZER_SETTINGS
    settings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if isinstance(settings.get("eos_token"), dict):  # older files describe tokens at length
        settings["eos_token"] = settings["eos_token"]["content"]
    return settings


def _load_ours(
    folder: Path, model_type: str, settings: dict[str, Any]
) -> BPETokenizer | WordPieceTokenizer | None:
    """Read a tokenizer of BERT's or GPT-2's kind; None if the files describe another kind."""
    lower = settings.get("do_lower_case", True)
    if model_type == "bert" and (folder / VOCABULARY).is_file():
        if settings.get("strip_accents") in {None, lower}:
            return WordPieceTokenizer.from_vocab(folder / VOCABULARY, lower=lower)
        return None
    if model_type not in OUR_KINDS:
        return None
    if not (folder / TOKENIZER).is_file():
        paths = [folder / name for name in GPT2_FILES]
        are_there = all(path.is_file() for path in paths)  # Marian has its own vocab.json
        return BPETokenizer.from_gpt2_files(*paths) if are_there else None
    for kind in (WordPieceTokenizer, BPETokenizer):
        try:
            return kind.load(folder / TOKENIZER)
        except ValueError:  # it would give other ids
            continue
    return None
