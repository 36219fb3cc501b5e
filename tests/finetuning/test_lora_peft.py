import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.testing import assert_close
from transformers import BertConfig, BertModel

from course_lib.finetuning import LoRAConfig, add_lora, load_lora, lora_parameters, save_lora
from course_lib.finetuning.lora_peft import names_in_hf
from course_lib.models import (
    bert_from_hf,
    bert_to_hf,
)

from .lora_models import (
    HF,
    HF_SIZES,
    HF_TARGETS,
    IDS,
    OURS,
    TARGETS,
    TO_HF,
    TOLERANCES,
    adapt,
    make,
    randomise,
    read_with_peft,
    run,
    with_peft,
)

# peft asks transformers 5 for a property that transformers has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")


@pytest.mark.parametrize("kind", OURS)
def test_peft_reads_what_our_models_learnt(kind: str, tmp_path: Path) -> None:
    model = make(kind, OURS)
    hf_model = TO_HF[kind](model)
    before = run(model)
    adapt(model, *TARGETS[kind])
    save_lora(model, tmp_path)
    theirs = read_with_peft(hf_model, tmp_path)
    assert_close(run(theirs), run(model), rtol=0, atol=TOLERANCES[kind])
    assert (run(model) - before).abs().max() > 0.1
    n_theirs = sum(p.numel() for name, p in theirs.named_parameters() if "lora_" in name)
    assert n_theirs == sum(p.numel() for p in lora_parameters(model))


@pytest.mark.parametrize("kind", OURS)
def test_our_models_read_what_peft_trained(kind: str, tmp_path: Path) -> None:
    model = make(kind, OURS)
    theirs = with_peft(TO_HF[kind](model), HF_TARGETS[kind])
    theirs.save_pretrained(tmp_path)
    before = run(model)
    load_lora(model, tmp_path)
    assert_close(run(model), run(theirs), rtol=0, atol=TOLERANCES[kind])
    assert (run(model) - before).abs().max() > 0.1


