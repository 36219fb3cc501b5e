from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.testing import assert_close
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from course_lib.generation.huggingface import HuggingFaceModel, is_hugging_face
from course_lib.models import GPT, GPTConfig
from course_lib.seeding import make_generator

SIZES = {"vocab_size": 23, "bos_token_id": 0, "eos_token_id": 0}


@pytest.fixture(params=["gpt2", "llama"])
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    if request.param == "gpt2":
        gpt2 = GPT2Config(n_positions=16, n_embd=12, n_layer=2, n_head=3, **SIZES)
        return GPT2LMHeadModel(gpt2).double().eval()
    llama = LlamaConfig(
        max_position_embeddings=16,
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        **SIZES,
    )
    return LlamaForCausalLM(llama).double().eval()


def test_what_is_hugging_faces(model: Any) -> None:
    sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 1}
    ours = GPT(GPTConfig(vocab_size=11, **sizes), make_generator(0))
    assert is_hugging_face(model)
    assert not is_hugging_face(ours)
    assert not is_hugging_face(SimpleNamespace(generate=print))
    assert not is_hugging_face(SimpleNamespace(generate=print, config=SimpleNamespace()))
    assert not is_hugging_face(SimpleNamespace(config=SimpleNamespace(model_type="gpt2")))


def test_reading_in_pieces_is_reading_at_once(model: Any) -> None:
    ids = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    with torch.no_grad():
        expected = model(ids, output_hidden_states=True)
    reading = HuggingFaceModel(model).begin(2, 16)
    assert_close(reading.read(ids[:, :2]), expected.logits[:, 1])
    assert_close(reading.read_each(ids[:, 2:4]), expected.logits[:, 2:4])
    hidden, scores = reading.read_hidden(ids[:, 4:])
    assert_close(hidden, expected.hidden_states[-1][:, 4:])
    assert_close(scores, expected.logits[:, 4])


def test_padding_in_front_changes_nothing(model: Any) -> None:
    ids = torch.tensor([[0, 0, 4, 1, 5], [9, 2, 6, 5, 3]])
    mask = torch.tensor([[False, False, True, True, True], [True] * 5])
    reading = HuggingFaceModel(model).begin(2, 16)
    first = reading.read(ids[:, :4], mask[:, :4])
    second = reading.read(ids[:, 4:])
    with torch.no_grad():
        alone = model(torch.tensor([[4, 1, 5]])).logits
    assert_close(first[:1], alone[:, 1])
    assert_close(second[:1], alone[:, 2])


def test_what_is_forgotten_was_never_read_and_rows_can_be_chosen(model: Any) -> None:
    ids = torch.tensor([[3, 1, 4, 1], [9, 2, 6, 5]])
    mask = torch.tensor([[False, True, True, True], [True] * 4])
    reading = HuggingFaceModel(model).begin(2, 16)
    reading.read(ids, mask)
    reading.forget(2)
    reading.keep(torch.tensor([1, 0, 0]))
    scores = reading.read(torch.tensor([[7], [7], [8]]))
    with torch.no_grad():
        expected = [model(torch.tensor([row])).logits[0, -1] for row in ([9, 2, 7], [1, 7], [1, 8])]
    assert_close(scores, torch.stack(expected))


def test_more_than_fits_is_refused(model: Any) -> None:
    with pytest.raises(ValueError, match="16"):
        HuggingFaceModel(model).begin(1, 17)
