"""Llama's weights from and to Hugging Face's `LlamaForCausalLM`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from course_lib.models.llama import Llama, LlamaConfig
from course_lib.models.loading import drop_tied, load_tensors, require_settings

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

BLOCK_NAMES = {
    "attention_norm": "input_layernorm",
    "attention.query": "self_attn.q_proj",
    "attention.key": "self_attn.k_proj",
    "attention.value": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "feedforward_norm": "post_attention_layernorm",
    "feedforward.gate": "mlp.gate_proj",
    "feedforward.inner": "mlp.up_proj",
    "feedforward.outer": "mlp.down_proj",
}
SUPPORTED = {
    "model_type": ("llama",),
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "mlp_bias": (False,),
    "attention_dropout": (0.0,),
    "rope_scaling": (None,),
}


def llama_from_hf(hf_model: "LlamaForCausalLM") -> Llama:
    """Copy a `LlamaForCausalLM`: the same logits, number format, device and mode.

    Args:
        hf_model: The model of transformers; it stays as it is.

    Raises:
        ValueError: If it is of a kind of Llama that we do not compute; lists all reasons.
    """
    model = Llama(llama_settings(hf_model.config.to_dict()))
    model.to(hf_model.device, hf_model.dtype).train(hf_model.training)
    load_tensors(model, llama_tensors(hf_model.state_dict(), model.config))
    return model


def llama_to_hf(model: Llama) -> "LlamaForCausalLM":
    """Copy our model into a `LlamaForCausalLM`; its `save_pretrained` writes what others read.

    Args:
        model: Our model; it stays as it is.
    """
    from transformers import LlamaConfig as HFConfig
    from transformers import LlamaForCausalLM

    config = model.config
    hf_config = HFConfig(
        vocab_size=config.vocab_size,
        max_position_embeddings=config.max_len,
        hidden_size=config.d_model,
        num_attention_heads=config.n_heads,
        num_key_value_heads=config.n_kv_heads,
        num_hidden_layers=config.n_layers,
        intermediate_size=config.d_ff,
        rms_norm_eps=config.norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_base},
        tie_word_embeddings=config.tie_embeddings,
        bos_token_id=None,  # which tokens begin and end a text is the tokenizer's affair
        eos_token_id=None,
    )
    hf_model = LlamaForCausalLM(hf_config)
    ours = model.state_dict()
    table = ours["tokens.weight"]
    nn.Module.to(hf_model, device=table.device, dtype=table.dtype)  # its own `to` has no types
    hf_model.train(model.training)
    tensors = {theirs: ours[name] for name, theirs in _names(config).items()}
    if config.tie_embeddings:
        tensors["lm_head.weight"] = table
    load_tensors(hf_model, tensors)
    return hf_model


def llama_settings(settings: Mapping[str, Any]) -> LlamaConfig:
    """Read our settings out of Hugging Face's.

    Args:
        settings: The contents of `config.json`, or `hf_model.config.to_dict()`.

    Raises:
        ValueError: If the model is of a kind of Llama that we do not compute; lists all reasons.
    """
    # Version 5 of transformers writes `rope_parameters`, earlier ones `rope_theta`.
    rope = settings.get("rope_parameters") or {"rope_theta": settings.get("rope_theta", 10000.0)}
    d_head = settings["hidden_size"] // settings["num_attention_heads"]
    given = {
        **settings,
        "head_dim": settings.get("head_dim") or d_head,
        "rope_type": rope.get("rope_type", "default"),
    }
    require_settings(given, {**SUPPORTED, "head_dim": (d_head,), "rope_type": ("default",)})
    return LlamaConfig(
        vocab_size=settings["vocab_size"],
        max_len=settings.get("max_position_embeddings", 2048),
        d_model=settings["hidden_size"],
        n_heads=settings["num_attention_heads"],
        n_kv_heads=settings.get("num_key_value_heads") or settings["num_attention_heads"],
        n_layers=settings["num_hidden_layers"],
        d_ff=settings["intermediate_size"],
        norm_eps=settings.get("rms_norm_eps", 1e-6),
        rope_base=rope["rope_theta"],
        tie_embeddings=settings.get("tie_word_embeddings", False),
    )


def llama_tensors(tensors: Mapping[str, Tensor], config: LlamaConfig) -> dict[str, Tensor]:
    """Give Hugging Face's tensors our names.

    Args:
        tensors: Under Hugging Face's names.
        config: Settings of our model.

    Returns:
        Under our names. Tensors that we do not know keep theirs, for `load_tensors` to refuse.

    Raises:
        ValueError: If `config.tie_embeddings`, but the tensors score tokens with another table.
    """
    left = dict(tensors)
    for layer in range(config.n_layers):  # old files keep what follows from the settings
        left.pop(f"model.layers.{layer}.self_attn.rotary_emb.inv_freq", None)
    if config.tie_embeddings:
        drop_tied(left, "lm_head.weight", "model.embed_tokens.weight")
    found = {name: left.pop(theirs) for name, theirs in _names(config).items() if theirs in left}
    return found | left


def _names(config: LlamaConfig) -> dict[str, str]:
    """Map our names of tensors to Hugging Face's."""
    names = {"tokens.weight": "model.embed_tokens.weight", "final_norm.weight": "model.norm.weight"}
    for layer in range(config.n_layers):
        for ours, theirs in BLOCK_NAMES.items():
            names[f"blocks.{layer}.{ours}.weight"] = f"model.layers.{layer}.{theirs}.weight"
    if not config.tie_embeddings:
        names["head.weight"] = "lm_head.weight"
    return names
