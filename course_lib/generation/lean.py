"""One more token, without detours: what GPT and Llama compute for it, written out for speed.

A small model spends most of a token's time not in its matrices but in calling modules. Here are
the same numbers from a short list of tensors. Prompts are still read by the model itself.

Letters: B = sequences, G = heads of keys and values, S = tokens so far, K = d_head, D = d_model,
V = vocab_size.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.models.gpt import GPT, GPTAttention, GPTBlock
from course_lib.models.llama import Llama, LlamaAttention, LlamaBlock
from course_lib.nn.cache import KVCache
from course_lib.nn.embedding import TokenEmbedding
from course_lib.nn.feedforward import FeedForward, SwiGLU
from course_lib.nn.norm import LayerNorm, RMSNorm
from course_lib.nn.positions import LearnedPositions, rotary_angles

KNOWN = (
    *(GPT, GPTBlock, GPTAttention, FeedForward, LayerNorm, LearnedPositions),
    *(Llama, LlamaBlock, LlamaAttention, SwiGLU, RMSNorm),
    *(TokenEmbedding, nn.Linear, nn.Dropout, nn.ModuleList),
)

Step = Callable[[Int[Tensor, "B 1"], KVCache], Float[Tensor, "B V"]]
Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Matrix(NamedTuple):
    """A linear map: its weight as the product wants it, and its bias."""

    weight: Tensor
    bias: Tensor | None


class Format(NamedTuple):
    """How matrices are stored, and the product that goes with it."""

    store: Callable[[Tensor], Tensor]
    product: Product


SMALL = 16_000_000
"""Up to so many parameters the matrices are always packed: that takes milliseconds."""


def lean_step(model: nn.Module, *, packed: bool = False) -> Step | None:
    """Build a function that reads one token a sequence and scores the next.

    Args:
        model: A GPT or Llama in evaluation mode.
        packed: Whether to copy the matrices into the order in which the processor reads them
            fastest, even those of a large model. A copy does not follow later changes.

    Returns:
        The function; it takes the new tokens and the cache of those before, without padding, and
        keeps no gradient if it is called in inference mode. None if the model is not plainly one
        of the two: other parts, hooks or training mode.
    """
    if not _is_plain(model):
        return None
    packed = packed or sum(weight.numel() for weight in model.parameters()) <= SMALL
    form = _packed_format(model) if packed else Format(_as_it_is, F.linear)
    if isinstance(model, GPT):
        return _gpt_step(model, form)
    return _llama_step(model, form) if isinstance(model, Llama) else None


def _is_plain(model: nn.Module) -> bool:
    return all(
        type(part) in KNOWN
        and not (part.training or part._forward_hooks or part._forward_pre_hooks)
        for part in model.modules()
    )


def _as_it_is(weight: Tensor) -> Tensor:
    return weight.detach()


def _packed_format(model: nn.Module) -> Format:
    weight = next(model.parameters())
    if weight.device.type == "cpu" and weight.dtype == torch.bfloat16 and _has_onednn():
        return Format(
            lambda matrix: torch.ops.mkldnn._reorder_linear_weight(matrix.detach(), 1),
            lambda x, matrix, bias: torch.ops.mkldnn._linear_pointwise(
                x, matrix, bias, "none", [], ""
            ),
        )
    return Format(lambda matrix: matrix.detach().T.contiguous(), _transposed_product)


def _has_onednn() -> bool:
    """Whether this torch has the packed product, which is no public function of torch's."""
    names = ("_reorder_linear_weight", "_linear_pointwise")
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name) for name in names
    )


def _transposed_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x @ weight if bias is None else torch.addmm(bias, x, weight)


def _matrix(form: Format, *maps: nn.Linear) -> Matrix:
    """Store linear maps of the same input as one."""
    weights = [each.weight for each in maps]
    bias = maps[0].bias
    return Matrix(
        form.store(weights[0] if len(weights) == 1 else torch.cat(weights)),
        None if bias is None else bias.detach(),
    )


