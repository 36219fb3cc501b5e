"""A folder with a model and its tokenizer, in Hugging Face's format."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.cli.run_settings import RUN, resume_command
from course_lib.errors import CourseError
from course_lib.models import GPT, Llama, gpt_to_hf
from course_lib.models.loading import SETTINGS
from course_lib.tokenizers import BPETokenizer

if TYPE_CHECKING:
    import torch

END = "<|endoftext|>"
"""Stands between two documents."""

TOKENIZER = "tokenizer.json"
MODELS = {"gpt2": GPT, "llama": Llama}
"""Our models by Hugging Face's `model_type`."""


def save_model(model: GPT, tokenizer: BPETokenizer, folder: Path) -> None:
    """Write a model with its tokenizer, for us and for transformers.

    Args:
        model: On any device.
        tokenizer: Has the special token `END`.
        folder: Must exist; other files in it stay.
    """
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # there is one file to write
    hf_model = gpt_to_hf(model)
    end_id = tokenizer.id_of(END)
    hf_model.config.eos_token_id = end_id
    if hf_model.generation_config is not None:
        hf_model.generation_config.eos_token_id = end_id
    hf_model.save_pretrained(folder)
    tokenizer.save(folder / TOKENIZER)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END}
    settings |= {"model_max_length": model.config.max_len}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), "utf-8")


def load_model(folder: Path, device: "torch.device") -> tuple[GPT | Llama, BPETokenizer]:
    """Read a GPT or a Llama with its tokenizer, ready to use.

    Args:
        folder: Written by `course train`, `course recipe` or transformers.
        device: Where the model is put.

    Raises:
        CourseError: If there is no such folder, its training is not finished, something is
            missing, or the model or tokenizer is of another kind.
    """
    if not folder.is_dir():
        raise CourseError(f"{folder} must be the folder of a model; there is no such folder.")
    missing = [name for name in (SETTINGS, TOKENIZER) if not (folder / name).is_file()]
    if missing and (folder / RUN).is_file():
        raise CourseError(
            f"{folder} holds a run that is not finished. Go on with it: {resume_command(folder)}"
        )
    if missing:
        raise CourseError(f"{folder} must hold a model; missing: {', '.join(missing)}.")
    try:
        kind = json.loads((folder / SETTINGS).read_text("utf-8")).get("model_type")
        if kind not in MODELS:
            raise ValueError(f"model_type must be one of {list(MODELS)}; got {kind!r}.")
        model = MODELS[kind].from_pretrained(folder).to(device)
        return model, BPETokenizer.load(folder / TOKENIZER)
    except ValueError as error:
        raise CourseError(f"{folder} holds no model that we can read: {error}") from error
