"""GPT's weights from and to Hugging Face's `GPT2LMHeadModel`.

Letters in names: c_attn, c_fc and c_proj are Hugging Face's `Conv1D`, a linear map whose matrix is
stored the other way round.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from course_lib.models.gpt import GPT, GPTConfig
from course_lib.models.loading import drop_tied, load_tensors, require_settings

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

BLOCK_NAMES = {
    "attention_norm": "ln_1",
    "attention.qkv": "attn.c_attn",
    "attention.output": "attn.c_proj",
    "feedforward_norm": "ln_2",
    "feedforward.inner": "mlp.c_fc",
    "feedforward.outer": "mlp.c_proj",
}
SUPPORTED = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}
DROPOUTS = ("embd_pdrop", "attn_pdrop", "resid_pdrop")


def gpt_from_hf(hf_model: "GPT2LMHeadModel") -> GPT:
    """Copy a `GPT2LMHeadModel`: the same logits, number format, device and mode.

    Args:
        hf_model: The model of transformers; it stays as it is.

    Raises:
        ValueError: If it differs from GPT-2 in a way that changes its logits; lists all.
    """
    model = GPT(gpt_settings(hf_model.config.to_dict()))
    model.to(hf_model.device, hf_model.dtype).train(hf_model.training)
    load_tensors(model, gpt_tensors(hf_model.state_dict(), model.config.n_layers))
    return model


def gpt_to_hf(model: GPT) -> "GPT2LMHeadModel":
    """Copy our model into a `GPT2LMHeadModel`; its `save_pretrained` writes what others read.

    Args:
        model: Our model; it stays as it is.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    config = model.config
    hf_config = GPT2Config(
        vocab_size=config.vocab_size,
        n_positions=config.max_len,
        n_embd=config.d_model,
        n_layer=config.n_layers,
        n_head=config.n_heads,
        n_inner=config.d_ff,
        layer_norm_epsilon=config.norm_eps,
        embd_pdrop=config.dropout,
        attn_pdrop=config.dropout,
        resid_pdrop=config.dropout,
        bos_token_id=None,  # which tokens begin and end a text is the tokenizer's affair
        eos_token_id=None,
    )
    hf_model = GPT2LMHeadModel(hf_config)
    ours = model.state_dict()
    table = ours["tokens.weight"]
    nn.Module.to(hf_model, device=table.device, dtype=table.dtype)  # its own `to` has no types
    hf_model.train(model.training)
    tensors = {
        f"transformer.{theirs}": _turned(name, ours[name])
        for name, theirs in _names(config.n_layers).items()
    }
    load_tensors(hf_model, {**tensors, "lm_head.weight": table})
    return hf_model


def gpt_settings(settings: Mapping[str, Any]) -> GPTConfig:
    """Read our settings out of Hugging Face's.

    Args:
        settings: The contents of `config.json`, or `hf_model.config.to_dict()`.

    Raises:
        ValueError: If the model differs from GPT-2 in a way that changes its logits, or has
            several dropout rates.
    """
    require_settings(settings, SUPPORTED)
    dropouts = {name: settings.get(name, 0.1) for name in DROPOUTS}
    if len(set(dropouts.values())) > 1:
        raise ValueError(f"the dropout rates must be equal; got {dropouts}.")
    return GPTConfig(
        vocab_size=settings["vocab_size"],
        max_len=settings["n_positions"],
        d_model=settings["n_embd"],
        n_heads=settings["n_head"],
        n_layers=settings["n_layer"],
        d_ff=settings.get("n_inner") or 0,
        dropout=dropouts["resid_pdrop"],
        norm_eps=settings.get("layer_norm_epsilon", 1e-5),
    )


def gpt_tensors(tensors: Mapping[str, Tensor], n_layers: int) -> dict[str, Tensor]:
    """Give Hugging Face's tensors our names, and turn the matrices that are stored turned.

    Args:
        tensors: Under Hugging Face's names, with or without `transformer.` in front.
        n_layers: Number of blocks.

    Returns:
        Under our names. Tensors that we do not know keep theirs, for `load_tensors` to refuse.

    Raises:
        ValueError: If the model scores tokens with a table of its own (untied weights).
    """
    left = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    drop_tied(left, "lm_head.weight", "wte.weight")
    for layer in range(n_layers):  # old files keep the causal mask among the weights
        left.pop(f"h.{layer}.attn.bias", None)
        left.pop(f"h.{layer}.attn.masked_bias", None)
    found = {
        name: _turned(name, left.pop(theirs))
        for name, theirs in _names(n_layers).items()
        if theirs in left
    }
    return found | left


def _names(n_layers: int) -> dict[str, str]:
    """Map our names of tensors to Hugging Face's."""
    modules = {"final_norm": "ln_f"}
    for layer in range(n_layers):
        for ours, theirs in BLOCK_NAMES.items():
            modules[f"blocks.{layer}.{ours}"] = f"h.{layer}.{theirs}"
    names = {"tokens.weight": "wte.weight", "positions.weight": "wpe.weight"}
    for ours, theirs in modules.items():
        for part in ("weight", "bias"):
            names[f"{ours}.{part}"] = f"{theirs}.{part}"
    return names


def _turned(name: str, tensor: Tensor) -> Tensor:
    """Transpose the matrices of the blocks; tables and vectors stay."""
    return tensor.mT if name.startswith("blocks.") and tensor.ndim == 2 else tensor
