import torch
from torch import nn

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
from course_lib.training.groups import hidden_matrices, parameter_groups

SIZES = {"vocab_size": 19, "max_len": 13, "d_model": 12, "n_heads": 3}


def names_of(model: nn.Module, parameters: list[nn.Parameter]) -> set[str]:
    ids = {id(p) for p in parameters}
    return {name for name, p in model.named_parameters() if id(p) in ids}


def test_gpt_decays_its_matrices_but_not_its_tables() -> None:
    model = GPT(GPTConfig(**SIZES, n_layers=1))
    decayed, spared = parameter_groups(model, 0.3)
    matrices = {"attention.qkv", "attention.output", "feedforward.inner", "feedforward.outer"}
    assert names_of(model, decayed["params"]) == {f"blocks.0.{name}.weight" for name in matrices}
    everything = {name for name, _ in model.named_parameters()}
    assert names_of(model, spared["params"]) == everything - names_of(model, decayed["params"])
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)


def test_every_trained_parameter_is_there_once() -> None:
    model = BERT(BERTConfig(**SIZES, n_layers=2, d_ff=7))
    model.positions.weight.requires_grad_(False)
    given = [p for group in parameter_groups(model, 0.1) for p in group["params"]]
    assert len({id(p) for p in given}) == len(given)
    assert {id(p) for p in given} == {id(p) for p in model.parameters() if p.requires_grad}


def test_a_tied_table_is_an_embedding_wherever_it_is_met_first() -> None:
    head, table = nn.Linear(3, 7, bias=False), nn.Embedding(7, 3)
    head.weight = table.weight
    (group,) = parameter_groups(nn.Sequential(head, table), 0.1)
    assert group["weight_decay"] == 0.0
    assert group["params"] == [table.weight]


def test_a_group_without_parameters_is_left_out() -> None:
    (group,) = parameter_groups(nn.Linear(2, 3, bias=False), 0.1)
    assert group["weight_decay"] == 0.1


def test_kernels_with_three_axes_decay() -> None:
    decayed, spared = parameter_groups(nn.Conv1d(2, 3, 5), 0.1)
    assert [p.ndim for p in decayed["params"]] == [3]
    assert [p.ndim for p in spared["params"]] == [1]


def test_hidden_matrices_leave_the_output_head_out() -> None:
    sizes = {"n_kv_heads": 1, "n_layers": 2, "d_ff": 5}
    model = Llama(LlamaConfig(**SIZES | {"d_model": 6}, **sizes))
    expected = {name for name, p in model.named_parameters() if p.ndim == 2}
    expected -= {"tokens.weight", "head.weight"}
    assert names_of(model, hidden_matrices(model)) == expected
    assert len(expected) == 14


def test_hidden_matrices_of_both_stacks() -> None:
    layers = {"n_encoder_layers": 1, "n_decoder_layers": 1}
    model = EncoderDecoder(EncoderDecoderConfig(**SIZES, **layers, d_ff=5))
    names = names_of(model, hidden_matrices(model))
    assert {name.partition(".")[0] for name in names} == {"encoder", "decoder"}
    assert len(names) == 6 + 10


def test_hidden_matrices_are_trained_matrices_each_once() -> None:
    shared, frozen = nn.Linear(2, 3), nn.Linear(3, 5)
    frozen.requires_grad_(False)
    odd = nn.Conv1d(2, 3, 5), nn.Embedding(7, 3)
    inner = nn.Sequential(nn.ModuleList([shared, frozen, *odd]))
    model = nn.ModuleList([inner, shared])
    assert [tuple(p.shape) for p in hidden_matrices(model)] == [(3, 2)]
    assert hidden_matrices(nn.Linear(2, 3)) == []
    assert torch.equal(hidden_matrices(model)[0], shared.weight)
