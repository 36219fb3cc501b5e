import pytest
import torch
from torch.testing import assert_close

from course_lib.nn import Int8Cache, KVCache
from course_lib.nn.int8_cache import quantise
from course_lib.seeding import make_generator

SIZES = {"n_layers": 2, "n_sequences": 3, "n_kv_heads": 2, "max_len": 11, "d_head": 5}


def random_heads(*shape: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(*shape, generator=make_generator(seed))


def test_by_hand() -> None:
    whole, factor = quantise(torch.tensor([[254.0, -127.0, 3.0], [0.0, 0.0, 0.0]]))
    assert whole.tolist() == [[127, -64, 2], [0, 0, 0]]  # -63.5 and 1.5 go to the even number
    assert factor.tolist() == [[2.0], [0.0]]
    assert (whole.dtype, factor.dtype) == (torch.int8, torch.float32)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_the_error_is_at_most_half_a_step(scale: float) -> None:
    x = random_heads(13, 17, seed=0, scale=scale)
    whole, factor = quantise(x)
    step = x.abs().amax(dim=-1, keepdim=True) / 127
    error = (whole * factor.float() - x).abs()
    assert (error <= 0.5001 * step).all()  # a little more: float32 rounds as well
    assert (error.amax(dim=-1, keepdim=True) > 0.2 * step).any()
    assert whole.min() >= -127


def test_it_gives_back_what_a_plain_cache_does_but_for_the_rounding() -> None:
    plain, small = KVCache(**SIZES), Int8Cache(**SIZES)
    for length, seed in ((4, 0), (1, 2), (3, 4)):
        for layer in range(2):
            keys, values = (random_heads(3, 2, length, 5, seed=seed + layer + i) for i in (10, 20))
            exact = plain.append(layer, keys, values)
            rounded = small.append(layer, keys, values)
            for got, expected in zip(rounded, exact, strict=True):
                assert got.dtype == torch.float32
                assert_close(got, expected, rtol=0, atol=4 / 250)  # below 4 standard deviations
                assert not torch.equal(got, expected)
        plain.advance(length)
        small.advance(length)


def test_rows_are_kept_and_tokens_forgotten() -> None:
    cache, keys = Int8Cache(**SIZES), random_heads(3, 2, 7, 5, seed=0)
    before = cache.append(1, keys, -keys)[0]
    cache.advance(7)
    rows = torch.tensor([2, 2, 0, 1])
    cache.keep(rows)
    cache.forget(2)
    new = random_heads(4, 2, 1, 5, seed=1)
    got, negative = cache.append(1, new, -new)
    assert_close(got[:, :, :5], before[rows][:, :, :5], rtol=0, atol=0)
    assert_close(negative, -got, rtol=0, atol=0)
    assert_close(got[:, :, 5:], new, rtol=0, atol=4 / 250)


def test_a_full_cache_refuses_more() -> None:
    cache, keys = Int8Cache(**SIZES), random_heads(3, 2, 12, 5, seed=0)
    with pytest.raises(ValueError, match="n_tokens must be ≤ max_len=11"):
        cache.append(0, keys, keys)


def test_number_format_and_memory() -> None:
    sizes = {**SIZES, "d_head": 62}
    cache = Int8Cache(**sizes, dtype=torch.bfloat16)
    keys = random_heads(3, 2, 1, 62, seed=0).bfloat16()
    assert cache.append(0, keys, keys)[0].dtype == torch.bfloat16
    assert cache.n_bytes == 2 * 2 * 3 * 2 * 11 * (62 + 4)
    assert cache.layers == []  # nothing in full precision beside it
    assert cache.n_bytes / KVCache(**sizes).n_bytes == 66 / (4 * 62)
