from collections.abc import Callable

import pytest
import torch
from torch import nn

from course_lib.compute import ParameterCount, count_parameters, count_parameters_of
from course_lib.compute.parameters import component_of
from course_lib.models import (
    BERT,
    GPT,
    GPTConfig,
    Llama,
    LlamaConfig,
    bert_base,
    gpt2_large,
    gpt2_medium,
    gpt2_small,
    gpt2_xl,
    gpt_to_hf,
    llama2_7b,
    llama3_8b,
    smollm2_135m,
    tinyllama_1b,
)


@pytest.mark.parametrize(
    ("preset", "total"),
    [
        (gpt2_small, 124_439_808),
        (gpt2_medium, 354_823_168),
        (gpt2_large, 774_030_080),
        (gpt2_xl, 1_557_611_200),
    ],
)
def test_gpt2_has_its_published_size(preset: Callable[[], GPTConfig], total: int) -> None:
    assert count_parameters_of(GPT, preset()).total == total


@pytest.mark.parametrize(
    ("preset", "total"),
    [
        (smollm2_135m, 134_515_008),
        (tinyllama_1b, 1_100_048_384),
        (llama2_7b, 6_738_415_616),
        (llama3_8b, 8_030_261_248),
    ],
)
def test_llama_has_its_published_size(preset: Callable[[], LlamaConfig], total: int) -> None:
    assert count_parameters_of(Llama, preset()).total == total


def test_bert_base_has_its_published_size() -> None:
    """Published for the encoder with its pooler; the two pretraining heads come on top."""
    parts = count_parameters_of(BERT, bert_base()).by_component
    heads = sum(n for part, n in parts.items() if part.split(".")[0].endswith("_head"))
    assert sum(parts.values()) - heads == 109_482_240


def test_gpt2_small_by_hand() -> None:
    count = count_parameters_of(GPT, gpt2_small())
    assert count.by_component == {
        "tokens": 50257 * 768,
        "positions": 1024 * 768,
        "blocks.attention_norm": 12 * 2 * 768,
        "blocks.attention": 12 * (768 * 2304 + 2304 + 768 * 768 + 768),
        "blocks.feedforward_norm": 12 * 2 * 768,
        "blocks.feedforward": 12 * (768 * 3072 + 3072 + 3072 * 768 + 768),
        "final_norm": 2 * 768,
    }
    assert count.trainable == count.total == sum(count.by_component.values())


def test_a_model_and_its_settings_give_the_same_count() -> None:
    config = GPTConfig(vocab_size=19, max_len=13, d_model=15, n_heads=3, n_layers=2, d_ff=7)
    assert count_parameters(GPT(config)) == count_parameters_of(GPT, config)
    assert count_parameters(gpt_to_hf(GPT(config))).total == count_parameters(GPT(config)).total


def test_counting_from_settings_takes_no_memory_and_leaves_no_trace() -> None:
    devices = []

    def build(width: int) -> nn.Module:
        layer = nn.Linear(width, 10**6)
        devices.append(layer.weight.device.type)
        return layer

    assert count_parameters_of(build, 10**6).total == 10**12 + 10**6
    assert devices == ["meta"]
    assert torch.empty(1).device.type == "cpu"


def test_frozen_and_tied_parameters() -> None:
    first, second = nn.Linear(3, 5, bias=False), nn.Linear(3, 5)
    second.weight = first.weight
    second.bias.requires_grad_(False)
    assert count_parameters(nn.Sequential(first, second)) == ParameterCount(
        total=20, trainable=15, by_component={"0": 15, "1": 5}
    )


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("weight", "weight"),
        ("tokens.weight", "tokens"),
        ("heads.next_sentence.bias", "heads.next_sentence"),
        ("0.weight", "0"),
        ("encoder.blocks.11.attention.query.weight", "encoder.blocks.attention"),
        ("blocks.0.norm.weight", "blocks.norm"),
        ("blocks.0.experts.3.inner.weight", "blocks.experts"),
    ],
)
def test_names_of_components(name: str, component: str) -> None:
    assert component_of(name) == component
