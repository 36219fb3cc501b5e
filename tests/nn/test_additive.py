import pytest
import torch
from jaxtyping import TypeCheckError

from course_lib.nn import AdditiveAttention, padding_mask
from course_lib.seeding import make_generator


def make_attention() -> AdditiveAttention:
    attention = AdditiveAttention(d_query=3, d_key=5, d_hidden=7).double()
    for seed, parameter in enumerate(attention.parameters()):
        parameter.data.normal_(generator=make_generator(seed))
    return attention


def random_states() -> tuple[torch.Tensor, torch.Tensor]:
    generator = make_generator(9)
    query = torch.randn(2, 4, 3, generator=generator, dtype=torch.float64)
    return query, torch.randn(2, 11, 5, generator=generator, dtype=torch.float64)


def test_by_hand() -> None:
    attention = AdditiveAttention(d_query=1, d_key=1, d_hidden=1).double()
    attention.query.weight.data.fill_(1.0)
    attention.key.weight.data.fill_(2.0)
    attention.score.weight.data.fill_(3.0)
    query, key = torch.tensor([[[1.0]]]).double(), torch.tensor([[[0.0], [-0.5]]]).double()
    mixed, weights = attention(query, key)  # 3·tanh(1 + 0) and 3·tanh(1 - 1) = 0
    first = 1 / (1 + torch.tensor(-3.0).double().mul(torch.tensor(1.0).double().tanh()).exp())
    torch.testing.assert_close(weights, torch.stack([first, 1 - first]).view(1, 1, 2))
    torch.testing.assert_close(mixed, (-0.5 * (1 - first)).view(1, 1, 1))


def test_agrees_with_the_papers_sum_pair_by_pair() -> None:
    attention, (query, key) = make_attention(), random_states()
    mixed, weights = attention(query, key)
    w, u, v = attention.query.weight, attention.key.weight, attention.score.weight[0]
    assert sum(part.numel() for part in attention.parameters()) == sum(p.numel() for p in (w, u, v))
    for b in range(2):
        for t in range(4):
            scores = torch.stack([v @ torch.tanh(w @ query[b, t] + u @ s) for s in key[b]])
            alpha = torch.softmax(scores, dim=0)
            torch.testing.assert_close(weights[b, t], alpha)
            expected = sum(a * s for a, s in zip(alpha, key[b], strict=True))
            torch.testing.assert_close(mixed[b, t], expected)


def test_padding_changes_nothing() -> None:
    attention, (query, key) = make_attention(), random_states()
    mask = padding_mask([11, 6], 11)
    mixed, weights = attention(query, key, mask)
    short, short_weights = attention(query[1:], key[1:, :6])
    torch.testing.assert_close(mixed[1:], short)
    torch.testing.assert_close(weights[1:, :, :6], short_weights)
    assert not weights[1, :, 6:].any()
    assert not torch.allclose(mixed[1], attention(query, key)[0][1])  # and the test can fail


def test_a_sequence_of_padding_only_gives_zero_and_no_gradient() -> None:
    attention, (query, key) = make_attention(), random_states()
    key.requires_grad_()
    mixed, weights = attention(query, key, padding_mask([11, 0], 11))
    mixed.square().sum().backward()
    assert not mixed[1].any()
    assert not weights[1].any()
    assert key.grad is not None
    assert not key.grad[1].any()
    for parameter in attention.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_order_of_the_keys_does_not_matter() -> None:
    attention, (query, key) = make_attention(), random_states()
    order = torch.randperm(11, generator=make_generator(0))
    mixed, weights = attention(query, key)
    shuffled, shuffled_weights = attention(query, key[:, order])
    torch.testing.assert_close(shuffled, mixed)
    torch.testing.assert_close(shuffled_weights, weights[:, :, order])


def test_masks_that_are_not_bool_are_refused() -> None:
    query, key = random_states()
    with pytest.raises((ValueError, TypeCheckError), match="mask"):
        make_attention()(query, key, torch.ones(2, 11, dtype=torch.int64))
