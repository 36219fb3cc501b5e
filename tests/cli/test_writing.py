from typing import Any

import pytest
import torch

from course_lib.cli.writing import stream_text
from course_lib.errors import CourseError
from course_lib.generation import Sampling, greedy_decode, sample
from course_lib.models import GPT, GPTConfig, Llama, LlamaConfig
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer

END = "<|endoftext|>"
TOKENIZER = BPETokenizer.train(["the cat 小猫 sees"], vocab_size=262, special_tokens=[END])


def make_gpt(max_len: int) -> GPT:
    sizes = {"d_model": 12, "n_heads": 3, "n_layers": 2}
    model = GPT(GPTConfig(vocab_size=262, max_len=max_len, **sizes), make_generator(1))
    for parameter in model.parameters():
        parameter.data.mul_(5)  # else every prediction is alike
    return model.eval()


def make_llama() -> Llama:
    sizes = {"d_model": 12, "n_heads": 3, "n_kv_heads": 1, "n_layers": 2, "d_ff": 5}
    return Llama(LlamaConfig(vocab_size=262, max_len=23, **sizes), make_generator(1)).eval()


def write(model: Any, prompt: str, n_tokens: int, **choice: Any) -> str:
    settings = {"generator": make_generator(choice.pop("seed", 0)), "temperature": 1.0, "top": 0}
    return "".join(stream_text(model, TOKENIZER, prompt, n_tokens, **settings | choice))


def text_of(ids: torch.Tensor | list[int]) -> str:
    return TOKENIZER.decode(map(int, ids)).rstrip("�")


@pytest.mark.parametrize("model", [make_gpt(23), make_llama()])
@pytest.mark.parametrize("choice", [{"temperature": 0}, {"top": 1}, {"temperature": 0, "top": 3}])
def test_without_chance_the_text_is_that_of_greedy_decoding(
    model: GPT | Llama, choice: dict[str, float]
) -> None:
    prompt = torch.tensor([TOKENIZER.encode("cat")])
    expected = greedy_decode(model, prompt, 13)[0, prompt.shape[1] :]
    assert write(model, "cat", 13, **choice) == text_of(expected)


def test_beyond_the_models_length_it_goes_on_from_the_newer_half() -> None:
    model = make_gpt(5)
    prompt = "cat sees cat"
    ids = TOKENIZER.encode(prompt)
    n_given = len(ids)
    assert n_given > 5
    n_read = 0  # tokens that the model sees, by hand: 3, 4, 5, and then 3 again
    for _ in range(9):
        n_read = 3 if n_read in (0, 5) else n_read + 1
        ids.append(int(model(torch.tensor([ids[-n_read:]]))[0, -1].argmax()))
    assert write(model, prompt, 9, temperature=0) == text_of(ids[n_given:])


def test_the_end_mark_ends_the_text_unseen() -> None:
    model = make_gpt(23)
    prompt = torch.tensor([TOKENIZER.encode("the")])
    written = greedy_decode(model, prompt, 13)[0, prompt.shape[1] :].tolist()
    place = next(at for at in range(3, 13) if written[at] not in written[:at])
    end_id = TOKENIZER.special_tokens[END]
    assert end_id not in written
    rows = model.tokens.weight.data
    rows[[end_id, written[place]]] = rows[[written[place], end_id]]  # they swap roles
    assert write(model, "the", 13, temperature=0) == text_of(written[:place]) != ""


def test_draws_follow_the_temperature_and_the_top() -> None:
    model = make_gpt(23)
    prompt = torch.tensor([TOKENIZER.encode("the")])
    for temperature, top in ((0.5, 0), (2.0, 3), (1.0, 300)):
        choice = Sampling(temperature=temperature, top_k=top or None)
        (ids,) = sample(model, prompt, 13, generator=make_generator(3), sampling=choice)
        got = write(model, "the", 13, seed=3, temperature=temperature, top=top)
        assert got == text_of(ids) != ""


def test_a_text_repeats_with_its_seed() -> None:
    model = make_gpt(23)
    texts = [write(model, "the", 19, seed=seed) for seed in (5, 5, 6)]
    assert texts[0] == texts[1] != texts[2]


def test_an_empty_prompt_is_refused_at_once() -> None:
    choice: Any = {"generator": make_generator(0), "temperature": 1.0, "top": 0}
    with pytest.raises(CourseError, match="--prompt must hold at least one character"):
        stream_text(make_gpt(5), TOKENIZER, "", 3, **choice)
