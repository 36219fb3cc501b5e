from collections.abc import Callable

import pytest
import torch
import transformers

from course_lib.compute import ModelShape, model_class_of, shape_of
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    bert_to_hf,
    gpt_to_hf,
    llama_to_hf,
)

GPT_SIZES = GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7)
LLAMA_SIZES = LlamaConfig(
    vocab_size=19, max_len=13, d_model=24, n_heads=6, n_kv_heads=2, n_layers=5, d_ff=7
)
BERT_SIZES = BERTConfig(vocab_size=23, max_len=13, d_model=15, n_heads=5, n_layers=2, d_ff=7)
TRANSLATOR_SIZES = EncoderDecoderConfig(
    vocab_size=23,
    max_len=17,
    d_model=12,
    n_heads=3,
    n_encoder_layers=2,
    n_decoder_layers=5,
    d_ff=7,
)
LLAMA_SHAPE = ModelShape(
    kind="llama",
    vocab_size=19,
    d_model=24,
    d_head=4,
    d_ff=7,
    n_heads=6,
    n_kv_heads=2,
    n_layers=5,
)


def marian(**changes: int) -> transformers.MarianConfig:
    sizes = {
        "vocab_size": 23,
        "d_model": 12,
        "encoder_layers": 2,
        "decoder_layers": 5,
        "encoder_attention_heads": 3,
        "decoder_attention_heads": 3,
        "encoder_ffn_dim": 7,
        "decoder_ffn_dim": 7,
        "pad_token_id": 0,
        "decoder_start_token_id": 0,
        "eos_token_id": 2,
        "forced_eos_token_id": 2,
        "max_position_embeddings": 17,
    }
    return transformers.MarianConfig(**{**sizes, **changes})


@pytest.mark.parametrize(
    ("sizes", "model", "to_hf"),
    [
        (GPT_SIZES, GPT, gpt_to_hf),
        (LLAMA_SIZES, Llama, llama_to_hf),
        (BERT_SIZES, BERT, bert_to_hf),
    ],
    ids=["GPT", "Llama", "BERT"],
)
def test_a_model_its_settings_and_hugging_faces_have_one_shape(
    sizes: object, model: Callable, to_hf: Callable
) -> None:
    ours = model(sizes)
    theirs = to_hf(ours)
    if model is BERT:  # with both heads of pretraining
        theirs = transformers.BertForMaskedLM(theirs.config)
    assert shape_of(ours) == shape_of(sizes) == shape_of(theirs) == shape_of(theirs.config)


def test_shape_of_a_llama_by_hand() -> None:
    assert shape_of(LLAMA_SIZES) == LLAMA_SHAPE


def test_a_translator_and_marian_have_one_shape() -> None:
    ours = shape_of(TRANSLATOR_SIZES)
    assert ours == shape_of(EncoderDecoder(TRANSLATOR_SIZES)) == shape_of(marian())
    assert (ours.n_layers, ours.n_source_layers, ours.d_head) == (5, 2, 4)
    assert shape_of(marian(decoder_vocab_size=29)).vocab_size == 29


def test_settings_that_hugging_face_fills_in() -> None:
    gpt2 = transformers.GPT2Config(n_embd=12, n_head=3)
    assert shape_of(gpt2).d_ff == 48
    wide_heads = transformers.LlamaConfig(hidden_size=12, num_attention_heads=3, head_dim=10)
    assert (shape_of(wide_heads).d_head, shape_of(wide_heads).n_kv_heads) == (10, 3)


@pytest.mark.parametrize(
    "source", [torch.nn.Linear(1, 1), transformers.T5Config(), None, "gpt2"], ids=repr
)
def test_other_models_are_refused(source: object) -> None:
    with pytest.raises(ValueError, match="source must be one of our models"):
        shape_of(source)


def test_a_model_without_its_head_for_tokens_is_refused() -> None:
    config = transformers.BertConfig(
        vocab_size=23, hidden_size=12, num_hidden_layers=1, num_attention_heads=3
    )
    with pytest.raises(ValueError, match=r"BertForMaskedLM.*got BertModel"):
        shape_of(transformers.BertModel(config))


@pytest.mark.parametrize("part", ["attention_heads", "ffn_dim"])
def test_halves_that_differ_are_refused(part: str) -> None:
    with pytest.raises(ValueError, match=rf"decoder_{part} must be equal to encoder_{part}"):
        shape_of(marian(**{f"decoder_{part}": 6}))


def test_model_class_of() -> None:
    assert model_class_of(GPT_SIZES) is GPT
    assert model_class_of(LLAMA_SIZES) is Llama
    assert model_class_of(marian()) is transformers.MarianMTModel
    assert model_class_of(transformers.GPT2Config()) is transformers.GPT2LMHeadModel
    with pytest.raises(ValueError, match="source must be one of our models"):
        model_class_of(transformers.T5Config())
