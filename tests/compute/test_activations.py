from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_lib.compute import (
    activation_bytes,
    block_activation_bytes,
    measure_activations,
)
from course_lib.models import (
    BERT,
    GPT,
    BERTConfig,
    GPTConfig,
    Llama,
    LlamaConfig,
    gpt2_small,
    llama3_8b,
    transformer_base,
)
from course_lib.nn.positions import rotary_angles

B, T = 3, 61
VOCAB_SIZE = 101


def gpt(dropout: float = 0.0) -> GPT:
    sizes = {"d_model": 192, "n_heads": 6, "n_layers": 2, "d_ff": 500}
    return GPT(GPTConfig(vocab_size=VOCAB_SIZE, max_len=T, dropout=dropout, **sizes)).train()


def bert(dropout: float = 0.0) -> BERT:
    sizes = {"d_model": 192, "n_heads": 6, "n_layers": 2, "d_ff": 500}
    return BERT(BERTConfig(vocab_size=VOCAB_SIZE, max_len=T, dropout=dropout, **sizes)).train()


def llama() -> Llama:
    sizes = {"d_model": 192, "n_heads": 6, "n_kv_heads": 2, "n_layers": 2, "d_ff": 500}
    return Llama(LlamaConfig(vocab_size=VOCAB_SIZE, max_len=T, **sizes)).train()


CASES = {
    "GPT": (gpt, 0.0, True),
    "GPT, written out": (gpt, 0.0, False),
    "GPT, dropout": (lambda: gpt(0.1), 0.1, False),
    "BERT": (bert, 0.0, True),
    "BERT, written out": (bert, 0.0, False),
    "BERT, dropout": (lambda: bert(0.1), 0.1, False),
    "Llama": (llama, 0.0, True),
    "Llama, written out": (llama, 0.0, False),
}
each_case = pytest.mark.parametrize(("build", "dropout", "is_fused"), CASES.values(), ids=CASES)


def kernel(is_fused: bool) -> Any:
    return nullcontext() if is_fused else sdpa_kernel(SDPBackend.MATH)


def run_block(model: nn.Module) -> Callable[[], torch.Tensor]:
    block, x = model.blocks[0], torch.randn(B, T, 192, requires_grad=True)
    if isinstance(model, Llama):
        angles = rotary_angles(T, 32)
        return lambda: block(x, angles, None, None)
    return (lambda: block(x, None)) if isinstance(model, BERT) else lambda: block(x, None, None)


@each_case
def test_a_block_keeps_what_the_formula_says(
    build: Callable, dropout: float, is_fused: bool
) -> None:
    model = build()
    with kernel(is_fused):
        measured = measure_activations(model, run_block(model))
    computed = block_activation_bytes(
        model,
        n_sequences=B,
        n_tokens=T,
        number_bytes=4,
        has_dropout=dropout > 0,
        is_fused=is_fused,
        on_cpu=True,
    )
    assert computed <= measured  # means and variances of the norms, rotary tables
    assert computed == pytest.approx(measured, rel=0.01)


@each_case
def test_a_model_keeps_what_the_formula_says(
    build: Callable, dropout: float, is_fused: bool
) -> None:
    model, ids = build(), torch.zeros(B, T, dtype=torch.long)
    with kernel(is_fused):
        measured = measure_activations(
            model, lambda: F.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
        )
    computed = activation_bytes(
        model,
        n_sequences=B,
        n_tokens=T,
        number_bytes=4,
        has_dropout=dropout > 0,
        is_fused=is_fused,
        on_cpu=True,
    )
    assert computed == pytest.approx(measured, rel=0.01)


@pytest.mark.parametrize(("on_cpu", "vectors", "pairs"), [(False, 34, 5), (True, 36, 6)])
def test_korthikantis_form(on_cpu: bool, vectors: int, pairs: int) -> None:
    """16 bits, dropout, attention written out; on a CPU masks take two bytes instead of one."""
    computed = block_activation_bytes(
        gpt2_small(),
        n_sequences=5,
        n_tokens=1024,
        has_dropout=True,
        is_fused=False,
        on_cpu=on_cpu,
    )
    assert computed == 1024 * 5 * 768 * (vectors + pairs * 12 * 1024 / 768)


