"""Activations: what the forward pass keeps for the backward pass, by formula and measured.

Letters: B = sequences, T = tokens, D = d_model, F = d_ff, H = heads, G = heads of keys and values,
K = d_head.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from course_lib.compute.shapes import ModelShape, shape_of

FLOAT32_BYTES = 4


def block_activation_bytes(
    source: object,
    *,
    n_sequences: int,
    n_tokens: int,
    number_bytes: int = 2,
    has_dropout: bool = False,
    is_fused: bool = True,
    on_cpu: bool = False,
) -> int:
    """Count the bytes that one block keeps for its backward pass.

    With dropout and attention written out, on a GPU, at 2 bytes a number and with F = 4 · D, this
    is T · B · D · (34 + 5 · H · T / D). Means and variances of the norms (two numbers a token) and
    tables of rotary positions are left out; together they stay below 1 % at usual widths.

    Args:
        source: A GPT, a Llama or a BERT or its settings, as for `shape_of`.
        n_sequences: How many sequences are read side by side (≥ 1).
        n_tokens: Tokens of each, padding included (≥ 1).
        number_bytes: Bytes of a number: 2 in 16 bits, 4 in float32.
        has_dropout: Whether dropout is on.
        is_fused: Whether attention runs in a kernel that keeps no T · T numbers.
        on_cpu: Whether torch runs on a CPU: there, a mask of dropout takes as much as the numbers
            (on a GPU 1 byte each), an RMS norm keeps one more vector, and fused attention a copy
            of rotated tokens.

    Raises:
        ValueError: If the model is an encoder-decoder or unknown, a number is below its limit, or
            attention is fused on a CPU with dropout, which torch cannot.

    Reference:
        Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models",
        section 4.1, https://arxiv.org/abs/2205.05198. Unlike the paper, for any d_ff, and for
        Llama, too.

    Example:
        >>> from course_lib.models import gpt2_small
        >>> n_bytes = block_activation_bytes(
        ...     gpt2_small(), n_sequences=1, n_tokens=1024, has_dropout=True, is_fused=False
        ... )
        >>> n_bytes / (1024 * 768) == 34 + 5 * 12 * 1024 / 768
        True
    """
    shape = shape_of(source)
    _require(shape, n_sequences, n_tokens, number_bytes)
    if is_fused and on_cpu and has_dropout:
        raise ValueError(
            "is_fused must be False on a CPU with dropout: torch's kernel there has no dropout."
        )
    mask_bytes = _mask_bytes(number_bytes, has_dropout, on_cpu)
    numbers = _numbers_a_token(shape, is_fused=is_fused, on_cpu=on_cpu)
    a_token = numbers * number_bytes + 2 * shape.d_model * mask_bytes
    a_pair = 0
    if not is_fused:  # weights; with dropout, their mask and what is left of them
        a_pair = (2 if has_dropout else 1) * number_bytes + mask_bytes
    return n_sequences * n_tokens * (a_token + shape.n_heads * n_tokens * a_pair)


def activation_bytes(
    source: object,
    *,
    n_sequences: int,
    n_tokens: int,
    number_bytes: int = 2,
    has_dropout: bool = False,
    is_fused: bool = True,
    on_cpu: bool = False,
) -> int:
    """Count the bytes that a whole model keeps for its backward pass, its loss included.

    To the blocks come dropout after the embedding, the last norm, the head, and a number in
    float32 for each token of the vocabulary, from which cross-entropy has its gradient.

    Args:
        source: As for `block_activation_bytes`.
        n_sequences: The same.
        n_tokens: The same.
        number_bytes: The same.
        has_dropout: The same.
        is_fused: The same.
        on_cpu: The same.

    Raises:
        ValueError: As for `block_activation_bytes`.

    Reference:
        Korthikanti et al. 2022, section 4.3.
    """
    shape = shape_of(source)
    block = block_activation_bytes(
        source,
        n_sequences=n_sequences,
        n_tokens=n_tokens,
        number_bytes=number_bytes,
        has_dropout=has_dropout,
        is_fused=is_fused,
        on_cpu=on_cpu,
    )
    # What goes into the last norm and into the head; BERT has a norm after the embedding, too, and
    # another matrix with its bend in the head.
    vectors = {"gpt": 2, "llama": 3 if on_cpu else 2, "bert": 5}[shape.kind]
    mask_bytes = 0 if shape.kind == "llama" else _mask_bytes(number_bytes, has_dropout, on_cpu)
    a_token = shape.d_model * (vectors * number_bytes + mask_bytes)
    a_token += shape.vocab_size * FLOAT32_BYTES
    return shape.n_layers * block + n_sequences * n_tokens * a_token


def measure_activations(model: nn.Module, run: Callable[[], Tensor]) -> int:
    """Measure the bytes that autograd keeps from a forward pass for the backward pass.

    Args:
        model: Its parameters do not count: they are there anyway.
        run: Calls the model and gives what `backward` would start from. What it is given from
            outside, such as `x`, counts if it is kept.

    Returns:
        The sizes of all memory kept alive; memory that several steps keep counts once, and a piece
        of a larger tensor counts as the whole of it.

    Example:
        >>> layer = nn.Linear(3, 5)
        >>> x = torch.ones(7, 3)
        >>> measure_activations(layer, lambda: layer(x))  # x itself: 7 · 3 numbers
        84
    """
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}  # held, so that no address is used twice

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(storage.nbytes() for storage in kept.values())


def _numbers_a_token(shape: ModelShape, *, is_fused: bool, on_cpu: bool) -> int:
    """Count the numbers of a token that one block keeps, beside masks and pairs of tokens.

    Both norms keep what goes in, and the next products what comes out; attention keeps Q, K, V and
    its output, which the output's product needs, too; the feed-forward layer keeps what goes into
    its bend and what comes out.
    """
    queries, keys = shape.n_heads * shape.d_head, shape.n_kv_heads * shape.d_head
    if not is_fused:  # heads of keys are copied for the query heads that share them
        keys = queries
    attention = 2 * queries + 2 * keys
    if shape.kind != "llama":
        return 4 * shape.d_model + attention + 2 * shape.d_ff
    numbers = 4 * shape.d_model + attention + 4 * shape.d_ff  # gate, its bend, inner, product
    if on_cpu:
        numbers += 2 * shape.d_model + (queries if is_fused else 0)
    return numbers


def _mask_bytes(number_bytes: int, has_dropout: bool, on_cpu: bool) -> int:
    if not has_dropout:
        return 0
    return number_bytes if on_cpu else 1


def _require(shape: ModelShape, n_sequences: int, n_tokens: int, number_bytes: int) -> None:
    if shape.kind == "encoder-decoder":
        raise ValueError("source must be a model of one stack of blocks; got an encoder-decoder.")
    numbers = {"n_sequences": n_sequences, "n_tokens": n_tokens, "number_bytes": number_bytes}
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be ≥ 1; got {name}={number}.")
