import pytest
import torch

from course_lib.nn import KVCache, attend
from course_lib.seeding import make_generator


def random_heads(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def make_cache(max_len: int = 11) -> KVCache:
    return KVCache(
        n_layers=2, n_sequences=3, n_kv_heads=2, max_len=max_len, d_head=5, dtype=torch.float64
    )


@pytest.mark.parametrize("chunks", [[1] * 7, [7], [3, 1, 3], [2, 5]])
def test_cached_attention_equals_all_at_once(chunks: list[int]) -> None:
    query = random_heads(3, 4, 7, 5, seed=0)
    layers = [[random_heads(3, 2, 7, 5, seed=10 * i + j) for j in (1, 2)] for i in range(2)]
    cache = make_cache()
    pieces: list[list[torch.Tensor]] = [[], []]
    for length in chunks:
        new = slice(cache.n_tokens, cache.n_tokens + length)
        for i, (key, value) in enumerate(layers):
            keys, values = cache.append(i, key[:, :, new], value[:, :, new])
            pieces[i].append(attend(query[:, :, new], keys, values, is_causal=True))
        cache.advance(length)
    assert cache.n_tokens == 7
    for (key, value), mixed in zip(layers, pieces, strict=True):
        expected = attend(query, key, value, is_causal=True)
        torch.testing.assert_close(torch.cat(mixed, dim=2), expected)


def test_layers_do_not_mix_and_nothing_counts_before_advance() -> None:
    cache = make_cache()
    ones, twos = torch.ones(3, 2, 2, 5).double(), 2 * torch.ones(3, 2, 2, 5).double()
    cache.append(0, ones, -ones)
    keys, values = cache.append(1, twos, -twos)
    assert cache.n_tokens == 0
    torch.testing.assert_close(keys, twos, rtol=0, atol=0)
    torch.testing.assert_close(values, -twos, rtol=0, atol=0)
    cache.advance(2)
    keys, values = cache.append(0, twos, -twos)
    torch.testing.assert_close(keys, torch.cat([ones, twos], dim=2), rtol=0, atol=0)
    torch.testing.assert_close(values, torch.cat([-ones, -twos], dim=2), rtol=0, atol=0)


def test_appending_gives_views_and_not_copies() -> None:
    cache, piece = make_cache(), random_heads(3, 2, 1, 5, seed=0)
    first = cache.append(0, piece, piece)
    cache.advance(1)
    second = cache.append(0, piece, piece)
    for before, after in zip(first, second, strict=True):
        assert before.data_ptr() == after.data_ptr()


def test_a_cache_carries_no_gradient() -> None:
    piece = random_heads(3, 2, 1, 5, seed=0).requires_grad_()
    keys, values = make_cache().append(0, piece, piece)
    assert not keys.requires_grad
    assert not values.requires_grad


def test_a_full_cache_takes_its_last_token_and_refuses_the_next() -> None:
    cache, piece = make_cache(max_len=3), random_heads(3, 2, 3, 5, seed=0)
    cache.append(0, piece, piece)
    cache.advance(3)
    with pytest.raises(ValueError, match=r"n_tokens must be ≤ max_len=3.*got n_tokens=4\."):
        cache.append(0, piece[:, :, :1], piece[:, :, :1])
    with pytest.raises(ValueError, match=r"n_tokens must be ≤ max_len=3.*got n_tokens=4\."):
        cache.advance(1)
    assert cache.n_tokens == 3


def test_number_format_and_place() -> None:
    cache = KVCache(1, 2, 3, 7, 5, dtype=torch.bfloat16, device="cpu")
    keys, values = cache.append(0, torch.ones(2, 3, 1, 5), torch.ones(2, 3, 1, 5))
    assert (keys.dtype, values.dtype) == (torch.bfloat16, torch.bfloat16)
    assert KVCache(1, 2, 3, 7, 5).append(0, keys, values)[0].dtype == torch.float32


def test_sequences_are_kept_in_a_new_order() -> None:
    cache, keys, values = make_cache(), *(random_heads(3, 2, 4, 5, seed=i) for i in (0, 1))
    for layer in range(2):
        cache.append(layer, keys + layer, values + layer)
    cache.advance(4)
    rows = torch.tensor([2, 0, 2, 1])
    cache.keep(rows)
    new = random_heads(4, 2, 1, 5, seed=2)
    for layer in range(2):
        kept = cache.append(layer, new, -new)
        for got, old, newest in zip(kept, (keys, values), (new, -new), strict=True):
            expected = torch.cat([(old + layer)[rows], newest], dim=2)
            torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_the_newest_tokens_are_forgotten() -> None:
    cache, keys = make_cache(), random_heads(3, 2, 7, 5, seed=0)
    cache.append(0, keys, keys)
    cache.advance(7)
    cache.forget(3)
    assert cache.n_tokens == 4
    new = random_heads(3, 2, 1, 5, seed=1)
    expected = torch.cat([keys[:, :, :4], new], dim=2)
    torch.testing.assert_close(cache.append(0, new, new)[0], expected, rtol=0, atol=0)
    cache.forget(0)
    assert cache.n_tokens == 4


@pytest.mark.parametrize("n_tokens", [-1, 5])
def test_no_more_is_forgotten_than_is_there(n_tokens: int) -> None:
    cache = make_cache()
    cache.advance(4)
    told = f"n_tokens must be ≥ 0 and ≤ 4, the tokens in this cache; got n_tokens={n_tokens}"
    with pytest.raises(ValueError, match=told):
        cache.forget(n_tokens)
    cache.forget(4)
    assert cache.n_tokens == 0


def test_its_bytes_are_counted() -> None:
    assert make_cache().n_bytes == 2 * 2 * 3 * 2 * 11 * 5 * 8
