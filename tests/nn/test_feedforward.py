import math

import pytest
import torch
import torch.nn.functional as F

from course_lib.nn import FeedForward, SwiGLU, gelu, gelu_tanh, relu_squared
from course_lib.seeding import make_generator


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=make_generator(0), dtype=torch.float64)


GRID = torch.linspace(-6, 6, 101, dtype=torch.float64)


def test_gelu_is_x_times_the_normal_distribution_function() -> None:
    expected = [x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in GRID.tolist()]
    torch.testing.assert_close(gelu(GRID), torch.tensor(expected, dtype=torch.float64))


def test_gelu_tanh_follows_its_formula() -> None:
    expected = [
        x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        for x in GRID.tolist()
    ]
    torch.testing.assert_close(gelu_tanh(GRID), torch.tensor(expected, dtype=torch.float64))
    assert 1e-4 < (gelu_tanh(GRID) - gelu(GRID)).abs().max() < 5e-4


def test_gelu_tanh_is_the_one_of_gpt2() -> None:
    from transformers.activations import NewGELUActivation

    torch.testing.assert_close(gelu_tanh(GRID), NewGELUActivation()(GRID))


def test_relu_squared_by_hand() -> None:
    x = torch.tensor([-2.0, 0.0, 0.5, 3.0])
    assert relu_squared(x).tolist() == [0.0, 0.0, 0.25, 9.0]


@pytest.mark.parametrize("activation", [gelu, gelu_tanh, relu_squared, F.relu])
def test_feed_forward_is_two_linear_maps_with_a_bend(activation) -> None:
    feed_forward = FeedForward(5, 7, activation).double()
    x = randn(2, 3, 5)
    inner = x @ feed_forward.inner.weight.mT + feed_forward.inner.bias
    expected = activation(inner) @ feed_forward.outer.weight.mT + feed_forward.outer.bias
    torch.testing.assert_close(feed_forward(x), expected)


def test_feed_forward_bends_with_gelu_by_default() -> None:
    feed_forward = FeedForward(5, 7)
    assert feed_forward.activation is gelu
    assert set(feed_forward.state_dict()) == {
        "inner.weight",
        "inner.bias",
        "outer.weight",
        "outer.bias",
    }


def test_feed_forward_by_hand() -> None:
    feed_forward = FeedForward(1, 2, F.relu)
    with torch.no_grad():
        feed_forward.inner.weight.copy_(torch.tensor([[1.0], [-2.0]]))
        feed_forward.inner.bias.copy_(torch.tensor([0.0, 1.0]))
        feed_forward.outer.weight.copy_(torch.tensor([[3.0, 5.0]]))
        feed_forward.outer.bias.fill_(0.5)
    # 2: relu(2, -3) -> 3 * 2 + 0.5; -1: relu(-1, 3) -> 5 * 3 + 0.5
    assert feed_forward(torch.tensor([[2.0], [-1.0]])).tolist() == [[6.5], [15.5]]


def test_swiglu_is_llamas_feed_forward_layer() -> None:
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaMLP

    theirs = LlamaMLP(
        LlamaConfig(hidden_size=6, intermediate_size=7, num_attention_heads=1)
    ).double()
    ours = SwiGLU(6, 7).double()
    ours.gate.weight = theirs.gate_proj.weight
    ours.inner.weight = theirs.up_proj.weight
    ours.outer.weight = theirs.down_proj.weight
    torch.testing.assert_close(ours(randn(2, 3, 6)), theirs(randn(2, 3, 6)))
    assert set(ours.state_dict()) == {"gate.weight", "inner.weight", "outer.weight"}


def test_swiglu_by_hand() -> None:
    swiglu = SwiGLU(1, 1).double()
    for linear, weight in ((swiglu.gate, 2.0), (swiglu.inner, 3.0), (swiglu.outer, 5.0)):
        torch.nn.init.constant_(linear.weight, weight)
    gate = 2 / (1 + math.exp(-2))  # SiLU(2)
    assert swiglu(torch.ones(1, 1).double()).item() == pytest.approx(5 * gate * 3)


@pytest.mark.parametrize("layer", [FeedForward(5, 7), SwiGLU(5, 7)])
def test_a_token_sees_no_other(layer: torch.nn.Module) -> None:
    layer = layer.double()
    x = randn(2, 3, 5)
    changed = x.clone()
    changed[:, 1] += 1.0
    kept = [0, 2]
    torch.testing.assert_close(layer(changed)[:, kept], layer(x)[:, kept])
    assert (layer(changed)[:, 1] - layer(x)[:, 1]).abs().max() > 1e-3
