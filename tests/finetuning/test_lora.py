import copy
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn
from torch.testing import assert_close
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaForCausalLM,
)
from transformers import LlamaConfig as HFLlamaConfig
from transformers.pytorch_utils import Conv1D

from course_lib.data.batches import PackedBatches
from course_lib.finetuning import LoRAConfig, LoRALinear, add_lora, lora_parameters, merge_lora
from course_lib.finetuning.lora import find_heads, linear_sizes
from course_lib.models import BERT, GPT, BERTConfig, GPTConfig, Llama, LlamaConfig
from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig, TrainingConfig, train

SIZES = {"vocab_size": 19, "max_len": 13, "d_model": 12, "n_heads": 3}
HF_SIZES = {
    "vocab_size": 19,
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "intermediate_size": 7,
    "max_position_embeddings": 13,
}
SPECIAL = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
MODELS: dict[str, Any] = {
    "bert": lambda: BERT(BERTConfig(**SIZES, n_layers=2, d_ff=7)),
    "gpt": lambda: GPT(GPTConfig(**SIZES, n_layers=2)),
    "llama": lambda: Llama(LlamaConfig(**SIZES, n_kv_heads=1, n_layers=2, d_ff=7)),
    "hf bert": lambda: BertForSequenceClassification(BertConfig(**HF_SIZES, num_labels=5)),
    "hf gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(vocab_size=19, n_positions=13, n_embd=12, n_layer=2, n_head=3, **SPECIAL)
    ),
    "hf llama": lambda: LlamaForCausalLM(
        HFLlamaConfig(**HF_SIZES, num_key_value_heads=1, **SPECIAL)
    ),
}
ADAPTED = {
    "bert": ("blocks.{}.attention.query", "blocks.{}.attention.value"),
    "gpt": ("blocks.{}.attention.qkv",),
    "llama": ("blocks.{}.attention.query", "blocks.{}.attention.value"),
    "hf bert": (
        "bert.encoder.layer.{}.attention.self.query",
        "bert.encoder.layer.{}.attention.self.value",
    ),
    "hf gpt2": ("transformer.h.{}.attn.c_attn",),
    "hf llama": ("model.layers.{}.self_attn.q_proj", "model.layers.{}.self_attn.v_proj"),
}
IDS = torch.tensor([[4, 0, 10, 7, 7], [1, 18, 3, 2, 5]])


def make(kind: str) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[kind]().double().eval()


def run(model: nn.Module) -> Tensor:
    with torch.no_grad():
        outputs = model(IDS)
    return outputs if isinstance(outputs, Tensor) else outputs.logits


