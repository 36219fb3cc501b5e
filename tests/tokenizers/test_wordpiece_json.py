import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer, Tokenizer

from course_lib.tokenizers import WordPieceTokenizer
from course_lib.tokenizers.wordpiece import SPECIAL_TOKENS

# Special tokens out of BERT's order, so that no id can be right by habit.
TOKENS = ["a", "##a", "é", "e", *SPECIAL_TOKENS, "从", "🙂", "##🙂", "##x", "."]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aaaÉ🙂从x. "))
OURS = {lower: WordPieceTokenizer(TOKENS, lower=lower) for lower in (True, False)}
EMPTY = json.dumps({"model": {"type": "WordPiece", "vocab": {}}})


@pytest.fixture(params=[True, False])
def file_and_ours(request, tmp_path: Path) -> tuple[Path, WordPieceTokenizer]:
    path = tmp_path / "tokenizer.json"
    OURS[request.param].save(path)
    return path, OURS[request.param]


def test_saved_files_work_in_hugging_faces_library(file_and_ours) -> None:
    path, ours = file_and_ours
    read = Tokenizer.from_file(str(path))
    read.encode_special_tokens = True

    @given(text=TEXTS, second=TEXTS)
    @settings(deadline=None, max_examples=100)
    def same(text: str, second: str) -> None:
        encoding = read.encode(text, add_special_tokens=False)
        assert ours.encode_with_offsets(text) == (encoding.ids, encoding.offsets)
        pair = read.encode(text, second)
        assert ours.encode_pair(text, second) == (pair.ids, pair.type_ids)
        assert ours.encode_pair(text)[0] == read.encode(text).ids
        assert read.decode(pair.ids, skip_special_tokens=False) == ours.decode(pair.ids)

    same()
    read.encode_special_tokens = False
    assert read.encode("a[MASK]", add_special_tokens=False).ids == [0, 8]
    assert read.decode([6, 0, 7]) == "a"  # they know which tokens are special


def test_files_of_either_library_load(file_and_ours, tmp_path: Path) -> None:
    path, ours = file_and_ours
    again = WordPieceTokenizer.load(path)
    assert (again.tokens, again.lower) == (ours.tokens, ours.lower)
    vocabulary = {token: index for index, token in enumerate(TOKENS)}
    theirs = BertWordPieceTokenizer(vocab=vocabulary, lowercase=ours.lower)
    theirs.save(str(tmp_path / "theirs.json"))
    again = WordPieceTokenizer.load(tmp_path / "theirs.json")
    assert (again.tokens, again.lower) == (ours.tokens, ours.lower)


@pytest.mark.parametrize(
    ("part", "key", "value", "message"),
    [
        ("model", "type", "BPE", "model.type .* must be 'WordPiece'; got 'BPE'"),
        ("model", "unk_token", "<unk>", r"model.unk_token must be '\[UNK\]'; got '<unk>'"),
        ("model", "continuing_subword_prefix", "@@", "must be '##'; got '@@'"),
        ("model", "max_input_chars_per_word", 7, "must be 100; got 7"),
        ("normalizer", "type", "NFD", "normalizer.type must be 'BertNormalizer'; got 'NFD'"),
        ("normalizer", "clean_text", False, "normalizer.clean_text must be True; got False"),
        ("normalizer", "handle_chinese_chars", False, "handle_chinese_chars must be True"),
        ("normalizer", "strip_accents", False, "strip_accents must be null, or True .* got False"),
        ("pre_tokenizer", "type", "Whitespace", "pre_tokenizer.type must be 'BertPreTokenizer'"),
    ],
)
def test_files_that_mean_something_else_are_refused(
    tmp_path: Path, part: str, key: str, value: object, message: str
) -> None:
    path = tmp_path / "tokenizer.json"
    OURS[True].save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content[part][key] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        WordPieceTokenizer.load(path)


def test_broken_vocabularies_in_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(EMPTY, encoding="utf-8")
    with pytest.raises(ValueError, match="must not be empty"):
        WordPieceTokenizer.load(path)
    OURS[True].save(path)
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"##x": ', '"##x": 1'), encoding="utf-8")
    with pytest.raises(ValueError, match=r"0 to .* without gaps"):
        WordPieceTokenizer.load(path)
    content = json.loads(whole)
    content["added_tokens"].append({"id": len(TOKENS), "content": "<new>"})
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"added_tokens must be in model.vocab; got '<new>'"):
        WordPieceTokenizer.load(path)
    content = json.loads(whole)
    content["normalizer"]["strip_accents"] = True  # which is what null means here
    del content["model"]["max_input_chars_per_word"], content["model"]["type"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert WordPieceTokenizer.load(path).tokens == TOKENS
