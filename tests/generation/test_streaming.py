from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from course_lib.generation import (
    Rules,
    Sampling,
    Sliding,
    StopStrings,
    cut_at_stop,
    greedy,
    sample,
    stream,
    whole_characters,
)
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, ByteTokenizer, CharTokenizer, WordPieceTokenizer
from course_lib.tokenizers.wordpiece import SPECIAL_TOKENS

from .conftest import shake

END = "<|end of 文|>"
TEXT = "the cat 小猫 sees the 🙂 sea"
BPE = BPETokenizer.train([TEXT], vocab_size=271, special_tokens=[END])
CHARS = CharTokenizer.train([TEXT], special_tokens=[END])
PIECES = WordPieceTokenizer([*SPECIAL_TOKENS, "a", "cat", "##s", ",", "小", "sat"])
BYTES = ByteTokenizer([END])


def reciting(ids: Sequence[int], vocab_size: int) -> Any:
    """A model that writes these tokens, whatever the prompt of one token is."""
    table = torch.nn.functional.one_hot(torch.tensor(ids), vocab_size).float()
    return lambda read: table[None, : read.shape[1]]


def make_model(vocab_size: int, max_len: int = 23) -> GPT:
    sizes = {"d_model": 12, "n_heads": 3, "n_layers": 1}
    config = GPTConfig(vocab_size=vocab_size, max_len=max_len, **sizes)
    model = GPT(config, make_generator(1)).eval()
    shake(model)
    return model


def byte_decode(ids: list[int]) -> str:
    return bytes(ids).decode("utf-8", "replace")


def check_pieces(pieces: Sequence[str], ids: Sequence[int], decode: Any) -> None:
    """Check that text came in time and whole, given what one token after the other decodes to."""
    assert all(pieces)
    assert "".join(pieces) == decode(list(ids)).rstrip("�")


@settings(deadline=None)
@given(st.text(max_size=20), st.data())
def test_characters_are_whole_wherever_a_text_is_cut(text: str, data: st.DataObject) -> None:
    content = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)))))
    tokens = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]

    def decode(ids: list[int]) -> str:
        return b"".join(tokens[i] for i in ids).decode("utf-8", "replace")

    pieces = list(whole_characters(range(len(tokens)), decode))
    check_pieces(pieces, range(len(tokens)), decode)
    assert all("�" not in piece for piece in pieces) or "�" in text


@settings(deadline=None)
@given(st.lists(st.integers(0, 255), max_size=30))
def test_any_bytes_give_the_text_that_decoding_them_gives(ids: list[int]) -> None:
    check_pieces(list(whole_characters(ids, byte_decode)), ids, byte_decode)


def test_each_character_comes_with_its_last_token_by_hand() -> None:
    shown: list[list[str]] = []

    def tokens() -> Iterator[int]:
        for token in "aé小b".encode() + b"\xff\xe5":
            shown.append(pieces.copy())
            yield token

    pieces: list[str] = []
    for piece in whole_characters(tokens(), byte_decode):
        pieces.append(piece)
    done = ["a", "é", "小", "b"]
    assert shown == [done[:n] for n in (0, 1, 1, 2, 2, 2, 3, 4, 4)]
    assert pieces == done  # the two bytes that are no character still wait


def test_a_part_of_a_token_that_is_certain_does_not_wait() -> None:
    tokens = [b"say \xe5", b"\xb0\x8f!\xe7", b"\x8c", b"\xab"]
    pieces = whole_characters(range(4), lambda ids: byte_decode(b"".join(tokens[i] for i in ids)))
    assert list(pieces) == ["say ", "小!", "猫"]


def test_invalid_bytes_are_marked_as_soon_as_something_follows() -> None:
    assert list(whole_characters(b"a\xff\xffb\xe5", byte_decode)) == ["a", "��b"]


def test_few_tokens_are_decoded_at_a_time() -> None:
    lengths = []

    def decode(ids: list[int]) -> str:
        lengths.append(len(ids))
        return byte_decode(ids)

    text = "小猫abc" * 50
    assert "".join(whole_characters(text.encode(), decode)) == text
    assert max(lengths) == 6  # two characters of three bytes


def test_tokenizers_that_mark_every_byte_of_an_unfinished_run() -> None:
    def decode(ids: list[int]) -> str:  # as Llama 2's tokenizer: a run is valid, or none of it is
        try:
            return bytes(ids).decode()
        except UnicodeDecodeError:
            return "".join(chr(i) if i < 128 else "�" for i in ids)

    pieces = list(whole_characters("a小猫b".encode(), decode))
    assert pieces == ["a", "小", "猫", "b"]


def test_what_stands_before_decides_about_the_first_blank() -> None:
    ids = PIECES.encode("cats, a cat小sat")
    rest = list(whole_characters(ids[1:], PIECES.decode, before=ids[:1]))
    assert rest == ["s", ",", " a", " cat", " 小", " sat"]
    assert next(whole_characters([ids[2]], PIECES.decode, before=ids[:2])) == ","
    after_part = whole_characters(b"\x8fx", byte_decode, before=[*b"a\xe5\xb0"])
    assert "".join(after_part) == "x"