def learn_something(model: nn.Module, seed: int = 1) -> None:
    """Give LoRA and the heads random numbers, as if they had been trained."""
    generator = make_generator(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(generator=generator)


@pytest.mark.parametrize("kind", MODELS)
def test_by_default_queries_and_values_are_adapted(kind: str) -> None:
    names = add_lora(make(kind), LoRAConfig(rank=2))
    assert names == [name.format(block) for block in range(2) for name in ADAPTED[kind]]


@pytest.mark.parametrize("kind", MODELS)
def test_at_first_the_model_computes_what_it_did_bit_for_bit(kind: str) -> None:
    model = make(kind)
    before = run(model)
    add_lora(model, LoRAConfig(rank=2), make_generator(0))
    assert torch.equal(run(model), before)
    learn_something(model)
    assert not torch.equal(run(model), before)


@pytest.mark.parametrize("kind", MODELS)
def test_merging_changes_no_output_and_leaves_no_trace(kind: str) -> None:
    model = make(kind)
    tree = str(model)
    names = [name for name, _ in model.named_parameters()]
    add_lora(model, LoRAConfig(rank=2, alpha=3.0), make_generator(0))
    assert str(model) != tree
    learn_something(model)
    adapted = run(model)
    merge_lora(model)
    assert_close(run(model), adapted, rtol=0, atol=1e-12)
    assert str(model) == tree
    assert [name for name, _ in model.named_parameters()] == names
    assert list(model.state_dict()) == list(make(kind).state_dict())
    assert lora_parameters(model) == []


@pytest.mark.parametrize("kind", MODELS)
def test_only_lora_and_the_heads_get_gradients(kind: str) -> None:
    model = make(kind).train()
    head = {"hf bert": "classifier", "bert": "masked_token_head.dense"}.get(kind)
    add_lora(model, LoRAConfig(rank=2, heads=(head,) if head else ()))
    outputs = model(IDS)
    (outputs if isinstance(outputs, Tensor) else outputs.logits).square().sum().backward()
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert {name for name, p in model.named_parameters() if p.grad is not None} == trained
    expected = {f"{n.format(b)}.{m}" for b in (0, 1) for n in ADAPTED[kind] for m in ("down", "up")}
    assert trained == expected | ({f"{head}.weight", f"{head}.bias"} if head else set())


def test_one_layer_by_hand() -> None:
    base = nn.Linear(2, 3)
    layer = LoRALinear(base, LoRAConfig(rank=1, alpha=4.0))
    with torch.no_grad():
        base.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        base.bias.copy_(torch.tensor([0.5, 0.0, -1.0]))
        layer.down.copy_(torch.tensor([[2.0, -1.0]]))
        layer.up.copy_(torch.tensor([[1.0], [0.0], [3.0]]))
    # x = (5, 2): the map gives (5.5, 2, 6); down gives 8, up (8, 0, 24), times 4/1.
    assert layer(torch.tensor([5.0, 2.0])).tolist() == [37.5, 2.0, 102.0]
    assert layer.merge() is base
    # 4 · up · down = 4 · ((2, −1), (0, 0), (6, −3))
    assert base.weight.tolist() == [[9.0, -4.0], [0.0, 1.0], [25.0, -11.0]]


def test_a_turned_matrix_is_merged_turned() -> None:
    turned, plain = Conv1D(3, 5).requires_grad_(False), nn.Linear(5, 3).requires_grad_(False)
    turned.weight.copy_(plain.weight.mT)
    turned.bias.copy_(plain.bias)
    one, other = (LoRALinear(base, LoRAConfig(rank=2)) for base in (turned, plain))
    for layer in (one, other):
        assert (layer.down.shape, layer.up.shape) == ((2, 5), (3, 2))
        learn_something(layer)
    x = torch.randn(7, 5, generator=make_generator(0))
    assert_close(one(x), other(x))
    assert_close(one.merge()(x), other.merge()(x))
    assert_close(turned.weight.mT, plain.weight)


def test_down_is_drawn_evenly_within_one_over_the_root_of_the_inputs() -> None:
    layer = LoRALinear(nn.Linear(2500, 3), LoRAConfig(rank=8), make_generator(0))
    assert layer.down.abs().max() <= 0.02
    assert_close(layer.down.std().item(), 0.02 / 3**0.5, rtol=0.02, atol=0)  # 20,000 draws
    assert layer.up.count_nonzero() == 0
    again = LoRALinear(nn.Linear(2500, 3), LoRAConfig(rank=8), make_generator(0))
    assert torch.equal(layer.down, again.down)


def test_dropout_hits_the_correction_only_and_only_in_training() -> None:
    base = nn.Linear(5, 3).requires_grad_(False)
    layer = LoRALinear(base, LoRAConfig(rank=2, dropout=0.5), make_generator(0))
    x = torch.ones(7, 5)
    assert torch.equal(layer.train()(x), base(x))
    learn_something(layer)
    torch.manual_seed(0)
    first, second = layer(x), layer(x)
    assert not torch.equal(first, second)
    assert torch.equal(layer.eval()(x), layer(x))


def test_dropout_leaves_the_mean_of_the_correction() -> None:
    base = nn.Linear(5, 3).double()
    layer = LoRALinear(base, LoRAConfig(rank=2, dropout=0.5), make_generator(0))
    learn_something(layer)
    x = torch.ones(5, dtype=torch.float64)
    torch.manual_seed(0)
    mean = layer.train()(x.expand(20_000, 5)).mean(dim=0)
    assert_close(mean, layer.eval()(x), rtol=0, atol=0.1)  # four standard errors


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_that_of_the_model(training: bool) -> None:
    model = make("bert").train(training)
    add_lora(model, LoRAConfig(dropout=0.1))
    assert all(module.training == training for module in model.modules())


def test_number_format_and_device_are_those_of_the_weights() -> None:
    model = nn.Sequential(nn.Linear(5, 3, dtype=torch.bfloat16))
    add_lora(model, LoRAConfig(rank=2, targets=("0",)))
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model(torch.zeros(7, 5, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert LoRALinear(nn.Linear(5, 3, device="meta"), LoRAConfig()).down.device.type == "meta"


def test_a_low_rank_target_is_learnt() -> None:
    """Where the true change has rank 1, LoRA of rank 1 finds it."""
    torch.manual_seed(0)
    base = nn.Linear(7, 5).double()
    wanted = copy.deepcopy(base)
    with torch.no_grad():
        change = torch.outer(torch.randn(5).double(), torch.randn(7).double())
        wanted.weight += change
    model = nn.Sequential(base)
    add_lora(model, LoRAConfig(rank=1, alpha=1.0, targets=("0",)), make_generator(0))
    optimizer = torch.optim.Adam(lora_parameters(model), lr=0.1)
    x = torch.randn(31, 7).double()
    for _ in range(500):
        loss = (model(x) - wanted(x)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    merge_lora(model)
    assert_close(base.weight, wanted.weight, rtol=0, atol=1e-4)  # what Adam reaches


def test_training_moves_lora_and_nothing_else() -> None:
    model = GPT(GPTConfig(**SIZES, n_layers=2), make_generator(0))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    names = add_lora(model, LoRAConfig(rank=2), make_generator(0))
    batches = PackedBatches(torch.arange(401) * 7 % 13, n_rows=3, n_tokens=7, seed=5)
    optimizer = AdamWConfig(learning_rate=0.03, weight_decay=0.1)
    history = train(model, batches, TrainingConfig(n_steps=30, optimizer=optimizer))
    assert history.losses[-1] < history.losses[0]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.abs().max() > 0
        else:
            assert torch.equal(parameter, before[name.replace(".base.", ".")])
    assert len(names) == 2


def test_the_parameters_are_counted_by_hand() -> None:
    model = make("bert")
    add_lora(model, LoRAConfig(rank=5))
    parameters = lora_parameters(model)
    # 2 blocks · 2 maps · rank 5 · (12 + 12)
    assert sum(p.numel() for p in parameters) == 480
    assert {id(p) for p in parameters} == {id(p) for p in model.parameters() if p.requires_grad}


def test_targets_are_whole_words_at_the_end_of_names() -> None:
    model = make("bert")
    with pytest.raises(ValueError, match=r"targets must be .* got \['uery'\]"):
        add_lora(model, LoRAConfig(targets=("uery",)))
    names = add_lora(model, LoRAConfig(targets=("blocks.1.attention.key", "feedforward.inner")))
    assert names == [
        "blocks.0.feedforward.inner",
        "blocks.1.attention.key",
        "blocks.1.feedforward.inner",
    ]


def test_maps_inside_a_head_are_not_adapted() -> None:
    model = nn.ModuleDict(
        {"query": nn.Linear(5, 3), "head": nn.ModuleDict({"query": nn.Linear(3, 2)})}
    )
    assert add_lora(model, LoRAConfig(targets=("query",), heads=("head",))) == ["query"]
    assert find_heads(model, LoRAConfig(heads=("head", "head.query"))) == ["head"]


@pytest.mark.parametrize("targets", [("query", "vlaue"), ("norm",)])
def test_a_target_that_is_not_there_is_refused_and_all_are_named(targets: tuple[str, ...]) -> None:
    model = make("bert")
    there_are = (
        "dense, inner, key, next_sentence_head, outer, output, pooler, query, value"  # no "norm"
    )
    message = rf"got \['{targets[-1]}'\]. There are maps whose names end with: {there_are}\.$"
    with pytest.raises(ValueError, match=message):
        add_lora(model, LoRAConfig(targets=targets))
    assert all(p.requires_grad for p in model.parameters())


def test_a_model_without_queries_and_values_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got none. There are maps whose names end with: 0, 1\.$"):
        add_lora(nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 2)), LoRAConfig())
    with pytest.raises(ValueError, match=r"names end with: none\.$"):
        add_lora(nn.ReLU(), LoRAConfig())


def test_a_head_that_is_not_there_is_refused() -> None:
    message = r"heads must be names .* got \['classifer'\]. At the top there are: bert, dropout, cl"
    with pytest.raises(ValueError, match=message):
        add_lora(make("hf bert"), LoRAConfig(heads=("classifer",)))


def test_adding_twice_and_merging_nothing_are_refused() -> None:
    model = make("bert")
    with pytest.raises(ValueError, match=r"model must have LoRA; got none"):
        merge_lora(model)
    add_lora(model, LoRAConfig())
    with pytest.raises(ValueError, match=r"model must not have LoRA yet"):
        add_lora(model, LoRAConfig())
    merge_lora(model)
    assert add_lora(model, LoRAConfig())


def test_tied_weights_are_refused() -> None:
    model = make("hf gpt2")
    for config in (LoRAConfig(targets=("lm_head",)), LoRAConfig(heads=("lm_head",))):
        with pytest.raises(ValueError, match=r"lm_head must have weights of its own; .*wte.weight"):
            add_lora(model, config)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("rank", 0, "≥ 1"),
        ("rank", -1, "≥ 1"),
        ("alpha", 0.0, "> 0"),
        ("alpha", float("nan"), "> 0"),
        ("dropout", -0.1, r"in \[0, 1\)"),
        ("dropout", 1.0, r"in \[0, 1\)"),
        ("targets", "query", "a tuple of names"),
        ("heads", "classifier", "a tuple of names"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object, rule: str) -> None:
    message = rf"{name} must be {rule}; got|'{name}'"
    with pytest.raises((ValueError, TypeCheckError), match=message):
        LoRAConfig(**{name: value})  # type: ignore[arg-type]  # wrong on purpose


def test_defaults() -> None:
    config = LoRAConfig()
    assert (config.rank, config.alpha, config.dropout) == (8, 16.0, 0.0)
    assert (config.targets, config.heads) == ((), ())


def test_other_modules_than_linear_maps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"nn.Linear or a Conv1D; got Embedding"):
        LoRALinear(nn.Embedding(7, 2), LoRAConfig())
    assert linear_sizes(Conv1D(3, 5)) == (3, 5)
