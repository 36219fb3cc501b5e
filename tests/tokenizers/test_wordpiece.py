import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from course_lib.tokenizers import WordPieceTokenizer, longest_match, wordpiece
from course_lib.tokenizers.wordpiece import SPECIAL_TOKENS

# Lower-case and capital, accented and not, Chinese, emoji, kana, hangul letters, and punctuation.
PIECES = [
    *("a", "b", "e", "é", "E", "A", "un", "##a", "##b", "##e", "##é", "##E", "##aff", "##able"),
    *("##ab", "aff", "从", "##从", "前", "##前", "🙂", "##🙂", "の", "##の", "##に", "\u110b"),
    *("##\u1161", "ø", "##ø", "ß", ".", ",", "!", "?", "'", "##'", "'s", "n't", ".com", "##.", "0"),
    *("##1", "²", "»", "##\u0301", "\u0301", "don", "##t", "'m", "x", "##x"),
]
TOKENS = [*SPECIAL_TOKENS, *PIECES]
TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(sorted({*"".join(PIECES), *" \tÉÀAUNFLfl", "\u200d"})),
        st.just("a"),
    )
)


def theirs(tokens: list[str], *, lower: bool) -> BertWordPieceTokenizer:
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = BertWordPieceTokenizer(vocab=vocabulary, lowercase=lower)
    tokenizer._tokenizer.encode_special_tokens = True  # "[MASK]" is plain text, as it is here
    return tokenizer


OURS = {lower: WordPieceTokenizer(TOKENS, lower=lower) for lower in (True, False)}
THEIRS = {lower: theirs(TOKENS, lower=lower) for lower in (True, False)}


