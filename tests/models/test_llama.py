from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from course_lib.models import (
    Llama,
    LlamaConfig,
    llama2_7b,
    llama3_8b,
    smollm2_135m,
    tinyllama_1b,
)
from course_lib.seeding import make_generator

ORDER = ("vocab_size", "max_len", "d_model", "n_heads", "n_kv_heads", "n_layers", "d_ff")
SIZES = {
    "vocab_size": 19,
    "max_len": 13,
    "d_model": 24,
    "n_heads": 6,
    "n_kv_heads": 2,
    "n_layers": 2,
    "d_ff": 7,
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("vocab_size", 0, "vocab_size must be ≥ 1; got vocab_size=0"),
        ("max_len", 0, "max_len must be ≥ 1; got max_len=0"),
        ("d_model", 0, "d_model must be ≥ 1; got d_model=0"),
        ("n_heads", 0, "n_heads must be ≥ 1; got n_heads=0"),
        ("n_kv_heads", 0, "n_kv_heads must be ≥ 1; got n_kv_heads=0"),
        ("n_layers", 0, "n_layers must be ≥ 1; got n_layers=0"),
        ("d_ff", 0, "d_ff must be ≥ 1; got d_ff=0"),
        ("d_model", 18, "d_model must be a multiple of 2 · n_heads=12, .*; got d_model=18"),
        ("n_kv_heads", 4, "n_kv_heads must be a divisor of n_heads=6; got n_kv_heads=4"),
        ("norm_eps", 0.0, "norm_eps must be > 0; got norm_eps=0.0"),
        ("rope_base", 1.0, "rope_base must be > 1; got rope_base=1.0"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LlamaConfig(**{**SIZES, name: value})


def test_the_smallest_possible_sizes_are_accepted() -> None:
    smallest = LlamaConfig(
        vocab_size=1, max_len=1, d_model=2, n_heads=1, n_kv_heads=1, n_layers=1, d_ff=1
    )
    assert replace(smallest, rope_base=1.5).rope_base == 1.5
    assert Llama(smallest)(torch.zeros(1, 1, dtype=torch.int64)).shape == (1, 1, 1)


def test_usual_settings() -> None:
    config = LlamaConfig(**SIZES)
    assert (config.d_head, config.norm_eps, config.rope_base) == (4, 1e-5, 10000.0)
    assert not config.tie_embeddings


@pytest.mark.parametrize(
    ("preset", "sizes", "rope_base", "tied"),
    [
        (smollm2_135m, (49152, 8192, 576, 9, 3, 30, 1536), 100000.0, True),
        (tinyllama_1b, (32000, 2048, 2048, 32, 4, 22, 5632), 10000.0, False),
        (llama2_7b, (32000, 4096, 4096, 32, 32, 32, 11008), 10000.0, False),
        (llama3_8b, (128256, 8192, 4096, 32, 8, 32, 14336), 500000.0, False),
    ],
)
def test_presets(
    preset: Callable[[], LlamaConfig], sizes: tuple[int, ...], rope_base: float, tied: bool
) -> None:
    expected = dict(zip(ORDER, sizes, strict=True))
    assert preset() == LlamaConfig(**expected, rope_base=rope_base, tie_embeddings=tied)


@pytest.mark.parametrize("tied", [True, False])
def test_tied_means_one_table(tied: bool) -> None:
    model = Llama(LlamaConfig(**SIZES, tie_embeddings=tied), make_generator(0)).double()
    tables = [p for p in model.parameters() if p.shape == (19, 24)]
    assert len(tables) == (1 if tied else 2)
    ids = torch.tensor([[4, 9, 2]])
    before = model(ids)
    with torch.no_grad():
        model.tokens.weight[17] *= -2  # a token that does not occur
    expected = before.clone()
    expected[:, :, 17] *= -2 if tied else 1
    torch.testing.assert_close(model(ids), expected)


def test_distances_count_and_places_do_not() -> None:
    """The same token again and again cannot be counted: only distances enter attention."""
    model = Llama(LlamaConfig(**SIZES), make_generator(0)).double()
    logits = model(torch.full((1, 5), 4))
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))


def test_the_base_of_the_positions_matters() -> None:
    ids = torch.tensor([[4, 9, 2, 5]])
    usual, slow = (
        Llama(LlamaConfig(**SIZES, rope_base=base), make_generator(0))(ids)
        for base in (10000.0, 50.0)
    )
    torch.testing.assert_close(usual[:, 0], slow[:, 0])
    assert not torch.equal(usual[:, 3], slow[:, 3])


def test_cached_with_padding_before_the_text() -> None:
    model = Llama(LlamaConfig(**SIZES), make_generator(0)).double()
    ids, mask = torch.tensor([[18, 18, 4, 9, 2]]), torch.tensor([[False, False, True, True, True]])
    # Angles are rounded to float32: the same distance, elsewhere, is a little off.
    expected = model(ids[:, 2:])
    torch.testing.assert_close(model(ids, mask)[:, 2:], expected, rtol=0, atol=1e-6)
    cache = model.make_cache(1)
    model(ids[:, :3], mask[:, :3], cache)
    ours = model(ids[:, 3:], mask, cache)
    torch.testing.assert_close(ours, expected[:, 1:], rtol=0, atol=1e-6)
    assert (cache.n_tokens, cache.max_len) == (5, 13)


def test_cached_positions_go_on_where_they_stopped() -> None:
    model = Llama(LlamaConfig(**SIZES), make_generator(0)).double()
    ids = torch.tensor([[4, 9, 2, 5]])
    cache = model.make_cache(1, max_len=4)
    pieces = [model(piece, cache=cache) for piece in ids.split([1, 2, 1], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(ids))


def test_what_is_added_to_the_stream_starts_smaller() -> None:
    sizes = {**SIZES, "d_model": 96, "d_ff": 101, "n_layers": 8}
    block = Llama(LlamaConfig(**sizes), make_generator(0)).blocks[0]
    assert block.attention.query.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for layer in (block.attention.output, block.feedforward.outer):
        assert layer.weight.std().item() == pytest.approx(0.005, rel=0.05)  # 0.02 / √16
