import json
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer
from course_lib.tokenizers.tokenizer_json import read_json

MARKS = ("<|end|>", "<s>")
BYTES = ByteTokenizer(MARKS)
CHARACTERS = CharTokenizer.train(["hello\n wörld", "从前 <|s>"], special_tokens=MARKS)
some_text = st.one_of(st.text(), st.text(alphabet="helo wörld\n从前🙂<|end|><s>unk"))


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> list[tokenizers.Tokenizer]:
    folder = tmp_path_factory.mktemp("files")
    BYTES.save(folder / "bytes.json")
    CHARACTERS.save(folder / "characters.json")
    return [
        tokenizers.Tokenizer.from_file(str(folder / name))
        for name in ("bytes.json", "characters.json")
    ]


@settings(deadline=None)
@given(some_text)
def test_ids_are_those_of_the_reference(references: list[tokenizers.Tokenizer], text: str) -> None:
    for ours, theirs in zip((BYTES, CHARACTERS), references, strict=True):
        ids = ours.encode(text, allowed_special=ours.special_tokens)
        assert ids == theirs.encode(text).ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


@settings(deadline=None)
@given(some_text)
def test_offsets_are_those_of_the_reference(
    references: list[tokenizers.Tokenizer], text: str
) -> None:
    for ours, theirs in zip((BYTES, CHARACTERS), references, strict=True):
        theirs.encode_special_tokens = True
        found = theirs.encode(text)
        theirs.encode_special_tokens = False
        assert ours.encode_with_offsets(text) == (found.ids, found.offsets)


def test_names_are_those_of_the_reference(references: list[tokenizers.Tokenizer]) -> None:
    for ours, theirs in zip((BYTES, CHARACTERS), references, strict=True):
        names = [ours.token_of(i) for i in range(ours.vocab_size)]
        assert names == [theirs.id_to_token(i) for i in range(theirs.get_vocab_size())]
        assert [ours.id_of(name) for name in names] == list(range(ours.vocab_size))


def test_the_file_cuts_characters_as_the_reference_would_write_it(tmp_path: Path) -> None:
    CHARACTERS.save(tmp_path / "characters.json")
    cut = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")
    expected = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="<unk>"))
    expected.pre_tokenizer, expected.decoder = cut, tokenizers.decoders.Fuse()
    found, wanted = read_json(tmp_path / "characters.json"), json.loads(expected.to_str())
    assert found["pre_tokenizer"] == wanted["pre_tokenizer"]
    assert found["decoder"] == wanted["decoder"]


def test_bytes_by_hand() -> None:
    assert BYTES.encode("a é") == [97, 32, 0xC3, 0xA9]
    assert BYTES.encode("<s>a", allowed_special=["<s>"]) == [257, 97]
    assert BYTES.vocab_size == 258
    assert (BYTES.token_of(32), BYTES.token_of(257), BYTES.id_of("Ġ")) == ("Ġ", "<s>", 32)
    assert BYTES.decode([256, 0xE4, 97]) == "<|end|>�a"
    assert ByteTokenizer().vocab_size == 256


def test_characters_by_hand() -> None:
    tokenizer = CharTokenizer.train(iter(["cab", "b"]), special_tokens=["<s>"])
    assert tokenizer.special_tokens == {"<unk>": 0, "<s>": 1}
    assert tokenizer.encode("abcd") == [2, 3, 4, 0]
    assert tokenizer.decode([4, 1, 0, 2]) == "c<s><unk>a"
    assert tokenizer.encode("<s>b<s>", allowed_special=["<s>"]) == [1, 3, 1]
    assert (tokenizer.vocab_size, tokenizer.token_of(3), tokenizer.id_of("<s>")) == (5, "b", 1)
    assert tokenizer.encode_with_offsets("ab") == ([2, 3], [(0, 1), (1, 2)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ByteTokenizer(["é"]), "must not name a byte; got 'é'"),
        (lambda: ByteTokenizer(["<s>", "<s>"]), "'<s>' twice"),
        (lambda: CharTokenizer.train([]), "untrained"),
        (lambda: CharTokenizer.train([""]), "untrained"),
        (lambda: CharTokenizer(["a", "bc"]), "single and differ; got 'bc'"),
        (lambda: CharTokenizer(["a", ""]), "single and differ; got ''"),
        (lambda: CharTokenizer(["a", "b", "a"]), "single and differ; got 'a'"),
        (lambda: CharTokenizer(["a"], ["b"]), "several characters; got 'b'"),
        (lambda: CharTokenizer(["a"], ["<unk>"]), "'<unk>' twice"),
        (lambda: CharTokenizer(["\ud800"]), "lone surrogate"),
        (lambda: CharTokenizer.train(["\ud800"]), "lone surrogate"),
        (lambda: BYTES.id_of("ab"), "one printable byte, or special; got 'ab'"),
        (lambda: BYTES.id_of(" "), "stand for bytes"),
        (lambda: CHARACTERS.id_of("z"), "one of the 19 tokens; got 'z'"),
    ],
)
def test_what_cannot_work_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_string_is_not_several() -> None:
    for make in (ByteTokenizer, lambda marks: CharTokenizer(["a"], marks)):
        with pytest.raises(TypeError, match="several strings"):
            make("<s>")
    with pytest.raises(TypeError, match="several texts"):
        CharTokenizer.train("hello")


def test_files_of_other_tokenizers_are_refused(tmp_path: Path) -> None:
    bpe = BPETokenizer.train(["abab"], vocab_size=257)
    for name, tokenizer in {"bpe": bpe, "bytes": BYTES, "characters": CHARACTERS}.items():
        tokenizer.save(tmp_path / f"{name}.json")
    with pytest.raises(ValueError, match=r"must have .*'use_regex': False"):
        ByteTokenizer.load(tmp_path / "bpe.json")
    with pytest.raises(ValueError, match="must be 'BPE'; got 'WordLevel'"):
        ByteTokenizer.load(tmp_path / "characters.json")
    with pytest.raises(ValueError, match="must be 'WordLevel'; got 'BPE'"):
        CharTokenizer.load(tmp_path / "bytes.json")


@pytest.mark.parametrize(
    ("old", "new"), [('"a": 97', '"a": 98'), ('"merges": []', '"merges": [["a", "b"]]')]
)
def test_a_file_with_other_ids_or_merges_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "tokenizer.json"
    BYTES.save(path)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ValueError, match="its own number as id and merge nothing"):
        ByteTokenizer.load(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"Isolated"', '"Removed"', "cut texts into characters"),
        ('"normalizer": null', '"normalizer": {"type": "Lowercase"}', "do nothing else"),
        ('"content": "<unk>"', '"content": "<?>"', "begin with special tokens, <unk> first"),
        ('"<s>": 2,\n      "\\n": 3', '"<s>": 3,\n      "\\n": 2', "begin with special tokens"),
    ],
)
def test_a_file_that_treats_characters_otherwise_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "tokenizer.json"
    CHARACTERS.save(path)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ValueError, match=message):
        CharTokenizer.load(path)


def test_a_special_token_is_written_as_it_is() -> None:
    bytes_ = ByteTokenizer(("the end 完",))
    assert bytes_.token_of(256) == "the end 完"
    assert bytes_.token_of(ord(" ")) == "Ġ"
