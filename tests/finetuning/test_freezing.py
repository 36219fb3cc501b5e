from typing import Any

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from course_lib.finetuning import LoRAConfig, add_lora, freeze, kept_trainable, unfreeze_last
from course_lib.models import BERT, BERTConfig
from course_lib.training import AdamWConfig, LayerwiseAdamWConfig, make_optimizer

HF_SIZES = {
    "vocab_size": 19,
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 3,
    "intermediate_size": 7,
    "max_position_embeddings": 13,
}
MODELS: dict[str, Any] = {
    "ours": lambda: BERT(
        BERTConfig(vocab_size=19, max_len=13, d_model=12, n_heads=3, n_layers=3, d_ff=7)
    ),
    "hf": lambda: BertForSequenceClassification(BertConfig(**HF_SIZES, num_labels=5)),
}
EMBEDDINGS = {"ours": ("tokens", "positions", "segments", "norm"), "hf": ("bert.embeddings",)}
STACKS = {"ours": "blocks", "hf": "bert.encoder.layer"}
HEADS = {
    "ours": ("pooler", "masked_token_head", "next_sentence_head"),
    "hf": ("bert.pooler", "classifier"),
}


def trained(model: nn.Module) -> set[str]:
    return {name for name, p in model.named_parameters() if p.requires_grad}


def names_under(model: nn.Module, *modules: str) -> set[str]:
    starts = tuple(f"{module}." for module in modules)
    return {name for name, _ in model.named_parameters() if name.startswith(starts)}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("n_blocks", [0, 1, 2])
def test_blocks_are_opened_from_the_top(kind: str, n_blocks: int) -> None:
    model = MODELS[kind]()
    unfreeze_last(model, n_blocks)
    blocks = [f"{STACKS[kind]}.{block}" for block in range(3 - n_blocks, 3)]
    assert trained(model) == names_under(model, *blocks, *HEADS[kind])


@pytest.mark.parametrize("kind", MODELS)
def test_the_embeddings_are_opened_last(kind: str) -> None:
    model = MODELS[kind]()
    for n_blocks in range(3):
        unfreeze_last(model, n_blocks)
        assert not trained(model) & names_under(model, *EMBEDDINGS[kind])
    unfreeze_last(model, 3)
    assert trained(model) == {name for name, _ in model.named_parameters()}


def test_it_freezes_what_was_open_below() -> None:
    model = MODELS["ours"]()
    unfreeze_last(model, 2)
    unfreeze_last(model, 1)
    assert not trained(model) & names_under(model, "blocks.0", "blocks.1")


@pytest.mark.parametrize("n_blocks", [-1, 4])
def test_more_blocks_than_there_are_is_refused(n_blocks: int) -> None:
    with pytest.raises(ValueError, match=rf"n_blocks must be from 0 to 3; got n_blocks={n_blocks}"):
        unfreeze_last(MODELS["ours"](), n_blocks)


def test_a_frozen_part_gets_no_gradient_and_stays() -> None:
    model = MODELS["ours"]()
    freeze(model.blocks[1])
    assert trained(model) == {n for n, _ in model.named_parameters()} - names_under(
        model, "blocks.1"
    )
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = make_optimizer(model, LayerwiseAdamWConfig(adamw=AdamWConfig(learning_rate=0.1)))
    model(torch.tensor([[4, 0, 10]])).square().sum().backward()
    optimizer.step()
    for name in names_under(model, "blocks.1"):
        assert torch.equal(model.get_parameter(name), before[name])
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert {"tokens.weight", "blocks.0.attention.query.weight"} < moved


def test_what_was_trained_before_is_trained_again() -> None:
    model = MODELS["ours"]()
    freeze(model.tokens)
    before = trained(model)
    with kept_trainable(model):
        unfreeze_last(model, 3)
        assert trained(model) != before
    assert trained(model) == before


def test_it_is_put_back_after_an_error_too() -> None:
    model = MODELS["ours"]()

    def fail() -> None:
        with kept_trainable(model):
            freeze(model)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert trained(model) == {name for name, _ in model.named_parameters()}


def test_lora_knows_its_depth_too() -> None:
    model = MODELS["ours"]()
    add_lora(model, LoRAConfig(rank=2))
    config = LayerwiseAdamWConfig(adamw=AdamWConfig(learning_rate=0.8), decay=0.5)
    groups = make_optimizer(model, config).param_groups
    assert [group["lr"] for group in groups] == [0.8, 0.4, 0.2]
    assert [len(group["params"]) for group in groups] == [4, 4, 4]
