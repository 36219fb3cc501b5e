from copy import deepcopy
from typing import Any

import pytest
import torch
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from course_lib.seeding import make_generator
from course_lib.training.muon import Muon, MuonConfig, fused_adamw, make_optimizer, orthogonalise
from course_lib.training.optimisers import AdamWConfig


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=make_generator(seed), dtype=torch.float64)


class Stack(nn.Module):
    """Matrices without biases in a stack, and a head."""

    def __init__(self, *shapes: tuple[int, int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(n, m, bias=False) for m, n in shapes)
        self.head = nn.Linear(3, 7)
        self.double()
        with torch.no_grad():
            for seed, parameter in enumerate(self.parameters()):
                parameter.copy_(randn(*parameter.shape, seed=seed))

    def give_gradients(self, seed: int) -> None:
        for place, parameter in enumerate(self.parameters()):
            parameter.grad = randn(*parameter.shape, seed=100 * seed + place)

    @property
    def matrices(self) -> list[Tensor]:
        return [block.weight for block in self.blocks]  # type: ignore[misc]  # blocks of any kind


def by_hand(matrix: Tensor, n_iterations: int) -> Tensor:
    """Apply the polynomial to the singular values themselves."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    values = values / (values.square().sum().sqrt() + 1e-7)
    for _ in range(n_iterations):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ values.diag() @ right


@pytest.mark.parametrize("shape", [(5, 5), (5, 11), (11, 5)])
def test_the_polynomial_works_on_the_singular_values(shape: tuple[int, int]) -> None:
    matrix = randn(*shape)
    for n_iterations in (1, 5):
        expected = by_hand(matrix, n_iterations)
        torch.testing.assert_close(orthogonalise(matrix, n_iterations), expected)


@pytest.mark.parametrize("shape", [(29, 29), (17, 37), (37, 17)])
def test_singular_values_come_into_the_known_band(shape: tuple[int, int]) -> None:
    left, _, right = torch.linalg.svd(randn(*shape), full_matrices=False)
    spread = torch.linspace(0.05, 1.0, min(shape), dtype=torch.float64)
    assert spread[0] / spread.norm() > 0.01
    values = torch.linalg.svdvals(orthogonalise(left @ (3 * spread).diag() @ right, 5))
    assert values.min() > 0.68
    assert values.max() < 1.14


def test_scale_does_not_matter_and_zero_stays_zero() -> None:
    matrix = randn(5, 7)
    torch.testing.assert_close(orthogonalise(1000 * matrix, 5), orthogonalise(matrix, 5))
    assert torch.equal(orthogonalise(torch.zeros(2, 3), 5), torch.zeros(2, 3))


def test_a_matrix_of_length_1e_minus_7_counts_half() -> None:
    matrix = randn(5, 7)
    tiny = 1e-7 * matrix / matrix.norm()
    torch.testing.assert_close(orthogonalise(tiny, 1), by_hand(tiny, 1))


def test_matrices_side_by_side_do_not_mix() -> None:
    several = randn(2, 3, 5, 7)
    singly = torch.stack([orthogonalise(m, 4) for m in several.flatten(0, 1)]).view_as(several)
    torch.testing.assert_close(orthogonalise(several, 4), singly)


def plain(**settings: Any) -> MuonConfig:
    return MuonConfig(**{"precision": "float32"} | settings)


@pytest.mark.parametrize("shape", [(3, 3), (3, 11), (11, 3)])
def test_steps_equal_those_of_torch(shape: tuple[int, int]) -> None:
    ours, theirs = Stack(shape, shape), Stack(shape, shape)
    settings = {"weight_decay": 0.3, "momentum": 0.8}
    muon = Muon(ours, MuonConfig(learning_rate=0.1, n_iterations=3, **settings))
    reference = torch.optim.Muon(theirs.matrices, lr=0.1, ns_steps=3, nesterov=True, **settings)
    for seed in range(3):
        ours.give_gradients(seed)
        theirs.give_gradients(seed)
        muon.step()
        reference.step()
    # Both iterate in bfloat16, which has 3 digits, and sum in another order.
    torch.testing.assert_close(ours.matrices, theirs.matrices, rtol=0, atol=0.02)
    assert not torch.allclose(ours.matrices[0], Stack(shape).matrices[0], rtol=0, atol=0.1)


def test_two_steps_by_hand() -> None:
    model = Stack((11, 3))
    matrix = model.matrices[0]
    expected, mean = matrix.detach().clone(), torch.zeros(11, 3, dtype=torch.float64)
    muon = Muon(model, plain(learning_rate=0.1, momentum=0.8, n_iterations=2, weight_decay=0.5))
    for seed in range(2):
        model.give_gradients(seed)
        gradient = matrix.grad
        assert gradient is not None
        mean = 0.8 * mean + 0.2 * gradient
        direction = by_hand(0.8 * mean + 0.2 * gradient, 2)
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * (11 / 3) ** 0.5 * direction
        muon.step()
    torch.testing.assert_close(matrix.detach(), expected)


def test_a_wide_matrix_takes_the_plain_step() -> None:
    model = Stack((3, 11))
    before = model.matrices[0].detach().clone()
    model.give_gradients(0)
    gradient = model.matrices[0].grad
    assert gradient is not None
    Muon(model, plain(learning_rate=0.1, n_iterations=2)).step()
    torch.testing.assert_close(model.matrices[0].detach(), before - 0.1 * by_hand(gradient, 2))


def test_fused_queries_keys_and_values_are_orthogonalised_apart() -> None:
    model = Stack((15, 5), (15, 5))
    before = [matrix.detach().clone() for matrix in model.matrices]
    model.give_gradients(0)
    Muon(model, plain(learning_rate=0.1, n_iterations=2)).step()
    for matrix, start in zip(model.matrices, before, strict=True):
        assert matrix.grad is not None
        parts = torch.cat([by_hand(part, 2) for part in matrix.grad.chunk(3)])
        torch.testing.assert_close(matrix.detach(), start - 0.1 * parts)


def test_the_iterations_are_rounded_to_bfloat16_unless_told_otherwise() -> None:
    gradient = randn(5, 5)
    exact, rounded = Stack((5, 5)), Stack((5, 5))
    for model, config in ((exact, plain()), (rounded, MuonConfig())):
        model.matrices[0].grad = gradient.clone()
        Muon(model, config).step()
    difference = (exact.matrices[0] - rounded.matrices[0]).abs().max() / 0.02
    assert 1e-4 < difference < 0.05


def test_the_rest_takes_the_steps_of_adamw() -> None:
    model, twin = Stack((3, 3)), Stack((3, 3))
    adamw = AdamWConfig(learning_rate=0.05, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.3)
    muon = Muon(model, MuonConfig(adamw=adamw))
    weight, bias = twin.head.weight, twin.head.bias
    reference = torch.optim.AdamW(
        [{"params": [weight], "weight_decay": 0.3}, {"params": [bias], "weight_decay": 0.0}],
        lr=0.05,
        betas=(0.8, 0.9),
        eps=1e-3,
    )
    for seed in range(3):
        model.give_gradients(seed)
        twin.give_gradients(seed)
        muon.step()
        reference.step()
    torch.testing.assert_close(model.head.state_dict(), twin.head.state_dict())


def test_parameters_without_gradient_stay() -> None:
    model = Stack((3, 3), (3, 3))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model.give_gradients(0)
    model.blocks[0].weight.grad = None  # type: ignore[union-attr]  # a block of any kind
    model.head.bias.grad = None
    Muon(model, MuonConfig()).step()
    changed = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert changed == {"blocks.1.weight", "head.weight"}


def test_a_loaded_state_goes_on_where_it_was() -> None:
    model, twin = Stack((3, 3)), Stack((3, 3))
    muon = Muon(model, MuonConfig())
    model.give_gradients(0)
    muon.step()
    twin.load_state_dict(model.state_dict())
    other = Muon(twin, MuonConfig())
    other.load_state_dict(deepcopy(muon.state_dict()))
    for each, optimizer in ((model, muon), (twin, other)):
        each.give_gradients(1)
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict(), rtol=0, atol=0)


def test_learning_rates_of_all_groups_can_be_set() -> None:
    model = Stack((3, 3))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    muon = Muon(model, MuonConfig())
    for group in muon.param_groups:
        group["lr"] = 0.0
    model.give_gradients(0)
    muon.step()
    torch.testing.assert_close(dict(model.named_parameters()), before, rtol=0, atol=0)


def test_a_closure_is_refused() -> None:
    with pytest.raises(ValueError, match="closure must be None"):
        Muon(Stack((3, 3)), MuonConfig()).step(lambda: 0.0)


def test_a_model_without_a_stack_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model must have matrices inside an nn.ModuleList"):
        Muon(nn.Linear(2, 3), MuonConfig())


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("learning_rate", 0.0, "> 0"),
        ("momentum", 1.0, r"in \[0, 1\)"),
        ("momentum", -0.1, r"in \[0, 1\)"),
        ("n_iterations", 0, "≥ 1"),
        ("weight_decay", -0.1, "≥ 0"),
        ("precision", "float16", "'float32' or 'bfloat16'"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object, rule: str) -> None:
    with pytest.raises((ValueError, TypeCheckError), match=rf"{name} must be {rule}|'{name}'"):
        MuonConfig(**{name: value})  # type: ignore[arg-type]  # wrong on purpose


def test_the_ends_of_the_ranges_are_accepted() -> None:
    assert MuonConfig(momentum=0.0, n_iterations=1, weight_decay=0.0).momentum == 0.0


def test_defaults_are_those_of_the_reference() -> None:
    config = MuonConfig()
    assert (config.learning_rate, config.momentum, config.n_iterations) == (0.02, 0.95, 5)
    assert (config.weight_decay, config.precision) == (0.0, "bfloat16")
    assert config.adamw.learning_rate == 3e-3


@pytest.mark.parametrize(
    ("config", "rates"),
    [
        (AdamWConfig(learning_rate=0.5, weight_decay=0.3), [0.5, 0.5]),
        (MuonConfig(learning_rate=0.7, adamw=AdamWConfig(learning_rate=0.5)), [0.7, 0.5, 0.5]),
    ],
)
def test_each_group_knows_its_highest_learning_rate(
    config: AdamWConfig | MuonConfig, rates: list[float]
) -> None:
    optimizer = make_optimizer(Stack((3, 3)), config)
    assert [group["initial_lr"] for group in optimizer.param_groups] == rates
    assert [group["lr"] for group in optimizer.param_groups] == rates


def test_adamw_has_the_settings_and_is_fused() -> None:
    config = AdamWConfig(learning_rate=0.5, beta1=0.7, beta2=0.8, eps=0.1, weight_decay=0.3)
    decayed, spared = make_optimizer(Stack((3, 3)), config).param_groups
    for group in (decayed, spared):
        assert (group["betas"], group["eps"], group["fused"]) == ((0.7, 0.8), 0.1, True)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.3, 0.0)


def test_adamw_is_not_fused_where_torch_cannot() -> None:
    groups = [{"params": [nn.Parameter(torch.zeros(2, device="meta"))]}]
    assert not fused_adamw(groups, AdamWConfig()).param_groups[0]["fused"]


@pytest.mark.parametrize("config", [AdamWConfig(learning_rate=0.1), MuonConfig(learning_rate=0.1)])
def test_both_go_downhill(config: AdamWConfig | MuonConfig) -> None:
    model, x = Stack((3, 3)), randn(5, 3)
    optimizer = make_optimizer(model, config)
    losses = []
    for _ in range(30):
        loss = model.head(model.blocks[0](x)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
