import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from jaxtyping import TypeCheckError

from course_lib.nn import (
    attend,
    attention_gradients,
    causal_mask,
    key_mask,
    merge_heads,
    padding_mask,
    scaled_dot_product_attention,
    split_heads,
)
from course_lib.nn.attention import _is_faster_written_out
from course_lib.seeding import make_generator

LENGTHS = [(1, 1), (1, 13), (2, 2), (5, 7), (7, 7), (11, 3)]


def random_parts(
    *leading: int, n_queries: int = 5, n_keys: int = 7, d_head: int = 3, d_value: int = 2
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = make_generator(0)
    shapes = [(n_queries, d_head), (n_keys, d_head), (n_keys, d_value)]
    query, key, value = (
        torch.randn(*leading, *shape, generator=generator, dtype=torch.float64) for shape in shapes
    )
    return query, key, value


@pytest.fixture(params=["fused", "written out"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Send `attend` down one of its two ways, whatever it would choose."""
    written_out = request.param == "written out"
    name = "course_lib.nn.attention._is_faster_written_out"
    monkeypatch.setattr(name, lambda *_: written_out)
    return request.param


@pytest.fixture
def reduced_precision() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    yield
    torch.set_float32_matmul_precision(before)


def random_mask(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=make_generator(1)) < 0.6


def test_attention_by_hand() -> None:
    # Scores before scaling: 2·ln 3 and 0; after dividing by √4: ln 3 and 0. Weights 3/4 and 1/4.
    query = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0]], dtype=torch.float64)
    key = torch.tensor([[2 * math.log(3), 0, 0, 0], [0, 5, 0, 0]], dtype=torch.float64)
    value = torch.tensor([[8.0, 4.0], [0.0, -4.0]], dtype=torch.float64)
    mixed, weights = scaled_dot_product_attention(query, key, value)
    expected = torch.tensor([[0.75, 0.25], [0.5, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(weights, expected)
    expected = torch.tensor([[6.0, 2.0], [4.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(mixed, expected)


@pytest.mark.parametrize("leading", [(), (2,), (2, 3)])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_agrees_with_torch(leading: tuple[int, ...], masked: bool) -> None:
    query, key, value = random_parts(*leading)
    mask = random_mask(5, 7) if masked else None
    mixed, weights = scaled_dot_product_attention(query, key, value, mask)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(mixed, theirs)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(*leading, 5, dtype=torch.float64))


def test_a_mask_may_differ_by_sequence_and_be_shared_by_heads() -> None:
    query, key, value = random_parts(2, 3)
    mask = random_mask(2, 1, 1, 7)
    mixed, weights = scaled_dot_product_attention(query, key, value, mask)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(mixed, theirs)
    assert not weights.masked_select(~mask).any()


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_masks_that_are_not_bool_are_refused(dtype: torch.dtype) -> None:
    query, key, value = random_parts(2, 3)
    ones = torch.ones(5, 7, dtype=dtype)
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        attend(query, key, value, ones)
    with pytest.raises((RuntimeError, TypeError, TypeCheckError)):
        scaled_dot_product_attention(query, key, value, ones)


def test_gradients_by_hand_pass_gradcheck_and_equal_autograd() -> None:
    parts = [part.requires_grad_() for part in random_parts(2, 4)]
    mixed, _ = scaled_dot_product_attention(*parts)
    d_mixed = torch.randn(mixed.shape, generator=make_generator(2), dtype=torch.float64)
    by_autograd = torch.autograd.grad(mixed, parts, d_mixed)
    with torch.no_grad():
        by_hand = attention_gradients(*parts, d_mixed)
    for ours, theirs in zip(by_hand, by_autograd, strict=True):
        torch.testing.assert_close(ours, theirs)

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx, query, key, value):
            ctx.save_for_backward(query, key, value)
            return scaled_dot_product_attention(query, key, value)[0]

        @staticmethod
        def backward(ctx, *grad_outputs):
            return attention_gradients(*ctx.saved_tensors, *grad_outputs)

    assert torch.autograd.gradcheck(ByHand.apply, parts)


def test_gradients_do_not_see_a_value_added_to_all_values() -> None:
    query, key, value = random_parts()
    d_mixed = torch.ones(5, 2, dtype=torch.float64)
    before = attention_gradients(query, key, value, d_mixed)
    after = attention_gradients(query, key, value + 3.0, d_mixed)
    for old, new in zip(before, after, strict=True):
        torch.testing.assert_close(new, old)  # a common shift moves no weight


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(("n_queries", "n_keys"), LENGTHS)
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("mask_shape", [None, (-1, -1), (2, 1, 1, -1), (2, 6, -1, -1)])
def test_attend_equals_the_formula_forward_and_backward(
    n_queries: int, n_keys: int, is_causal: bool, mask_shape: tuple[int, ...] | None
) -> None:
    ours, by_formula = (
        [part.requires_grad_() for part in random_parts(2, 6, n_queries=n_queries, n_keys=n_keys)]
        for _ in range(2)
    )
    mask = None
    if mask_shape is not None:
        t = n_queries if mask_shape[-2] == -1 else 1
        mask = random_mask(*mask_shape[:-2], t, n_keys)
    allowed = torch.ones(n_queries, n_keys, dtype=torch.bool) if mask is None else mask
    if is_causal:
        allowed = allowed & causal_mask(n_queries, n_keys)
    mixed = attend(*ours, mask, is_causal=is_causal)
    expected, _ = scaled_dot_product_attention(*by_formula, allowed)
    torch.testing.assert_close(mixed, expected)
    slope = torch.randn(mixed.shape, generator=make_generator(3), dtype=torch.float64)
    for mine, theirs in zip(
        torch.autograd.grad(mixed, ours, slope),
        torch.autograd.grad(expected, by_formula, slope),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("function", [attend, scaled_dot_product_attention])
@pytest.mark.parametrize("n_tokens", [7, 131])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_fully_masked_rows_give_zero_in_output_and_gradient(
    function, n_tokens: int, dtype: torch.dtype
) -> None:
    parts = [
        part.to(dtype).requires_grad_()
        for part in random_parts(2, 3, n_queries=n_tokens, n_keys=n_tokens, d_value=3)
    ]
    mask = random_mask(2, 1, n_tokens, n_tokens)
    mask[0, :, 2] = False  # one query sees nothing
    mask[1] = key_mask(padding_mask([0], n_tokens))[0]  # no query of this sequence sees anything
    mixed = function(*parts, mask)
    mixed = mixed[0] if isinstance(mixed, tuple) else mixed
    assert mixed.isfinite().all()
    assert not mixed[0, :, 2].any()
    assert not mixed[1].any()
    assert mixed[0, :, 1].any()
    gradients = torch.autograd.grad(mixed.square().sum(), parts)
    for gradient in gradients:
        assert gradient.isfinite().all()
        assert not gradient[1].any()
        assert gradient[0].any()
    assert not gradients[0][0, :, 2].any()


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("n_tokens", [7, 67, 521])
def test_causal_output_ignores_the_future(n_tokens: int) -> None:
    parts = random_parts(2, 3, n_queries=n_tokens, n_keys=n_tokens)
    split = n_tokens // 2
    changed = [part.clone() for part in parts]
    for part in changed:
        part[:, :, split:] += 1.0
    before, after = attend(*parts, is_causal=True), attend(*changed, is_causal=True)
    torch.testing.assert_close(before[:, :, :split], after[:, :, :split], rtol=0, atol=0)
    before, after = attend(*parts), attend(*changed)
    assert not torch.allclose(before[:, :, :split], after[:, :, :split])  # and the test can fail


@pytest.mark.usefixtures("path")
def test_order_of_the_keys_does_not_matter() -> None:
    query, key, value = random_parts(2, 3)
    order = torch.randperm(7, generator=make_generator(0))
    torch.testing.assert_close(
        attend(query, key[:, :, order], value[:, :, order]), attend(query, key, value)
    )


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("n_queries", [1, 5])
@pytest.mark.parametrize("n_keys", [6, 7])  # as many as the query's heads, or not
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_queries_equal_repeated_keys(n_queries: int, n_keys: int, masked: bool) -> None:
    query = random_parts(2, 6, n_queries=n_queries)[0]
    _, key, value = random_parts(2, 3, n_keys=n_keys)
    mask = random_mask(2, 6, n_queries, n_keys) if masked else None
    expected = attend(query, key[:, [0, 0, 1, 1, 2, 2]], value[:, [0, 0, 1, 1, 2, 2]], mask)
    torch.testing.assert_close(attend(query, key, value, mask), expected)
    theirs = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)
    torch.testing.assert_close(expected, theirs)


def test_grouped_queries_refuse_a_number_of_heads_that_does_not_divide() -> None:
    query, key, value = random_parts(2, 5)
    with pytest.raises(ValueError, match=r"must be a multiple of the keys' heads \(3\).*n_heads=5"):
        attend(query, key[:, :3], value[:, :3])


def way_of(n_queries: int, n_keys: int, dtype: torch.dtype, *, learns: bool) -> str:
    query = torch.zeros(1, 2, n_queries, 3, dtype=dtype, requires_grad=learns)
    key = torch.zeros(1, 2, n_keys, 3, dtype=dtype)
    return "written out" if _is_faster_written_out(query, key, key) else "fused"


def test_which_way_attend_goes_at_full_precision() -> None:
    assert torch.get_float32_matmul_precision() == "highest"
    for learns in (False, True):
        assert way_of(64, 64, torch.float32, learns=learns) == "fused"
        assert way_of(64, 64, torch.float64, learns=learns) == "fused"
    assert way_of(64, 64, torch.bfloat16, learns=False) == "fused"
    assert way_of(512, 512, torch.bfloat16, learns=True) == "written out"
    assert way_of(512, 513, torch.bfloat16, learns=True) == "fused"
    with torch.no_grad():
        assert way_of(64, 64, torch.bfloat16, learns=True) == "fused"


@pytest.mark.usefixtures("reduced_precision")
def test_which_way_attend_goes_at_reduced_precision() -> None:
    assert way_of(384, 384, torch.float32, learns=False) == "written out"
    assert way_of(384, 385, torch.float32, learns=False) == "fused"
    assert way_of(512, 512, torch.float32, learns=True) == "written out"
    assert way_of(512, 513, torch.float32, learns=True) == "fused"
    assert way_of(64, 64, torch.float64, learns=True) == "fused"


def test_each_part_that_learns_counts_and_an_accelerator_always_fuses() -> None:
    fixed = torch.zeros(1, 2, 5, 3, dtype=torch.bfloat16)
    learns = fixed.clone().requires_grad_()
    for parts in ((learns, fixed, fixed), (fixed, learns, fixed), (fixed, fixed, learns)):
        assert _is_faster_written_out(*parts)
    assert not _is_faster_written_out(fixed, fixed, fixed)
    elsewhere = learns.to("meta")
    assert not _is_faster_written_out(elsewhere, elsewhere, elsewhere)


def test_autocast_decides_by_the_format_it_casts_to() -> None:
    assert way_of(64, 64, torch.float32, learns=True) == "fused"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert way_of(64, 64, torch.float32, learns=True) == "written out"


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("is_causal", [False, True])
def test_attend_under_autocast_takes_parts_of_two_number_formats(is_causal: bool) -> None:
    query, key, value = (part.float() for part in random_parts(2, 6, n_queries=7))
    expected = attend(query, key, value, is_causal=is_causal)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = attend(query, key, value.bfloat16(), is_causal=is_causal)
    assert mixed.dtype == torch.bfloat16
    # bfloat16 has 8 significant bits: scores near 3 are off by up to 0.01.
    torch.testing.assert_close(mixed.float(), expected, rtol=0.03, atol=0.03)


def test_split_heads_by_hand_and_back() -> None:
    x = torch.arange(2 * 5 * 6.0).view(2, 5, 6)
    heads = split_heads(x, 3)
    assert heads.shape == (2, 3, 5, 2)
    for head in range(3):
        torch.testing.assert_close(heads[:, head], x[:, :, 2 * head : 2 * head + 2])
    torch.testing.assert_close(merge_heads(heads), x, rtol=0, atol=0)
    torch.testing.assert_close(split_heads(x, 1)[:, 0], x, rtol=0, atol=0)


@pytest.mark.parametrize("n_heads", [4, 0, -1])
def test_split_heads_refuses_heads_that_do_not_divide_the_width(n_heads: int) -> None:
    message = rf"n_heads must be a divisor of d_model=6; got n_heads={n_heads}\."
    with pytest.raises(ValueError, match=message):
        split_heads(torch.zeros(2, 5, 6), n_heads)
