"""The sizes that a Transformer's cost depends on, read from our settings or Hugging Face's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from course_lib.models.bert import BERT, BERTConfig
from course_lib.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from course_lib.models.gpt import GPT, GPTConfig
from course_lib.models.llama import Llama, LlamaConfig

Kind = Literal["gpt", "llama", "bert", "encoder-decoder"]


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """Sizes of a Transformer that ends in scores of all tokens.

    Attributes:
        kind: The plan: "gpt" and "bert" have two matrices in a feed-forward layer, "llama" three;
            "bert" has one more square matrix in its head; "encoder-decoder" reads a source.
        vocab_size: Number of tokens that are scored.
        d_model: Width of a token's vector.
        d_head: Width of a head.
        d_ff: Width inside the feed-forward layers.
        n_heads: Heads of the queries.
        n_kv_heads: Heads of the keys and values.
        n_layers: Blocks; of an encoder-decoder, those of the decoder.
        n_source_layers: Blocks of the encoder before a decoder; 0 if there is none.
    """

    kind: Kind
    vocab_size: int
    d_model: int
    d_head: int
    d_ff: int
    n_heads: int
    n_kv_heads: int
    n_layers: int
    n_source_layers: int = 0


def shape_of(source: object) -> ModelShape:
    """Read the sizes of a model or of settings; nothing is built.

    Args:
        source: A `GPT`, `Llama`, `BERT` or `EncoderDecoder` or its settings; or Hugging Face's
            GPT-2, Llama, BERT or Marian with its head for tokens, or their configuration.

    Raises:
        ValueError: If the model is another one, has no head for tokens, or is an encoder-decoder
            whose two halves differ in heads or feed-forward width.

    Example:
        >>> from course_lib.models import gpt2_small
        >>> shape_of(gpt2_small()).d_head
        64
    """
    config: Any = getattr(source, "config", source)
    model_name = _model_name(source, config)
    if isinstance(source, nn.Module) and type(source).__name__ != model_name:
        raise _unknown(source)
    if type(config) in _OURS:
        return _ours(_OURS[type(config)][0], config)
    return _HUGGING_FACE[config.model_type][1](config)


def model_class_of(config: object) -> type[nn.Module]:
    """Say which model a configuration describes.

    Args:
        config: Our settings, or a configuration of Hugging Face, as for `shape_of`.

    Returns:
        The class, with its head for tokens; called with the configuration, it builds the model.

    Raises:
        ValueError: If it is another model's.

    Example:
        >>> from course_lib.models import gpt2_small
        >>> model_class_of(gpt2_small()).__name__
        'GPT'
    """
    name = _model_name(config, config)
    if type(config) in _OURS:
        return _OURS[type(config)][1]
    import transformers

    return getattr(transformers, name)


def _model_name(source: object, config: object) -> str:
    """Name the class of model that fits the configuration; refuse one that is not known."""
    if type(config) in _OURS:
        return _OURS[type(config)][1].__name__
    model_type = getattr(config, "model_type", None)
    if model_type not in _HUGGING_FACE:
        raise _unknown(source)
    return _HUGGING_FACE[model_type][0]


def _unknown(source: object) -> ValueError:
    ours = ", ".join(model.__name__ for _, model in _OURS.values())
    theirs = ", ".join(name for name, _ in _HUGGING_FACE.values())
    return ValueError(
        f"source must be one of our models ({ours}) or of Hugging Face's ({theirs}), or its "
        f"settings; got {type(source).__name__}."
    )


def _ours(kind: Kind, config: Any) -> ModelShape:
    n_layers = config.n_decoder_layers if kind == "encoder-decoder" else config.n_layers
    return ModelShape(
        kind=kind,
        vocab_size=config.vocab_size,
        d_model=config.d_model,
        d_head=config.d_model // config.n_heads,
        d_ff=config.d_ff,
        n_heads=config.n_heads,
        n_kv_heads=config.n_kv_heads if kind == "llama" else config.n_heads,
        n_layers=n_layers,
        n_source_layers=config.n_encoder_layers if kind == "encoder-decoder" else 0,
    )


def _hf_gpt2(config: Any) -> ModelShape:
    return ModelShape(
        kind="gpt",
        vocab_size=config.vocab_size,
        d_model=config.n_embd,
        d_head=config.n_embd // config.n_head,
        d_ff=config.n_inner or 4 * config.n_embd,
        n_heads=config.n_head,
        n_kv_heads=config.n_head,
        n_layers=config.n_layer,
    )


def _hf_llama(config: Any) -> ModelShape:
    return ModelShape(
        kind="llama",
        vocab_size=config.vocab_size,
        d_model=config.hidden_size,
        d_head=config.head_dim,
        d_ff=config.intermediate_size,
        n_heads=config.num_attention_heads,
        n_kv_heads=config.num_key_value_heads,
        n_layers=config.num_hidden_layers,
    )


def _hf_bert(config: Any) -> ModelShape:
    return ModelShape(
        kind="bert",
        vocab_size=config.vocab_size,
        d_model=config.hidden_size,
        d_head=config.hidden_size // config.num_attention_heads,
        d_ff=config.intermediate_size,
        n_heads=config.num_attention_heads,
        n_kv_heads=config.num_attention_heads,
        n_layers=config.num_hidden_layers,
    )


def _hf_marian(config: Any) -> ModelShape:
    for part in ("attention_heads", "ffn_dim"):
        encoder, decoder = getattr(config, f"encoder_{part}"), getattr(config, f"decoder_{part}")
        if encoder != decoder:
            raise ValueError(
                f"decoder_{part} must be equal to encoder_{part}={encoder}; got {decoder}."
            )
    return ModelShape(
        kind="encoder-decoder",
        vocab_size=config.decoder_vocab_size or config.vocab_size,
        d_model=config.d_model,
        d_head=config.d_model // config.encoder_attention_heads,
        d_ff=config.encoder_ffn_dim,
        n_heads=config.encoder_attention_heads,
        n_kv_heads=config.encoder_attention_heads,
        n_layers=config.decoder_layers,
        n_source_layers=config.encoder_layers,
    )


_OURS: dict[type, tuple[Kind, type[nn.Module]]] = {
    GPTConfig: ("gpt", GPT),
    LlamaConfig: ("llama", Llama),
    BERTConfig: ("bert", BERT),
    EncoderDecoderConfig: ("encoder-decoder", EncoderDecoder),
}
"""Our settings: the plan and the model."""

_HUGGING_FACE: dict[str, tuple[str, Callable[[Any], ModelShape]]] = {
    "gpt2": ("GPT2LMHeadModel", _hf_gpt2),
    "llama": ("LlamaForCausalLM", _hf_llama),
    "bert": ("BertForMaskedLM", _hf_bert),
    "marian": ("MarianMTModel", _hf_marian),
}
"""Their types of models: the class with a head for tokens, and how its settings are read."""
