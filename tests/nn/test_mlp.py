import math

import pytest
import torch

from course_lib.nn import cross_entropy, cross_entropy_gradient, mlp_backward, mlp_forward
from course_lib.seeding import make_generator


def random_network(
    seed: int = 0, n_inputs: int = 3, n_hidden: int = 5, n_outputs: int = 2
) -> list[torch.Tensor]:
    generator = make_generator(seed)
    shapes = [(n_inputs, n_hidden), (n_hidden,), (n_hidden, n_outputs), (n_outputs,)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def test_forward_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0]])
    w1, b1 = torch.tensor([[1.0], [0.5]]), torch.tensor([-2.0])  # 1 + 1 - 2 = 0
    logits, hidden = mlp_forward(x, w1, b1 + 1, torch.tensor([[2.0, -1.0]]), torch.tensor([0.0, 1]))
    assert hidden.item() == pytest.approx(math.tanh(1))
    expected = torch.tensor([[2 * math.tanh(1), 1 - math.tanh(1)]])
    torch.testing.assert_close(logits, expected)


def test_forward_equals_two_linear_layers_of_torch() -> None:
    w1, b1, w2, b2 = random_network()
    x = torch.randn(7, 3, generator=make_generator(1), dtype=torch.float64)
    linear = torch.nn.functional.linear
    expected = linear(linear(x, w1.T, b1).tanh(), w2.T, b2)
    torch.testing.assert_close(mlp_forward(x, w1, b1, w2, b2)[0], expected)


@pytest.mark.parametrize("seed", range(3))
def test_backward_equals_autograd(seed: int) -> None:
    parameters = [p.requires_grad_() for p in random_network(seed)]
    w1, b1, w2, b2 = parameters
    x = torch.randn(7, 3, generator=make_generator(seed + 10), dtype=torch.float64)
    targets = torch.tensor([0, 1, 1, 0, 1, 0, 0])
    logits, hidden = mlp_forward(x, w1, b1, w2, b2)
    by_autograd = torch.autograd.grad(cross_entropy(logits, targets), parameters)
    with torch.no_grad():
        by_hand = mlp_backward(x, hidden, w2, cross_entropy_gradient(logits, targets))
    for ours, theirs in zip(by_hand, by_autograd, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_backward_is_linear_in_the_slope_of_the_loss() -> None:
    w1, b1, w2, b2 = random_network()
    x = torch.randn(7, 3, generator=make_generator(1), dtype=torch.float64)
    logits, hidden = mlp_forward(x, w1, b1, w2, b2)
    once, twice = (mlp_backward(x, hidden, w2, scale * logits) for scale in (1.0, 2.0))
    for small, large in zip(once, twice, strict=True):
        torch.testing.assert_close(2 * small, large)


def test_one_hidden_layer_learns_xor() -> None:
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
    targets = torch.tensor([0, 1, 1, 0])
    parameters = random_network(seed=0, n_inputs=2, n_hidden=8)
    for _ in range(300):
        logits, hidden = mlp_forward(x, *parameters)
        gradients = mlp_backward(x, hidden, parameters[2], cross_entropy_gradient(logits, targets))
        parameters = [p - 1.0 * g for p, g in zip(parameters, gradients, strict=True)]
    assert mlp_forward(x, *parameters)[0].argmax(dim=-1).tolist() == [0, 1, 1, 0]
