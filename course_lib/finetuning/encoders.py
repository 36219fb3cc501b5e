"""Pretrained models that give one vector per token, all behind one door.

Letters: B = texts, T = tokens of the longest of them, D = d_model.
"""

import copy
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from course_lib.errors import WeightsNotFoundError
from course_lib.finetuning.framing import (
    Framing,
    frame_for_decoder,
    frame_for_encoder,
    frame_for_hugging_face,
    tell_of_cuts,
)
from course_lib.finetuning.framing_files import load_framing, save_framing
from course_lib.finetuning.minilm import minilm_folder
from course_lib.models import (
    BERT,
    GPT,
    Llama,
    bert_to_hf,
    checkpoint_names,
    gpt_to_hf,
    llama_to_hf,
    load_checkpoint,
)
from course_lib.models.loading import SETTINGS, pretrained_folder, weight_files
from course_lib.seeding import make_generator
from course_lib.tokenizers import BPETokenizer, WordPieceTokenizer
from course_lib.training.layerwise import find_blocks

OURS = {"bert": BERT, "gpt2": GPT, "llama": Llama}
"""Our models by Hugging Face's `model_type`."""


class Encoder(nn.Module):
    """A pretrained model that gives a vector for each token of a text, and its tokenizer.

    Usually `load_encoder` or `wrap_encoder` makes one.

    Args:
        backbone: `BERT`, `GPT` or `Llama` of ours, or a model of transformers without a head.
        framing: How texts become ids.

    Attributes:
        backbone: As above.
        framing: As above.
        d_model: Width of a token's vector.
        max_len: How many ids it takes, marks included.
        sees_both_sides: Whether a token's vector knows what comes after it.
    """

    def __init__(self, backbone: nn.Module, framing: Framing) -> None:
        super().__init__()
        self.backbone = backbone
        self.framing = framing
        config: Any = backbone.config
        if isinstance(backbone, BERT | GPT | Llama):
            self.d_model: int = config.d_model
            self.max_len: int = config.max_len
            self.sees_both_sides = isinstance(backbone, BERT)
        else:
            self.d_model = config.hidden_size
            self.max_len = _max_len_of(backbone)
            self.sees_both_sides = sees_both_sides(config.model_type)

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, ours or transformers'."""
        return self.framing.tokenizer

    @property
    def pad_id(self) -> int:
        """What fills the ends of shorter texts."""
        return self.framing.pad_id

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, the lowest first."""
        return find_blocks(self.backbone)

    @property
    def n_layers(self) -> int:
        """How many layers there are."""
        return len(self.blocks)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        mask: Bool[Tensor, "B T"] | None = None,
        segment_ids: Int[Tensor, "B T"] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Give one vector per token.

        Args:
            ids: Texts, padded at their ends.
            mask: True for a token, False for padding; None if there is no padding.
            segment_ids: Which of two texts each token belongs to; models that know no segments
                are not told.
        """
        if isinstance(self.backbone, BERT):
            return self.backbone.hidden(ids, mask, segment_ids)
        if isinstance(self.backbone, GPT | Llama):
            return self.backbone.hidden(ids, mask)
        extra: dict[str, Tensor] = {}
        if segment_ids is not None and takes_segments(self.backbone):
            extra["token_type_ids"] = segment_ids
        attention = torch.ones_like(ids) if mask is None else mask.long()
        return self.backbone(input_ids=ids, attention_mask=attention, **extra).last_hidden_state

    def encode(self, text: str) -> list[int]:
        """Turn a text into ids with its marks.

        Args:
            text: Any text; one longer than `max_len` loses its end.

        Raises:
            ValueError: If the text is empty.

        Warns:
            UserWarning: If something was cut off.
        """
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str], max_tokens: int | None = None) -> list[list[int]]:
        """Turn texts into ids with their marks; they are not yet padded.

        Args:
            texts: Any texts; those that are too long lose their ends.
            max_tokens: How many ids a text may have, marks included; `max_len` if None.

        Raises:
            TypeError: If `texts` is one string.
            ValueError: If a text is empty, or `max_tokens` above `max_len`.

        Warns:
            UserWarning: Once, if texts were cut; says how many.
        """
        return self.framing.frame_all(texts, self.limit(max_tokens))

    def encode_pair(self, first: str, second: str) -> tuple[list[int], list[int]]:
        """Turn two texts into the ids of one input, such as a question and a passage.

        Args:
            first: The text of segment 0.
            second: The text of segment 1. If both are too long together, the longer one loses its
                end first.

        Returns:
            The ids with all marks, and the segment of each.

        Raises:
            ValueError: If a text is empty.

        Warns:
            UserWarning: If something was cut off.
        """
        ids, segments, n_cut = self.framing.frame_pair(first, second, self.max_len)
        tell_of_cuts(int(n_cut > 0), 1, self.max_len)
        return ids, segments

    def fresh(self, seed: int) -> "Encoder":
        """Make an encoder of the same sizes with untrained weights.

        Args:
            seed: Decides the weights (≥ 0).
        """
        backbone = self.backbone
        with torch.random.fork_rng():  # torch's layers draw from the global generator
            if isinstance(backbone, BERT | GPT | Llama):
                new = type(backbone)(backbone.config, make_generator(seed))  # pyright: ignore
            else:
                from transformers import AutoModel

                torch.manual_seed(seed)
                new = AutoModel.from_config(copy.deepcopy(backbone.config))
        return Encoder(new.to(next(backbone.parameters())).train(backbone.training), self.framing)

    def save(self, folder: str | Path) -> None:
        """Write model and tokenizer in Hugging Face's format, for `load_encoder`.

        Args:
            folder: Is made if need be.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        backbone: Any = self.backbone
        if isinstance(backbone, BERT):
            backbone = bert_to_hf(backbone)
        elif isinstance(backbone, GPT):
            backbone = gpt_to_hf(backbone)
        elif isinstance(backbone, Llama):
            backbone = llama_to_hf(backbone)
        backbone.save_pretrained(path)
        save_framing(self.framing, path)

    def limit(self, max_tokens: int | None) -> int:
        """Say how many ids a text may have, marks included.

        Args:
            max_tokens: What is asked for (≥ 1); `max_len` if None.

        Raises:
            ValueError: If it is above `max_len`, or below 1.
        """
        if max_tokens is not None and not 1 <= max_tokens <= self.max_len:
            raise ValueError(
                f"max_tokens must be from 1 to max_len={self.max_len}; got max_tokens={max_tokens}."
            )
        return self.max_len if max_tokens is None else max_tokens


def load_encoder(name: str | Path = "mini-bert") -> Encoder:
    """Load a pretrained model and its tokenizer, ready to use (in evaluation mode, float32).

    BERT, GPT-2 and Llama become models of ours; any other becomes one of transformers.

    Args:
        name: A model that comes with the course, such as "mini-bert"; "minilm"; a folder in
            Hugging Face's format; or a name on the Hugging Face hub, such as
            "google-bert/bert-base-uncased", if it is in the local cache or can be reached.

    Raises:
        WeightsNotFoundError: If there is no such model, or it has no tokenizer.
        DigestMismatchError: If a file that we know has been changed.
        ValueError: If the weights are damaged, not finite, or of a kind we do not compute.
    """
    if name in checkpoint_names():
        shipped = load_checkpoint(str(name))
        return wrap_encoder(shipped.model, shipped.tokenizer)
    return _load_folder(_find_folder(str(name)))


def wrap_encoder(model: nn.Module, tokenizer: Any) -> Encoder:
    """Make an encoder of a model and its tokenizer.

    Args:
        model: `BERT`, `GPT` or `Llama` of ours, or a model of transformers without a head.
        tokenizer: Ours, or for a model of transformers that of transformers.

    Raises:
        ValueError: If the model is of another kind or has numbers that are not finite, or the
            tokenizer lacks a mark that is needed.
    """
    if isinstance(model, BERT):
        framing = frame_for_encoder(tokenizer)
    elif isinstance(model, GPT | Llama):
        framing = frame_for_decoder(tokenizer)
    elif hasattr(getattr(model, "config", None), "model_type"):
        is_decoder = not sees_both_sides(model.config.model_type)  # pyright: ignore
        framing = (
            frame_for_encoder(tokenizer)
            if isinstance(tokenizer, BPETokenizer | WordPieceTokenizer)
            else frame_for_hugging_face(tokenizer, is_decoder=is_decoder)
        )
    else:
        raise ValueError(
            "model must be a BERT, a GPT or a Llama of ours, or a model of transformers; got "
            f"{type(model).__name__}."
        )
    require_finite(model)
    return Encoder(model, framing)


def require_finite(model: nn.Module) -> None:
    """Refuse weights that are not all numbers.

    Args:
        model: Any model.

    Raises:
        ValueError: If a parameter holds NaN or infinity; the message names it.
    """
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            raise ValueError(f"weights must be finite numbers; got NaN or infinity in {name}.")


def _find_folder(name: str) -> Path:
    """Find a model that does not come with the course, or say what names there are."""
    if name == "minilm":
        return minilm_folder()
    try:
        return pretrained_folder(name)
    except WeightsNotFoundError as error:
        there = ", ".join(checkpoint_names())
        raise WeightsNotFoundError(
            f"name must be a model that comes with the course ({there}), 'minilm', a folder, or a "
            f"name on the hub; got {name!r}. {error}"
        ) from error


def _load_folder(folder: Path) -> Encoder:
    weight_files(folder)  # refuses pickles
    if not (folder / SETTINGS).is_file():
        raise ValueError(f"{folder} must hold {SETTINGS}; got none.")
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    kind = settings["model_type"]
    framing = load_framing(folder, kind, is_decoder=not sees_both_sides(kind))
    if kind in OURS:
        model: nn.Module = OURS[kind].from_pretrained(folder)
    else:
        from transformers import AutoModel

        model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    require_finite(model)
    return Encoder(model, framing)


def sees_both_sides(model_type: str) -> bool:
    """Say whether a kind of model was made to fill in masked tokens.

    Args:
        model_type: As `config.json` says, such as "bert".
    """
    if model_type in OURS:
        return model_type == "bert"
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def takes_segments(model: nn.Module) -> bool:
    """Say whether a model of transformers tells two texts of one input apart.

    Args:
        model: With or without a head.
    """
    config: Any = model.config
    n_segments = getattr(config, "type_vocab_size", 1)
    return n_segments > 1 and "token_type_ids" in inspect.signature(model.forward).parameters


def _max_len_of(model: Any) -> int:
    """Count the positions of a model of transformers; RoBERTa's begin after that of padding."""
    n_positions = model.config.max_position_embeddings
    offsets = [
        module.padding_idx + 1
        for name, module in model.named_modules()
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None)
    ]
    return n_positions - max(offsets, default=0)