@pytest.fixture
def vocab_txt(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("lower", [True, False])
@given(text=TEXTS)
@settings(deadline=None, max_examples=500)
def test_ids_and_offsets_are_hugging_faces(lower: bool, text: str) -> None:
    expected = THEIRS[lower].encode(text, add_special_tokens=False)
    assert OURS[lower].encode(text) == expected.ids
    assert OURS[lower].encode_with_offsets(text) == (expected.ids, expected.offsets)
    assert OURS[lower].tokenise(text) == expected.tokens


@pytest.mark.parametrize("lower", [True, False])
@given(ids=st.lists(st.integers(0, len(TOKENS) - 1)))
@settings(deadline=None, max_examples=300)
def test_decoding_is_hugging_faces(lower: bool, ids: list[int]) -> None:
    assert OURS[lower].decode(ids) == THEIRS[lower].decode(ids, skip_special_tokens=False)


@given(text=TEXTS, second=TEXTS)
@settings(deadline=None)
def test_pairs_are_hugging_faces(text: str, second: str) -> None:
    one, both = THEIRS[True].encode(text), THEIRS[True].encode(text, second)
    assert OURS[True].encode_pair(text) == (one.ids, one.type_ids)
    assert OURS[True].encode_pair(text, second) == (both.ids, both.type_ids)


def test_transformers_gives_the_same_model_input() -> None:
    from transformers import BertTokenizer

    reference = BertTokenizer(vocab={token: index for index, token in enumerate(TOKENS)})
    expected = reference("Unaffable, 从前 🙂!", "Don't [MASK]")
    ids, segments = OURS[True].encode_pair(
        "Unaffable, 从前 🙂!", "Don't [MASK]", allowed_special=["[MASK]"]
    )
    assert (ids, segments) == (expected["input_ids"], expected["token_type_ids"])
    assert ids.count(4) == 1


def test_a_word_of_more_than_100_characters_is_unknown() -> None:
    unknown = OURS[True].special_tokens["[UNK]"]
    for n_characters, is_known in ((100, True), (101, False)):
        word = "a" * n_characters
        ids = OURS[True].encode(word)
        assert ids == THEIRS[True].encode(word, add_special_tokens=False).ids
        assert (ids != [unknown]) is is_known
    assert OURS[True].encode_with_offsets("a " + "b" * 101) == ([5, unknown], [(0, 1), (2, 103)])


def test_remembered_words_stay_few(monkeypatch) -> None:
    assert wordpiece._MAX_CACHED_WORDS == 262_144
    monkeypatch.setattr(wordpiece, "_MAX_CACHED_WORDS", 3)
    tokenizer = WordPieceTokenizer(TOKENS)
    assert tokenizer.encode("a b a e aa ab a") == OURS[True].encode("a b a e aa ab a")
    assert list(tokenizer._word_ids) == ["aa", "ab", "a"]
    assert WordPieceTokenizer(TOKENS).encode("a b e aa")[-2:] == OURS[True].encode("aa")


def test_offsets_by_hand() -> None:
    text = "  Unaffable É\u200b! zz"
    ids, offsets = OURS[True].encode_with_offsets(text)
    assert OURS[True].tokenise(text) == ["un", "##aff", "##able", "e", "!", "[UNK]"]
    assert len(ids) == len(offsets)
    assert [text[start:end] for start, end in offsets] == ["Un", "aff", "able", "É", "!", "zz"]


def test_empty_text_has_no_tokens() -> None:
    assert OURS[True].encode("") == [] == OURS[True].tokenise(" \u200b")
    assert OURS[True].encode_with_offsets("") == ([], [])
    assert OURS[True].decode([]) == ""
    assert OURS[True].encode_pair("", "") == ([2, 3, 3], [0, 0, 1])


def test_special_tokens_are_plain_text_unless_allowed() -> None:
    text = "a[MASK]b [SEP]"
    plain = OURS[True].encode(text)
    assert not {0, 2, 3, 4} & set(plain)
    hugging_face = theirs(TOKENS, lower=True)
    assert OURS[True].encode(text, allowed_special=SPECIAL_TOKENS) == [5, 4, 6, 3]
    assert hugging_face.encode(text, add_special_tokens=False).ids == plain
    hugging_face._tokenizer.encode_special_tokens = False
    assert hugging_face.encode(text, add_special_tokens=False).ids == [5, 4, 6, 3]
    assert 3 not in OURS[True].encode(text, allowed_special=["[MASK]"])
    with pytest.raises(ValueError, match=r"allowed_special must name special tokens.*got 'a'"):
        OURS[True].encode(text, allowed_special=["a"])


def test_longest_match_by_hand() -> None:
    vocabulary = {"un", "u", "##n", "##aff", "##a", "##able", "##ff"}
    assert longest_match("unaffable", vocabulary) == ["un", "##aff", "##able"]
    assert longest_match("una", vocabulary) == ["un", "##a"]
    assert longest_match("able", vocabulary) == ["[UNK]"]  # it only continues words
    assert longest_match("unx", vocabulary, unknown="?") == ["?"]
    assert longest_match("", vocabulary) == []
    # Greedy, not clever: "ab" is taken, although "a" + "##bc" would have worked.
    assert longest_match("abc", {"ab", "a", "##bc"}) == ["[UNK]"]


def test_tokens_and_ids_are_each_others_inverse() -> None:
    tokenizer = OURS[False]
    assert tokenizer.vocab_size == len(TOKENS)
    assert [tokenizer.token_of(tokenizer.id_of(token)) for token in TOKENS] == TOKENS
    assert tokenizer.special_tokens == {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4}
    with pytest.raises(ValueError, match=r"token must be one of the .* got 'word'"):
        tokenizer.id_of("word")
    for outside in (-1, len(TOKENS)):
        with pytest.raises(ValueError, match=f"got {outside}"):
            tokenizer.token_of(outside)
        with pytest.raises(ValueError, match=f"got {outside}"):
            tokenizer.decode([5, outside])


def test_half_characters_are_refused() -> None:
    for encode in (OURS[True].encode, OURS[True].encode_with_offsets, OURS[True].encode_pair):
        with pytest.raises(ValueError, match="lone surrogate"):
            encode("a\ud800")


def test_vocab_txt_is_read_as_written(vocab_txt: Path) -> None:
    tokenizer = WordPieceTokenizer.from_vocab(vocab_txt)
    assert (tokenizer.tokens, tokenizer.lower) == (TOKENS, True)
    assert not WordPieceTokenizer.from_vocab(str(vocab_txt), lower=False).lower
    vocab_txt.write_bytes("\r\n".join(TOKENS).encode())  # from Windows, without a last line end
    assert WordPieceTokenizer.from_vocab(vocab_txt).tokens == TOKENS
    same = BertWordPieceTokenizer(str(vocab_txt), lowercase=True)
    assert same.encode("Unaffable 从").ids == tokenizer.encode_pair("Unaffable 从")[0]


def test_a_vocabulary_can_never_be_ignored_or_empty(vocab_txt: Path, tmp_path: Path) -> None:
    """Elsewhere `vocab_file=` is swallowed, and an empty folder makes an empty tokenizer."""
    with pytest.raises(TypeError, match="vocab_file"):
        WordPieceTokenizer(vocab_file=str(vocab_txt))  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError, match="vocab_file"):
        WordPieceTokenizer.from_vocab(vocab_file=vocab_txt)  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match=r"path must be a vocab.txt; got the folder"):
        WordPieceTokenizer.from_vocab(tmp_path)
    with pytest.raises(FileNotFoundError):
        WordPieceTokenizer.from_vocab(tmp_path / "no.txt")
    with pytest.raises(FileNotFoundError):
        WordPieceTokenizer.load(tmp_path)
    with pytest.raises(ValueError, match=r"must contain \[PAD\], .*; got 0 tokens without \[PAD\]"):
        WordPieceTokenizer([])
    (tmp_path / "empty.txt").touch()
    with pytest.raises(ValueError, match=r"without \[PAD\], \[UNK\].*one token a line"):
        WordPieceTokenizer.from_vocab(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match=r"without \[MASK\]\. Is"):
        WordPieceTokenizer([*SPECIAL_TOKENS[:-1], "a"])
    with pytest.raises(ValueError, match="must differ from each other; got 'a' as 5 and 7"):
        WordPieceTokenizer([*SPECIAL_TOKENS, "a", "b", "a"])


