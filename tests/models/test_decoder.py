from dataclasses import dataclass

import pytest
import torch

from course_lib.models.decoder import count_cached, decoder_mask, initialise, require_positive
from course_lib.nn import KVCache
from course_lib.seeding import make_generator

CPU = torch.device("cpu")


@dataclass
class Sizes:
    n_heads: int = 1
    n_layers: int = 0
    dropout: float = -1.0


def test_sizes_below_one_are_named() -> None:
    require_positive(Sizes(), "n_heads")
    with pytest.raises(ValueError, match="n_layers must be ≥ 1; got n_layers=0"):
        require_positive(Sizes(), "n_heads", "n_layers")


def test_no_mask_where_hiding_the_future_is_all() -> None:
    assert decoder_mask(None, 5, 5, CPU) is None
    assert decoder_mask(None, 1, 7, CPU) is None


def test_new_tokens_behind_a_cache_see_it_all() -> None:
    mask = decoder_mask(None, 2, 4, CPU)
    assert mask is not None
    assert mask.tolist() == [[True, True, True, False], [True, True, True, True]]


def test_padding_and_the_future_are_hidden_by_hand() -> None:
    tokens = torch.tensor([[False, True, True], [True, True, False]])
    mask = decoder_mask(tokens, 2, 3, CPU)
    assert mask is not None
    first, second = mask.squeeze(1).tolist()
    assert first == [[False, True, False], [False, True, True]]
    assert second == [[True, True, False], [True, True, False]]


def test_a_single_query_still_sees_no_padding() -> None:
    mask = decoder_mask(torch.tensor([[True, False, True]]), 1, 3, CPU)
    assert mask is not None
    assert mask.tolist() == [[[[True, False, True]]]]


def test_cached_tokens_are_counted() -> None:
    ids = torch.zeros(2, 3, dtype=torch.int64)
    cache = KVCache(n_layers=1, n_sequences=2, n_kv_heads=1, max_len=11, d_head=2)
    assert count_cached(ids, None, None, max_len=3) == 0
    cache.advance(4)
    assert count_cached(ids, None, cache, max_len=7) == 4
    assert count_cached(ids, torch.ones(2, 7, dtype=torch.bool), cache, max_len=7) == 4
    with pytest.raises(ValueError, match=r"ids must be at most max_len=6 tokens.*; got 7"):
        count_cached(ids, None, cache, max_len=6)
    with pytest.raises(ValueError, match=r"mask must have the shape \(2, 7\).*; got \(2, 3\)"):
        count_cached(ids, torch.ones(2, 3, dtype=torch.bool), cache, max_len=7)


def test_fresh_weights_by_hand() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(97, 101), torch.nn.Linear(101, 97))
    model.append(torch.nn.LayerNorm(97))
    initialise(model, residual=("1.weight",), n_layers=8, generator=make_generator(0))
    assert model[0].weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert model[1].weight.std().item() == pytest.approx(0.005, rel=0.03)  # 0.02 / √16
    assert not model[0].bias.any()
    assert (model[2].weight == 1).all()
