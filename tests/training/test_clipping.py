import pytest
import torch
from torch import Tensor

from course_lib.seeding import make_generator
from course_lib.training.clipping import clip_by_norm

SHAPES = ((2, 3), (5,), (7, 1))


def make_gradients(scale: float) -> list[Tensor]:
    generator = make_generator(0)
    return [scale * torch.randn(shape, generator=generator).double() for shape in SHAPES]


@pytest.mark.parametrize("scale", [0.1, 5.0])
def test_as_torch_clips(scale: float) -> None:
    gradients = make_gradients(scale)
    parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(parameters, 2.0)
    for ours, parameter in zip(clip_by_norm(gradients, 2.0), parameters, strict=True):
        # torch adds 1e-6 to the norm.
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-6, atol=1e-9)


def test_the_length_is_the_limit_and_the_direction_stays() -> None:
    gradients = make_gradients(5.0)
    clipped = clip_by_norm(gradients, 2.0)
    long, short = (torch.cat([g.flatten() for g in gs]) for gs in (gradients, clipped))
    assert short.norm().item() == pytest.approx(2.0)
    assert torch.cosine_similarity(long, short, dim=0).item() == pytest.approx(1.0)


def test_what_is_short_enough_is_copied() -> None:
    gradients = [torch.zeros(2, 3), torch.zeros(5)]
    clipped = clip_by_norm(gradients, 1.0)
    for before, after in zip(gradients, clipped, strict=True):
        assert torch.equal(before, after)
        assert before is not after


def test_refuses_no_length() -> None:
    with pytest.raises(ValueError, match=r"max_norm must be > 0; got max_norm=0\.0"):
        clip_by_norm([torch.ones(2)], 0.0)