@pytest.mark.parametrize("kind", HF)
def test_peft_reads_what_a_model_of_transformers_learnt(kind: str, tmp_path: Path) -> None:
    model, twin = make(kind, HF), make(kind, HF)
    adapt(model, *HF_TARGETS[kind])
    save_lora(model, tmp_path)
    theirs = read_with_peft(twin, tmp_path)
    assert_close(run(theirs), run(model), rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", HF)
def test_models_of_transformers_read_what_peft_trained(kind: str, tmp_path: Path) -> None:
    model = make(kind, HF)
    theirs = with_peft(make(kind, HF), HF_TARGETS[kind])
    theirs.save_pretrained(tmp_path)
    load_lora(model, tmp_path)
    assert_close(run(model), run(theirs), rtol=0, atol=1e-10)


def test_a_classifier_travels_with_its_adapter_both_ways(tmp_path: Path) -> None:
    model, twin = make("bert", HF), make("bert", HF)
    adapt(model, "query", heads=("classifier",))
    save_lora(model, tmp_path / "ours")
    assert_close(run(read_with_peft(twin, tmp_path / "ours")), run(model), rtol=0, atol=1e-10)

    theirs = with_peft(make("bert", HF), ["query"], ["classifier"])
    theirs.save_pretrained(tmp_path / "theirs")
    reader = make("bert", HF)
    load_lora(reader, tmp_path / "theirs")
    assert_close(run(reader), run(theirs), rtol=0, atol=1e-10)
    trained = {name for name, p in reader.named_parameters() if p.requires_grad}
    assert {"classifier.weight", "classifier.bias"} < trained
    assert all("lora" in n or ".down" in n or ".up" in n or "classifier" in n for n in trained)


@pytest.mark.parametrize("pooling", [True, False])
def test_berts_pooler_travels_under_its_name_in_transformers(pooling: bool, tmp_path: Path) -> None:
    hf_model = BertModel(BertConfig(**HF_SIZES), add_pooling_layer=pooling).double().eval()
    randomise(hf_model)
    ours, reader = bert_from_hf(hf_model), bert_from_hf(hf_model)
    adapt(ours, "query", heads=("pooler",) if pooling else ())
    save_lora(ours, tmp_path)
    theirs = read_with_peft(hf_model, tmp_path)
    with torch.no_grad():
        outputs = theirs(IDS)
        assert_close(outputs.last_hidden_state, ours.hidden(IDS), rtol=0, atol=1e-10)
        load_lora(reader, tmp_path)
        if pooling:
            assert_close(outputs.pooler_output, ours.pooled(IDS), rtol=0, atol=1e-10)
            assert torch.equal(reader.pooled(IDS), ours.pooled(IDS))


def test_an_adapter_fits_whatever_heads_are_around_the_encoder(tmp_path: Path) -> None:
    """In transformers, the encoder is called "bert" inside of a classifier, and nothing alone."""
    with_peft(make("bert", HF), ["query"]).save_pretrained(tmp_path)
    for ours in (bert_from_hf(make("bert", HF).bert), make("bert", OURS)):
        assert load_lora(ours, tmp_path) == [
            "blocks.0.attention.query",
            "blocks.1.attention.query",
        ]


@pytest.mark.parametrize("kind", OURS)
def test_the_names_are_those_of_the_exported_model(kind: str) -> None:
    model = OURS[kind]()
    modules = dict(TO_HF[kind](model).named_modules())
    names = names_in_hf(model)
    assert names is not None
    assert set(names.values()) <= set(modules)
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    assert set(linear) <= set(names)


class Classifier(nn.Module):
    """Our BERT with a head of two layers, one of which has a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = OURS["bert"]()
        self.head = nn.Sequential(nn.Linear(12, 7), nn.BatchNorm1d(7), nn.Linear(7, 5))

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.encoder.hidden(ids)[:, 0])


def make_classifier() -> Classifier:
    model = Classifier().double().eval()
    randomise(model)
    return model


def test_any_other_model_keeps_its_names(tmp_path: Path) -> None:
    model, reader = make_classifier(), make_classifier()
    adapt(model, "value", heads=("head",))
    model.head[1].running_mean.fill_(0.7)  # pyright: ignore
    save_lora(model, tmp_path / "deep" / "folder")
    names = load_lora(reader, tmp_path / "deep" / "folder")
    assert names == [f"encoder.blocks.{block}.attention.value" for block in (0, 1)]
    assert torch.equal(run(reader), run(model))
    assert {n for n, p in reader.named_parameters() if p.requires_grad} == {
        n for n, p in model.named_parameters() if p.requires_grad
    }


def test_the_encoder_of_a_classifier_is_saved_for_peft(tmp_path: Path) -> None:
    model = make_classifier()
    hf_model = bert_to_hf(model.encoder)
    adapt(model, "value", heads=("head",))
    save_lora(model.encoder, tmp_path)
    theirs = read_with_peft(hf_model, tmp_path)
    assert_close(run(theirs), run(model.encoder), rtol=0, atol=1e-10)


def test_a_saved_adapter_is_read_back_bit_for_bit_and_can_be_trained_on(tmp_path: Path) -> None:
    model, reader = make("gpt", OURS), make("gpt", OURS)
    settings = LoRAConfig(rank=3, alpha=7.5, dropout=0.2, targets=("qkv",))
    names = add_lora(model, settings)
    randomise(model, trained_only=True)
    save_lora(model, tmp_path)
    assert load_lora(reader, tmp_path) == names
    assert torch.equal(run(reader), run(model))
    config = reader.get_submodule(names[0]).config
    assert (config.rank, config.alpha, config.dropout) == (3, 7.5, 0.2)
    assert len(lora_parameters(reader)) == 4
    assert all(p.requires_grad for p in lora_parameters(reader))
    save_lora(reader, tmp_path / "again")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_the_files_are_as_peft_writes_them(tmp_path: Path) -> None:
    hf_model = make("bert", HF)
    add_lora(hf_model, LoRAConfig(rank=3, alpha=5.0, dropout=0.2, heads=("classifier",)))
    save_lora(hf_model, tmp_path)
    maps = [
        f"bert.encoder.layer.{block}.attention.self.{name}"
        for block in (0, 1)
        for name in ("query", "value")
    ]
    expected = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "r": 3,
        "lora_alpha": 5.0,
        "lora_dropout": 0.2,
        "target_modules": maps,
        "modules_to_save": ["classifier"],
        "fan_in_fan_out": False,
        "bias": "none",
        "init_lora_weights": True,
        "inference_mode": True,
    }
    text = (tmp_path / "adapter_config.json").read_text("utf-8")
    assert text == json.dumps(expected, indent=2) + "\n"
    shapes = {
        f"base_model.model.{name}.lora_{part}.weight": shape
        for name in maps
        for part, shape in (("A", (3, 12)), ("B", (12, 3)))
    }
    shapes["base_model.model.classifier.weight"] = (5, 12)
    shapes["base_model.model.classifier.bias"] = (5,)
    tensors = load_file(tmp_path / "adapter_model.safetensors")
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == shapes


def test_gpts_maps_are_turned_in_transformers(tmp_path: Path) -> None:
    for number, model in enumerate((make("gpt", OURS), make("gpt", HF))):
        add_lora(model, LoRAConfig(rank=3))
        save_lora(model, tmp_path / str(number))
        text = (tmp_path / str(number) / "adapter_config.json").read_text("utf-8")
        assert json.loads(text)["fan_in_fan_out"] is True
