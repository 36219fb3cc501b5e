"""Models of transformers that come with a trained head, behind the same door as our own.

Letters: B = texts, T = tokens of the longest of them, K = classes or tags.
"""

import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.finetuning.encoders import (
    Encoder,
    require_finite,
    sees_both_sides,
    takes_segments,
)
from course_lib.finetuning.framing_files import load_framing
from course_lib.models.loading import SETTINGS, pretrained_folder, weight_files


class HuggingFaceHead(nn.Module):
    """A model of transformers that scores classes, tags or the ends of answers.

    Args:
        model: Of transformers, with its head.
        encoder: The part of it without the head, and its tokenizer.

    Attributes:
        encoder: As above; it shares its weights with `model`.
        model: As above.
    """

    def __init__(self, model: nn.Module, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.model = model

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B K"] | Float[Tensor, "B T K"] | tuple[Tensor, Tensor]:
        """Score each text (B, K), each token (B, T, K), or its ends as an answer, 2 of (B, T).

        Args:
            ids: Texts, padded at their ends.
            mask: True for a token, False for padding; None if there is no padding.
            segment_ids: Which of two texts each token belongs to.
        """
        attention = torch.ones_like(ids) if mask is None else mask.long()
        extra: dict[str, Tensor] = {}
        if segment_ids is not None and takes_segments(self.model):
            extra["token_type_ids"] = segment_ids
        out: Any = self.model(input_ids=ids, attention_mask=attention, **extra)
        if "start_logits" not in out:
            return out.logits
        return tuple(
            logits if mask is None else logits.masked_fill(~mask, -torch.inf)
            for logits in (out.start_logits, out.end_logits)
        )


def load_head(name: str | Path, auto_class: str) -> HuggingFaceHead:
    """Load a model of transformers with its head, in evaluation mode and float32.

    Args:
        name: A folder in Hugging Face's format, or a name on the hub, in the cache or reachable.
        auto_class: Which head it must have, such as "AutoModelForQuestionAnswering".

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        ValueError: If it has no safetensors, lacks this head, or has weights that are not finite.
    """
    import transformers

    folder = pretrained_folder(name)
    weight_files(folder)  # refuses pickles
    model, info = getattr(transformers, auto_class).from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(
            f"{name} must have the trained head of an {auto_class}; it lacks {missing}. "
            "Fine-tune it first, or take another model."
        )
    return wrap_head(model.eval(), folder)


def wrap_head(model: Any, folder: Path) -> HuggingFaceHead:
    """Put a model of transformers with a head and the tokenizer of its folder together.

    Args:
        model: With its head.
        folder: Where its tokenizer lies.

    Raises:
        WeightsNotFoundError: If there is no tokenizer.
        ValueError: If a weight is not finite.
    """
    require_finite(model)
    kind = json.loads((folder / SETTINGS).read_text("utf-8"))["model_type"]
    framing = load_framing(folder, kind, is_decoder=not sees_both_sides(kind))
    return HuggingFaceHead(model, Encoder(model.base_model, framing)).eval()
