import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_lib.finetuning import LoRAConfig, add_lora, load_lora, lora_parameters, save_lora

from .lora_models import (
    OURS,
    adapt,
    make,
)


def saved(folder: Path) -> Path:
    model = make("bert", OURS)
    adapt(model, "query")
    save_lora(model, folder)
    return folder


def edit(folder: Path, **changes: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "IA3"}, r"peft_type must be one of \['LORA'\]; got 'IA3'"),
        ({"bias": "all"}, r"bias must be one of \['none'\]; got 'all'"),
        ({"init_lora_weights": "pissa"}, r"init_lora_weights must be one of .*; got 'pissa'"),
        ({"use_dora": True}, "use_dora must not be set; got True"),
        ({"rank_pattern": {"query": 2}}, r"rank_pattern must not be set; got \{'query': 2\}"),
        ({"use_rslora": True, "lora_bias": True}, r"use_rslora must .*\n.*lora_bias must not"),
    ],
)
def test_other_adapters_than_plain_lora_are_refused(
    changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    edit(saved(tmp_path), **changes)
    model = make("bert", OURS)
    with pytest.raises(ValueError, match=rf"(?s)the adapter must be plain LoRA:.*{message}"):
        load_lora(model, tmp_path)
    assert lora_parameters(model) == []


@pytest.mark.parametrize("start", [True, False, "gaussian"])
def test_how_the_adapter_began_makes_no_difference(start: object, tmp_path: Path) -> None:
    edit(saved(tmp_path), init_lora_weights=start)
    assert len(load_lora(make("bert", OURS), tmp_path)) == 2


def test_what_peft_leaves_out_has_its_defaults(tmp_path: Path) -> None:
    model = make("bert", OURS)
    add_lora(model, LoRAConfig(rank=8, alpha=8.0))
    save_lora(model, tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text('{"peft_type": "LORA"}', "utf-8")
    reader = make("bert", OURS)
    config = reader.get_submodule(load_lora(reader, tmp_path)[0]).config
    assert (config.rank, config.alpha, config.dropout) == (8, 8.0, 0.0)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    (saved(tmp_path) / name).unlink()
    with pytest.raises(ValueError, match=rf"must hold {name}; got \['adapter_"):
        load_lora(make("bert", OURS), tmp_path)
    with pytest.raises(ValueError, match=r"must hold adapter_config.json; got \[\]"):
        load_lora(make("bert", OURS), tmp_path / "nowhere")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (saved(tmp_path) / "adapter_model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(ValueError, match=r"adapter_model.safetensors must be a safetensors file"):
        load_lora(make("bert", OURS), tmp_path)


QUERY = "base_model.model.bert.encoder.layer.0.attention.self.query"


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (f"{QUERY}.lora_A.weight", torch.zeros(3, 11), r"blocks.0.* \(3, 12\); got \(3, 11\)"),
        (f"{QUERY}.lora_B.weight", torch.zeros(12, 2), r"blocks.0.* \(12, 3\); got \(12, 2\)"),
        (f"{QUERY}.lora_B.weight", None, r"missing: blocks.0.attention.query.lora_B.weight"),
        (f"{QUERY}.lora_A.weight", None, r"missing: blocks.0.attention.query.lora_A.weight"),
        (f"{QUERY}2.lora_A.weight", torch.zeros(3, 12), "unexpected: bert.encoder.*.query2"),
        (
            "base_model.model.bert.encoder.layer.1.output.LayerNorm.lora_A.weight",
            torch.zeros(3, 12),
            "unexpected: blocks.1.feedforward_norm",
        ),
        ("base_model.model.classifier.bias", torch.zeros(5), "unexpected: classifier.bias"),
        ("base_model.model.bert.pooler.dense.bias", torch.zeros(5), r"pooler.bias .*; got \(5,\)"),
        (
            "base_model.model.bert.embeddings.word_embeddings.lora_embedding_A",
            torch.zeros(3, 19),
            "unexpected: .*lora_embedding_A",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    name: str, tensor: Tensor | None, message: str, tmp_path: Path
) -> None:
    path = saved(tmp_path) / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors.pop(name, None)
    save_file(tensors if tensor is None else {**tensors, name: tensor}, path)
    model = make("bert", OURS)
    with pytest.raises(ValueError, match=rf"(?s)the adapter must fit BERT; got:.*{message}"):
        load_lora(model, tmp_path)
    assert lora_parameters(model) == []
    assert all(p.requires_grad for p in model.parameters())


def test_a_head_that_transformers_has_not_is_refused(tmp_path: Path) -> None:
    model = make("bert", OURS)
    adapt(model, "query", heads=("masked_token_head",))
    with pytest.raises(ValueError, match=r"transformers has too; got \['masked_token_head'\]"):
        save_lora(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_loading_twice_and_saving_nothing_are_refused(tmp_path: Path) -> None:
    model = make("bert", OURS)
    with pytest.raises(ValueError, match=r"model must have LoRA; got none"):
        save_lora(model, tmp_path)
    load_lora(model, saved(tmp_path))
    with pytest.raises(ValueError, match=r"model must not have LoRA yet"):
        load_lora(model, tmp_path)
