import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_lib.training.layerwise import LayerwiseAdamWConfig
from course_lib.training.muon import Muon, MuonConfig, make_optimizer
from course_lib.training.optimisers import AdamWConfig
from course_lib.training.optimizer_state import load_optimizer, optimizer_tensors
from course_lib.training.packing import Packed, pack

OPTIMIZERS: dict[str, Callable[[nn.Module], torch.optim.Optimizer]] = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
    "momentum": lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    "amsgrad": lambda model: torch.optim.Adam(model.parameters(), amsgrad=True),
    "tensor rate": lambda model: torch.optim.Adam(model.parameters(), lr=torch.tensor(0.01)),
    "rmsprop": lambda model: torch.optim.RMSprop(model.parameters(), centered=True),
    "adagrad": lambda model: torch.optim.Adagrad(model.parameters()),
    "adafactor": lambda model: torch.optim.Adafactor(model.parameters()),
    "lbfgs": lambda model: torch.optim.LBFGS(model.parameters(), max_iter=3),
    "adamw": lambda model: make_optimizer(model, AdamWConfig()),
    "layerwise": lambda model: make_optimizer(model, LayerwiseAdamWConfig(decay=0.5)),
    "muon": lambda model: Muon(model, MuonConfig()),
}


def make_model(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    blocks = nn.ModuleList([nn.Linear(5, 7), nn.Linear(7, 3)])
    return nn.Sequential(*blocks, blocks)  # the stack is where Muon looks for matrices


def take_steps(model: nn.Module, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        x = torch.randn(11, 5, generator=torch.Generator().manual_seed(step))

        def closure(x: Tensor = x) -> Tensor:
            optimizer.zero_grad()
            loss = model[1](model[0](x)).square().mean()  # pyright: ignore[reportIndexIssue]
            loss.backward()
            return loss

        if isinstance(optimizer, torch.optim.LBFGS):
            optimizer.step(closure)  # pyright: ignore[reportArgumentType]
        else:
            closure()
            optimizer.step()


def assert_same(one: Packed, other: Packed) -> None:
    assert one.tree == other.tree
    assert repr(one.tree) == repr(other.tree)
    assert one.tensors.keys() == other.tensors.keys()
    for name, tensor in one.tensors.items():
        assert other.tensors[name].dtype == tensor.dtype
        assert torch.equal(other.tensors[name], tensor)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_loaded_optimiser_goes_on_to_the_last_bit(name: str, tmp_path: Path) -> None:
    model = make_model(1)
    optimizer = OPTIMIZERS[name](model)
    take_steps(model, optimizer, 0, 3)
    optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["lr"] * 0.5
    packed = optimizer_tensors(optimizer)
    apart = {key: tensor.clone() for key, tensor in packed.tensors.items()}
    save_file(apart, tmp_path / "optimizer.safetensors")
    tree = json.loads(json.dumps(packed.tree))

    resumed = make_model(2)
    resumed.load_state_dict(model.state_dict())
    other = OPTIMIZERS[name](resumed)
    load_optimizer(other, Packed(tree, load_file(tmp_path / "optimizer.safetensors")))
    assert_same(optimizer_tensors(other), packed)
    take_steps(model, optimizer, 3, 6)
    take_steps(resumed, other, 3, 6)
    for mine, theirs in zip(model.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert_same(optimizer_tensors(other), optimizer_tensors(optimizer))


def test_without_the_state_the_steps_differ() -> None:
    model, other = make_model(1), make_model(1)
    optimizer = OPTIMIZERS["adamw"](model)
    take_steps(model, optimizer, 0, 3)
    other.load_state_dict(model.state_dict())
    take_steps(model, optimizer, 3, 6)
    take_steps(other, OPTIMIZERS["adamw"](other), 3, 6)
    assert not torch.equal(next(model.parameters()), next(other.parameters()))


class Precise(torch.optim.Optimizer):
    """Keeps its averages in float64, whatever the parameters are, and a word beside them."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__(parameters, {})
        for group in self.param_groups:
            for parameter in group["params"][:-1]:
                mean = torch.full_like(parameter, 1 / 3, dtype=torch.float64)
                self.state[parameter] = {"mean": mean, "rounds": torch.tensor(3), "n": 5}


def test_torch_does_not_round_what_is_loaded() -> None:
    parameters = [nn.Parameter(torch.zeros(n, dtype=torch.bfloat16)) for n in (2, 3, 5)]
    optimizer = Precise(parameters)
    packed = pack(optimizer.state_dict())
    for state in optimizer.state.values():
        state.clear()
    load_optimizer(optimizer, packed)
    assert_same(optimizer_tensors(optimizer), packed)
    assert optimizer.state[parameters[0]]["mean"].dtype == torch.float64
    assert optimizer.state[parameters[1]]["n"] == 5


def test_a_loaded_optimiser_shares_no_memory() -> None:
    model = make_model(1)
    optimizer = OPTIMIZERS["adamw"](model)
    take_steps(model, optimizer, 0, 2)
    packed = optimizer_tensors(optimizer)
    before = {name: tensor.clone() for name, tensor in packed.tensors.items()}
    resumed = make_model(1)
    other = OPTIMIZERS["adamw"](resumed)
    load_optimizer(other, packed)
    take_steps(resumed, other, 2, 3)
    assert all(torch.equal(packed.tensors[name], tensor) for name, tensor in before.items())


def test_other_groups_are_refused() -> None:
    model = make_model(1)
    packed = optimizer_tensors(OPTIMIZERS["adamw"](model))
    next(model.parameters()).requires_grad_(False)
    with pytest.raises(ValueError, match="parameter group"):
        load_optimizer(OPTIMIZERS["adamw"](model), packed)


def test_state_that_no_file_could_hold_is_refused() -> None:
    parameter: Any = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    optimizer.state[parameter]["callback"] = print
    with pytest.raises(TypeError, match=r"got builtin_function_or_method at 'state/0/callback'"):
        optimizer_tensors(optimizer)
