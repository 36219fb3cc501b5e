"""LoRA to and from the files of Hugging Face's `peft`, which is not needed for either.

An adapter is a folder with `adapter_config.json` and `adapter_model.safetensors`. It holds what
was learnt, not the model. For our own BERT, GPT and Llama its names are those of the model that
`bert_to_hf` and its sisters make.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_lib.finetuning.lora import (
    LoRAConfig,
    add_lora,
    find_heads,
    is_linear,
    linear_sizes,
    require_layers,
    require_no_lora,
)
from course_lib.models import BERT, GPT, Llama, bert_weights, gpt_weights, llama_weights

SETTINGS = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
DOWN, UP = ".lora_A.weight", ".lora_B.weight"
DEFAULTS = {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
ABOUT_THE_FILE = (
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
)
SAID_BY_THE_TENSORS = (
    "exclude_modules",
    "fan_in_fan_out",
    "layers_pattern",
    "layers_to_transform",
    "modules_to_save",
    "target_modules",
)
SUPPORTED = {
    "peft_type": ("LORA",),
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian"),
}


def save_lora(model: nn.Module, folder: str | os.PathLike[str]) -> None:
    """Write what LoRA and the heads have learnt, in the format of `peft`.

    `peft.PeftModel.from_pretrained(hf_model, folder)` reads it, as `load_lora` does.

    Args:
        model: With LoRA. If it is our BERT, GPT or Llama, the adapter fits the model of
            transformers that was made of it before LoRA. Any other model keeps its names: of a
            classifier on our BERT, `peft` can use the encoder only, so save that.
        folder: Is made if need be; an adapter in it gives way.

    Raises:
        ValueError: If the model has no LoRA, or transformers has no module like one of the heads.

    Reference:
        Hugging Face, "PEFT checkpoint format",
        https://huggingface.co/docs/peft/developer_guides/checkpoint
    """
    layers = require_layers(model)
    first = next(iter(layers.values()))
    heads = find_heads(model, first.config)
    theirs = _translate([*layers, *heads], names_in_hf(model))
    tensors = {}
    for name, layer in layers.items():
        tensors[theirs[name] + DOWN], tensors[theirs[name] + UP] = layer.down, layer.up
    for name in heads:
        for part, tensor in model.get_submodule(name).state_dict().items():
            tensors[f"{theirs[name]}.{part}"] = tensor
    is_turned = isinstance(model, GPT) or not isinstance(first.base, nn.Linear)  # as in GPT-2
    settings = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": None,
        "r": first.config.rank,
        "lora_alpha": first.config.alpha,
        "lora_dropout": first.config.dropout,
        "target_modules": [theirs[name] for name in layers],
        "modules_to_save": [theirs[name] for name in heads] or None,
        "fan_in_fan_out": is_turned,
        "bias": "none",
        "init_lora_weights": True,
        "inference_mode": True,
    }
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    copies = {PREFIX + name: t.detach().clone().contiguous() for name, t in tensors.items()}
    save_file(copies, path / WEIGHTS, metadata={"format": "pt"})


def load_lora(model: nn.Module, folder: str | os.PathLike[str]) -> list[str]:
    """Give a model the adapter that `save_lora` or `peft` has written.

    Args:
        model: Without LoRA; of the sizes of the model that the adapter was trained on, ours or
            Hugging Face's.
        folder: With `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The names of the adapted maps. They and the heads are trainable, all else is frozen.

    Raises:
        ValueError: If a file is missing or damaged, the adapter is of a kind that we do not
            compute, or its tensors do not fit the model, which then stays as it was; or as
            `add_lora`.
    """
    require_no_lora(model)
    path = Path(folder)
    settings = _read_settings(path)
    tensors = _read_tensors(path, names_in_hf(model))
    learnt = {name for name in tensors if _is_lora(name)}
    layers = sorted({name.removesuffix(DOWN).removesuffix(UP) for name in learnt})
    heads = sorted({name.rpartition(".")[0] for name in tensors.keys() - learnt})
    _require_fit(model, tensors, layers, settings["r"])
    config = LoRAConfig(
        rank=settings["r"],
        alpha=float(settings["lora_alpha"]),
        dropout=float(settings["lora_dropout"]),
        targets=tuple(layers),
        heads=tuple(heads),
    )
    names = add_lora(model, config)
    state = model.state_dict()
    for name, tensor in tensors.items():
        ours = name.replace(DOWN, ".down").replace(UP, ".up") if name in learnt else name
        state[ours].copy_(tensor)
    return names


def names_in_hf(model: nn.Module) -> dict[str, str] | None:
    """Map the names of our modules to those in the model of transformers that is made of ours.

    Args:
        model: Any model.

    Returns:
        Names of modules; None if the model is not of ours, and so has the same names there.

    Example:
        >>> from course_lib.models import BERTConfig
        >>> sizes = {"max_len": 7, "d_model": 6, "n_heads": 3, "n_layers": 2, "d_ff": 5}
        >>> names = names_in_hf(BERT(BERTConfig(vocab_size=11, **sizes)))
        >>> names["blocks.1.attention.query"] if names else None
        'bert.encoder.layer.1.attention.self.query'
    """
    if isinstance(model, BERT):
        names = _with_blocks(bert_weights.BLOCK_NAMES, len(model.blocks), "encoder.layer")
        names |= bert_weights.MODULE_NAMES
        if model.masked_token_head is None:
            return names
        return {k: v if v.startswith("cls.") else f"bert.{v}" for k, v in names.items()}
    if isinstance(model, GPT):
        names = _with_blocks(gpt_weights.BLOCK_NAMES, len(model.blocks), "transformer.h")
        return names | {"final_norm": "transformer.ln_f"}
    if isinstance(model, Llama):
        names = _with_blocks(llama_weights.BLOCK_NAMES, len(model.blocks), "model.layers")
        return names | {"final_norm": "model.norm", "head": "lm_head"}
    return None


def _with_blocks(names: Mapping[str, str], n_blocks: int, stack: str) -> dict[str, str]:
    return {
        f"blocks.{block}.{ours}": f"{stack}.{block}.{theirs}"
        for block in range(n_blocks)
        for ours, theirs in names.items()
    }


def _translate(names: Sequence[str], to_hf: Mapping[str, str] | None) -> dict[str, str]:
    """Give the names that transformers has for some of our modules."""
    if to_hf is None:
        return {name: name for name in names}
    if unknown := [name for name in names if name not in to_hf]:
        raise ValueError(
            f"adapted maps and heads must be modules that transformers has too; got {unknown}."
        )
    return {name: to_hf[name] for name in names}


def _is_lora(name: str) -> bool:
    return name.endswith((DOWN, UP))


def _read_settings(folder: Path) -> dict[str, Any]:
    """Read the settings of an adapter and refuse those that we would compute otherwise."""
    for name in (SETTINGS, WEIGHTS):
        if not (folder / name).is_file():
            there = sorted(path.name for path in folder.glob("*"))
            raise ValueError(f"{folder} must hold {name}; got {there}.")
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    problems = [
        f"{name} must be one of {list(values)}; got {settings.get(name)!r}"
        for name, values in SUPPORTED.items()
        if settings.get(name, values[0]) not in values
    ]
    known = (*SUPPORTED, *DEFAULTS, *ABOUT_THE_FILE, *SAID_BY_THE_TENSORS)
    problems += [
        f"{name} must not be set; got {value!r}"
        for name, value in settings.items()
        if name not in known and value
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise ValueError(f"the adapter must be plain LoRA:\n  {listed}")
    return DEFAULTS | settings


def _read_tensors(folder: Path, to_hf: Mapping[str, str] | None) -> dict[str, Tensor]:
    """Read the tensors of an adapter, under our names of modules and peft's of LoRA's parts."""
    try:
        raw = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise ValueError(f"{WEIGHTS} must be a safetensors file; got: {error}.") from error
    tensors = {name.removeprefix(PREFIX): tensor for name, tensor in raw.items()}
    if to_hf is None:
        return tensors
    ours = {_bare(theirs): name for name, theirs in to_hf.items()}
    found = {}
    for name, tensor in tensors.items():
        end = next((end for end in (DOWN, UP) if name.endswith(end)), f".{name.rpartition('.')[2]}")
        module = name.removesuffix(end)
        found[ours.get(_bare(module), module) + end] = tensor
    return found


def _bare(name: str) -> str:
    """Drop the name of the encoder or decoder, which depends on the heads around it."""
    return name.removeprefix("bert.").removeprefix("transformer.").removeprefix("model.")


def _require_fit(
    model: nn.Module, tensors: Mapping[str, Tensor], layers: Sequence[str], rank: int
) -> None:
    """Refuse tensors of other names or shapes than the model's; the message lists all."""
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    modules = dict(model.named_modules())
    problems = []
    for name in layers:
        module = modules.get(name)
        if module is None or not is_linear(module):
            problems.append(f"unexpected: {name}")
            continue
        n_out, n_in = linear_sizes(module)
        shapes |= {name + DOWN: torch.Size([rank, n_in]), name + UP: torch.Size([n_out, rank])}
        problems += [f"missing: {name}{end}" for end in (DOWN, UP) if name + end not in tensors]
    problems += [f"unexpected: {n}" for n in tensors if n not in shapes and not _is_lora(n)]
    problems += [
        f"{name} must have the shape {tuple(shapes[name])}; got {tuple(tensor.shape)}"
        for name, tensor in tensors.items()
        if name in shapes and tensor.shape != shapes[name]
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise ValueError(f"the adapter must fit {type(model).__name__}; got:\n  {listed}")
