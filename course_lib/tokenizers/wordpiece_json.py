"""WordPiece tokenizers as Hugging Face's tokenizer.json files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.tokenizers.tokenizer_json import (
    read_special_tokens,
    read_tokenizer_json,
    write_tokenizer_json,
)

# Settings that a file may have in no other way.
_MODEL = {
    "unk_token": "[UNK]",
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
}
_NORMALIZER = {"clean_text": True, "handle_chinese_chars": True}


def _template(special_tokens: Mapping[str, int]) -> dict[str, Any]:
    def special(token: str, segment: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": segment}}

    def sequence(name: str, segment: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": segment}}

    single = [special("[CLS]", 0), sequence("A", 0), special("[SEP]", 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, sequence("B", 1), special("[SEP]", 1)],
        "special_tokens": {
            token: {"id": token, "ids": [special_tokens[token]], "tokens": [token]}
            for token in ("[CLS]", "[SEP]")
        },
    }


def write_wordpiece_json(
    path: str | Path, tokens: Sequence[str], special_tokens: Mapping[str, int], *, lower: bool
) -> None:
    """Write a tokenizer.json.

    Args:
        path: The file; overwritten if it exists.
        tokens: All tokens in the order of their ids.
        special_tokens: The ids of the special ones among them.
        lower: Whether case and accents are folded.
    """
    write_tokenizer_json(
        path,
        model={
            "type": "WordPiece",
            **_MODEL,
            "vocab": {token: index for index, token in enumerate(tokens)},
        },
        special_tokens=special_tokens,
        # strip_accents: null means "as lowercase"
        normalizer={
            "type": "BertNormalizer",
            **_NORMALIZER,
            "strip_accents": None,
            "lowercase": lower,
        },
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor=_template(special_tokens),
        decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
    )


def _check_part(name: str, part: object, expected: Mapping[str, object]) -> None:
    found = part if isinstance(part, dict) else {}
    for key, value in expected.items():
        if found.get(key, None if key == "type" else value) != value:
            raise ValueError(f"{name}.{key} must be {value!r}; got {found.get(key)!r}.")


def read_wordpiece_json(path: str | Path) -> tuple[list[str], bool]:
    """Read a tokenizer.json of BERT's kind.

    Args:
        path: The file.

    Returns:
        The tokens in the order of their ids, and whether case and accents are folded.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it describes a tokenizer that does something else, or if ids are left out.
    """
    content = read_tokenizer_json(path, "WordPiece")
    normalizer = content["normalizer"]
    _check_part("model", content["model"], _MODEL)
    _check_part("normalizer", normalizer, {"type": "BertNormalizer", **_NORMALIZER})
    _check_part("pre_tokenizer", content["pre_tokenizer"], {"type": "BertPreTokenizer"})
    lower = normalizer["lowercase"]
    if normalizer["strip_accents"] not in {None, lower}:
        raise ValueError(
            f"normalizer.strip_accents must be null, or {lower} as normalizer.lowercase is; got "
            f"{normalizer['strip_accents']}."
        )
    ids: dict[str, int] = content["model"]["vocab"]
    extra = [token for token in read_special_tokens(content) if token not in ids]
    if extra:
        raise ValueError(f"added_tokens must be in model.vocab; got {extra[0]!r}.")
    if sorted(ids.values()) != list(range(len(ids))):
        raise ValueError(f"the ids of model.vocab must be 0 to {len(ids) - 1} without gaps.")
    return sorted(ids, key=ids.__getitem__), lower
