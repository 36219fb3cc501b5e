import math

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding

from course_lib.nn import (
    LearnedPositions,
    alibi_bias,
    alibi_slopes,
    rotary_angles,
    rotate,
    sinusoidal_positions,
)
from course_lib.seeding import make_generator


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


# Sinusoidal


@pytest.mark.parametrize("d_model", [1, 2, 4, 5, 11])
def test_sinusoidal_positions_follow_the_formula(d_model: int) -> None:
    expected = [
        [
            (math.sin if column % 2 == 0 else math.cos)(
                position / 10000 ** ((column - column % 2) / d_model)
            )
            for column in range(d_model)
        ]
        for position in range(7)
    ]
    torch.testing.assert_close(
        sinusoidal_positions(7, d_model, dtype=torch.float64),
        torch.tensor(expected, dtype=torch.float64),
    )


def test_sinusoidal_positions_by_hand() -> None:
    row = sinusoidal_positions(3, 4, dtype=torch.float64)[2]
    expected = [0.9092974268, -0.4161468365, 0.0199986667, 0.9998000067]  # of 2 and of 0.02
    torch.testing.assert_close(row, torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("d_model", [6, 7])
def test_sinusoidal_positions_are_marians_in_another_order_of_columns(d_model: int) -> None:
    theirs = MarianSinusoidalPositionalEmbedding(13, d_model)
    if hasattr(theirs, "create_weight"):
        theirs.weight = torch.nn.Parameter(theirs.create_weight(), requires_grad=False)
    ours = sinusoidal_positions(13, d_model)
    torch.testing.assert_close(torch.cat((ours[:, 0::2], ours[:, 1::2]), 1), theirs.weight.data)


def test_sinusoidal_positions_all_have_the_same_length() -> None:
    squared = sinusoidal_positions(101, 6, dtype=torch.float64).square().sum(dim=-1)
    torch.testing.assert_close(squared, torch.full((101,), 3.0, dtype=torch.float64))


def test_sinusoidal_dot_product_depends_on_distance_only() -> None:
    rows = sinusoidal_positions(17, 6, dtype=torch.float64)
    torch.testing.assert_close(rows[2] @ rows[7], rows[11] @ rows[16])
    assert not torch.isclose(rows[2] @ rows[7], rows[2] @ rows[8])


def test_default_precision_is_float32_rounded_once() -> None:
    assert torch.equal(
        sinusoidal_positions(1009, 5), sinusoidal_positions(1009, 5, dtype=torch.float64).float()
    )
    assert sinusoidal_positions(3, 4, dtype=torch.bfloat16).dtype == torch.bfloat16


# Learned


def test_learned_positions_are_rows_of_the_table() -> None:
    positions = LearnedPositions(11, 3)
    assert torch.equal(positions(5), positions.weight[:5])
    assert torch.equal(positions(4, start=7), positions.weight[7:11])
    assert 0.01 < LearnedPositions(101, 7).weight.std() < 0.03


def test_learned_positions_end() -> None:
    positions = LearnedPositions(11, 3)
    assert positions(11).shape == (11, 3)
    with pytest.raises(ValueError, match=r"start \+ n_positions must be ≤ max_len=11; got 12"):
        positions(12)
    with pytest.raises(ValueError, match="got 12"):
        positions(1, start=11)


# Rotary


def llama_rotary(d_head: int, n_positions: int, base: float = 10000.0) -> tuple[torch.Tensor, ...]:
    config = LlamaConfig(
        hidden_size=3 * d_head,
        num_attention_heads=3,
        head_dim=d_head,
        rope_parameters={"rope_type": "default", "rope_theta": base},
    )
    positions = torch.arange(n_positions).unsqueeze(0)
    return LlamaRotaryEmbedding(config)(torch.zeros(1), positions)


@pytest.mark.parametrize(("d_head", "base"), [(2, 10000.0), (6, 10000.0), (10, 500.0)])
def test_rotation_is_that_of_llama(d_head: int, base: float) -> None:
    query, key = randn(2, 3, 7, d_head), randn(2, 3, 7, d_head, seed=1)
    cos, sin = llama_rotary(d_head, 7, base)
    angles = rotary_angles(7, d_head, base=base)
    assert torch.equal(angles.cos(), cos[0, :, : d_head // 2])  # bit for bit
    their_query, their_key = apply_rotary_pos_emb(query, key, cos.double(), sin.double())
    torch.testing.assert_close(rotate(query, angles), their_query)
    torch.testing.assert_close(rotate(key, angles), their_key)


def test_angles_by_hand() -> None:
    expected = torch.tensor([[0.0, 0.0], [1.0, 0.1], [2.0, 0.2]], dtype=torch.float64)
    angles = rotary_angles(3, 4, base=100.0, dtype=torch.float64)
    torch.testing.assert_close(angles, expected)


def test_rotation_by_hand_turns_halves_not_neighbours() -> None:
    quarter = torch.tensor([[math.pi / 2, 0.0]], dtype=torch.float64)
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
    torch.testing.assert_close(rotate(x, quarter), torch.tensor([[-3.0, 2.0, 1.0, 4.0]]).double())


def test_rotation_is_multiplication_with_a_complex_number() -> None:
    x, angles = randn(3, 7, 10), rotary_angles(7, 10, dtype=torch.float64)
    turned = torch.complex(*x.chunk(2, dim=-1)) * torch.polar(torch.ones_like(angles), angles)
    torch.testing.assert_close(rotate(x, angles), torch.cat((turned.real, turned.imag), dim=-1))


def test_rotated_dot_product_depends_on_distance_only() -> None:
    query, key = randn(1, 6).expand(17, 6), randn(1, 6, seed=1).expand(17, 6)
    angles = rotary_angles(17, 6, dtype=torch.float64)
    scores = rotate(query, angles) @ rotate(key, angles).mT  # "T S"
    for distance in (-5, 0, 3):
        diagonal = scores.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert (scores[0, 1:] - scores[0, 0]).abs().min() > 1e-3
    torch.testing.assert_close(
        rotate(query, angles).norm(dim=-1), query.norm(dim=-1)
    )  # lengths stay


def test_rotation_keeps_the_precision_of_its_input() -> None:
    x = randn(1, 2, 3, 4).to(torch.bfloat16)
    assert rotate(x, rotary_angles(3, 4)).dtype == torch.bfloat16


def test_rotary_positions_refuse_odd_heads() -> None:
    with pytest.raises(ValueError, match=r"d_head must be even.*got d_head=5.*d_model / n_heads"):
        rotary_angles(3, 5)
    with pytest.raises(ValueError, match="got d_head=5"):
        rotate(randn(1, 2, 3, 5), rotary_angles(3, 4))


# ALiBi


def test_alibi_slopes_by_hand() -> None:
    eight = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]  # the paper's example
    assert alibi_slopes(8).tolist() == eight
    assert alibi_slopes(1).tolist() == [1 / 256]
    # three heads: those of two (2^-4, 2^-8), then the first of four (2^-2)
    assert alibi_slopes(3).tolist() == [1 / 16, 1 / 256, 1 / 4]
    assert alibi_slopes(12, dtype=torch.float64)[8].item() == pytest.approx(2**-0.5)


@pytest.mark.parametrize("n_heads", [1, 2, 3, 5, 8, 12, 13, 31])
def test_alibi_under_a_causal_mask_weighs_as_blooms(n_heads: int) -> None:
    n_tokens = 7
    theirs = build_alibi_tensor(torch.ones(1, n_tokens), n_heads, torch.float32)
    theirs = theirs.view(n_heads, 1, n_tokens)  # slope · key position: the same up to a constant
    future = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(1)
    scores = torch.randn(n_heads, n_tokens, n_tokens, generator=make_generator(0))
    torch.testing.assert_close(
        (scores + alibi_bias(n_heads, n_tokens, n_tokens))
        .masked_fill(future, -math.inf)
        .softmax(-1),
        (scores + theirs).masked_fill(future, -math.inf).softmax(-1),
    )


def test_alibi_bias_puts_the_last_query_at_the_last_key() -> None:
    whole = alibi_bias(5, 7, 7)
    assert whole.shape == (5, 7, 7)
    assert torch.equal(alibi_bias(5, 2, 7), whole[:, -2:])
    assert whole[0, 3].tolist() == [-d * alibi_slopes(5)[0].item() for d in (3, 2, 1, 0, 1, 2, 3)]
    assert alibi_bias(2, 3, 3, dtype=torch.float64).dtype == torch.float64
