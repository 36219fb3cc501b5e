import math

import pytest
import torch
import torch.nn.functional as F

from course_lib.nn import LayerNorm, RMSNorm, layer_norm, rms_norm
from course_lib.seeding import make_generator


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return 2 + 3 * torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


def test_layer_norm_by_hand() -> None:
    x = torch.tensor([[2.0, 4.0, 9.0]], dtype=torch.float64)  # mean 5, squares 9 + 1 + 16
    weight = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    bias = torch.tensor([0.0, 0.0, 10.0], dtype=torch.float64)
    sd = math.sqrt(26 / 3 + 1 / 3)  # eps is inside the root: 3
    expected = torch.tensor([[-3 / sd, 2 * -1 / sd, 3 * 4 / sd + 10]], dtype=torch.float64)
    torch.testing.assert_close(layer_norm(x, weight, bias, eps=1 / 3), expected)


def test_rms_norm_by_hand() -> None:
    x = torch.tensor([[3.0, 4.0]], dtype=torch.float64)  # mean square 12.5
    weight = torch.tensor([1.0, 2.0], dtype=torch.float64)
    expected = torch.tensor([[3 / 5, 8 / 5]], dtype=torch.float64)
    torch.testing.assert_close(rms_norm(x, weight, eps=12.5), expected)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 11)])
@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_both_norms_agree_with_torch(shape: tuple[int, ...], eps: float) -> None:
    x, weight, bias = randn(*shape), randn(shape[-1], seed=1), randn(shape[-1], seed=2)
    width = shape[-1:]
    torch.testing.assert_close(
        layer_norm(x, weight, bias, eps), F.layer_norm(x, width, weight, bias, eps)
    )
    torch.testing.assert_close(rms_norm(x, weight, eps), F.rms_norm(x, width, weight, eps))


def test_default_eps_is_that_of_gpt2_and_of_llama() -> None:
    tiny = torch.tensor([1e-3, -1e-3], dtype=torch.float64)  # eps is as large as the variance
    ones, zeros = torch.ones_like(tiny), torch.zeros_like(tiny)
    torch.testing.assert_close(
        layer_norm(tiny, ones, zeros), F.layer_norm(tiny, (2,), ones, zeros, 1e-5)
    )
    torch.testing.assert_close(rms_norm(tiny, ones), tiny / math.sqrt(2e-6))
    torch.testing.assert_close(
        LayerNorm(2).double()(tiny), F.layer_norm(tiny, (2,), ones, zeros, 1e-5)
    )
    torch.testing.assert_close(RMSNorm(2).double()(tiny), tiny / math.sqrt(2e-6))


def test_modules_compute_the_written_out_formula_with_its_gradients() -> None:
    norm, rms = LayerNorm(5, eps=0.1).double(), RMSNorm(5, eps=0.1).double()
    with torch.no_grad():
        norm.weight.copy_(randn(5, seed=1))
        norm.bias.copy_(randn(5, seed=2))
        rms.weight.copy_(randn(5, seed=3))
    x = randn(2, 3, 5).requires_grad_()
    pairs = [
        (norm(x), layer_norm(x, norm.weight, norm.bias, 0.1), [x, norm.weight, norm.bias]),
        (rms(x), rms_norm(x, rms.weight, 0.1), [x, rms.weight]),
    ]
    for fused, written_out, sources in pairs:
        torch.testing.assert_close(fused, written_out)
        slope = randn(2, 3, 5, seed=4)
        torch.testing.assert_close(
            torch.autograd.grad(fused, sources, slope),
            torch.autograd.grad(written_out, sources, slope),
        )


def test_fresh_modules_only_normalise() -> None:
    x = randn(3, 7)
    normalised = LayerNorm(7, eps=0.0).double()(x)
    torch.testing.assert_close(normalised.mean(dim=-1), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(normalised.var(dim=-1, correction=0), torch.ones(3).double())
    scaled = RMSNorm(7, eps=0.0).double()(x)
    torch.testing.assert_close(scaled.square().mean(dim=-1), torch.ones(3, dtype=torch.float64))


def test_layer_norm_ignores_shift_and_scale_rms_norm_only_scale() -> None:
    x, ones, zeros = randn(3, 5), torch.ones(5).double(), torch.zeros(5).double()
    before = layer_norm(x, ones, zeros, eps=0.0)
    torch.testing.assert_close(layer_norm(7 * x + 11, ones, zeros, eps=0.0), before)
    torch.testing.assert_close(rms_norm(7 * x, ones, eps=0.0), rms_norm(x, ones, eps=0.0))
    moved = rms_norm(x + 11, ones, eps=0.0)
    assert (moved - rms_norm(x, ones, eps=0.0)).abs().max() > 0.1


def test_constant_vectors_stay_finite() -> None:
    x, ones, bias = torch.full((1, 3), 4.0), torch.ones(3), torch.tensor([1.0, 2.0, 3.0])
    assert torch.equal(layer_norm(x, ones, bias), bias.unsqueeze(0))
    assert torch.equal(rms_norm(0 * x, ones), torch.zeros(1, 3))


def test_gradcheck() -> None:
    x, weight, bias = (randn(*s).requires_grad_() for s in [(2, 3), (3,), (3,)])
    assert torch.autograd.gradcheck(layer_norm, (x, weight, bias))
    assert torch.autograd.gradcheck(rms_norm, (x, weight))
