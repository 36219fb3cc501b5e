import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from course_lib.tokenizers import split_bert_words
from course_lib.tokenizers.bert_text import (
    clean_text,
    fold_text,
    is_cjk,
    is_punctuation,
    trace_bert_words,
)

# All but the planes that are empty or private; a few of their characters stand for the rest.
BLOCKS = [(0, 0xD800), (0xE000, 0x32400), (0xDFFF0, 0xE0200), (0xEFFF0, 0xF0010)]
ALL = [chr(code) for start, end in BLOCKS for code in range(start, end)]
MARKS = [character for character in ALL if unicodedata.combining(character)]
TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from(MARKS), st.sampled_from("aÉ .从")
    )
)


def reference(*, lower: bool) -> Tokenizer:
    """A tokenizer of Hugging Face that stops at words: each of them is unknown."""
    words = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=lower)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return words


REFERENCES = {lower: reference(lower=lower) for lower in (True, False)}


def reference_words(text: str, *, lower: bool) -> list[str]:
    normal = REFERENCES[lower].normalizer.normalize_str(text)
    return [word for word, _ in REFERENCES[lower].pre_tokenizer.pre_tokenize_str(normal)]


def same_case(character: str) -> bool:
    # Their Unicode is newer than Python's here, by capitals of scripts added in 2022 and later.
    return normalizers.Lowercase().normalize_str(character) == character.lower()


@pytest.mark.parametrize("lower", [True, False])
def test_every_character_of_unicode_is_treated_as_hugging_face_does(lower: bool) -> None:
    known = [character for character in ALL if not lower or same_case(character)]
    assert len(ALL) - len(known) < 100
    for start in range(0, len(known), 5003):
        text = "".join(f"a{character}b " for character in known[start : start + 5003])
        ours, theirs = split_bert_words(text, lower=lower), reference_words(text, lower=lower)
        assert ours == theirs, [w for w, v in zip(ours, theirs, strict=False) if w != v][:1]


@pytest.mark.parametrize("lower", [True, False])
@given(text=TEXTS)
@settings(deadline=None, max_examples=300)
def test_words_and_places_are_hugging_faces(lower: bool, text: str) -> None:
    text = "".join(filter(same_case, text))
    words = split_bert_words(text, lower=lower)
    traced = trace_bert_words(text, lower=lower)
    assert words == reference_words(text, lower=lower)
    assert [word for word, _ in traced] == words
    assert [len(places) for _, places in traced] == [len(word) for word in words]
    offsets = [(places[0], places[-1] + 1) for _, places in traced]
    assert offsets == REFERENCES[lower].encode(text).offsets


def test_marks_are_put_in_order_while_their_places_stay() -> None:
    # U+1D16D and U+302E have orders 226 and 224 and are no accents: they change places.
    assert trace_bert_words("a\U0001d16d\u302eb") == [("a\u302e\U0001d16db", [0, 1, 2, 3])]
    assert trace_bert_words("a\U0001d16d\u302eb", lower=False) == [
        ("a\U0001d16d\u302eb", [0, 1, 2, 3])
    ]


def test_marks_of_order_one_count_as_marks() -> None:
    # U+0334 has the lowest order; it is dropped, but stands among the marks that change places.
    text = "a\U0001d16d\u0334\u302eb"
    assert trace_bert_words(text) == [("a\u302e\U0001d16db", [0, 2, 3, 4])]
    assert REFERENCES[True].encode(text).offsets == [(0, 5)]


def test_recent_marks_stay_where_they_are() -> None:
    # U+16FF0 and U+11938 are of 2020, too new for the tables that Hugging Face uses.
    assert fold_text("é\U00016ff0é\U00011938é") == "e\U00016ff0e\U00011938e"
    assert trace_bert_words("a\u302e\U00016ff0b") == [("a\u302e\U00016ff0b", [0, 1, 2, 3])]


def test_cleaning_by_hand() -> None:
    assert clean_text("a\tb\r\nc\u00a0d\u2028e") == "a b  c d e"
    assert clean_text("a\x00b\x0bc\u200dd\ufffde\ue000f\x85g") == "abcdefg"  # controls join words
    assert clean_text("a从b") == "a 从 b"


def test_folding_by_hand() -> None:
    assert fold_text("ÀÉÎ ñ Ç") == "aei n c"
    assert fold_text("İstanbul") == "istanbul"  # the dot is an accent
    assert fold_text("ØŁß") == "øłß"  # strokes are not
    assert fold_text("ये मेरे") == "य मर"  # but Hindi's sign for e is
    assert fold_text("ΟΔΟΣ") == "οδοσ"  # Python's lower() would end in ς


def test_words_by_hand() -> None:
    assert split_bert_words("It's 3,5 € (ca. $4)…") == [
        *("it", "'", "s", "3", ",", "5", "€", "(", "ca", ".", "$", "4", ")", "…")
    ]
    assert split_bert_words("从前,有個K城", lower=False) == ["从", "前", ",", "有", "個", "K", "城"]
    assert split_bert_words("こんにちは。") == ["こんにちは", "。"]
    assert split_bert_words("안") == ["\u110b\u1161\u11ab"]  # a syllable in its three letters
    assert split_bert_words(" \n") == [] == trace_bert_words(" \n")


def test_cjk_ends_where_the_blocks_end() -> None:
    inside = "\u3400\u4dbf\u4e00\u9fff\uf900\ufaff\U00020000\U0002a6df\U0002f800\U0002fa1f"
    outside = "\u33ff\u4dc0\u4dff\ua000\uf8ff\ufb00\U0001ffff\U0002a6e0\U0002f7ff\U0002fa20の한"
    assert all(map(is_cjk, inside))
    assert not any(map(is_cjk, outside))


def test_punctuation_is_more_than_unicodes_in_ascii_only() -> None:
    assert all(map(is_punctuation, "!/:@[`{~$+<=>^|_。「—¿\u166d\U000111c9"))
    assert not any(map(is_punctuation, "a0 €£±×¬´\u2e5d"))  # the last one is of 2021


@pytest.mark.parametrize("function", [clean_text, split_bert_words, trace_bert_words])
def test_half_characters_and_other_types_are_refused(function) -> None:
    with pytest.raises(ValueError, match=r"lone surrogate '\\ud83d' at character 1"):
        function("a\ud83d")
    with pytest.raises(TypeError, match="text must be one string; got bytes"):
        function(b"a")
