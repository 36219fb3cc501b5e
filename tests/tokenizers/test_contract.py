"""What every tokenizer of the course promises, run over all of them."""

from itertools import pairwise
from pathlib import Path

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st

from course_lib.tokenizers import (
    BPETokenizer,
    ByteTokenizer,
    CharTokenizer,
    WordPieceTokenizer,
)

TEXTS = [
    "The lighthouse keeper's daughter, aged 17, found a note. \u201cDon't go out,\u201d it said!",
    "从前有个时候，有一位姑娘住在山上。她有2只鸟🙂。\n\tL'élève a été reçu à l'école.",
]
END = "<|end|>"
ALL = [
    BPETokenizer.train(TEXTS, vocab_size=313, special_tokens=[END]),
    ByteTokenizer([END]),
    CharTokenizer.train(TEXTS, special_tokens=[END]),
    WordPieceTokenizer.train(TEXTS, vocab_size=113),
]
LOSSLESS = [t for t in ALL if isinstance(t, BPETokenizer | ByteTokenizer)]
COVERING = [t for t in ALL if not isinstance(t, WordPieceTokenizer)]  # it drops white space
UNKNOWN = {"<unk>", "[UNK]"}  # the only special tokens that plain text can give

every = pytest.mark.parametrize("tokenizer", ALL, ids=lambda t: type(t).__name__)
lossless = pytest.mark.parametrize("tokenizer", LOSSLESS, ids=lambda t: type(t).__name__)
covering = pytest.mark.parametrize("tokenizer", COVERING, ids=lambda t: type(t).__name__)
marks = [mark for tokenizer in ALL for mark in tokenizer.special_tokens]
some_text = st.one_of(
    st.text(),
    st.text(alphabet="".join(TEXTS)),
    st.lists(st.sampled_from([*marks, " ", "note", "姑娘", "\u0301", "it's"])).map("".join),
)


@lossless
@settings(deadline=None)
@given(text=some_text)
@example(text="\r\n \x00\x1c\u2028\U0010ffff\ufffd")
def test_every_text_comes_back(tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text
    with_marks = tokenizer.encode(text, allowed_special=tokenizer.special_tokens)
    assert tokenizer.decode(with_marks) == text


@covering
def test_the_texts_of_training_come_back(tokenizer) -> None:
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text)) == text


