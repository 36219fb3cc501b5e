import json
from pathlib import Path

import pytest
import tokenizers

from course_lib.tokenizers import BPETokenizer
from course_lib.tokenizers.tokenizer_json import (
    bpe_model,
    byte_level,
    read_bpe,
    read_gpt2_files,
    read_json,
    read_special_tokens,
    read_tokenizer_json,
    write_tokenizer_json,
)

MARKS = {"<b>": 1, "<a>": 0}


def write(path: Path, changes: dict | None = None, **model: object) -> Path:
    write_tokenizer_json(
        path,
        model=bpe_model({"a": 3, "b": 2, "ab": 4} | MARKS, [("a", "b")]) | model,
        special_tokens=MARKS,
        pre_tokenizer=byte_level(use_regex=True),
        decoder=byte_level(use_regex=True),
    )
    document = json.loads(path.read_text("utf-8")) | (changes or {})
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    parts = read_bpe(write(tmp_path / "a.json"), use_regex=True)
    assert parts.vocabulary == {"b": 2, "a": 3, "ab": 4}
    assert parts.merges == [("a", "b")]
    assert parts.special_tokens == MARKS


def test_the_file_is_the_one_that_tokenizers_writes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    assert json.loads(tokenizers.Tokenizer.from_file(str(path)).to_str()) == read_json(path)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    theirs.add_special_tokens(["<a>", "<b>"])
    assert read_json(path)["added_tokens"] == json.loads(theirs.to_str())["added_tokens"]
    assert list(read_json(path)["model"]["vocab"].values()) == [0, 1, 2, 3, 4]


def test_all_parts_are_written_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    parts = {name: {"type": name} for name in ("normalizer", "pre_tokenizer", "post_processor")}
    write_tokenizer_json(
        path, model={"vocab": {"从": 0}}, special_tokens={}, decoder={"type": "d"}, **parts
    )
    assert {name: read_json(path)[name] for name in parts} == parts
    assert read_json(path)["decoder"] == {"type": "d"}
    assert "从".encode() in path.read_bytes()
    assert path.read_bytes().endswith(b"}\n")
    assert b"\r" not in path.read_bytes()


def test_older_files_are_read(tmp_path: Path) -> None:
    """GPT-2's own has empty strings for what is off, merges as text, and no type of model."""
    path = write(tmp_path / "a.json", unk_token="", continuing_subword_prefix="", merges=["a b"])
    document = read_json(path)
    del document["model"]["type"], document["model"]["ignore_merges"]
    del document["pre_tokenizer"]["use_regex"]
    document["post_processor"] = {"type": "ByteLevel", "trim_offsets": False}
    path.write_text(json.dumps(document), "utf-8")
    assert read_bpe(path, use_regex=True).merges == [("a", "b")]


@pytest.mark.parametrize(
    ("changes", "model", "message"),
    [
        ({"truncation": {"max_length": 5}}, {}, "truncation in .* must be null"),
        ({"padding": {"length": 5}}, {}, "padding in .* must be null"),
        ({"normalizer": {"type": "NFC"}}, {}, "normalizer in .* must be null; got .*NFC"),
        ({"pre_tokenizer": None}, {}, "pre_tokenizer in .*'ByteLevel'.*; got None"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, {}, "pre_tokenizer .*; got .*Whitespace"),
        (
            {"pre_tokenizer": {"type": "ByteLevel", "use_regex": True}},  # it adds a blank
            {},
            "'add_prefix_space': False",
        ),
        ({"post_processor": {"type": "BertProcessing"}}, {}, "post_processor .*BertProcessing"),
        ({}, {"type": "Unigram"}, "model.type .* must be 'BPE'; got 'Unigram'"),
        ({}, {"vocab": {}}, "vocab .* must not be empty: this tokenizer is untrained"),
        ({}, {"ignore_merges": True}, "model.ignore_merges .* must be off; got True"),
        ({}, {"dropout": 0.1}, "model.dropout .* must be off; got 0.1"),
        ({}, {"unk_token": "<b>"}, "model.unk_token .* must be off; got '<b>'"),
        ({}, {"byte_fallback": True}, "model.byte_fallback"),
        ({}, {"end_of_word_suffix": "</w>"}, "model.end_of_word_suffix"),
        ({}, {"continuing_subword_prefix": "##"}, "model.continuing_subword_prefix"),
        ({}, {"fuse_unk": True}, "model.fuse_unk"),
        ({}, {"merges": ["a b c"]}, "must be two tokens; got 'a b c'"),
        ({}, {"merges": [["a", ""]]}, r"must be two tokens; got \['a', ''\]"),
        ({"model": {"type": "BPE"}}, {}, "must be a tokenizer.json with model.vocab"),
        ({"model": None}, {}, "must be a tokenizer.json with model.vocab"),
    ],
)
def test_whatever_would_change_ids_is_refused(
    tmp_path: Path, changes: dict, model: dict, message: str
) -> None:
    path = write(tmp_path / "a.json", changes, **model)
    with pytest.raises(ValueError, match=message):
        read_bpe(path, use_regex=True)


