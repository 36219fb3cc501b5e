import pytest
import torch
from jaxtyping import TypeCheckError

from course_lib.nn import (
    MultiHeadAttention,
    causal_mask,
    key_mask,
    padding_mask,
    sliding_window_mask,
)
from course_lib.seeding import make_generator


def make_attention(**options) -> MultiHeadAttention:
    attention = MultiHeadAttention(**{"d_model": 12, "n_heads": 4} | options).double()
    for seed, parameter in enumerate(attention.parameters()):
        parameter.data.normal_(0, 0.5, generator=make_generator(seed))
    return attention


def random_tokens(n_tokens: int, seed: int = 9) -> torch.Tensor:
    return torch.randn(2, n_tokens, 12, generator=make_generator(seed), dtype=torch.float64)


def torch_twin(ours: MultiHeadAttention, *, bias: bool = True) -> torch.nn.MultiheadAttention:
    theirs = torch.nn.MultiheadAttention(12, 4, bias=bias, batch_first=True).double()
    inward = [ours.query, ours.key, ours.value]
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([linear.weight for linear in inward]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        if bias:
            theirs.in_proj_bias.copy_(torch.cat([linear.bias for linear in inward]))
            theirs.out_proj.bias.copy_(ours.output.bias)
    return theirs


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("masked", [False, True])
def test_agrees_with_torch_and_its_weights_do_too(bias: bool, masked: bool) -> None:
    ours, x = make_attention(bias=bias), random_tokens(7)
    mask = causal_mask(7) & key_mask(padding_mask([7, 5], 7)) if masked else None
    theirs, their_weights = torch_twin(ours, bias=bias)(
        x,
        x,
        x,
        # torch says the opposite: True = may not attend.
        attn_mask=None if mask is None else ~causal_mask(7),
        key_padding_mask=None if mask is None else ~padding_mask([7, 5], 7),
        average_attn_weights=False,
    )
    torch.testing.assert_close(ours(x, mask=mask), theirs)
    torch.testing.assert_close(ours.weights(x, mask=mask), their_weights.detach())


def test_agrees_with_torch_across_two_sequences_of_different_length() -> None:
    ours, x, memory = make_attention(), random_tokens(5), random_tokens(7, seed=8)
    real = padding_mask([7, 4], 7)
    theirs, their_weights = torch_twin(ours)(
        x, memory, memory, key_padding_mask=~real, average_attn_weights=False
    )
    torch.testing.assert_close(ours(x, memory, key_mask(real)), theirs)
    weights = ours.weights(x, memory, key_mask(real))
    assert weights.shape == (2, 4, 5, 7)
    torch.testing.assert_close(weights, their_weights.detach())


def test_a_mask_of_the_opposite_convention_gives_another_result() -> None:
    """No code can tell such a mask apart; this shows what it costs."""
    ours, x = make_attention(), random_tokens(7)
    real = padding_mask([7, 5], 7)
    right, wrong = ours(x, mask=key_mask(real)), ours(x, mask=key_mask(~real))
    assert not torch.allclose(right, wrong)
    torch.testing.assert_close(wrong[0], ours.output.bias.expand(7, 12))  # sees nothing at all


@pytest.mark.parametrize("n_kv_heads", [1, 2])
def test_grouped_heads_equal_repeated_projections(n_kv_heads: int) -> None:
    grouped, full = make_attention(n_kv_heads=n_kv_heads), make_attention()
    with torch.no_grad():
        for name in ("query", "output"):
            getattr(full, name).load_state_dict(getattr(grouped, name).state_dict())
        for name in ("key", "value"):
            small, large = getattr(grouped, name), getattr(full, name)
            by_head = small.weight.view(n_kv_heads, 3, 12)
            copies = 4 // n_kv_heads
            large.weight.copy_(by_head.repeat_interleave(copies, dim=0).flatten(0, 1))
            large.bias.copy_(
                small.bias.view(n_kv_heads, 3).repeat_interleave(copies, dim=0).flatten()
            )
    x, mask = random_tokens(7), causal_mask(7)
    assert grouped.key.out_features == 3 * n_kv_heads
    torch.testing.assert_close(grouped(x, mask=mask), full(x, mask=mask))
    torch.testing.assert_close(grouped.weights(x, mask=mask), full.weights(x, mask=mask))


def test_shuffled_tokens_give_the_same_outputs_shuffled() -> None:
    attention, x = make_attention(), random_tokens(7)
    order = torch.randperm(7, generator=make_generator(0))
    torch.testing.assert_close(attention(x[:, order]), attention(x)[:, order])
    mask = causal_mask(7)
    shuffled = attention(x[:, order], mask=mask)
    assert not torch.allclose(shuffled, attention(x, mask=mask)[:, order])  # and it can fail


def test_causal_output_ignores_the_future() -> None:
    attention, x = make_attention(), random_tokens(7)
    changed = x.clone()
    changed[:, 4:] += 1.0
    before, after = attention(x, mask=causal_mask(7)), attention(changed, mask=causal_mask(7))
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert not torch.allclose(before[:, 4:], after[:, 4:])  # and the test can fail


def test_a_window_ignores_the_distant_past() -> None:
    attention, x = make_attention(), random_tokens(11)
    changed = x.clone()
    changed[:, :3] += 1.0
    mask = sliding_window_mask(11, 3)
    before, after = attention(x, mask=mask), attention(changed, mask=mask)
    torch.testing.assert_close(before[:, 5:], after[:, 5:], rtol=0, atol=0)
    assert not torch.allclose(before[:, 4], after[:, 4])


def test_weights_are_distributions_without_gradient() -> None:
    weights = make_attention().weights(random_tokens(7), mask=causal_mask(7))
    assert not weights.requires_grad
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(2, 4, 7, dtype=torch.float64))
    assert not weights.masked_select(~causal_mask(7)).any()


def test_number_of_parameters() -> None:
    assert sum(p.numel() for p in MultiHeadAttention(12, 4).parameters()) == 4 * (12 * 12 + 12)
    assert MultiHeadAttention(12, 1).query.weight.shape == (12, 12)
    grouped = MultiHeadAttention(12, 4, n_kv_heads=2, bias=False)
    assert sum(p.numel() for p in grouped.parameters()) == 2 * 12 * 12 + 2 * 6 * 12


def test_masks_that_are_not_bool_are_refused() -> None:
    attention, x = make_attention(), random_tokens(7)
    ones = torch.ones(2, 1, 1, 7, dtype=torch.int64)  # a tokenizer's attention_mask
    for function in (attention, attention.weights):
        with pytest.raises((ValueError, TypeCheckError), match="mask"):
            function(x, mask=ones)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 5}, r"n_heads must be a divisor of d_model=12; got n_heads=5\."),
        ({"n_heads": 0}, r"n_heads must be a divisor of d_model=12; got n_heads=0\."),
        ({"n_kv_heads": 3}, r"n_kv_heads must be a divisor of n_heads=4; got n_kv_heads=3\."),
        ({"n_kv_heads": 0}, r"n_kv_heads must be a divisor of n_heads=4; got n_kv_heads=0\."),
    ],
)
def test_impossible_numbers_of_heads_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_attention(**options)