@every
@settings(deadline=None)
@given(text=some_text)
def test_ids_are_in_the_vocabulary_and_never_special(tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert all(type(i) is int and 0 <= i < tokenizer.vocab_size for i in ids)
    forbidden = {i for mark, i in tokenizer.special_tokens.items() if mark not in UNKNOWN}
    assert not forbidden & set(ids)


@every
def test_special_tokens_are_found_only_where_they_are_allowed(tokenizer) -> None:
    for mark, token_id in tokenizer.special_tokens.items():
        text = f"note{mark}{mark} it"
        found = tokenizer.encode(text, allowed_special=[mark])
        assert found == [
            *tokenizer.encode("note"),
            token_id,
            token_id,
            *tokenizer.encode(" it"),
        ]
        assert found != tokenizer.encode(text)
        assert tokenizer.token_of(token_id) == mark
        assert tokenizer.id_of(mark) == token_id
        assert mark in tokenizer.decode([token_id])


@every
def test_allowing_an_unknown_special_token_is_refused(tokenizer) -> None:
    with pytest.raises(ValueError, match=r"allowed_special must name .*; got '<nope>'"):
        tokenizer.encode("note", allowed_special=["<nope>"])
    with pytest.raises(TypeError, match="several strings"):
        tokenizer.encode("note", allowed_special=next(iter(tokenizer.special_tokens)))


@every
@settings(deadline=None)
@given(text=some_text)
def test_offsets_belong_to_the_same_ids_and_go_forward(tokenizer, text: str) -> None:
    ids, offsets = tokenizer.encode_with_offsets(text)
    assert ids == tokenizer.encode(text)
    assert len(ids) == len(offsets)
    assert all(0 <= start < end <= len(text) for start, end in offsets)
    assert all(a <= c and b <= d for (a, b), (c, d) in pairwise(offsets))


@covering
@settings(deadline=None)
@given(text=some_text)
def test_offsets_cover_every_character(tokenizer, text: str) -> None:
    _, offsets = tokenizer.encode_with_offsets(text)
    assert {at for start, end in offsets for at in range(start, end)} == set(range(len(text)))


@every
def test_the_characters_of_an_offset_are_those_of_its_token(tokenizer) -> None:
    text = "found a note"  # plain letters: no token has half a character
    ids, offsets = tokenizer.encode_with_offsets(text)
    for token_id, (start, end) in zip(ids, offsets, strict=True):
        assert tokenizer.decode([token_id]).removeprefix("##") == text[start:end]


@every
def test_the_empty_text_has_no_tokens(tokenizer) -> None:
    assert tokenizer.encode("") == []
    assert tokenizer.encode("", allowed_special=tokenizer.special_tokens) == []
    assert tokenizer.encode_with_offsets("") == ([], [])
    assert tokenizer.decode([]) == ""


@every
@pytest.mark.parametrize("text", ["\ud800", "ab\udfff", "从\ude00\ud83d"])
def test_lone_surrogates_are_refused(tokenizer, text: str) -> None:
    for use in (
        tokenizer.encode,
        tokenizer.encode_with_offsets,
        lambda t: tokenizer.encode(t, allowed_special=tokenizer.special_tokens),
    ):
        with pytest.raises(ValueError, match=r"text must be valid Unicode; got the lone surrogate"):
            use(text)


@every
@pytest.mark.parametrize("text", [b"bytes", ["a", "list"], None, 7])
def test_what_is_no_text_is_refused(tokenizer, text: object) -> None:
    for use in (tokenizer.encode, tokenizer.encode_with_offsets):
        with pytest.raises(TypeError, match=rf"must be .*string; got {type(text).__name__}"):
            use(text)


@every
def test_every_id_has_one_name(tokenizer) -> None:
    names = [tokenizer.token_of(i) for i in range(tokenizer.vocab_size)]
    assert len(set(names)) == tokenizer.vocab_size
    assert [tokenizer.id_of(name) for name in names] == list(range(tokenizer.vocab_size))
    with pytest.raises(ValueError, match=r"got 'no such token'|' ' in 'no such token'"):
        tokenizer.id_of("no such token")


@every
def test_ids_that_do_not_exist_are_refused(tokenizer) -> None:
    for use in (tokenizer.token_of, lambda i: tokenizer.decode([0, i])):
        for token_id in (-1, tokenizer.vocab_size):
            with pytest.raises(ValueError, match=f"must be in 0 to .*; got {token_id}"):
                use(token_id)


@every
def test_ids_may_come_from_an_iterator(tokenizer) -> None:
    ids = tokenizer.encode(TEXTS[0])
    assert tokenizer.decode(iter(ids)) == tokenizer.decode(ids)


@every
def test_a_saved_tokenizer_is_the_same(tokenizer, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    tokenizer.save(first)
    loaded = type(tokenizer).load(first)
    loaded.save(second)
    assert first.read_bytes() == second.read_bytes()
    assert loaded.special_tokens == tokenizer.special_tokens
    assert loaded.vocab_size == tokenizer.vocab_size
    for text in TEXTS:
        assert loaded.encode(text) == tokenizer.encode(text)
    assert type(tokenizer).load(str(first)).vocab_size == tokenizer.vocab_size


@pytest.fixture(scope="module", params=ALL, ids=lambda t: type(t).__name__)
def with_reference(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("contract") / "tokenizer.json"
    request.param.save(path)
    return request.param, tokenizers.Tokenizer.from_file(str(path))


@settings(deadline=None)
@given(text=some_text)
def test_the_reference_reads_the_file_and_gives_the_same_ids(with_reference, text: str) -> None:
    ours, theirs = with_reference
    ids = ours.encode(text, allowed_special=ours.special_tokens)
    assert ids == theirs.encode(text, add_special_tokens=False).ids
    theirs.encode_special_tokens = True
    plain = theirs.encode(text, add_special_tokens=False).ids
    theirs.encode_special_tokens = False
    assert ours.encode(text) == plain


@every
def test_files_of_the_others_are_refused(tokenizer, tmp_path: Path) -> None:
    for other in ALL:
        if type(other) is not type(tokenizer):
            other.save(tmp_path / "other.json")
            with pytest.raises(ValueError, match="must"):
                type(tokenizer).load(tmp_path / "other.json")
    with pytest.raises(FileNotFoundError, match="there is none at"):
        type(tokenizer).load(tmp_path / "missing.json")


@every
def test_nothing_comes_without_training(tokenizer) -> None:
    """Where transformers builds an empty tokenizer without a word."""
    if isinstance(tokenizer, ByteTokenizer):
        return
    with pytest.raises(TypeError, match="missing"):
        type(tokenizer)()
    with pytest.raises(TypeError, match="vocab_file"):
        type(tokenizer)(vocab_file="vocab.txt")
