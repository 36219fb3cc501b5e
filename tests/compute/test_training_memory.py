import pytest
import torch
import transformers
from jaxtyping import TypeCheckError

from course_lib.compute import TrainingMemory, activation_bytes, memory
from course_lib.models import GPT, GPTConfig, gpt2_small, llama2_7b, transformer_base

SMALL = GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2)


def test_float32_takes_what_torch_takes() -> None:
    model = GPT(SMALL)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros(2, 7, dtype=torch.long)).sum().backward()
    optimizer.step()
    averages = [
        value
        for state in optimizer.state.values()
        for name, value in state.items()
        if name != "step"
    ]
    needed = memory(model, n_sequences=2, n_tokens=7, precision="float32", on_cpu=True)
    assert needed.parameter_bytes == sum(p.nbytes for p in model.parameters())
    assert needed.gradient_bytes == sum(p.grad.nbytes for p in model.parameters())
    assert needed.optimizer_bytes == sum(average.nbytes for average in averages)
    assert needed.activation_bytes == activation_bytes(
        model, n_sequences=2, n_tokens=7, number_bytes=4, on_cpu=True
    )


def test_mixed_precision_by_hand() -> None:
    needed = memory(llama2_7b(), n_sequences=1, n_tokens=4096)
    n = 6_738_415_616
    states = TrainingMemory(
        parameter_bytes=2 * n,
        gradient_bytes=2 * n,
        optimizer_bytes=12 * n,
        activation_bytes=activation_bytes(llama2_7b(), n_sequences=1, n_tokens=4096),
    )
    assert needed == states
    assert needed.total_bytes == 16 * n + needed.activation_bytes


def test_dropout_and_attention_written_out_reach_the_activations() -> None:
    lengths = {"n_sequences": 1, "n_tokens": 1024}
    plain = memory(gpt2_small(), **lengths).activation_bytes
    masked = memory(gpt2_small(), **lengths, has_dropout=True).activation_bytes
    written_out = memory(gpt2_small(), **lengths, is_fused=False).activation_bytes
    assert masked - plain == 1024 * 768 * (12 * 2 + 1)
    assert written_out - plain == 12 * 2 * 12 * 1024 * 1024


def test_a_configuration_of_hugging_face_is_enough() -> None:
    theirs = transformers.GPT2Config(
        vocab_size=19,
        n_positions=13,
        n_embd=15,
        n_head=3,
        n_layer=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    assert memory(theirs, n_sequences=1, n_tokens=5) == memory(SMALL, n_sequences=1, n_tokens=5)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises((ValueError, TypeCheckError), match=r"precision must be one of|'precision'"):
        memory(SMALL, n_sequences=1, n_tokens=5, precision="int8")
    with pytest.raises(ValueError, match="got an encoder-decoder"):
        memory(transformer_base(), n_sequences=1, n_tokens=5)
