"""The encoder-decoder's weights from and to Hugging Face's `MarianMTModel`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from course_lib.models.encoder_decoder import (
    EncoderDecoder,
    EncoderDecoderConfig,
    marian_positions,
)
from course_lib.models.loading import load_tensors, require_settings

if TYPE_CHECKING:
    from transformers import MarianMTModel

ATTENTION_NAMES = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
ENCODER_NAMES = {
    **{f"attention.{ours}": f"self_attn.{theirs}" for ours, theirs in ATTENTION_NAMES.items()},
    "attention_norm": "self_attn_layer_norm",
    "feedforward.inner": "fc1",
    "feedforward.outer": "fc2",
    "feedforward_norm": "final_layer_norm",
}
DECODER_NAMES = {
    **ENCODER_NAMES,
    **{
        f"cross_attention.{ours}": f"encoder_attn.{theirs}"
        for ours, theirs in ATTENTION_NAMES.items()
    },
    "cross_attention_norm": "encoder_attn_layer_norm",
}
TABLE = "model.shared.weight"
TABLE_COPIES = (
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
    "lm_head.weight",
)
POSITIONS = ("model.encoder.embed_positions.weight", "model.decoder.embed_positions.weight")
# Hugging Face's own, for a config.json that does not mention them.
DEFAULTS = {"scale_embedding": False, "activation_function": "gelu", "dropout": 0.1}
SUPPORTED = {
    "model_type": ("marian",),
    "activation_function": ("relu", "swish", "silu"),
    "scale_embedding": (True,),
    "share_encoder_decoder_embeddings": (True,),
    "tie_word_embeddings": (True,),
}
TWINS = (
    ("encoder_attention_heads", "decoder_attention_heads"),
    ("encoder_ffn_dim", "decoder_ffn_dim"),
)


def encoder_decoder_from_hf(hf_model: "MarianMTModel") -> EncoderDecoder:
    """Copy a `MarianMTModel`: the same logits, number format, device and mode.

    Args:
        hf_model: The model of transformers; it stays as it is.

    Raises:
        ValueError: If it differs from our model in a way that changes its logits; lists all.
    """
    model = EncoderDecoder(encoder_decoder_settings(hf_model.config.to_dict()))
    model.to(hf_model.lm_head.weight).train(hf_model.training)
    load_tensors(model, encoder_decoder_tensors(hf_model.state_dict(), model.config))
    return model


def encoder_decoder_to_hf(model: EncoderDecoder) -> "MarianMTModel":
    """Copy our model into a `MarianMTModel`; its `save_pretrained` writes what others read.

    Args:
        model: Our model; it stays as it is.
    """
    from transformers import MarianConfig, MarianMTModel

    config = model.config
    hf_config = MarianConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_len,
        d_model=config.d_model,
        encoder_layers=config.n_encoder_layers,
        encoder_attention_heads=config.n_heads,
        encoder_ffn_dim=config.d_ff,
        decoder_layers=config.n_decoder_layers,
        decoder_attention_heads=config.n_heads,
        decoder_ffn_dim=config.d_ff,
        activation_function=config.activation,
        dropout=config.dropout,
        scale_embedding=True,
        decoder_start_token_id=config.start_id,
        pad_token_id=config.start_id,
        eos_token_id=None,  # which token ends a text is the tokenizer's affair
        forced_eos_token_id=None,
    )
    hf_model = MarianMTModel(hf_config)
    torch.nn.Module.to(hf_model, model.tokens.weight).train(model.training)
    names, state = _names(config), model.state_dict()
    tensors = {names[ours]: tensor for ours, tensor in state.items() if ours in names}
    tensors["final_logits_bias"] = state["logits_bias"].unsqueeze(0)
    tensors |= dict.fromkeys(TABLE_COPIES, state["tokens.weight"])
    load_tensors(hf_model, tensors | dict.fromkeys(POSITIONS, model.positions))
    return hf_model


def encoder_decoder_settings(settings: Mapping[str, Any]) -> EncoderDecoderConfig:
    """Read our settings out of Hugging Face's.

    Dropout inside attention and feed-forward layers, which few Marian models have, is not taken
    over.

    Args:
        settings: The contents of `config.json`, or `hf_model.config.to_dict()`.

    Raises:
        ValueError: If the model differs from ours in a way that changes its logits.
    """
    settings = {**DEFAULTS, **settings}
    require_settings(settings, SUPPORTED)
    for ours, theirs in TWINS:
        if settings[ours] != settings[theirs]:
            raise ValueError(
                f"{ours} and {theirs} must be equal; got {settings[ours]} and {settings[theirs]}."
            )
    return EncoderDecoderConfig(
        vocab_size=settings["vocab_size"],
        max_len=settings["max_position_embeddings"],
        d_model=settings["d_model"],
        n_heads=settings["encoder_attention_heads"],
        n_encoder_layers=settings["encoder_layers"],
        n_decoder_layers=settings["decoder_layers"],
        d_ff=settings["encoder_ffn_dim"],
        dropout=settings["dropout"],
        activation="relu" if settings["activation_function"] == "relu" else "swish",
        start_id=settings["decoder_start_token_id"],
    )


def encoder_decoder_tensors(
    tensors: Mapping[str, Tensor], config: EncoderDecoderConfig
) -> dict[str, Tensor]:
    """Give Hugging Face's tensors our names.

    Args:
        tensors: Under Hugging Face's names. Of the four copies of the table of tokens one is
            enough, and the positions may be missing.
        config: Settings of the model.

    Returns:
        Under our names. Tensors that we do not know keep theirs, for `load_tensors` to refuse.

    Raises:
        ValueError: If copies of the table differ, or positions are not the sinusoids.
    """
    left = dict(tensors)
    for copy in TABLE_COPIES:
        table = left.pop(copy, None)
        if table is not None and not torch.equal(table, left.setdefault(TABLE, table)):
            raise ValueError(f"{copy} must equal {TABLE} (tied weights); got other numbers.")
    for name in POSITIONS:
        table = left.pop(name, None)
        if table is not None and not _are_sinusoids(table, config):
            raise ValueError(f"{name} must hold Marian's sinusoids; got other numbers.")
    bias = left.pop("final_logits_bias", None)
    found = {ours: left.pop(theirs) for ours, theirs in _names(config).items() if theirs in left}
    return found | left | ({} if bias is None else {"logits_bias": bias.squeeze(0)})


def _are_sinusoids(table: Tensor, config: EncoderDecoderConfig) -> bool:
    waves = marian_positions(config.max_len, config.d_model)
    # Files may keep them in half precision.
    return table.shape == waves.shape and torch.allclose(table.float().cpu(), waves, atol=1e-3)


def _names(config: EncoderDecoderConfig) -> dict[str, str]:
    """Map our names of tensors to Hugging Face's, but for what has another shape or many copies."""
    parts = (
        ("encoder", config.n_encoder_layers, ENCODER_NAMES),
        ("decoder", config.n_decoder_layers, DECODER_NAMES),
    )
    names = {"tokens.weight": TABLE}
    for part, n_layers, modules in parts:
        for layer in range(n_layers):
            for ours, theirs in modules.items():
                for kind in ("weight", "bias"):
                    key = f"{part}.{layer}.{ours}.{kind}"
                    names[key] = f"model.{part}.layers.{layer}.{theirs}.{kind}"
    return names
