from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaForCausalLM,
)
from transformers import LlamaConfig as HFLlamaConfig

from course_lib.data.batches import PackedBatches
from course_lib.errors import CheckpointError
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    EncoderDecoder,
    EncoderDecoderConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
)
from course_lib.training import (
    AdamWConfig,
    Checkpoints,
    LayerwiseAdamWConfig,
    TrainingConfig,
    WarmupCosine,
    make_optimizer,
    parameter_groups,
    train,
)
from course_lib.training.layerwise import (
    depth_rates,
    find_blocks,
    layerwise_groups,
    parameter_depths,
)
from course_lib.training.progress import Progress

SIZES = {"vocab_size": 19, "max_len": 13, "d_model": 12, "n_heads": 3}
SPECIAL = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
MODELS: dict[str, Any] = {
    "bert": lambda: BERT(BERTConfig(**SIZES, n_layers=3, d_ff=7)),
    "gpt": lambda: GPT(GPTConfig(**SIZES, n_layers=3)),
    "llama": lambda: Llama(
        LlamaConfig(**SIZES, n_kv_heads=1, n_layers=3, d_ff=7, tie_embeddings=False)
    ),
    "hf bert": lambda: BertForSequenceClassification(
        BertConfig(
            vocab_size=19,
            hidden_size=12,
            num_attention_heads=3,
            num_hidden_layers=3,
            intermediate_size=7,
            max_position_embeddings=13,
        )
    ),
    "hf gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=19, n_positions=13, n_embd=12, n_layer=3, n_head=3, **SPECIAL)
    ),
    "hf llama": lambda: LlamaForCausalLM(
        HFLlamaConfig(
            vocab_size=19,
            hidden_size=12,
            num_attention_heads=3,
            num_hidden_layers=3,
            intermediate_size=7,
            **SPECIAL,
        )
    ),
}
EMBEDDINGS = {
    "bert": ("tokens.", "positions.", "segments.", "norm."),
    "gpt": ("tokens.", "positions."),
    "llama": ("tokens.",),
    "hf bert": ("bert.embeddings.",),
    "hf gpt2": ("transformer.wte.", "transformer.wpe."),
    "hf llama": ("model.embed_tokens.",),
}
BLOCKS = {
    "bert": "blocks.",
    "gpt": "blocks.",
    "llama": "blocks.",
    "hf bert": "bert.encoder.layer.",
    "hf gpt2": "transformer.h.",
    "hf llama": "model.layers.",
}
ADAMW = AdamWConfig(learning_rate=0.8, weight_decay=0.3)
HALVED = LayerwiseAdamWConfig(adamw=ADAMW, decay=0.5)


def expected_depth(kind: str, name: str) -> int:
    if name.startswith(BLOCKS[kind]):
        return 1 + int(name.removeprefix(BLOCKS[kind]).split(".")[0])
    return 0 if name.startswith(EMBEDDINGS[kind]) else 4


@pytest.mark.parametrize("kind", MODELS)
def test_depths_are_those_of_the_architecture(kind: str) -> None:
    model = MODELS[kind]()
    depths = parameter_depths(model)
    assert depths == {name: expected_depth(kind, name) for name, _ in model.named_parameters()}
    assert set(depths.values()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("kind", MODELS)
def test_rates_fall_from_block_to_block(kind: str) -> None:
    model = MODELS[kind]()
    depths = parameter_depths(model)
    by_hand = [0.1, 0.2, 0.4, 0.8, 0.8]  # 0.8 · ½ to the power of 3, 2, 1, 0, 0
    ids = {id(p): name for name, p in model.named_parameters()}
    for group in make_optimizer(model, HALVED).param_groups:
        for parameter in group["params"]:
            assert group["lr"] == pytest.approx(by_hand[depths[ids[id(parameter)]]], rel=1e-12)
            assert group["initial_lr"] == group["lr"]


@pytest.mark.parametrize("n_blocks", [1, 2, 5])
def test_rates_of_depths(n_blocks: int) -> None:
    embeddings, *blocks, heads = depth_rates(0.8, decay=0.25, n_blocks=n_blocks)
    assert len(blocks) == n_blocks
    assert blocks[-1] == heads == 0.8
    for lower, higher in pairwise([embeddings, *blocks]):
        assert lower == higher / 4  # a power of two: no rounding


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("top_rate", 0.0),
        ("top_rate", float("nan")),
        ("decay", 0.0),
        ("decay", 1.01),
        ("n_blocks", 0),
    ],
)
def test_rates_out_of_range_are_refused(name: str, value: float) -> None:
    settings: dict[str, Any] = {"top_rate": 0.8, "decay": 0.5, "n_blocks": 1, name: value}
    with pytest.raises(ValueError, match=rf"{name} must be .*; got {name}={value}\."):
        depth_rates(**settings)