@pytest.mark.parametrize("tokenizer", [BPE, BYTES, CHARS], ids=lambda t: type(t).__name__)
def test_a_stream_is_the_text_that_is_written_at_once(tokenizer: Any) -> None:
    model = make_model(tokenizer.vocab_size)
    prompt = torch.tensor([tokenizer.encode("the")])
    for rules in (None, Rules(repetition_penalty=1.3, no_repeat_ngram_size=3)):
        ids = greedy(model, prompt, 17, rules=rules)[0]
        for generator in (None, make_generator(3)):  # which nothing is drawn from
            pieces = stream(model, tokenizer, "the", 17, generator=generator, rules=rules)
            check_pieces(list(pieces), ids, tokenizer.decode)
    sampling = Sampling(temperature=0.7, top_k=9)
    (ids,) = sample(model, prompt, 17, generator=make_generator(3), sampling=sampling)
    choice: Any = {"generator": make_generator(3), "sampling": sampling}
    check_pieces(list(stream(model, tokenizer, "the", 17, **choice)), ids, tokenizer.decode)


def test_special_tokens_are_written_out_and_the_end_is_not() -> None:
    ids = [*BPE.encode("a 小"), BPE.id_of(END), *BPE.encode(" cat")]
    model = reciting(ids, BPE.vocab_size)
    assert "".join(stream(model, BPE, "t", len(ids))) == f"a 小{END} cat"
    rules = Rules(end_id=BPE.id_of(END))
    assert "".join(stream(model, BPE, "t", len(ids), rules=rules)) == "a 小"


def test_words_of_a_bert_are_parted_by_blanks() -> None:
    ids = PIECES.encode("cats, a cat")
    model = reciting(ids, PIECES.vocab_size)
    assert list(stream(model, PIECES, "a", len(ids))) == [" cat", "s", ",", " a", " cat"]


def test_a_tokenizer_of_hugging_faces(tmp_path: Path) -> None:
    BPE.save(tmp_path / "tokenizer.json")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    ids = BPE.encode("小猫 sees the 🙂")
    model = reciting(ids, BPE.vocab_size)
    pieces = list(stream(model, theirs, "t", len(ids)))
    assert pieces == list(stream(model, BPE, "t", len(ids)))
    check_pieces(pieces, ids, BPE.decode)


@pytest.mark.parametrize("stops", [["see"], ["猫 s", "x"], ["🙂", "e se"], ["nowhere"]])
def test_a_stop_string_ends_the_text_and_no_part_of_it_is_shown(stops: list[str]) -> None:
    for tokenizer in (BPE, BYTES):
        ids = tokenizer.encode("the 小猫 sees the 🙂 sea")
        n_asked = [0]
        recite = reciting(ids, tokenizer.vocab_size)

        def model(read: Tensor, recite: Any = recite, n_asked: list[int] = n_asked) -> Tensor:
            n_asked[0] += 1
            return recite(read)

        rules = Rules(stop=StopStrings(tokenizer.decode, stops))
        pieces = list(stream(model, tokenizer, "t", len(ids), rules=rules))
        assert "".join(pieces) == cut_at_stop(tokenizer.decode(ids), stops)
        (written,) = greedy(recite, torch.tensor([[0]]), len(ids), rules=rules)
        assert n_asked[0] == len(written)


def test_any_other_rule_to_stop_shows_all_that_was_written() -> None:
    ids = BYTES.encode("a, b, c")
    rules = Rules(stop=lambda new: new.count(ord(",")) == 2)
    assert "".join(stream(reciting(ids, 257), BYTES, "t", 7, rules=rules)) == "a, b,"


def test_a_sliding_model_writes_on_beyond_its_length() -> None:
    model = make_model(BYTES.vocab_size, max_len=5)
    prompt = torch.tensor([BYTES.encode("the cat")])
    ids = greedy(Sliding(model), prompt, 11)[0]
    assert len(ids) == 11
    check_pieces(list(stream(Sliding(model), BYTES, "the cat", 11)), ids, BYTES.decode)
    with pytest.raises(ValueError, match="at most max_len=5"):
        stream(model, BYTES, "the cat", 11)


def test_the_prompt_goes_where_the_model_is() -> None:
    model = make_model(BYTES.vocab_size).to("meta")
    with pytest.raises(RuntimeError, match=r"item.* meta tensors"):  # of the prompt's mask
        list(stream(Sliding(model), BYTES, "the cat", 11))
    devices = []

    def function(ids: Tensor) -> Tensor:
        devices.append(ids.device.type)
        return torch.zeros(*ids.shape, 257)

    list(stream(function, BYTES, "the", 2))
    assert devices == ["cpu", "cpu"]


def test_what_cannot_be_done_is_refused_at_once() -> None:
    model = make_model(BYTES.vocab_size)
    with pytest.raises(ValueError, match="prompts must hold at least one token"):
        stream(model, BYTES, "", 3)
    with pytest.raises(ValueError, match="n_tokens must be ≥ 1; got n_tokens=0"):
        stream(model, BYTES, "a", 0)
    with pytest.raises(ValueError, match="generator must be given"):
        stream(model, BYTES, "a", 3, sampling=Sampling())