def test_the_cut_must_be_the_expected_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'use_regex': False"):
        read_bpe(write(tmp_path / "a.json"), use_regex=False)


@pytest.mark.parametrize("mark", ["single_word", "lstrip", "rstrip"])
def test_special_tokens_that_swallow_blanks_are_refused(mark: str) -> None:
    token = {"content": "<m>", "id": 3, "special": True}
    assert read_special_tokens({"added_tokens": [token, {"content": "x", "id": 4}]}) == {
        "<m>": 3,
        "x": 4,
    }
    with pytest.raises(ValueError, match=f"{mark} of the special token '<m>' must be false"):
        read_special_tokens({"added_tokens": [token | {mark: True}]})


def test_a_file_without_special_tokens_has_none() -> None:
    assert read_special_tokens({}) == read_special_tokens({"added_tokens": None}) == {}


def test_what_is_no_json_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(FileNotFoundError, match="there is none at"):
        read_json(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="must hold a JSON object; got list"):
        read_json(path)
    path.write_bytes(b'{"\xff"}')
    with pytest.raises(ValueError, match="must be a JSON file in UTF-8"):
        read_json(path)
    path.write_text('{"a": 1}')
    with pytest.raises(ValueError, match=r"must be a tokenizer\.json"):
        read_tokenizer_json(path, "BPE")


def test_gpt2_files_are_read(tmp_path: Path) -> None:
    vocab, merges = tmp_path / "vocab.json", tmp_path / "merges.txt"
    vocab.write_text(json.dumps({"a": 0, "b": 1, "#": 2, "ab": 3, "<|endoftext|>": 4, "<>": 5}))
    merges.write_bytes(b"#version: 0.2\na b\r\n\n")
    parts = read_gpt2_files(vocab, merges)
    special = {"<|endoftext|>": 4, "<>": 5}
    assert parts == ({"a": 0, "b": 1, "#": 2, "ab": 3}, [("a", "b")], special)
    merges.write_text("# b\na b")
    assert read_gpt2_files(vocab, merges).merges == [("#", "b"), ("a", "b")]


@pytest.mark.parametrize("line", ["ab", "a b c", " b", "a "])
def test_a_line_that_is_no_pair_is_refused(tmp_path: Path, line: str) -> None:
    vocab, merges = tmp_path / "vocab.json", tmp_path / "merges.txt"
    vocab.write_text('{"a": 0}')
    with pytest.raises(FileNotFoundError, match="merges_txt must be a file"):
        read_gpt2_files(vocab, merges)
    merges.write_text(f"a b\n{line}\n")
    with pytest.raises(ValueError, match=f"two tokens; got '{line}'"):
        read_gpt2_files(vocab, merges)


def test_an_untrained_tokenizer_is_refused_where_others_are_silent(tmp_path: Path) -> None:
    """`tokenizers` writes an empty tokenizer without a word, and reads it again."""
    empty = tokenizers.Tokenizer(tokenizers.models.BPE())
    empty.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    empty.save(str(tmp_path / "empty.json"))
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "empty.json")).encode("text").ids == []
    with pytest.raises(ValueError, match="this tokenizer is untrained"):
        BPETokenizer.load(tmp_path / "empty.json")
