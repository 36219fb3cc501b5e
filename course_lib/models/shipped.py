"""The door to the models that come with the course."""

import json
from pathlib import Path
from typing import NamedTuple

from course_lib.data import check_digest, data_path
from course_lib.errors import WeightsNotFoundError
from course_lib.models.bert import BERT
from course_lib.models.encoder_decoder import EncoderDecoder
from course_lib.models.gpt import GPT
from course_lib.models.llama import Llama
from course_lib.models.loading import SETTINGS, WEIGHTS
from course_lib.tokenizers import BPETokenizer

TOKENIZER = "tokenizer.json"
FILES = (WEIGHTS, SETTINGS, TOKENIZER)
"""What a shipped model is made of."""

DIGESTS = "model.sha256"
"""A line for each of the files, as `sha256sum` writes it."""

NEEDED = (DIGESTS, SETTINGS)

KINDS = {"bert": BERT, "gpt2": GPT, "llama": Llama, "marian": EncoderDecoder}
"""Our models by Hugging Face's `model_type`."""


class Shipped(NamedTuple):
    """A model, in evaluation mode and float32, and its tokenizer."""

    model: BERT | GPT | Llama | EncoderDecoder
    tokenizer: BPETokenizer


def load_checkpoint(name: str) -> Shipped:
    """Load a model that comes with the course; the card beside it says how it was trained.

    Args:
        name: Its folder in `data/checkpoints`, for example "mini-gpt"; `checkpoint_names()` lists
            them.

    Returns:
        The model, of the class that its settings ask for, and its tokenizer.

    Raises:
        WeightsNotFoundError: If no such model comes with the course; the message says which do.
        DigestMismatchError: If a file is not the one that was shipped.

    Example:
        >>> "course-vectors" in checkpoint_names()  # those are no model: load_course_vectors()
        False
    """
    folder = _folders().get(name)
    if folder is None:
        there = ", ".join(_folders()) or "none"
        raise WeightsNotFoundError(
            f"name must be that of a model that comes with the course ({there}); got {name!r}."
        )
    check_shipped(folder)
    kind = json.loads((folder / SETTINGS).read_text("utf-8"))["model_type"]
    return Shipped(KINDS[kind].from_pretrained(folder), BPETokenizer.load(folder / TOKENIZER))


def checkpoint_names() -> list[str]:
    """List the models that come with the course."""
    return list(_folders())


def check_shipped(folder: Path) -> None:
    """Make sure that the files of a shipped model are those that were shipped.

    Args:
        folder: Holds a list of digests, in which every file of the model stands.

    Raises:
        DigestMismatchError: If a file is another one.
        FileNotFoundError: If one is missing.
    """
    for file, expected in _digests(folder / DIGESTS).items():
        check_digest(folder / file, expected, folder.name)


def _folders() -> dict[str, Path]:
    """Map the names of the shipped models to their folders; static vectors are none.

    Fine-tuned ones are not among them: `course_lib.finetuning` loads them.
    """
    paths = sorted(data_path("checkpoints").iterdir())
    return {path.name: path for path in paths if all((path / n).is_file() for n in NEEDED)}


def _digests(path: Path) -> dict[str, str]:
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    return {name: digest for digest, name in lines}