def test_chinese_without_a_chinese_vocabulary_is_said_once() -> None:
    tokenizer = WordPieceTokenizer([*SPECIAL_TOKENS, "a"])
    with pytest.warns(UserWarning, match="Chinese characters, but the vocabulary has none") as seen:
        assert tokenizer.encode("从前 a") == [1, 1, 5]
    assert seen[0].filename == __file__
    assert tokenizer.encode("有个时候") == [1, 1, 1, 1]  # no second warning, which would fail
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert OURS[True].encode("从有") == [TOKENS.index("从"), 1]  # one missing sign is normal
        assert WordPieceTokenizer([*SPECIAL_TOKENS, "a"]).encode("の한") == [1]


def test_unknown_share_by_hand() -> None:
    assert OURS[True].unknown_share("un zz a zz zz") == pytest.approx(3 / 5)
    assert OURS[True].unknown_share("zz") == 1.0
    assert OURS[True].unknown_share("un a") == 0.0
    assert OURS[True].unknown_share(" ") == 0.0


@given(text=TEXTS)
@settings(deadline=None)
def test_the_share_of_unknown_words_is_that_of_unknown_ids(text: str) -> None:
    share = OURS[True].unknown_share(text)
    assert (share > 0) is (1 in OURS[True].encode(text))
    assert share <= 1


@pytest.mark.parametrize("lower", [True, False])
def test_save_and_load_lose_nothing(tmp_path: Path, lower: bool) -> None:
    OURS[lower].save(tmp_path / "tokenizer.json")
    again = WordPieceTokenizer.load(tmp_path / "tokenizer.json")
    assert (again.tokens, again.lower) == (TOKENS, lower)
    assert again.special_tokens == OURS[lower].special_tokens


def test_training_joins_what_is_frequent() -> None:
    texts = ["hug " * 10 + "pug " * 5 + "Pun! " * 12, "bun " * 4 + "hugs " * 5]
    tokenizer = WordPieceTokenizer.train(iter(texts), vocab_size=20)
    assert tokenizer.tokens == [
        *(*SPECIAL_TOKENS, "!", "b", "g", "h", "n", "p", "s", "u", "##g", "##n", "##s", "##u"),
        *("##ug", "##un", "hug"),
    ]
    assert tokenizer.tokenise("Hugs, pun") == ["hug", "##s", "[UNK]", "p", "##un"]
    cased = WordPieceTokenizer.train(texts, vocab_size=99, lower=False)
    assert cased.vocab_size < 99  # no pair is left
    assert "Pun" in cased.tokens
    assert not cased.lower
    assert "pug" not in WordPieceTokenizer.train(texts, vocab_size=99, min_count=6).tokens


def test_training_learns_what_hugging_face_learns() -> None:
    # No two pairs are ever equally frequent, so that nothing is left to either side's taste.
    words = {"ab": 101, "Ac": 53, "ábc": 29, "acb": 19, "abcd": 7, "ad": 5, "从前": 3, "e": 2}
    texts = [f"{word} " * count for word, count in words.items()]
    for vocab_size in (17, 18, 19, 29):
        reference = BertWordPieceTokenizer(lowercase=True)
        reference.train_from_iterator(texts, vocab_size=vocab_size, show_progress=False)
        ours = WordPieceTokenizer.train(texts, vocab_size=vocab_size)
        assert set(ours.tokens) == set(reference.get_vocab())
        assert ours.vocab_size == min(vocab_size, 21)


def test_training_refuses_what_cannot_work() -> None:
    with pytest.raises(TypeError, match="texts must be several texts"):
        WordPieceTokenizer.train("abc", vocab_size=11)
    with pytest.raises(ValueError, match=r"room for all 5 characters .* got room for 4"):
        WordPieceTokenizer.train(["abc"], vocab_size=9)
    assert WordPieceTokenizer.train(["abc"], vocab_size=10).vocab_size == 10
