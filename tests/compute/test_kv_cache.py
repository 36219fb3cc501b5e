import pytest
import torch

from course_lib.compute import kv_cache_bytes
from course_lib.models import (
    GPT,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    bert_base,
    gpt_to_hf,
    llama2_7b,
    llama3_8b,
)

GPT3 = GPTConfig(vocab_size=50257, max_len=2048, d_model=12288, n_heads=96, n_layers=96)
LLAMA2_70B = LlamaConfig(
    vocab_size=32000, max_len=4096, d_model=8192, n_heads=64, n_kv_heads=8, n_layers=80, d_ff=28672
)
LLAMA31_405B = LlamaConfig(
    vocab_size=128256,
    max_len=131072,
    d_model=16384,
    n_heads=128,
    n_kv_heads=8,
    n_layers=126,
    d_ff=53248,
)


@pytest.mark.parametrize(
    ("config", "bytes_a_token"),
    [
        (GPT3, 4_718_592),
        (llama2_7b(), 524_288),
        (LLAMA2_70B, 327_680),
        (llama3_8b(), 131_072),
        (LLAMA31_405B, 516_096),
    ],
)
def test_published_sizes(config: object, bytes_a_token: int) -> None:
    assert kv_cache_bytes(config, n_sequences=1, n_tokens=1) == bytes_a_token


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_as_many_bytes_as_a_real_cache(dtype: torch.dtype) -> None:
    gpt = GPT(GPTConfig(vocab_size=5, max_len=13, d_model=15, n_heads=3, n_layers=2)).to(dtype)
    llama = Llama(
        LlamaConfig(
            vocab_size=5, max_len=13, d_model=24, n_heads=6, n_kv_heads=2, n_layers=3, d_ff=7
        )
    ).to(dtype)
    for model in (gpt, llama):
        expected = kv_cache_bytes(model, n_sequences=3, n_tokens=11, number_bytes=dtype.itemsize)
        assert model.make_cache(3, 11).n_bytes == expected


def test_as_many_bytes_as_hugging_faces_cache() -> None:
    model = gpt_to_hf(GPT(GPTConfig(vocab_size=5, max_len=13, d_model=15, n_heads=3, n_layers=2)))
    with torch.no_grad():
        cache = model(torch.zeros(2, 7, dtype=torch.long), use_cache=True).past_key_values
    real = sum(part.nbytes for layer in cache.layers for part in (layer.keys, layer.values))
    assert kv_cache_bytes(model, n_sequences=2, n_tokens=7, number_bytes=4) == real


def test_a_translator_keeps_keys_and_values_of_source_and_target() -> None:
    config = EncoderDecoderConfig(
        vocab_size=23,
        max_len=17,
        d_model=12,
        n_heads=3,
        n_encoder_layers=2,
        n_decoder_layers=3,
        d_ff=7,
    )
    model = EncoderDecoder(config)
    cache = model.make_cache(2, 11)
    source, start = torch.zeros(2, 5, dtype=torch.long), torch.zeros(2, 1, dtype=torch.long)
    model(source, start, cache=cache)
    real = cache.target.n_bytes + sum(p.nbytes for parts in cache.memory_parts for p in parts)
    assert (
        kv_cache_bytes(model, n_sequences=2, n_tokens=11, n_source_tokens=5, number_bytes=4) == real
    )


def test_eight_bits_take_half_of_sixteen() -> None:
    assert kv_cache_bytes(GPT3, n_sequences=1, n_tokens=1, number_bytes=1) == 4_718_592 // 2


def test_what_has_no_cache_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a model that writes"):
        kv_cache_bytes(bert_base(), n_sequences=1, n_tokens=1)
    with pytest.raises(ValueError, match="n_tokens must be ≥ 1"):
        kv_cache_bytes(GPT3, n_sequences=1, n_tokens=0)
    with pytest.raises(ValueError, match="number_bytes must be ≥ 1; got number_bytes=0"):
        kv_cache_bytes(GPT3, n_sequences=1, n_tokens=1, number_bytes=0)
