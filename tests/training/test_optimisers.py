import pytest
import torch

from course_lib.seeding import make_generator
from course_lib.training import AdamWConfig, adamw_step, sgd_step


def test_sgd_step_by_hand_leaves_its_input_alone() -> None:
    parameter = torch.tensor([1.0, 2.0])
    after = sgd_step(parameter, torch.tensor([4.0, -2.0]), 0.1)
    torch.testing.assert_close(after, torch.tensor([0.6, 2.2]))
    assert parameter.tolist() == [1.0, 2.0]


def test_sgd_steps_equal_torch() -> None:
    start = torch.randn(3, 5, generator=make_generator(0), dtype=torch.float64)
    theirs = start.clone().requires_grad_()
    optimizer, ours = torch.optim.SGD([theirs], lr=0.05), start.clone()
    for _ in range(7):
        optimizer.zero_grad()
        (theirs**4).sum().backward()
        optimizer.step()
        ours = sgd_step(ours, 4 * ours**3, 0.05)
    torch.testing.assert_close(ours, theirs.detach())


def test_sgd_step_halves_the_move_with_the_learning_rate() -> None:
    parameter, gradient = torch.tensor([1.0]), torch.tensor([3.0])
    long, short = (parameter - sgd_step(parameter, gradient, rate) for rate in (0.5, 0.25))
    torch.testing.assert_close(long, 2 * short)


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan")])
def test_sgd_step_refuses_a_rate_that_is_not_positive(rate: float) -> None:
    with pytest.raises(ValueError, match=r"learning_rate must be > 0; got"):
        sgd_step(torch.ones(1), torch.ones(1), rate)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_adamw_steps_equal_torch(weight_decay: float) -> None:
    start = torch.randn(3, 5, generator=make_generator(0), dtype=torch.float64)
    config = AdamWConfig(
        learning_rate=0.02, beta1=0.8, beta2=0.95, eps=1e-3, weight_decay=weight_decay
    )
    theirs = start.clone().requires_grad_()
    optimizer = torch.optim.AdamW(
        [theirs], lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=weight_decay
    )
    ours, mean, mean_square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for n_steps in range(1, 8):
        optimizer.zero_grad()
        (theirs**4).sum().backward()
        optimizer.step()
        ours, mean, mean_square = adamw_step(ours, 4 * ours**3, mean, mean_square, n_steps, config)
    torch.testing.assert_close(ours, theirs.detach())


def test_first_adamw_step_by_hand() -> None:
    config = AdamWConfig(learning_rate=0.1, beta1=0.9, beta2=0.99, weight_decay=0.0)
    gradient, zeros = torch.tensor([4.0, -0.02], dtype=torch.float64), torch.zeros(2)
    after, mean, mean_square = adamw_step(zeros, gradient, zeros, zeros, 1, config)
    torch.testing.assert_close(mean, 0.1 * gradient)
    torch.testing.assert_close(mean_square, 0.01 * gradient**2)
    expected = torch.tensor([-0.1, 0.1], dtype=torch.float64)
    # eps = 1e-8 against a gradient of 0.02 shortens the step by 5e-7 of its length.
    torch.testing.assert_close(after, expected, rtol=1e-6, atol=0)


def test_first_adamw_step_does_not_depend_on_the_size_of_the_gradient() -> None:
    config = AdamWConfig(weight_decay=0.0, eps=1e-30)
    gradient, zeros = torch.tensor([0.3, -7.0, 1e-6], dtype=torch.float64), torch.zeros(3)
    small, _, _ = adamw_step(zeros, gradient, zeros, zeros, 1, config)
    large, _, _ = adamw_step(zeros, 1000 * gradient, zeros, zeros, 1, config)
    torch.testing.assert_close(small, large)


def test_weight_decay_is_decoupled_from_the_gradient() -> None:
    config = AdamWConfig(learning_rate=0.1, weight_decay=0.5)
    zeros = torch.zeros(2)
    after, _, _ = adamw_step(torch.tensor([1.0, -4.0]), zeros, zeros, zeros, 1, config)
    torch.testing.assert_close(after, torch.tensor([0.95, -3.8]))


def test_adamw_step_counts_from_one() -> None:
    ones = torch.ones(1)
    with pytest.raises(ValueError, match=r"n_steps must be ≥ 1.*got 0"):
        adamw_step(ones, ones, ones, ones, 0, AdamWConfig())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("eps", -1e-8),
        ("beta1", 1.0),
        ("beta2", -0.1),
        ("weight_decay", -0.01),
    ],
)
def test_config_names_the_setting_that_is_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be .*; got {name}="):
        AdamWConfig(**{name: value})
