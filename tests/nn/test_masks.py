import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from course_lib.nn import causal_mask, key_mask, padding_mask, sliding_window_mask
from course_lib.nn.masks import require_bool


def test_causal_mask_by_hand() -> None:
    assert causal_mask(3).tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_last_query_of_a_causal_mask_sees_the_last_key() -> None:
    assert causal_mask(2, 5).tolist() == [[True] * 4 + [False], [True] * 5]
    assert causal_mask(1, 3).tolist() == [[True, True, True]]
    assert causal_mask(3, 2).tolist() == [[False, False], [True, False], [True, True]]


def test_causal_mask_means_the_same_to_torch() -> None:
    query, key = torch.randn(2, 1, 1, 7, 3, dtype=torch.float64)
    torch.testing.assert_close(
        F.scaled_dot_product_attention(query, key, key, attn_mask=causal_mask(7)),
        F.scaled_dot_product_attention(query, key, key, is_causal=True),
    )


@settings(deadline=None, max_examples=30)
@given(n_queries=st.integers(1, 7), n_before=st.integers(0, 7))
def test_each_query_of_a_causal_mask_sees_one_key_more(n_queries: int, n_before: int) -> None:
    seen = causal_mask(n_queries, n_before + n_queries).sum(dim=-1).tolist()
    assert seen == list(range(n_before + 1, n_before + n_queries + 1))


@settings(deadline=None, max_examples=30)
@given(n_tokens=st.integers(1, 11), window=st.integers(1, 13))
def test_sliding_window_mask_is_its_definition(n_tokens: int, window: int) -> None:
    mask = sliding_window_mask(n_tokens, window)
    for t in range(n_tokens):
        assert mask[t].nonzero().flatten().tolist() == list(range(max(0, t - window + 1), t + 1))


def test_sliding_window_mask_means_the_same_as_mistral() -> None:
    from transformers.masking_utils import sliding_window_causal_mask_function

    sees = sliding_window_causal_mask_function(3)
    mask = sliding_window_mask(7, 3)
    for t in range(7):
        for s in range(7):
            assert bool(sees(0, 0, torch.tensor(t), torch.tensor(s))) == mask[t, s].item()


def test_sliding_window_mask_refuses_a_window_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"window must be ≥ 1; got window=0\."):
        sliding_window_mask(3, 0)


def test_padding_mask_by_hand() -> None:
    expected = [[True, True, False], [False, False, False], [True, True, True]]
    assert padding_mask([2, 0, 3], 3).tolist() == expected
    assert padding_mask(torch.tensor([2, 0, 3]), 3).tolist() == expected


@pytest.mark.parametrize("lengths", [[2, 4], [-1, 2]])
def test_padding_mask_refuses_impossible_lengths(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match=r"lengths must be between 0 and n_tokens=3; got lengths="):
        padding_mask(lengths, 3)


def test_key_mask_hides_padding_from_every_head_and_query() -> None:
    mask = key_mask(padding_mask([2, 3], 3)).expand(2, 5, 7, 3)
    assert not mask[0, :, :, 2].any()
    assert mask[0, :, :, :2].all()
    assert mask[1].all()


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.uint8])
def test_masks_that_are_not_bool_are_refused(dtype: torch.dtype) -> None:
    ones = torch.ones(2, 3, dtype=dtype)
    with pytest.raises(ValueError, match=rf"mask must be bool.*mask\.bool\(\).*dtype={dtype}\."):
        require_bool(ones)
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        key_mask(ones)