@pytest.mark.parametrize("kind", MODELS)
def test_each_parameter_is_there_once_and_decays_as_ever(kind: str) -> None:
    model = MODELS[kind]()
    groups = layerwise_groups(model, HALVED)
    found = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    expected = {
        id(p): group["weight_decay"]
        for group in parameter_groups(model, 0.3)
        for p in group["params"]
    }
    assert found == expected
    assert sum(len(group["params"]) for group in groups) == len(expected)
    assert set(found.values()) == {0.0, 0.3}


def test_frozen_parameters_are_left_out_and_move_nobody() -> None:
    model = MODELS["gpt"]()
    model.tokens.requires_grad_(False)
    model.blocks[2].requires_grad_(False)
    groups = layerwise_groups(model, HALVED)
    assert [group["lr"] for group in groups] == [0.8, 0.4, 0.4, 0.2, 0.2, 0.1]
    assert all(p.requires_grad for group in groups for p in group["params"])


def test_heads_come_first_so_that_the_history_shows_the_highest_rate() -> None:
    rates = [group["lr"] for group in layerwise_groups(MODELS["bert"](), HALVED)]
    assert rates == sorted(rates, reverse=True)


def test_all_settings_of_adamw_arrive() -> None:
    adamw = AdamWConfig(learning_rate=0.5, beta1=0.7, beta2=0.8, eps=0.1, weight_decay=0.3)
    optimizer = make_optimizer(MODELS["gpt"](), LayerwiseAdamWConfig(adamw=adamw))
    for group in optimizer.param_groups:
        assert (group["betas"], group["eps"], group["fused"]) == ((0.7, 0.8), 0.1, True)


def data() -> PackedBatches:
    return PackedBatches(torch.arange(401) * 7 % 13, n_rows=3, n_tokens=7, seed=5)


def config_of(optimizer: AdamWConfig | LayerwiseAdamWConfig) -> TrainingConfig:
    return TrainingConfig(n_steps=7, schedule=WarmupCosine(n_warmup=2), optimizer=optimizer)


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def make_gpt(seed: int) -> GPT:
    torch.manual_seed(seed)
    return GPT(GPTConfig(**SIZES, n_layers=3, dropout=0.1))


def test_without_decay_it_is_plain_adamw_bit_for_bit() -> None:
    alike = LayerwiseAdamWConfig(adamw=ADAMW, decay=1.0)
    one, other = make_gpt(1), make_gpt(1)
    torch.manual_seed(3)
    first = train(one, data(), config_of(ADAMW))
    torch.manual_seed(3)
    second = train(other, data(), config_of(alike))
    assert first.losses == second.losses
    assert first.learning_rates == second.learning_rates
    assert_same_weights(one, other)


