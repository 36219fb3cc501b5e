import pytest

from course_lib.finetuning.framing import frame_for_decoder, frame_for_encoder
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def test_an_encoder_s_texts_stand_between_marks_and_keep_them_when_cut() -> None:
    framing = frame_for_encoder(WordPieceTokenizer([*MARKS, "a", "b"]))
    assert framing.frame("a b", max_len=4) == ([2, 5, 6, 3], 0)
    assert framing.frame("a b a", max_len=4) == ([2, 5, 6, 3], 1)
    assert framing.frame_pair("a", "b b b", max_len=6) == (
        [2, 5, 3, 6, 6, 3],
        [0, 0, 0, 1, 1, 1],
        1,
    )


def test_a_decoder_s_texts_end_with_the_end_token() -> None:
    tokenizer = BPETokenizer.train(["aa"], vocab_size=258, special_tokens=["<|endoftext|>"])
    framing = frame_for_decoder(tokenizer)
    ids, n_cut = framing.frame("aab", max_len=9)
    assert ids == [*tokenizer.encode("aab"), 0]
    assert n_cut == 0


def test_what_cannot_be_framed_is_named() -> None:
    framing = frame_for_encoder(WordPieceTokenizer([*MARKS, "a"]))
    with pytest.raises(ValueError, match="text must hold at least one token; got ''"):
        framing.frame("", max_len=4)
    with pytest.raises(ValueError, match="max_len must be above 2, the marks around a text; got 2"):
        framing.frame("a", max_len=2)
    bare = BPETokenizer.train(["aa"], vocab_size=257)
    with pytest.raises(ValueError, match=r"must have \[PAD\], \[CLS\] and \[SEP\]; it lacks"):
        frame_for_encoder(bare)
