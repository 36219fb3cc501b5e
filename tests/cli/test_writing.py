import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cli.writing import Sampling, stream_ids, stream_text, whole_characters
from course_lib.errors import CourseError
from course_lib.generation import greedy_decode
from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer

TOKENIZER = BPETokenizer.train(
    ["the cat 小猫 sees"], vocab_size=262, special_tokens=["<|endoftext|>"]
)


def make_gpt(max_len: int) -> GPT:
    sizes = {"d_model": 12, "n_heads": 3, "n_layers": 2}
    model = GPT(GPTConfig(vocab_size=262, max_len=max_len, **sizes), make_generator(1))
    for parameter in model.parameters():
        parameter.data.mul_(5)  # else every prediction is alike
    return model.eval()


def make_llama() -> Llama:
    sizes = {"d_model": 12, "n_heads": 3, "n_kv_heads": 1, "n_layers": 2, "d_ff": 5}
    return Llama(LlamaConfig(vocab_size=262, max_len=23, **sizes), make_generator(1)).eval()


def sampling(temperature: float = 1.0, top: int = 0, seed: int = 0) -> Sampling:
    return Sampling(generator=make_generator(seed), temperature=temperature, top=top)


@pytest.mark.parametrize("model", [make_gpt(23), make_llama()])
@pytest.mark.parametrize("choice", [sampling(temperature=0), sampling(top=1)])
def test_without_chance_the_text_is_that_of_greedy_decoding(
    model: GPT | Llama, choice: Sampling
) -> None:
    prompt = torch.tensor([[7, 2, 11]])
    written = list(stream_ids(model, prompt[0].tolist(), 13, choice, end_id=None))
    assert written == greedy_decode(model, prompt, 13)[0, 3:].tolist()


def test_beyond_the_models_length_it_goes_on_from_the_newer_half() -> None:
    model = make_gpt(5)
    ids = [7, 2, 11, 5, 3, 9, 1]
    written = list(stream_ids(model, ids, 9, sampling(temperature=0), end_id=None))
    n_read = 0  # tokens that the model sees, by hand: 3, 4, 5, and then 3 again
    for newest in written:
        n_read = 3 if n_read in (0, 5) else n_read + 1
        assert newest == int(model(torch.tensor([ids[-n_read:]]))[0, -1].argmax())
        ids.append(newest)


def test_the_end_mark_ends_the_text_unseen() -> None:
    model = make_gpt(23)
    written = list(stream_ids(model, [7, 2], 13, sampling(), end_id=None))
    end_id = written[4]
    assert end_id not in written[:4]
    assert list(stream_ids(model, [7, 2], 13, sampling(), end_id)) == written[:4]


def test_draws_follow_the_temperature_and_the_top() -> None:
    logits = torch.tensor([0.0, 3.0, 2.0, -1.0])
    choice = sampling(temperature=0.5, seed=3)
    drawn = torch.tensor([choice.choose(logits) for _ in range(600)])
    shares = torch.bincount(drawn, minlength=4) / 600
    expected = (logits * 2).softmax(-1)
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.06)  # 3 standard errors
    best = sampling(temperature=5.0, top=2)
    assert {best.choose(logits) for _ in range(50)} == {1, 2}
    everything = sampling(temperature=5.0, top=9)
    assert {everything.choose(logits) for _ in range(200)} == {0, 1, 2, 3}


def test_the_text_is_that_of_the_ids_and_repeats_with_its_seed() -> None:
    model = make_gpt(23)
    ids = list(stream_ids(model, TOKENIZER.encode("the"), 19, sampling(seed=5), end_id=None))
    text = "".join(stream_text(model, TOKENIZER, "the", 19, sampling(seed=5)))
    assert text.rstrip("�") == TOKENIZER.decode(ids).rstrip("�")
    assert text != "".join(stream_text(model, TOKENIZER, "the", 19, sampling(seed=6)))


def test_an_empty_prompt_is_refused_at_once() -> None:
    with pytest.raises(CourseError, match="--prompt must hold at least one character"):
        stream_text(make_gpt(5), TOKENIZER, "", 3, sampling())


@settings(deadline=None)
@given(st.text(), st.data())
def test_characters_are_whole_wherever_the_bytes_are_cut(text: str, data: st.DataObject) -> None:
    content = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)))))
    starts, ends = [0, *cuts], [*cuts, len(content)]
    pieces = list(whole_characters(content[a:b] for a, b in zip(starts, ends, strict=True)))
    assert "".join(pieces) == text
    assert all(pieces)
    assert all("�" not in piece for piece in pieces) or "�" in text


def test_bytes_that_are_no_character_are_marked_and_an_unfinished_one_is_left_out() -> None:
    assert list(whole_characters([b"a\xff", b"b", "é".encode()[:1]])) == ["a�", "b"]
