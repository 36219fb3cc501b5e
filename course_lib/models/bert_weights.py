"""BERT's weights from and to Hugging Face's models: with all heads, one head, or none."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.models.bert import BERT, BERTConfig
from course_lib.models.loading import load_tensors, require_settings

if TYPE_CHECKING:
    from transformers import BertForMaskedLM, BertForPreTraining, BertModel

MODULE_NAMES = {
    "norm": "embeddings.LayerNorm",
    "pooler": "pooler.dense",
    "masked_token_head.dense": "cls.predictions.transform.dense",
    "masked_token_head.norm": "cls.predictions.transform.LayerNorm",
    "next_sentence_head": "cls.seq_relationship",
}
BLOCK_NAMES = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "feedforward.inner": "intermediate.dense",
    "feedforward.outer": "output.dense",
    "feedforward_norm": "output.LayerNorm",
}
TABLE_NAMES = {
    "tokens.weight": "embeddings.word_embeddings.weight",
    "positions.weight": "embeddings.position_embeddings.weight",
    "segments.weight": "embeddings.token_type_embeddings.weight",
    "masked_token_head.bias": "cls.predictions.bias",
}
TIED = {
    "cls.predictions.decoder.weight": "embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
HEADS = ("pooler", "masked_token_head", "next_sentence_head")
SUPPORTED = {
    "model_type": ("bert",),
    "hidden_act": ("gelu",),
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def bert_from_hf(hf_model: "BertForPreTraining | BertForMaskedLM | BertModel") -> BERT:
    """Copy a BERT of transformers: the same logits, number format, device and mode.

    Heads that it lacks are None in ours.

    Args:
        hf_model: The model of transformers; it stays as it is.

    Raises:
        ValueError: If it differs from BERT in a way that changes its logits; lists all.
    """
    model = BERT(bert_settings(hf_model.config.to_dict()))
    model.to(next(hf_model.parameters())).train(hf_model.training)
    tensors = bert_tensors(hf_model.state_dict(), model.config.n_layers)
    drop_missing_heads(model, tensors)
    load_tensors(model, tensors)
    return model


def bert_to_hf(model: BERT) -> "BertForPreTraining | BertForMaskedLM | BertModel":
    """Copy our model into the one of transformers that has the same heads.

    Args:
        model: Our model; it stays as it is.

    Returns:
        `BertForPreTraining` if ours has all heads, `BertForMaskedLM` if it has only that for
        masked tokens, `BertModel` (with or without pooler) if it has none.

    Raises:
        ValueError: If transformers has no model with these heads and no other.
    """
    from transformers import BertForMaskedLM, BertForPreTraining, BertModel

    kinds = {
        HEADS: BertForPreTraining,
        ("masked_token_head",): BertForMaskedLM,
        ("pooler",): BertModel,
        (): lambda config: BertModel(config, add_pooling_layer=False),
    }
    heads = tuple(head for head in HEADS if getattr(model, head) is not None)
    if heads not in kinds:
        raise ValueError(f"the model's heads must be one of {list(kinds)}; got {heads}.")
    hf_model = kinds[heads](_hf_config(model.config))
    hf_model.to(model.tokens.weight).train(model.training)
    names = _names(model.config.n_layers)
    tensors = {names[ours]: tensor for ours, tensor in model.state_dict().items()}
    if "masked_token_head" in heads:
        tensors |= {theirs: tensors[source] for theirs, source in TIED.items()}
        tensors = {
            name if name.startswith("cls.") else f"bert.{name}": tensor
            for name, tensor in tensors.items()
        }
    load_tensors(hf_model, tensors)
    return hf_model


def bert_settings(settings: Mapping[str, Any]) -> BERTConfig:
    """Read our settings out of Hugging Face's.

    Args:
        settings: The contents of `config.json`, or `hf_model.config.to_dict()`.

    Raises:
        ValueError: If the model differs from BERT in a way that changes its logits, or has
            several dropout rates.
    """
    require_settings(settings, SUPPORTED)
    dropouts = {name: settings.get(name, 0.1) for name in DROPOUTS}
    if len(set(dropouts.values())) > 1:
        raise ValueError(f"the dropout rates must be equal; got {dropouts}.")
    return BERTConfig(
        vocab_size=settings["vocab_size"],
        max_len=settings["max_position_embeddings"],
        d_model=settings["hidden_size"],
        n_heads=settings["num_attention_heads"],
        n_layers=settings["num_hidden_layers"],
        d_ff=settings["intermediate_size"],
        n_segments=settings.get("type_vocab_size", 2),
        dropout=dropouts["hidden_dropout_prob"],
        norm_eps=settings.get("layer_norm_eps", 1e-12),
    )


def bert_tensors(tensors: Mapping[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Give Hugging Face's tensors our names.

    Args:
        tensors: Under Hugging Face's names, with or without `bert.` in front; those of old files
            too, where a norm has gamma and beta.
        n_layers: Number of blocks.

    Returns:
        Under our names. Tensors that we do not know keep theirs, for `load_tensors` to refuse.

    Raises:
        ValueError: If the model scores tokens with a table of its own (untied weights).
    """
    left = {_modern(name): tensor for name, tensor in tensors.items()}
    left.pop("embeddings.position_ids", None)  # old files keep 0, 1, 2, … among the weights
    for copy, source in TIED.items():
        tensor = left.pop(copy, None)
        if tensor is not None and not torch.equal(tensor, left.setdefault(source, tensor)):
            raise ValueError(f"{copy} must equal {source} (tied weights); got other numbers.")
    found = {ours: left.pop(theirs) for ours, theirs in _names(n_layers).items() if theirs in left}
    return found | left


def drop_missing_heads(model: BERT, tensors: Mapping[str, Tensor]) -> None:
    """Take heads out of a model for which there are no weights, so that none stays random.

    Args:
        model: Its heads are set to None, in place.
        tensors: From `bert_tensors`.
    """
    for head in HEADS:
        if not any(name.startswith(f"{head}.") for name in tensors):
            setattr(model, head, None)


def _modern(name: str) -> str:
    name = name.removeprefix("bert.")
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )


def _names(n_layers: int) -> dict[str, str]:
    """Map our names of tensors to Hugging Face's, without `bert.` in front."""
    modules = dict(MODULE_NAMES)
    for layer in range(n_layers):
        for ours, theirs in BLOCK_NAMES.items():
            modules[f"blocks.{layer}.{ours}"] = f"encoder.layer.{layer}.{theirs}"
    names = dict(TABLE_NAMES)
    for ours, theirs in modules.items():
        for part in ("weight", "bias"):
            names[f"{ours}.{part}"] = f"{theirs}.{part}"
    return names


def _hf_config(config: BERTConfig) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.d_model,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        intermediate_size=config.d_ff,
        hidden_dropout_prob=config.dropout,
        attention_probs_dropout_prob=config.dropout,
        max_position_embeddings=config.max_len,
        type_vocab_size=config.n_segments,
        layer_norm_eps=config.norm_eps,
    )
