"""What stands in the gap of a text."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.framing_files import load_framing
from course_lib.generation import Filling, fill_mask, likeliest_fillings
from course_lib.models import BERT, checkpoint_names, load_checkpoint
from course_lib.models.loading import SETTINGS, pretrained_folder, weight_files
from course_lib.pipelines.answering import answer_many, answer_one, is_many, require_text
from course_lib.pipelines.languages import warn_of_foreign
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer

Filler = Callable[[str, int], list[Filling]]
"""Gives so many of the likeliest tokens for the one gap of a text, the likeliest first."""


class FillMaskPipeline:
    """Names the likeliest tokens for the gap of a text.

    Args:
        fill: Does it.
        mask_token: What marks the gap.
        languages: Those that the model has read; texts in another are warned of. None: not known.
    """

    def __init__(self, fill: Filler, *, mask_token: str, languages: Sequence[str] | None) -> None:
        self.fill = fill
        self.mask_token = mask_token
        self.languages = languages

    def __call__(self, inputs: str | Sequence[str], top_k: int = 5) -> list[Any]:
        """Fill the gap of a text, or those of many.

        Args:
            inputs: A text with `mask_token` in it once, or a list of texts. A byte-level
                tokenizer, such as that of mini-bert, counts the blank before a word as a part of
                it: leave none before the gap.
            top_k: How many tokens are named (≥ 1).

        Returns:
            For each text a list of `{"score", "token", "token_str", "sequence"}`, the likeliest
            first: its chance, its id, how it reads, and the text with it.

        Raises:
            TypeError: If the one input is no text.
            ValueError: If the one input has no gap, several, or too many tokens; or there are
                not so many tokens as `top_k`.

        Warns:
            UserWarning: If texts could not be answered or are in another language.
        """

        def answer(texts: Sequence[str]) -> list[list[dict[str, Any]]]:
            return [[_as_dictionary(found) for found in self.fill(t, top_k)] for t in texts]

        if not is_many(inputs):
            found = answer_one(inputs, self._check, answer)
            self._warn([inputs])
            return found
        texts = list(inputs)
        self._warn(texts)
        return answer_many(texts, self._check, answer, batch_size=1)

    def _check(self, text: Any) -> str:
        n_gaps = require_text(text, "the text").count(self.mask_token)
        if n_gaps != 1:
            raise ValueError(
                f"the text must hold {self.mask_token} exactly once; got it {n_gaps} times in "
                f"{text!r}."
            )
        return text

    def _warn(self, texts: Sequence[Any]) -> None:
        if self.languages:
            bare = [t.replace(self.mask_token, "") for t in texts if isinstance(t, str)]
            warn_of_foreign(bare, self.languages, "this model")


def load_filler(name: str | Path = "mini-bert") -> tuple[Filler, str]:
    """Load a masked language model.

    Args:
        name: "mini-bert", a folder in Hugging Face's format, or a name on the hub.

    Returns:
        What fills a gap, and what marks one.

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        ValueError: If it is no masked language model, has no safetensors or is damaged.
    """
    if name in checkpoint_names():
        shipped = load_checkpoint(str(name))
        if not isinstance(shipped.model, BERT):
            raise ValueError(
                f"model must fill gaps, as 'mini-bert' does; got {name!r}, a "
                f"{type(shipped.model).__name__}."
            )
        return _ours(shipped.model, shipped.tokenizer)
    try:
        folder = pretrained_folder(name)
    except WeightsNotFoundError as error:
        raise WeightsNotFoundError(
            f"model must be 'mini-bert', a folder, or a name on the hub; got {str(name)!r}. {error}"
        ) from error
    weight_files(folder)  # refuses pickles
    kind = json.loads((folder / SETTINGS).read_text("utf-8"))["model_type"]
    tokenizer = load_framing(folder, kind, is_decoder=False).tokenizer
    if kind == "bert" and isinstance(tokenizer, BPETokenizer | WordPieceTokenizer):
        return _ours(BERT.from_pretrained(folder), tokenizer)
    return _theirs(folder, tokenizer)


def _ours(model: BERT, tokenizer: BPETokenizer | WordPieceTokenizer) -> tuple[Filler, str]:
    return lambda text, n_best: fill_mask(model, tokenizer, text, n_best), "[MASK]"


def _theirs(folder: Path, tokenizer: Any) -> tuple[Filler, str]:
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.inference_mode()
    def fill(text: str, n_best: int) -> list[Filling]:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        places = (ids[0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
        found = likeliest_fillings(model(input_ids=ids).logits[0], places[0], n_best)
        inside = ids[0].tolist()
        return [
            Filling(
                token=tokenizer.decode([token]),
                probability=probability,
                text=tokenizer.decode(
                    [*inside[: places[0]], token, *inside[places[0] + 1 :]],
                    skip_special_tokens=True,
                ),
                token_id=token,
            )
            for token, probability in found
        ]

    return fill, tokenizer.mask_token


def _as_dictionary(found: Filling) -> dict[str, Any]:
    return {
        "score": found.probability,
        "token": found.token_id,
        "token_str": found.token,
        "sequence": found.text,
    }
