"""Pretrained weights in Hugging Face's format, from a folder, the hub's local cache, or the hub.

Only safetensors are read. A `pytorch_model.bin` is a pickle, which can run any program when it is
opened.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from course_lib.data import why_hub_unreachable
from course_lib.errors import WeightsNotFoundError

SETTINGS = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
TOKENIZERS = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
"""What a tokenizer may be made of, in Hugging Face's format."""

PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def read_pretrained(name_or_folder: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read the settings and the tensors of a pretrained model, under Hugging Face's names.

    Args:
        name_or_folder: A folder with `config.json` and `model.safetensors` (or its parts and
            their index), or a name on the Hugging Face hub.

    Returns:
        What `config.json` says, and every tensor by its name.

    Raises:
        WeightsNotFoundError: If there is no such folder, and the hub has no such model or cannot
            be reached.
        ValueError: If the folder lacks settings or safetensors, or a file is damaged.
    """
    folder = pretrained_folder(name_or_folder)
    if not (folder / SETTINGS).is_file():
        raise ValueError(f"{folder} must hold {SETTINGS}; got {_names_in(folder)}.")
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            tensors.update(load_file(path))
        except SafetensorError as error:
            raise ValueError(f"{path.name} must be a safetensors file; got: {error}.") from error
    return settings, tensors


def pretrained_folder(name_or_folder: str | Path) -> Path:
    """Find the folder of a pretrained model; download it if need be and possible.

    Args:
        name_or_folder: A folder, or a name on the Hugging Face hub.

    Raises:
        WeightsNotFoundError: If there is no such folder, and the hub has no such model or cannot
            be reached.
    """
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    from huggingface_hub.errors import HFValidationError

    name = str(name_or_folder)
    try:
        cached = _cached_folder(name)
    except HFValidationError as error:
        raise WeightsNotFoundError(
            f"{name} is not a folder, and cannot be a name on the hub, such as "
            "'openai-community/gpt2'."
        ) from error
    if cached is not None:
        return cached
    if obstacle := why_hub_unreachable():
        raise WeightsNotFoundError(
            f"{name} is neither a folder nor in the hub's local cache, and the hub cannot be "
            f"asked: {obstacle}. Run once with a network, or pass a folder with {SETTINGS} and "
            f"{WEIGHTS}."
        )
    return _download(name)


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors of a folder: one file, or the parts that the index names.

    Args:
        folder: Where the model lies.

    Raises:
        ValueError: If there are none, not even if there is a pickle; or if a part is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        paths = [folder / part for part in sorted(set(index["weight_map"].values()))]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            raise ValueError(f"{folder} must hold every part of {INDEX}; missing: {missing}.")
        return paths
    if any((folder / pickle).is_file() for pickle in PICKLES):
        raise ValueError(
            f"{folder} must hold {WEIGHTS}; got only a pickle ({PICKLES[0]}), which may run any "
            "program when it is opened. If you trust it, convert it once: "
            "transformers.AutoModel.from_pretrained(folder).save_pretrained(folder)."
        )
    raise ValueError(f"{folder} must hold {WEIGHTS} or {INDEX}; got {_names_in(folder)}.")


@torch.no_grad()
def load_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors into a model, all of them or none.

    The model keeps its number format and its device.

    Args:
        model: Its parameters and buffers are overwritten.
        tensors: One for every name in the model's `state_dict()`.

    Raises:
        ValueError: If a name is missing or unexpected, or a shape differs; the message lists all.
    """
    state = model.state_dict()
    problems = [f"missing: {name}" for name in state if name not in tensors]
    problems += [f"unexpected: {name}" for name in tensors if name not in state]
    problems += [
        f"{name} must have the shape {tuple(state[name].shape)}; got {tuple(tensor.shape)}"
        for name, tensor in tensors.items()
        if name in state and tensor.shape != state[name].shape
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise ValueError(f"tensors must fit {type(model).__name__}; got:\n  {listed}")
    for name, tensor in tensors.items():
        state[name].copy_(tensor)


def require_settings(settings: Mapping[str, Any], supported: Mapping[str, tuple[Any, ...]]) -> None:
    """Refuse a pretrained model that our architecture would compute otherwise.

    Args:
        settings: What its `config.json` says.
        supported: The values that we can compute with, by the name of the setting. What the file
            does not mention has Hugging Face's default, the first of the values.

    Raises:
        ValueError: If a setting has another value; the message lists all.
    """
    problems = [
        f"{name} must be one of {list(values)}; got {settings[name]!r}"
        for name, values in supported.items()
        if name in settings and settings[name] not in values
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise ValueError(f"the pretrained model must be of a kind we compute:\n  {listed}")


def drop_tied(tensors: dict[str, Tensor], twin: str, table: str) -> None:
    """Drop the second copy of a table that a model with tied weights has only once.

    Args:
        tensors: Loses `twin`, if it is there.
        twin: Name of the copy.
        table: Name of the table itself.

    Raises:
        ValueError: If the two differ, so that the weights are not tied.
    """
    dropped = tensors.pop(twin, None)
    if dropped is not None and table in tensors and not torch.equal(dropped, tensors[table]):
        raise ValueError(f"{twin} must equal {table} (tied weights); got another table.")


def _names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _cached_folder(name: str) -> Path | None:
    """Find a model in the hub's local cache, if settings and all weights are there."""
    from huggingface_hub import try_to_load_from_cache

    settings = try_to_load_from_cache(name, SETTINGS)
    if not isinstance(settings, str):
        return None
    folder = Path(settings).parent
    try:
        weight_files(folder)
    except ValueError:
        return None
    return folder


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download

    wanted = [SETTINGS, WEIGHTS, INDEX, "model-*-of-*.safetensors", *TOKENIZERS]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except Exception as error:  # its own exceptions, those of its HTTP client, the system's
        raise WeightsNotFoundError(f"{name} could not be downloaded ({error}).") from error