def test_fused_attention_and_dropout_by_hand() -> None:
    """On a GPU: 32 bytes a coordinate, one for the mask of each half, none for pairs."""
    lengths = {"n_sequences": 1, "n_tokens": 1024}
    coordinates = 1024 * 768
    assert block_activation_bytes(gpt2_small(), **lengths) == 32 * coordinates
    assert block_activation_bytes(gpt2_small(), **lengths, has_dropout=True) == 34 * coordinates


def test_a_whole_model_by_hand() -> None:
    """Korthikanti et al., section 4.3: 1 byte for the embedding's mask, 2 + 2, and 4 · V."""
    lengths = {"n_sequences": 1, "n_tokens": 1024, "has_dropout": True}
    blocks = 12 * 34 * 1024 * 768
    assert activation_bytes(gpt2_small(), **lengths) == blocks + 1024 * (5 * 768 + 4 * 50257)


def test_a_llama_on_a_gpu_by_hand() -> None:
    numbers = 4 * 4096 + 2 * 4096 + 2 * 1024 + 4 * 14336
    lengths = {"n_sequences": 1, "n_tokens": 7}
    assert block_activation_bytes(llama3_8b(), **lengths) == 7 * 2 * numbers
    outside = 7 * (2 * 2 * 4096 + 4 * 128256)
    assert activation_bytes(llama3_8b(), **lengths) == 32 * 7 * 2 * numbers + outside


@pytest.mark.parametrize(("is_fused", "keys", "copied"), [(True, 1024, 4096), (False, 4096, 0)])
def test_a_llama_on_a_cpu_by_hand(is_fused: bool, keys: int, copied: int) -> None:
    """One more vector a norm; fused, a copy of the rotated output; else, copied heads of keys."""
    numbers = 6 * 4096 + 2 * 4096 + 2 * keys + 4 * 14336 + copied
    pairs = 0 if is_fused else 32 * 7
    computed = block_activation_bytes(
        llama3_8b(), n_sequences=1, n_tokens=7, is_fused=is_fused, on_cpu=True
    )
    assert computed == 7 * 2 * (numbers + pairs)


def test_what_two_steps_keep_counts_once_and_parameters_do_not_count() -> None:
    layer, x = nn.Linear(3, 5), torch.ones(7, 3)
    assert measure_activations(layer, lambda: layer(x) + layer(x)) == 7 * 3 * 4
    other = nn.Linear(5, 2)
    both = nn.Sequential(layer, other)
    assert measure_activations(both, lambda: both(x)) == (7 * 3 + 7 * 5) * 4
    assert measure_activations(layer, lambda: both(x)) == (7 * 3 + 7 * 5 + 5 * 2) * 4


def test_a_piece_of_a_tensor_keeps_the_whole() -> None:
    layer, x = nn.Linear(3, 5), torch.ones(10, 7, 3)
    assert measure_activations(layer, lambda: layer(x[0])) == 10 * 7 * 3 * 4


def test_what_is_let_go_during_the_pass_counts_too() -> None:
    layer = nn.Linear(300, 5)

    def run() -> torch.Tensor:
        for _ in range(3):
            last = layer(torch.ones(7, 300))  # its graph is dropped in the next round
        return last

    assert measure_activations(layer, run) == 3 * 7 * 300 * 4


@pytest.mark.parametrize(
    ("source", "changes", "message"),
    [
        (transformer_base(), {}, "got an encoder-decoder"),
        (gpt2_small(), {"n_tokens": 0}, "n_tokens must be ≥ 1; got n_tokens=0"),
        (gpt2_small(), {"n_sequences": 0}, "n_sequences must be ≥ 1"),
        (gpt2_small(), {"number_bytes": 0}, "number_bytes must be ≥ 1"),
        (gpt2_small(), {"on_cpu": True, "has_dropout": True}, "is_fused must be False on a CPU"),
    ],
)
def test_what_cannot_be_is_refused(source: object, changes: dict[str, Any], message: str) -> None:
    arguments = {"n_sequences": 1, "n_tokens": 3, **changes}
    for function in (block_activation_bytes, activation_bytes):
        with pytest.raises(ValueError, match=message):
            function(source, **arguments)
