from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from course_lib.finetuning.framing import (
    frame_for_decoder,
    frame_for_encoder,
    frame_for_hugging_face,
)
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
    with pytest.raises(ValueError, match="max_len must be above 4, the marks around two texts and"):
        framing.frame_windows("a", "a", max_len=4)
    with pytest.raises(ValueError, match="passage must hold at least one token; got ' '"):
        framing.frame_windows("a", " ", max_len=9)
    with pytest.raises(ValueError, match=r"stride_tokens must be from 1 to 2.*got stride_tokens=3"):
        framing.frame_windows("a", "a a a", max_len=6, stride_tokens=3)


def test_the_first_piece_of_each_word_is_found() -> None:
    framing = frame_for_encoder(WordPieceTokenizer([*MARKS, "a", "##b", "c"]))
    assert framing.frame_words(["abb", "c", "ab"], max_len=9) == (
        [2, 5, 6, 6, 7, 5, 6, 3],
        [1, 4, 5],
        0,
    )
    assert framing.frame_words(["abb", "c", "ab"], max_len=7)[:2] == (
        [2, 5, 6, 6, 7, 5, 3],
        [1, 4, 5],
    )
    assert framing.frame_words(["abb", "c", "ab", "c"], max_len=5) == (
        [2, 5, 6, 6, 3],
        [1, None, None, None],
        3,
    )
    assert framing.frame_words(["\u200b", "c"], max_len=5) == ([2, 7, 3], [None, 1], 0)


def test_words_are_cut_as_in_the_running_sentence() -> None:
    text = "Tom's cat sat, didn't it"
    tokenizer = BPETokenizer.train([text] * 3, vocab_size=270)
    framing = frame_for_decoder(tokenizer)
    words = text.replace(",", " ,").split()
    ids, places, _ = framing.frame_words(words, max_len=99)
    assert ids == tokenizer.encode(" ".join(words))
    assert [tokenizer.token_of(ids[place or 0])[0] for place in places[1:]] == ["Ġ"] * 5
    ids, places, _ = framing.frame_words(["猫", "在", "a"], max_len=99)
    assert tokenizer.decode(ids) == "猫在 a"


def test_a_short_pair_is_one_window_and_long_passages_are_several() -> None:
    framing = frame_for_encoder(WordPieceTokenizer([*MARKS, "a", "##b", "c", "d"]))
    (window,), n_cut = framing.frame_windows("c", "ab  d", max_len=9)
    assert (window.ids, window.segment_ids, 0) == framing.frame_pair("c", "ab  d", max_len=9)
    assert window.offsets == [None, None, None, (0, 1), (1, 2), (4, 5), None]
    assert (window.first, n_cut) == (0, 0)
    windows, _ = framing.frame_windows("c", "a c d a c d", max_len=7)  # 3 at a time, 1 further
    assert [w.first for w in windows] == [0, 1, 2, 3]
    assert [w.ids[3:-1] for w in windows] == [[5, 7, 8], [7, 8, 5], [8, 5, 7], [5, 7, 8]]
    windows, _ = framing.frame_windows("c", "a c d a c d a", max_len=7, stride_tokens=3)
    assert [w.ids[3:-1] for w in windows] == [[5, 7, 8], [5, 7, 8], [5]]
    assert [w.offsets[3] for w in windows] == [(0, 1), (6, 7), (12, 13)]


@pytest.mark.parametrize(("question", "n_asked"), [("c c", 2), ("c c c c c", 4)])
def test_a_long_question_takes_what_frame_pair_gives_it(question: str, n_asked: int) -> None:
    framing = frame_for_encoder(WordPieceTokenizer([*MARKS, "a", "c"]))
    windows, n_cut = framing.frame_windows(question, "a " * 9, max_len=11)
    assert n_cut == len(question.split()) - n_asked
    for window in windows:
        assert window.ids.count(6) == n_asked
    ids, segments, _ = framing.frame_pair(question, "a " * 9, max_len=11)
    assert windows[0][:2] == (ids, segments)


@pytest.mark.parametrize("kind", ["WordPiece", "BPE"])
def test_tokenizers_of_transformers_give_the_same_windows_and_words(
    kind: str, tmp_path: Path
) -> None:
    text = "Tom's  cat sat, 猫 didn't it\n"
    if kind == "WordPiece":
        ours = WordPieceTokenizer.train([text] * 3, vocab_size=60)
        framing = frame_for_encoder(ours)
    else:
        ours = BPETokenizer.train([text] * 3, vocab_size=280, special_tokens=["<|endoftext|>"])
        framing = frame_for_decoder(ours)
    ours.save(tmp_path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(
        tokenizer_file=str(tmp_path / "tokenizer.json"), eos_token="<|endoftext|>"
    )
    other = frame_for_hugging_face(theirs, is_decoder=kind == "BPE")
    assert other.pad_id == other.end[0]  # it has no token for padding
    got = other.frame_windows("did it", text, 15, 2)
    assert got == framing.frame_windows("did it", text, 15, 2)
    assert other.frame_words(text.split(), 15) == framing.frame_words(text.split(), 15)
    covered = [text[o[0] : o[1]] for window in got[0] for o in window.offsets if o is not None]
    assert all(piece == piece.strip() != "" for piece in covered)
