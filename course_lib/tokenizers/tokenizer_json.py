"""Reading and writing tokenizer.json, the file in which Hugging Face keeps a tokenizer.

What would make the ids of such a file differ from ours is refused by name, never skipped.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_PLAIN_MARKS = ("single_word", "lstrip", "rstrip")
_BPE_SWITCHES = (
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
)


class BPEParts(NamedTuple):
    """What a file says about a byte-level tokenizer.

    Attributes:
        vocabulary: Tokens in printable form, with their ids; special tokens are not among them.
        merges: Pairs in printable form, in the order of their use.
        special_tokens: Special tokens with their ids.
    """

    vocabulary: dict[str, int]
    merges: list[tuple[str, str]]
    special_tokens: dict[str, int]


def write_tokenizer_json(
    path: str | Path,
    *,
    model: Mapping[str, Any],
    special_tokens: Mapping[str, int],
    normalizer: Mapping[str, Any] | None = None,
    pre_tokenizer: Mapping[str, Any] | None = None,
    post_processor: Mapping[str, Any] | None = None,
    decoder: Mapping[str, Any] | None = None,
) -> None:
    """Write a tokenizer so that `tokenizers.Tokenizer.from_file` reads it.

    Args:
        path: The file, usually called tokenizer.json; its folder must exist.
        model: Type, vocabulary and settings of the model.
        special_tokens: Special tokens with their ids.
        normalizer: What happens to the text first.
        pre_tokenizer: How the text is cut before the model sees it.
        post_processor: Which special tokens are put around the ids.
        decoder: How tokens are put together again.
    """
    added = [
        {
            "id": token_id,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for token, token_id in sorted(special_tokens.items(), key=lambda item: item[1])
    ]
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": model,
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds anything else.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be a tokenizer's file; there is none at {path}.")
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError:
        raise ValueError(
            f"{path} must be a JSON file in UTF-8; it cannot be read as one."
        ) from None
    if not isinstance(document, dict):
        raise ValueError(f"{path} must hold a JSON object; got {type(document).__name__}.")
    return document


def read_tokenizer_json(path: str | Path, model_type: str) -> dict[str, Any]:
    """Read a tokenizer.json and make sure that it holds a certain kind of trained tokenizer.

    Args:
        path: The file.
        model_type: What `model.type` must say. Files from before that entry existed lack it.

    Returns:
        The whole document.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a tokenizer.json, holds another kind of model, has an empty
            vocabulary, or cuts or pads texts.
    """
    document = read_json(path)
    model = document.get("model")
    if not isinstance(model, dict) or "vocab" not in model:
        raise ValueError(f"{path} must be a tokenizer.json with model.vocab; it has none.")
    if model.get("type", model_type) != model_type:
        raise ValueError(f"model.type in {path} must be {model_type!r}; got {model['type']!r}.")
    if not model["vocab"]:
        raise ValueError(f"model.vocab in {path} must not be empty: this tokenizer is untrained.")
    for name in ("truncation", "padding"):
        if document.get(name) is not None:
            raise ValueError(f"{name} in {path} must be null, so that every id is kept as it is.")
    return document


def read_special_tokens(document: Mapping[str, Any]) -> dict[str, int]:
    """Find the special tokens of a tokenizer.json.

    Args:
        document: The file's content.

    Raises:
        ValueError: If one of them swallows blanks or is only found between other words.
    """
    special_tokens = {}
    for token in document.get("added_tokens") or []:
        marks = [mark for mark in _PLAIN_MARKS if token.get(mark)]
        if marks:
            raise ValueError(
                f"{marks[0]} of the special token {token['content']!r} must be false; got true."
            )
        special_tokens[token["content"]] = token["id"]
    return special_tokens


def bpe_model(vocabulary: Mapping[str, int], merges: list[tuple[str, str]]) -> dict[str, Any]:
    """Describe byte-pair encoding as the `model` of a tokenizer.json.

    Args:
        vocabulary: Tokens in printable form, with their ids.
        merges: Pairs in printable form, in the order of their use.
    """
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
        "merges": [list(pair) for pair in merges],
    }


def byte_level(*, use_regex: bool) -> dict[str, Any]:
    """Describe the byte-level step, which is a pre-tokenizer and a decoder alike.

    Args:
        use_regex: Whether texts are cut by GPT-2's pattern.
    """
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": use_regex,
    }


def read_bpe(path: str | Path, *, use_regex: bool) -> BPEParts:
    """Read a byte-level tokenizer from a tokenizer.json.

    Args:
        path: The file.
        use_regex: Whether it must cut texts by GPT-2's pattern, or not at all.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file does anything to a text that would give it other ids, or if a merge
            is not two tokens.
    """
    document = read_tokenizer_json(path, "BPE")
    model = document["model"]
    switched_on = [name for name in _BPE_SWITCHES if model.get(name)]
    if switched_on:
        name = switched_on[0]
        raise ValueError(f"model.{name} in {path} must be off; got {model[name]!r}.")
    if document.get("normalizer") is not None:
        raise ValueError(f"normalizer in {path} must be null; got {document['normalizer']}.")
    _check_byte_level(document.get("pre_tokenizer"), use_regex, path)
    after = document.get("post_processor")
    if after is not None and after.get("type") != "ByteLevel":
        raise ValueError(f"post_processor in {path} must be null or ByteLevel; got {after}.")
    special_tokens = read_special_tokens(document)
    vocabulary = {name: i for name, i in model["vocab"].items() if name not in special_tokens}
    merges = [_read_pair(pair, path) for pair in model.get("merges") or []]
    return BPEParts(vocabulary, merges, special_tokens)


def _read_pair(written: object, path: str | Path) -> tuple[str, str]:
    """Read a merge, written as a list of two tokens or, in older files, with a blank between."""
    match written.split(" ") if isinstance(written, str) else written:
        case [str(first), str(second)] if first and second:
            return first, second
    raise ValueError(f"a merge in {path} must be two tokens; got {written!r}.")


def _check_byte_level(step: Mapping[str, Any] | None, use_regex: bool, path: str | Path) -> None:
    """Refuse a pre-tokenizer other than the one byte-level step."""
    expected = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": use_regex}
    found = {"add_prefix_space": True, "use_regex": True} | dict(step or {})  # their defaults
    if any(found.get(name) != value for name, value in expected.items()):
        raise ValueError(f"pre_tokenizer in {path} must have {expected}; got {step}.")


def read_gpt2_files(vocab_json: str | Path, merges_txt: str | Path) -> BPEParts:
    """Read the two files in which GPT-2 was published.

    Entries of the vocabulary that are neither bytes nor the result of a merge, such as
    <|endoftext|>, are special tokens.

    Args:
        vocab_json: The tokens in printable form, with their ids.
        merges_txt: One merge a line, below a line with the version.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the first file holds no JSON object, or a line of the second not two
            tokens.
    """
    vocabulary = read_json(vocab_json)
    if not Path(merges_txt).is_file():
        raise FileNotFoundError(f"merges_txt must be a file; there is none at {merges_txt}.")
    lines = Path(merges_txt).read_text(encoding="utf-8").split("\n")
    if lines[0].startswith("#version"):
        del lines[0]
    merges = [_read_pair(line, merges_txt) for line in lines if line]
    made = {first + second for first, second in merges}
    special = {name: i for name, i in vocabulary.items() if len(name) > 1 and name not in made}
    plain = {name: i for name, i in vocabulary.items() if name not in special}
    return BPEParts(plain, merges, special)
