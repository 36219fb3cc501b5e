"""Small random models, ours and Hugging Face's with the same weights, that write varied text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import MarianConfig, MarianMTModel

from course_lib.models import (
    GPT,
    EncoderDecoder,
    GPTConfig,
    Llama,
    LlamaConfig,
    encoder_decoder_from_hf,
    gpt_to_hf,
    llama_to_hf,
)
from course_lib.seeding import make_generator

VOCAB_SIZE, MAX_LEN, PAD_ID = 31, 43, 29


@dataclass(frozen=True)
class Pair:
    """A model of ours and the same one in transformers."""

    ours: nn.Module
    theirs: Any
    prompts: Tensor


def shake(model: nn.Module) -> None:
    """Make the weights large, so that the likeliest tokens vary and differ clearly."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(8 if "tokens" in name else 12)


def make_gpt(seed: int = 0) -> GPT:
    config = GPTConfig(vocab_size=VOCAB_SIZE, max_len=MAX_LEN, d_model=10, n_heads=5, n_layers=3)
    model = GPT(config, make_generator(seed)).double().eval()
    shake(model)
    return model


def make_llama(seed: int = 0) -> Llama:
    config = LlamaConfig(
        vocab_size=VOCAB_SIZE,
        max_len=MAX_LEN,
        d_model=24,
        n_heads=6,
        n_kv_heads=2,
        n_layers=2,
        d_ff=7,
    )
    model = Llama(config, make_generator(seed)).double().eval()
    shake(model)
    return model


def make_marian(seed: int = 2) -> MarianMTModel:
    settings = {"vocab_size": VOCAB_SIZE, "max_position_embeddings": MAX_LEN, "d_model": 14}
    for side in ("encoder", "decoder"):
        settings |= {f"{side}_layers": 2, f"{side}_attention_heads": 7, f"{side}_ffn_dim": 17}
    ids = {"pad_token_id": PAD_ID, "decoder_start_token_id": PAD_ID}
    none = {"eos_token_id": None, "forced_eos_token_id": None, "activation_function": "swish"}
    model = MarianMTModel(MarianConfig(**settings, **ids, **none, scale_embedding=True))
    generator = make_generator(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if "norm.weight" in name:
                tensor.normal_(generator=generator)
            elif name.endswith("bias"):
                tensor.zero_()
            elif "embed_positions" not in name:
                tensor.normal_(std=0.2 if "layers" in name else 0.3, generator=generator)
    return model.double().eval()


def make_pair(name: str, seed: int = 0) -> Pair:
    prompts = torch.randint(VOCAB_SIZE, (3, 5), generator=make_generator(seed + 100))
    if name == "gpt":
        ours = make_gpt(seed)
        return Pair(ours, gpt_to_hf(ours).eval(), prompts)
    ours = make_llama(seed)
    return Pair(ours, llama_to_hf(ours).eval(), prompts)


@pytest.fixture(params=["gpt", "llama"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.fixture
def marian() -> tuple[EncoderDecoder, MarianMTModel]:
    theirs = make_marian()
    return encoder_decoder_from_hf(theirs).eval(), theirs


@pytest.fixture
def new_gpt() -> Callable[[int], GPT]:
    return make_gpt