def _mix(
    query: Float[Tensor, "B H K"],
    key: Float[Tensor, "B G K"],
    value: Float[Tensor, "B G K"],
    kept: tuple[Float[Tensor, "B G max_len K"], Float[Tensor, "B G max_len K"]],
    n_past: int,
) -> Float[Tensor, "B D"]:
    """Put the new key and value into their places, and attend."""
    keys, values = kept
    keys.select(2, n_past).copy_(key)
    values.select(2, n_past).copy_(value)
    mixed = F.scaled_dot_product_attention(
        query.unsqueeze(2),
        keys.narrow(2, 0, n_past + 1),
        values.narrow(2, 0, n_past + 1),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return mixed.view(len(query), -1)


def _gpt_step(model: GPT, form: Format) -> Step:
    config, product = model.config, form.product
    n_heads, shape = config.n_heads, (config.d_model,)
    layers = [
        (
            (block.attention_norm.weight, block.attention_norm.bias, block.attention_norm.eps),
            _matrix(form, block.attention.qkv),
            _matrix(form, block.attention.output),
            (
                block.feedforward_norm.weight,
                block.feedforward_norm.bias,
                block.feedforward_norm.eps,
            ),
            _matrix(form, block.feedforward.inner),
            _matrix(form, block.feedforward.outer),
        )
        for block in _blocks(model)
    ]
    final = (model.final_norm.weight, model.final_norm.bias, model.final_norm.eps)
    tokens, positions = model.tokens.weight, model.positions.weight
    head = form.store(tokens)

    def step(ids: Int[Tensor, "B 1"], cache: KVCache) -> Float[Tensor, "B V"]:
        n_past = cache.n_tokens
        cache.require_room(n_past + 1)
        x = F.embedding(ids.squeeze(1), tokens) + positions[n_past]
        for layer, kept in zip(layers, cache.layers, strict=True):
            norm, qkv, output, second_norm, inner, outer = layer
            made = product(torch.layer_norm(x, shape, *norm), *qkv)
            query, key, value = made.view(len(x), 3, n_heads, -1).unbind(1)
            x = x + product(_mix(query, key, value, kept, n_past), *output)
            bent = product(torch.layer_norm(x, shape, *second_norm), *inner)
            x = x + product(F.gelu(bent, approximate="tanh"), *outer)
        cache.n_tokens = n_past + 1
        return product(torch.layer_norm(x, shape, *final), head, None)

    return step


def _llama_step(model: Llama, form: Format) -> Step:
    config, product = model.config, form.product
    n_heads, n_kv_heads, shape = config.n_heads, config.n_kv_heads, (config.d_model,)
    layers = [
        (
            (block.attention_norm.weight, block.attention_norm.eps),
            _matrix(form, block.attention.query, block.attention.key, block.attention.value),
            _matrix(form, block.attention.output),
            (block.feedforward_norm.weight, block.feedforward_norm.eps),
            _matrix(form, block.feedforward.gate, block.feedforward.inner),
            _matrix(form, block.feedforward.outer),
        )
        for block in _blocks(model)
    ]
    final = (model.final_norm.weight, model.final_norm.eps)
    tokens = model.tokens.weight
    head = form.store(tokens if config.tie_embeddings else model.head.weight)
    turn = _Turn(model)

    def step(ids: Int[Tensor, "B 1"], cache: KVCache) -> Float[Tensor, "B V"]:
        n_past = cache.n_tokens
        cache.require_room(n_past + 1)
        x = F.embedding(ids.squeeze(1), tokens)
        for layer, kept in zip(layers, cache.layers, strict=True):
            norm, qkv, output, second_norm, inner, outer = layer
            made = product(torch.rms_norm(x, shape, *norm), *qkv)
            made = made.view(len(x), n_heads + 2 * n_kv_heads, -1)
            turned, value = made.split((n_heads + n_kv_heads, n_kv_heads), dim=1)
            query, key = turn(turned, n_past).split((n_heads, n_kv_heads), dim=1)
            x = x + product(_mix(query, key, value, kept, n_past), *output)
            gate, bent = product(torch.rms_norm(x, shape, *second_norm), *inner).chunk(2, dim=-1)
            x = x + product(F.silu(gate) * bent, *outer)
        cache.n_tokens = n_past + 1
        return product(torch.rms_norm(x, shape, *final), head, None)

    return step


class _Turn:
    """Rotary positions for one token: x · cos + (x with its halves swapped) · ±sin."""

    def __init__(self, model: Llama) -> None:
        config, table = model.config, model.tokens.weight
        angles = rotary_angles(config.max_len, config.d_head, base=config.rope_base)
        cos, sin = (part.to(table.device, table.dtype) for part in (angles.cos(), angles.sin()))
        self.cos, self.sin = torch.cat((cos, cos), dim=1), torch.cat((-sin, sin), dim=1)
        self.half = config.d_head // 2

    def __call__(self, x: Float[Tensor, "B H K"], position: int) -> Float[Tensor, "B H K"]:
        swapped = x.roll(self.half, dims=-1)
        return torch.addcmul(x * self.cos[position], swapped, self.sin[position])


def _blocks(model: GPT | Llama) -> Sequence[Any]:
    return list(model.blocks)
