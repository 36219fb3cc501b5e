"""Models with LoRA, ours and those of transformers and peft, for the tests of both."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

from course_lib.finetuning import LoRAConfig, add_lora
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    bert_to_hf,
    gpt_to_hf,
    llama_to_hf,
)
from course_lib.seeding import make_generator

SIZES = {"vocab_size": 19, "max_len": 13, "d_model": 12, "n_heads": 3}
HF_SIZES = {
    "vocab_size": 19,
    "hidden_size": 12,
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "intermediate_size": 7,
    "max_position_embeddings": 13,
}
IDS = torch.tensor([[4, 0, 10, 7, 7], [1, 18, 3, 2, 5]])
OURS: dict[str, Any] = {
    "bert": lambda: BERT(BERTConfig(**SIZES, n_layers=2, d_ff=7)),
    "gpt": lambda: GPT(GPTConfig(**SIZES, n_layers=2)),
    "llama": lambda: Llama(LlamaConfig(**SIZES, n_kv_heads=1, n_layers=2, d_ff=7)),
}
TO_HF: dict[str, Any] = {"bert": bert_to_hf, "gpt": gpt_to_hf, "llama": llama_to_hf}
HF: dict[str, Any] = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**HF_SIZES, num_labels=5)),
    "gpt": lambda: gpt_to_hf(OURS["gpt"]()),
    "llama": lambda: llama_to_hf(OURS["llama"]()),
}
TARGETS = {
    "bert": ("query", "output", "feedforward.inner"),
    "gpt": ("qkv", "attention.output"),
    "llama": ("key", "gate", "outer"),
}
# Llama of transformers computes its norms in float32, whatever the weights are.
TOLERANCES = {"bert": 1e-10, "gpt": 1e-10, "llama": 1e-6}
HF_TARGETS = {
    "bert": ["query", "intermediate.dense"],
    "gpt": ["c_attn", "mlp.c_proj"],
    "llama": ["k_proj", "down_proj"],
}


def randomise(model: nn.Module, *, trained_only: bool = False, seed: int = 1) -> None:
    generator = make_generator(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad or not trained_only:
                parameter.normal_(std=0.3, generator=generator)


def make(kind: str, where: dict[str, Any]) -> Any:
    model = where[kind]().double().eval()
    randomise(model)
    return model


def run(model: Any) -> Tensor:
    with torch.no_grad():
        outputs = model(IDS)
    if isinstance(outputs, Tensor):
        return outputs
    found = [outputs.get(name) for name in ("logits", "prediction_logits", "last_hidden_state")]
    return next(logits for logits in found if logits is not None)


def with_peft(model: Any, targets: list[str], heads: list[str] | None = None) -> Any:
    peft = pytest.importorskip("peft", reason="peft reads and writes the adapters that we exchange")
    settings = peft.LoraConfig(
        r=3,
        lora_alpha=5,
        target_modules=targets,
        modules_to_save=heads,
        fan_in_fan_out="c_attn" in targets,
    )
    adapted = peft.get_peft_model(model, settings).eval()
    randomise(adapted, trained_only=True)
    return adapted


def read_with_peft(model: Any, folder: Path) -> Any:
    peft = pytest.importorskip("peft", reason="peft reads and writes the adapters that we exchange")
    return peft.PeftModel.from_pretrained(model, str(folder)).eval()


def adapt(model: nn.Module, *targets: str, heads: tuple[str, ...] = ()) -> None:
    add_lora(model, LoRAConfig(rank=3, alpha=5.0, targets=targets, heads=heads))
    randomise(model, trained_only=True)