def test_the_first_step_moves_each_layer_by_its_rate() -> None:
    model = MODELS["bert"]().double()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    config = LayerwiseAdamWConfig(
        adamw=AdamWConfig(learning_rate=0.8, eps=1e-300, weight_decay=0.0), decay=0.5
    )
    make_optimizer(model, config).step()
    for name, parameter in model.named_parameters():  # Adam's first step is the rate itself
        rate = [0.1, 0.2, 0.4, 0.8, 0.8][expected_depth("bert", name)]
        expected = before[name] - rate
        torch.testing.assert_close(parameter.detach(), expected, msg=lambda m, n=name: f"{n}: {m}")


class Died(Exception):
    pass


class DiesAfter(Progress):
    def __init__(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def update(
        self, step: int, n_steps: int, loss: float, tokens_per_second: float, memory_bytes: int
    ) -> None:
        if step == self.n_steps:
            raise Died


def test_resume_equals_a_run_that_was_never_stopped(tmp_path: Path) -> None:
    whole = make_gpt(1)
    expected = train(whole, data(), config_of(HALVED))
    broken, stopping = make_gpt(1), Checkpoints(tmp_path, every_steps=2)
    with pytest.raises(Died):
        train(broken, data(), config_of(HALVED), checkpoints=stopping, progress=DiesAfter(5))
    resumed = make_gpt(2)
    again = Checkpoints(tmp_path, every_steps=2, resume=True)
    history = train(resumed, data(), config_of(HALVED), checkpoints=again)
    assert history.losses == expected.losses
    assert_same_weights(resumed, whole)


def test_a_checkpoint_of_another_decay_is_refused(tmp_path: Path) -> None:
    train(make_gpt(1), data(), config_of(HALVED), checkpoints=Checkpoints(tmp_path, every_steps=2))
    again = Checkpoints(tmp_path, every_steps=2, resume=True)
    other = LayerwiseAdamWConfig(adamw=ADAMW, decay=0.6)
    with pytest.raises(CheckpointError, match=r"decay=0\.5"):
        train(make_gpt(1), data(), config_of(other), checkpoints=again)


def test_lists_inside_of_blocks_do_not_count() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Linear(2, 2) for _ in range(5))

    model = nn.Sequential(nn.ModuleList(Block() for _ in range(3)))
    assert find_blocks(model) is model[0]


def test_a_shorter_list_beside_the_blocks_is_no_stack() -> None:
    model = nn.ModuleDict(
        {
            "heads": nn.ModuleList([nn.Linear(2, 2)]),
            "blocks": nn.ModuleList(nn.Linear(2, 2) for _ in range(2)),
        }
    )
    assert find_blocks(model) is model["blocks"]


def test_two_stacks_of_one_length_are_refused() -> None:
    model = EncoderDecoder(
        EncoderDecoderConfig(**SIZES, n_encoder_layers=2, n_decoder_layers=2, d_ff=7)
    )
    with pytest.raises(ValueError, match=r"one longest nn.ModuleList; got \[.*\], 2 blocks each"):
        find_blocks(model)


@pytest.mark.parametrize("model", [nn.Linear(2, 3), nn.Sequential(nn.ModuleList())])
def test_a_model_without_blocks_is_refused(model: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"model must have an nn.ModuleList of blocks; got none"):
        make_optimizer(model, LayerwiseAdamWConfig())


@pytest.mark.parametrize("decay", [0.0, -0.5, 1.01, float("nan")])
def test_a_decay_out_of_range_is_refused(decay: float) -> None:
    with pytest.raises(ValueError, match=r"decay must be in \(0, 1\]; got decay="):
        LayerwiseAdamWConfig(decay=decay)


def test_the_end_of_the_range_is_accepted() -> None:
    config = LayerwiseAdamWConfig(adamw=ADAMW, decay=1.0)
    assert {group["lr"] for group in layerwise_groups(MODELS["bert"](), config)} == {0.8}


def test_defaults() -> None:
    config = LayerwiseAdamWConfig()
    assert (config.adamw, config.decay) == (AdamWConfig(), 0.95)
